"""Takes back what settled a finding, as far as that can be: never a deletion, and no account that was made.

What was changed at a target is changed back through the queue, bound to the state in which we left the account: when
somebody has changed it since, nothing is done. People are locked before accounts, as everywhere.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from worker.domain import precedence
from worker.domain.account import Account, AccountState
from worker.domain.conflict import same
from worker.domain.correlation import PersonDecision, Verdict
from worker.domain.discrepancy import Discrepancy, RepairAction, RepairDirection, Resolution
from worker.domain.operation import NewOperation, OperationType, Origin
from worker.domain.precedence import Sharing
from worker.recon.effects import hooked
from worker.recon.explain import ACTIVE
from worker.recon.links import why_not_linked
from worker.recon.witness import with_evidence
from worker.store import accounts, connectors, correlation, identities, identity_sources, plan_items, recon_actions
from worker.store.accounts import Link, Place, Shadow
from worker.store.identities import StoredIdentity
from worker.store.identity_sources import Said
from worker.store.pool import Connection
from worker.store.sql import Record

_UNDER_WAY = "An operation of this account is under way; wait for its end."
_MOVED = "It has changed since it was repaired; what is there now is left alone."
_NEVER = {
    RepairAction.DELETE: "A deletion cannot be undone.",
    RepairAction.CREATE: "An account that was made is not removed by undoing; delete it where that is right.",
}


@dataclass(frozen=True, slots=True)
class Undone:
    """``error`` tells why nothing is done; ``operation`` has to be accepted; ``is_repair``: not just an ignore."""

    error: str | None = None
    operation: NewOperation | None = None
    before: dict[str, Any] | None = None
    after: dict[str, Any] | None = None
    is_repair: bool = True


async def take_back(conn: Connection, discrepancy: Discrepancy, *, tenant_id: UUID, by: UUID) -> Undone:
    """Undo what settled a finding that is locked, or say why not."""
    if discrepancy.resolution is Resolution.IGNORED:
        return Undone(is_repair=False)
    if discrepancy.resolution is Resolution.PENDING:
        return Undone("Nothing has been done about this.")
    found = await recon_actions.last_of(conn, tenant_id=tenant_id, discrepancy_ids=[discrepancy.id])
    last = found.get(discrepancy.id)
    if last is None or last["action_type"] != discrepancy.resolved_action:
        return Undone("This was settled by itself; there is nothing to take back.")
    action = RepairAction(last["action_type"])
    if action in _NEVER:
        return Undone(_NEVER[action])
    return await _take_back(conn, discrepancy, action, last, tenant_id=tenant_id, by=by)


async def _take_back(
    conn: Connection, discrepancy: Discrepancy, action: RepairAction, last: Record, *, tenant_id: UUID, by: UUID
) -> Undone:
    where = {"tenant_id": tenant_id, "connector_id": discrepancy.connector_id}
    before, after = last["details"].get("before_state") or {}, last["details"].get("after_state") or {}
    match action:
        case RepairAction.LINK:
            error = await _unlink_again(conn, discrepancy, UUID(after["identity_id"]), where, by=by)
        case RepairAction.UNLINK:
            error = await _link_again(conn, discrepancy, UUID(before["identity_id"]), where)
        case RepairAction.INACTIVATE_IDENTITY:
            error = await _activate_again(conn, discrepancy, tenant_id=tenant_id)
        case _ if last["direction"] == RepairDirection.TO_IDENTITY:
            error = await _give_back(conn, discrepancy, before=before, after=after, tenant_id=tenant_id)
        case _:
            rows = await accounts.by_ids(conn, tenant_id=tenant_id, ids=_ids(discrepancy.finding.account_id))
            shadow = next(iter(rows.values()), None)
            return change_back(shadow, discrepancy, before=before, after=after, by=by)
    return Undone(error, before=after, after=before)


def change_back(
    shadow: Shadow | None, discrepancy: Discrepancy, *, before: Mapping[str, Any], after: Mapping[str, Any], by: UUID
) -> Undone:
    """What gives an account its former values again: pure.

    Nothing where the repair changed nothing (it was dropped, or failed); refused where the account has moved since.
    """
    account = shadow.account if shadow else None
    if shadow is None or account is None or account.uid is None or account.state is not AccountState.ACTIVE:
        return Undone("The account is gone.")
    if account.live:
        return Undone(_UNDER_WAY)
    if _shows(account, before):
        return Undone(before=dict(after), after=dict(before))
    if not _shows(account, after):
        return Undone(_MOVED)
    payload: dict[str, Any] = {
        "attributes": {name: None if value == [] else value for name, value in before.items() if name != ACTIVE}
    }
    if before.get(ACTIVE) is not None:
        payload["active"] = before[ACTIVE]
    operation = NewOperation(
        connector_id=discrepancy.connector_id,
        account_id=account.id,
        operation_type=OperationType.UPDATE,
        object_class=account.object_class,
        payload=payload,
        origin=Origin.RECON,
        user_id=account.identity_id,
        target_uid=account.uid,
        discrepancy_id=discrepancy.id,
        expected_hash=shadow.observed_hash,
        created_by=by,
    )
    return Undone(operation=operation, before=dict(after), after=dict(before))


def _shows(account: Account, values: Mapping[str, Any]) -> bool:
    """Whether we saw these values at the account last."""
    seen = {**(account.observed or {}), ACTIVE: account.observed_active}
    return all(same(seen.get(name), value) for name, value in values.items())


async def _activate_again(conn: Connection, discrepancy: Discrepancy, *, tenant_id: UUID) -> str | None:
    person = await _locked(conn, discrepancy.finding.identity_id, tenant_id=tenant_id)
    if person is None:
        return "The identity is gone."
    if person.active:
        return "The identity is active again already."
    changed = replace(person, active=True, version=person.version + 1)
    await identities.update(conn, tenant_id=tenant_id, identities=[changed])
    await plan_items.ask(conn, tenant_id=tenant_id, identity_ids=[person.id], origin=Origin.RECON)
    return None


async def _give_back(
    conn: Connection,
    discrepancy: Discrepancy,
    *,
    before: Mapping[str, Any],
    after: Mapping[str, Any],
    tenant_id: UUID,
) -> str | None:
    """Give a person the values of before a take-over, and take the word of the target back."""
    person = await _locked(conn, discrepancy.finding.identity_id, tenant_id=tenant_id)
    if person is None:
        return "The identity is gone."
    if not all(same(person.attributes.get(name), value) for name, value in after.items()):
        return _MOVED
    source = str(discrepancy.connector_id)
    words = await identity_sources.words(conn, tenant_id, identity_ids=[person.id])
    sharing = await identity_sources.sharing(conn, tenant_id)
    changed = given_back(person, words.get(person.id, {}), before, source=source, sharing=sharing)
    await identities.update(conn, tenant_id=tenant_id, identities=[changed])
    said = [Said(person.id, name, source, None) for name in before]
    await identity_sources.write(conn, tenant_id, said=said, run_id=None)
    await plan_items.ask(conn, tenant_id=tenant_id, identity_ids=[person.id], origin=Origin.RECON)
    return None


def given_back(
    person: StoredIdentity,
    words: Mapping[str, Mapping[str, Any]],
    before: Mapping[str, Any],
    *,
    source: str,
    sharing: Sharing,
) -> StoredIdentity:
    """The person with these values again: whoever has said them is believed, or nobody answers for them. Pure."""
    said = {name: {**words.get(name, {}), source: None} for name in before}
    settled = precedence.settle(person.attributes, person.authority, said=said, names=list(before), sharing=sharing)
    attributes, authority = dict(settled.attributes), dict(settled.authority)
    for name, value in before.items():
        if same(attributes.get(name), value):
            continue
        authority.pop(name, None)
        attributes.pop(name, None)
        if not same(value, None):
            attributes[name] = value
    return replace(person, attributes=attributes, authority=authority, version=person.version + 1)


async def _locked(conn: Connection, identity_id: UUID | None, *, tenant_id: UUID) -> StoredIdentity | None:
    known = await identities.get(conn, tenant_id=tenant_id, ids=_ids(identity_id))
    found = await identities.lock(conn, tenant_id=tenant_id, external_ids=[each.external_id for each in known.values()])
    return next((each for each in found.values() if not each.is_deleted), None)


def _ids(one: UUID | None) -> list[UUID]:
    return [one] if one is not None else []


async def _unlink_again(
    conn: Connection, discrepancy: Discrepancy, owner: UUID, where: dict[str, UUID], *, by: UUID
) -> str | None:
    place = await _place_of(conn, discrepancy, where)
    rows = await accounts.of_identities(conn, place, [owner]) if place else {}
    shadow = rows.get(owner)
    if place is None or shadow is None or shadow.account.uid != discrepancy.finding.external_uid:
        return "The link is not there any more."
    account_id = shadow.account.id
    if not await accounts.unlink(conn, tenant_id=where["tenant_id"], ids=[account_id]):
        return "An operation of this account is under way."
    said = await with_evidence(conn, place, [PersonDecision(account_id, owner, Verdict.IS_NOT)])
    await correlation.decide(conn, said=said, by=by, **where)
    return None


async def _link_again(conn: Connection, discrepancy: Discrepancy, owner: UUID, where: dict[str, UUID]) -> str | None:
    account_id = discrepancy.finding.account_id
    place = await _place_of(conn, discrepancy, where)
    if account_id is None or place is None:
        return "The account is gone."
    await plan_items.ask(conn, tenant_id=where["tenant_id"], identity_ids=[owner], origin=Origin.RECON)
    link = Link(account_id, owner, {"decision": "manual"})
    linked = await accounts.link(conn, place, [link], keep=await hooked(conn, place))
    if not linked:
        return await why_not_linked(conn, place, account_id=account_id, owner=owner)
    await correlation.withdraw(conn, pairs=[(account_id, owner)], **where)
    await correlation.drop_keys(conn, tenant_id=where["tenant_id"], account_ids=[*linked, *linked.values()])
    return None


async def _place_of(conn: Connection, discrepancy: Discrepancy, where: dict[str, UUID]) -> Place | None:
    connector = await connectors.get(conn, **where)
    return Place(where["tenant_id"], connector.id, connector.object_class) if connector else None
