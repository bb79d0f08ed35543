"""What one look at an account or a person finds. Pure: everything it needs comes in, a value comes out."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from worker.domain.account import Account, AccountState, TargetAccount
from worker.domain.comparison import Comparator
from worker.domain.connector import DeprovisionPolicy
from worker.domain.correlation import CorrelationResult, Decision
from worker.domain.discrepancy import DiscrepancyType, Finding, finding_key
from worker.recon import explain
from worker.recon.causes import causes_of
from worker.recon.explain import ACTIVE


@dataclass(frozen=True, slots=True)
class Rules:
    """How accounts of one target are compared and spoken of.

    ``hooked`` are the managed attributes that hooks compute: they are compared only where a hook has set them.
    ``inbound`` are those that the mapping lets flow back to the identity.
    """

    connector: str
    comparator: Comparator
    deprovision: DeprovisionPolicy = DeprovisionPolicy.DISABLE
    hooked: frozenset[str] = frozenset()
    inbound: frozenset[str] = frozenset()


def differences(account: Account, seen: TargetAccount, rules: Rules) -> dict[str, dict[str, Any]]:
    """What is not as wanted: ``{name: {"expected", "actual"}}``, with the active flag under ``active``.

    Nothing is expected of an account that was never planned, and of an inactive one only that it stays inactive.
    """
    found: dict[str, dict[str, Any]] = {}
    if account.wanted is not None and account.wanted_active is not False:
        unset = rules.hooked - (account.hooked or {}).keys() - account.wanted.keys()
        for name, one in rules.comparator.differences(account.expected, actual=seen.attributes).items():
            if name not in unset:
                found[name] = {"expected": one.expected, "actual": one.actual}
    wanted = account.wanted_active
    if wanted is not None and seen.active is not None and wanted != seen.active:
        found[ACTIVE] = {"expected": wanted, "actual": seen.active}
    return found


def mismatch(
    account: Account,
    seen: TargetAccount,
    rules: Rules,
    *,
    who: str,
    state_hash: int,
    taken: Collection[str] = (),
) -> Finding | None:
    """A linked account against what it should be; None when it is as wanted. What the person takes is as it should."""
    found = {name: each for name, each in differences(account, seen, rules).items() if name not in taken}
    if not found:
        return None
    is_unwanted = account.wanted is None and account.wanted_active is False
    return Finding(
        type=DiscrepancyType.MISMATCH,
        key=finding_key(DiscrepancyType.MISMATCH, seen.uid),
        explanation=explain.mismatch_words(who, seen.uid, rules.connector, found),
        suggestions=explain.mismatch_repairs(
            account.identity_id, attributes=found, inbound=rules.inbound, is_unwanted=is_unwanted
        ),
        account_id=account.id,
        identity_id=account.identity_id,
        external_uid=seen.uid,
        attributes=found,
        causes=causes_of(found),
        state_hash=state_hash,
    )


def must_be_written(
    account: Account, *, observed_hash: int | None, seen_hash: int, agrees: bool, is_agreed: bool
) -> bool:
    """Whether our record of a linked account is not what was just seen."""
    return observed_hash != seen_hash or account.state is not AccountState.ACTIVE or agrees != is_agreed


def missing(identity_id: UUID, *, who: str, account_id: UUID | None, rules: Rules) -> Finding:
    return Finding(
        type=DiscrepancyType.MISSING,
        key=finding_key(DiscrepancyType.MISSING, identity_id),
        explanation=explain.missing_words(who, rules.connector),
        suggestions=explain.missing_repairs(identity_id, who),
        account_id=account_id,
        identity_id=identity_id,
    )


def deleted(
    account_id: UUID, *, uid: str, identity_id: UUID, who: str, is_wanted: bool, was_read: bool, rules: Rules
) -> Finding:
    """``was_read``: a single read confirmed that it is gone."""
    return Finding(
        type=DiscrepancyType.DELETED,
        key=finding_key(DiscrepancyType.DELETED, uid),
        explanation=explain.deleted_words(who, uid, rules.connector, was_read=was_read),
        suggestions=explain.deleted_repairs(identity_id, who, is_wanted=is_wanted),
        account_id=account_id,
        identity_id=identity_id,
        external_uid=uid,
    )


def unowned(account_id: UUID, *, uid: str, result: CorrelationResult, rules: Rules, state_hash: int | None) -> Finding:
    """An account without a link: its owner is found, is disputed, or there is none."""
    match result.decision:
        case Decision.AUTO if result.match is not None:
            kind, words = (
                DiscrepancyType.UNLINKED,
                explain.unlinked_words(result.match, uid, rules.connector, result.reason),
            )
            repairs = explain.unlinked_repairs(result.match)
        case Decision.REVIEW:
            kind, words = DiscrepancyType.COLLISION, explain.collision_words(result, uid, rules.connector)
            repairs = explain.collision_repairs(result.candidates)
        case _:
            kind, words = DiscrepancyType.ORPHAN, explain.orphan_words(uid, rules.connector, result.reason)
            repairs = explain.orphan_repairs(rules.deprovision)
    return Finding(
        type=kind,
        key=finding_key(kind, uid),
        explanation=words,
        suggestions=repairs,
        account_id=account_id,
        identity_id=result.match.ref_id if kind is DiscrepancyType.UNLINKED and result.match else None,
        external_uid=uid,
        state_hash=state_hash,
    )
