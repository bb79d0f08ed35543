"""What a repair would do, decided before anything is done: pure.

The same function makes the set of a dry run, of a preview and of the real thing, so they cannot differ.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any
from uuid import UUID

from worker.domain.account import Account
from worker.domain.connector import Connector
from worker.domain.discrepancy import Discrepancy, DiscrepancyType, RepairAction, RepairDirection, Resolution
from worker.domain.mapping import MappingRule
from worker.domain.operation import OperationType
from worker.domain.protection import Protects, touches_protected
from worker.recon.explain import ACTIVE
from worker.store.identities import StoredIdentity

#: What tells a person apart never comes from an account.
IDENTIFYING = frozenset({"id", "external_id", "user_name", "active"})

_TARGET, _IDENTITY = RepairDirection.TO_TARGET, RepairDirection.TO_IDENTITY


class Effect(StrEnum):
    """How a repair is carried out."""

    OPERATION = "operation"
    PLAN = "plan"
    LINK = "link"
    UNLINK = "unlink"
    INACTIVATE = "inactivate"
    TAKE_OVER = "take_over"


@dataclass(frozen=True, slots=True)
class Wish:
    """A repair that is asked for; what is left open is taken from the finding's best suggestion."""

    discrepancy_id: UUID
    action: RepairAction | None = None
    direction: RepairDirection | None = None
    identity_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Known:
    """What our records know about the things of one finding; ``protects`` tells protected accounts."""

    connector: Connector
    account: Account | None
    identity: StoredIdentity | None
    inbound: tuple[MappingRule, ...] = ()
    protects: Protects | None = None


@dataclass(frozen=True, slots=True)
class Proposal:
    """A repair with what it changes: ``before`` and ``after`` are the two states, ``changes`` one entry per attribute.

    ``payload`` and ``kind`` are the operation's where the target is changed; ``values`` what an identity takes over.
    """

    discrepancy_id: UUID
    action: RepairAction
    direction: RepairDirection
    effect: Effect
    before: dict[str, Any] | None
    after: dict[str, Any] | None
    changes: dict[str, Any] = field(default_factory=dict)
    identity_id: UUID | None = None
    kind: OperationType | None = None
    payload: dict[str, Any] = field(default_factory=dict)
    values: dict[str, Any] = field(default_factory=dict)
    match: dict[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why nothing can be done; ``is_skip``: because nothing is left to do."""

    discrepancy_id: UUID
    reason: str
    action: RepairAction | None = None
    direction: RepairDirection = _TARGET
    is_skip: bool = False


def propose(discrepancy: Discrepancy, wish: Wish, *, known: Known) -> Proposal | Refusal:
    """What the wished repair of a finding does, or why it does nothing."""
    action, direction, identity_id, match = _chosen(discrepancy, wish)
    if action is None:
        return Refusal(discrepancy.id, "Nothing is suggested for this; choose an action.")
    reason = _obstacle(discrepancy, action, direction, known)
    if reason is not None:
        is_skip = discrepancy.resolution is not Resolution.PENDING
        return Refusal(discrepancy.id, reason, action, direction, is_skip=is_skip)
    made = _MAKERS[action](_Choice(discrepancy, action, direction, identity_id, match), known)
    return made if isinstance(made, Proposal) else Refusal(discrepancy.id, made, action, direction)


@dataclass(frozen=True, slots=True)
class _Choice:
    discrepancy: Discrepancy
    action: RepairAction
    direction: RepairDirection
    identity_id: UUID | None
    match: dict[str, Any] | None

    def proposal(self, effect: Effect, *, before: dict[str, Any] | None, after: dict[str, Any] | None) -> Proposal:
        changes = {
            name: {"before": (before or {}).get(name), "after": (after or {}).get(name)}
            for name in sorted({*(before or {}), *(after or {})})
            if (before or {}).get(name) != (after or {}).get(name)
        }
        return Proposal(
            self.discrepancy.id,
            self.action,
            self.direction,
            effect,
            before=before,
            after=after,
            changes=changes,
            identity_id=self.identity_id,
            match=self.match,
        )


def _chosen(
    discrepancy: Discrepancy, wish: Wish
) -> tuple[RepairAction | None, RepairDirection, UUID | None, dict[str, Any] | None]:
    """Fill what the wish leaves open from the first suggestion that fits it."""
    finding = discrepancy.finding
    for each in finding.suggestions:
        fits = (
            wish.action in {None, each.action}
            and wish.direction in {None, each.direction}
            and (wish.identity_id is None or each.identity_id in {None, wish.identity_id})
        )
        if fits:
            identity_id = wish.identity_id or each.identity_id or finding.identity_id
            return each.action, each.direction, identity_id, each.match
    if wish.action is None:
        return None, _TARGET, None, None
    direction = wish.direction or (_TARGET if wish.action in _AT_TARGET else _IDENTITY)
    return wish.action, direction, wish.identity_id or finding.identity_id, None


_AT_TARGET = frozenset({RepairAction.CREATE, RepairAction.UPDATE, RepairAction.DELETE})


def _obstacle(discrepancy: Discrepancy, action: RepairAction, direction: RepairDirection, known: Known) -> str | None:
    if discrepancy.resolution is not Resolution.PENDING:
        return f"This is {discrepancy.resolution} already."
    if action not in POSSIBLE[discrepancy.type]:
        return f"{action} does not settle a finding of the kind {discrepancy.type}."
    account = known.account
    if account is not None and account.live:
        return "An operation of this account is under way; wait for its end."
    changes_target = action in {RepairAction.UPDATE, RepairAction.DELETE} and direction is _TARGET
    if changes_target and account is not None and known.protects is not None:
        wanted = {name: each["expected"] for name, each in discrepancy.finding.attributes.items() if name != ACTIVE}
        if touches_protected(known.protects, account, wanted):
            return "This account is protected and is never changed."
    return None


#: The actions that can settle a kind.
POSSIBLE: Mapping[DiscrepancyType, frozenset[RepairAction]] = {
    DiscrepancyType.MISSING: frozenset({RepairAction.CREATE, RepairAction.INACTIVATE_IDENTITY}),
    DiscrepancyType.ORPHAN: frozenset({RepairAction.LINK, RepairAction.DELETE}),
    DiscrepancyType.MISMATCH: frozenset(
        {RepairAction.UPDATE, RepairAction.DELETE, RepairAction.UNLINK, RepairAction.INACTIVATE_IDENTITY}
    ),
    DiscrepancyType.COLLISION: frozenset({RepairAction.LINK, RepairAction.DELETE}),
    DiscrepancyType.UNLINKED: frozenset({RepairAction.LINK, RepairAction.DELETE}),
    DiscrepancyType.DELETED: frozenset({RepairAction.CREATE, RepairAction.UNLINK, RepairAction.INACTIVATE_IDENTITY}),
}


def _create(choice: _Choice, known: Known) -> Proposal | str:
    if choice.direction is _IDENTITY:
        return "People are made at their source, not from an account."
    if known.identity is None:
        return "The identity is gone."
    if not known.identity.is_enabled:
        return "The identity is not active, so it gets no account."
    wanted = known.account.wanted if known.account else None
    after = {**(wanted or {}), ACTIVE: True}
    return choice.proposal(Effect.PLAN, before=None, after=after)


def _update(choice: _Choice, known: Known) -> Proposal | str:
    differing = choice.discrepancy.finding.attributes
    account = known.account
    if account is None or account.uid is None:
        return "The account is gone."
    if choice.direction is _IDENTITY:
        return _take_over(choice, known)
    before = {name: each["actual"] for name, each in differing.items()}
    after = {name: each["expected"] for name, each in differing.items()}
    made = choice.proposal(Effect.OPERATION, before=before, after=after)
    attributes = {name: _sent(value) for name, value in after.items() if name != ACTIVE}
    payload: dict[str, Any] = {"attributes": attributes}
    if ACTIVE in after:
        payload["active"] = after[ACTIVE]
    return replace(made, kind=OperationType.UPDATE, payload=payload)


def _take_over(choice: _Choice, known: Known) -> Proposal | str:
    """The identity gets the account's values, where the mapping is a plain copy that may flow back."""
    identity = known.identity
    if identity is None:
        return "The identity is gone."
    rules = {rule.target: rule for rule in known.inbound if rule.source and not (rule.transforms or rule.expression)}
    values: dict[str, Any] = {}
    for name, each in choice.discrepancy.finding.attributes.items():
        rule = rules.get(name)
        if rule is None or rule.source is None:
            return f"The mapping does not let {name} flow back to the identity."
        if rule.source in IDENTIFYING:
            return f"{rule.source} tells people apart and is never taken from an account."
        values[rule.source] = each["actual"]
    before = {name: identity.attributes.get(name) for name in values}
    return replace(choice.proposal(Effect.TAKE_OVER, before=before, after=values), values=values)


def _delete(choice: _Choice, known: Known) -> Proposal | str:
    account = known.account
    if account is None or account.uid is None:
        return "The account is gone."
    if choice.direction is _IDENTITY:
        return "People are removed at their source, not because of an account."
    made = choice.proposal(Effect.OPERATION, before={"uid": account.uid, **(account.observed or {})}, after=None)
    return replace(made, kind=OperationType.DELETE, payload={"attributes": {}})


def _link(choice: _Choice, known: Known) -> Proposal | str:
    account = known.account
    if account is None or account.uid is None:
        return "The account is gone."
    if account.identity_id is not None:
        return "The account has an owner already."
    if choice.identity_id is None:
        return "Choose whose account it is."
    if known.identity is None:
        return "There is no such identity."
    after = {"identity_id": str(choice.identity_id), "user_name": known.identity.user_name}
    return choice.proposal(Effect.LINK, before={"identity_id": None, "user_name": None}, after=after)


def _unlink(choice: _Choice, known: Known) -> Proposal | str:
    account = known.account
    if account is None or account.identity_id is None:
        return "No link is recorded."
    name = known.identity.user_name if known.identity else None
    before = {"identity_id": str(account.identity_id), "user_name": name}
    return choice.proposal(Effect.UNLINK, before=before, after={"identity_id": None, "user_name": None})


def _inactivate(choice: _Choice, known: Known) -> Proposal | str:
    if known.identity is None:
        return "The identity is gone."
    if not known.identity.active:
        return "The identity is inactive already."
    return choice.proposal(Effect.INACTIVATE, before={ACTIVE: True}, after={ACTIVE: False})


_MAKERS = {
    RepairAction.CREATE: _create,
    RepairAction.UPDATE: _update,
    RepairAction.DELETE: _delete,
    RepairAction.LINK: _link,
    RepairAction.UNLINK: _unlink,
    RepairAction.INACTIVATE_IDENTITY: _inactivate,
}


def wishes_of_policy(policy: Mapping[str, str]) -> dict[DiscrepancyType, tuple[RepairAction, RepairDirection | None]]:
    """What a connector repairs by itself: ``{"missing": "create", "mismatch": "update:xavyo_to_target"}``.

    An action that does not settle its kind, or a word that is none, repairs nothing; a collision is for a person.
    """
    found = {}
    for kind, text in policy.items():
        action, _, direction = text.partition(":")
        is_known = kind in set(DiscrepancyType) and action in set(RepairAction)
        if is_known and (not direction or direction in set(RepairDirection)):
            found[DiscrepancyType(kind)] = (
                RepairAction(action),
                RepairDirection(direction) if direction else None,
            )
    return {
        kind: each
        for kind, each in found.items()
        if each[0] in POSSIBLE[kind] and kind is not DiscrepancyType.COLLISION
    }


def _sent(value: Any) -> Any:
    """As an update says it: no value is null, which clears."""
    return None if value == [] else value
