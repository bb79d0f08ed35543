"""What planning would do to people at one target with a mapping that is not active: the same decisions, none written.

Before-hooks run when an operation is carried out, so what they change is not foretold here.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any
from uuid import UUID

from worker.domain.account import Account
from worker.domain.operation import Origin
from worker.domain.redaction import MARK, shown
from worker.planning.batch import Batch, Step, Target, decide_batch
from worker.planning.targets import Mapper, map_batch, not_given
from worker.security import Vault
from worker.store.identities import StoredIdentity
from worker.store.plan_items import Complaint, PlanItem

#: Kinds of change, in the order people read them.
KINDS = ("create", "update", "enable", "disable", "delete")
REMOVALS = frozenset({"disable", "delete"})
#: People of each kind that a dry run shows.
SHOWN = 5


@dataclass(frozen=True, slots=True)
class Foretold:
    """What would become of one person's account.

    ``kind`` is one of ``KINDS``, ``none``, ``error`` or ``protected``. ``before`` is the account as it was last seen,
    or as it was wanted where nobody has looked; ``after`` is it with what is ``sent``. None: there is none.
    ``wanted_now`` and ``wanted_then`` are what planning keeps. Secrets are marks.
    """

    identity_id: UUID
    external_id: str
    user_name: str
    is_in_scope: bool
    kind: str
    account_id: UUID | None = None
    uid: str | None = None
    before: dict[str, Any] | None = None
    after: dict[str, Any] | None = None
    sent: dict[str, Any] = field(default_factory=dict)
    active_before: bool | None = None
    active_after: bool | None = None
    wanted_now: dict[str, Any] | None = None
    wanted_then: dict[str, Any] | None = None
    error: str | None = None

    @property
    def changes(self) -> dict[str, dict[str, Any]]:
        """``{name: {"before", "after"}}`` of every attribute that would be another."""
        before, after = self.before or {}, self.after or {}
        return {
            name: {"before": before.get(name), "after": after.get(name)}
            for name in self.sent
            if before.get(name) != after.get(name) or self.sent[name] == MARK
        }


async def foretell(
    people: Sequence[StoredIdentity],
    *,
    target: Target,
    accounts: Mapping[UUID, Account],
    mapper: Mapper,
    vault: Vault,
    tenant_id: UUID,
) -> list[tuple[Foretold, Step | None]]:
    """What would become of each of these people, in their order, with the step that would do it.

    ``accounts`` are those they have at the target, by person.
    """
    batch = Batch([PlanItem(each.id, 0, Origin.MAPPING, None, None, each) for each in people], [target])
    await map_batch(batch, mapper)
    connector = target.connector
    keyed = {(person, connector.id, connector.object_class): account for person, account in accounts.items()}
    decisions = decide_batch(
        batch,
        taken={each.id for each in people},
        accounts=keyed,
        not_given=partial(not_given, vault, tenant_id),
    )
    secrets = frozenset(rule.target for rule in target.mapping.rules if rule.secret) if target.mapping else frozenset()
    steps = {step.identity_id: step for step in (*decisions.new, *decisions.known)}
    complaints = {each.identity_id: each for each in decisions.complaints}
    return [
        (
            _foretold(
                each,
                account=accounts.get(each.id),
                step=steps.get(each.id),
                complaint=complaints.get(each.id),
                is_in_scope=each.id in batch.in_scope[0],
                secrets=secrets,
            ),
            steps.get(each.id),
        )
        for each in people
    ]


def tally(found: Iterable[Foretold]) -> dict[str, Any]:
    """Counts of a page, to be added up: ``{"kinds": {kind: n}, "attributes": {name: n}}``.

    Attributes are those that existing accounts would have otherwise.
    """
    kinds: Counter[str] = Counter()
    attributes: Counter[str] = Counter()
    for each in found:
        kinds[each.kind] += 1
        if each.kind in {"update", "enable"}:
            attributes.update(each.sent.keys())
    return {"kinds": dict(kinds), "attributes": dict(attributes)}


def added(one: Mapping[str, Any], other: Mapping[str, Any]) -> dict[str, Any]:
    """The counts of two pages together."""
    return {part: dict(Counter(one.get(part, {})) + Counter(other.get(part, {}))) for part in ("kinds", "attributes")}


def sampled(known: Sequence[dict[str, Any]], found: Iterable[Foretold]) -> list[dict[str, Any]]:
    """The first few of each kind that is not ``none``, as JSON."""
    samples = list(known)
    counted = Counter(str(each["kind"]) for each in samples)
    for each in found:
        if each.kind != "none" and counted[each.kind] < SHOWN:
            counted[each.kind] += 1
            samples.append(foretold_json(each))
    return samples


def foretold_json(each: Foretold) -> dict[str, Any]:
    """One person's forecast as it is kept and shown."""
    return {
        "identity_id": str(each.identity_id),
        "external_id": each.external_id,
        "user_name": each.user_name,
        "in_scope": each.is_in_scope,
        "kind": each.kind,
        "account_id": str(each.account_id) if each.account_id else None,
        "uid": each.uid,
        "before": each.before,
        "after": each.after,
        "changes": each.changes,
        "active_before": each.active_before,
        "active_after": each.active_after,
        "wanted_now": each.wanted_now,
        "wanted_then": each.wanted_then,
        "error": each.error,
    }


def _foretold(
    person: StoredIdentity,
    *,
    account: Account | None,
    step: Step | None,
    complaint: Complaint | None,
    is_in_scope: bool,
    secrets: frozenset[str],
) -> Foretold:
    before = None if account is None or account.uid is None else _marked(_seen(account), secrets)
    wanted_now = None if account is None or account.wanted is None else _marked(account.wanted, secrets)
    kind = "error" if complaint else _kind_of(step)
    sent = _sent(step) if step and kind != "none" else {}
    return Foretold(
        identity_id=person.id,
        external_id=person.external_id,
        user_name=person.user_name,
        is_in_scope=is_in_scope,
        kind=kind,
        account_id=account.id if account else None,
        uid=account.uid if account else None,
        before=before,
        after=None if kind == "delete" or (before is None and kind != "create") else _after(before or {}, sent),
        sent=sent,
        active_before=account.observed_active if account else None,
        active_after=step.change.wanted_active if step else None,
        wanted_now=wanted_now,
        wanted_then=_marked(step.change.wanted, secrets) if step and step.change.wanted is not None else wanted_now,
        error=complaint.message if complaint else None,
    )


def _seen(account: Account) -> dict[str, Any]:
    return account.expected if account.observed is None else account.observed


def _marked(attributes: Mapping[str, Any], secrets: frozenset[str]) -> dict[str, Any]:
    """Without what is secret by its name, or by the mapping that is tried."""
    return {name: MARK if name in secrets else value for name, value in shown(attributes).items()}


def _kind_of(step: Step | None) -> str:
    if step is None or step.change.kind is None:
        return "none"
    active = step.change.payload.get("active")
    if step.change.kind.value == "update" and active is not None:
        return "enable" if active else "disable"
    return step.change.kind.value


def _sent(step: Step) -> dict[str, Any]:
    return shown(step.change.payload.get("attributes", {})) | dict.fromkeys(step.change.secrets, MARK)


def _after(before: Mapping[str, Any], sent: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in {**before, **sent}.items() if value is not None}
