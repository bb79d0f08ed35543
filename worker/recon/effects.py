"""Carries out repairs of our own records: links, people, and what is to be planned again.

Called in the transaction of the repair: people first, then operations are accepted, then links. So locks are taken in
the order that intake and planning take them in: people, what is to be planned, accounts.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any
from uuid import UUID

from worker.domain import precedence
from worker.domain.account import AccountState
from worker.domain.correlation import PersonDecision, Verdict
from worker.domain.operation import Origin
from worker.domain.run import Run
from worker.recon.links import why_not_linked
from worker.recon.proposals import Effect, Proposal
from worker.recon.witness import with_evidence
from worker.store import (
    accounts,
    connectors,
    correlation,
    discrepancies,
    due_work,
    identities,
    identity_sources,
    operations,
    plan_items,
)
from worker.store.accounts import Link, Place
from worker.store.identities import StoredIdentity
from worker.store.identity_sources import Said
from worker.store.pool import Connection


@dataclass(slots=True)
class Done:
    """What was done so far: operations by finding, what failed by finding, and the approval that some wait for."""

    operations: dict[UUID, UUID] = field(default_factory=dict)
    failures: dict[UUID, str] = field(default_factory=dict)
    approval_id: UUID | None = None


async def change_people(conn: Connection, place: Place, proposals: Sequence[Proposal], *, run: Run | None) -> None:
    """Carry out what concerns people, and have everybody planned whose accounts are about to be changed.

    Call it before operations are accepted. Who is planned without need is found to need nothing.
    """
    by_effect = _by_effect(proposals)
    replan = await _inactivate(conn, place, by_effect[Effect.INACTIVATE])
    replan += await _take_over(conn, place, by_effect[Effect.TAKE_OVER], run=run)
    moved = (*by_effect[Effect.LINK], *by_effect[Effect.PLAN])
    people = sorted({*replan, *(each.identity_id for each in moved if each.identity_id is not None)})
    await plan_items.ask(
        conn,
        tenant_id=place.tenant_id,
        identity_ids=people,
        origin=Origin.RECON,
        run_id=run.id if run else None,
        correlation_ids=[run.correlation_id if run else None] * len(people),
    )


async def apply(
    conn: Connection, place: Place, proposals: Sequence[Proposal], done: Done, *, by: UUID, run: Run | None
) -> None:
    """Carry out what concerns accounts and is no operation; what cannot be done is a failure in ``done``."""
    by_effect = _by_effect(proposals)
    found = await _account_ids(conn, place, proposals)
    await _link(conn, place, by_effect[Effect.LINK], found, done, by=by, run=run)
    await _unlink(conn, place, by_effect[Effect.UNLINK], found, done, by=by, run=run)
    await _make_room(conn, place, by_effect[Effect.PLAN], found)


def _by_effect(proposals: Sequence[Proposal]) -> dict[Effect, list[Proposal]]:
    found: dict[Effect, list[Proposal]] = {effect: [] for effect in Effect}
    for each in proposals:
        found[each.effect].append(each)
    return found


async def _account_ids(conn: Connection, place: Place, proposals: Sequence[Proposal]) -> dict[UUID, UUID]:
    rows = await discrepancies.get(
        conn,
        tenant_id=place.tenant_id,
        connector_id=place.connector_id,
        ids=[each.discrepancy_id for each in proposals if each.effect is not Effect.OPERATION],
    )
    return {id_: row.finding.account_id for id_, row in rows.items() if row.finding.account_id}


async def _link(
    conn: Connection,
    place: Place,
    proposals: Sequence[Proposal],
    found: dict[UUID, UUID],
    done: Done,
    *,
    by: UUID,
    run: Run | None,
) -> None:
    """Record owners; planning has been asked to look at them."""
    where = {"tenant_id": place.tenant_id, "connector_id": place.connector_id}
    wanted = {
        found[each.discrepancy_id]: (each, each.identity_id)
        for each in proposals
        if each.discrepancy_id in found and each.identity_id is not None
    }
    links = [Link(account, owner, _match(each, run)) for account, (each, owner) in wanted.items()]
    linked = await accounts.link(conn, place, links, keep=await hooked(conn, place))
    await correlation.drop_keys(conn, tenant_id=place.tenant_id, account_ids=[*linked, *linked.values()])
    await correlation.move_decisions(conn, moved=linked, **where)
    if run is None:
        said = [PersonDecision(linked[a], owner, Verdict.IS) for a, (_, owner) in wanted.items() if a in linked]
        await correlation.decide(conn, said=await with_evidence(conn, place, said), by=by, **where)
    await _answer_cases(conn, place, linked, [wanted[account][1] for account in linked])
    made = {wanted[account][0].discrepancy_id for account in linked}
    for each in proposals:
        if each.discrepancy_id not in made:
            account = found.get(each.discrepancy_id)
            done.failures[each.discrepancy_id] = await why_not_linked(
                conn, place, account_id=account, owner=each.identity_id
            )


async def _answer_cases(conn: Connection, place: Place, linked: dict[UUID, UUID], owners: Sequence[UUID]) -> None:
    """Questions about these accounts and people are answered; an operation that waited for the answer goes on."""
    where = {"tenant_id": place.tenant_id, "connector_id": place.connector_id}
    subjects = [*(f"account:{account}" for account in linked), *(f"identity:{owner}" for owner in owners)]
    for case_id in await correlation.open_case_ids(conn, subjects=subjects, **where):
        await operations.queries.wake.rows(conn, tenant_id=place.tenant_id, approval_id=None, case_id=case_id)
    closed = await correlation.close_cases(conn, subjects=subjects, reason="The account was linked.", **where)
    if closed:
        await due_work.ask(conn, place.tenant_id, due_work.Kind.CLAIM, place.connector_id)


async def hooked(conn: Connection, place: Place) -> list[str]:
    """The attributes that hooks compute at this target."""
    connector = await connectors.get(conn, tenant_id=place.tenant_id, connector_id=place.connector_id)
    return list(connector.settings.get("hook_attributes", ())) if connector else []


def _match(proposal: Proposal, run: Run | None) -> dict[str, Any]:
    """Why the account is theirs, kept with the account."""
    return {
        "decision": "manual" if run is None else "auto",
        "match": proposal.match or {"ref_id": str(proposal.identity_id), "match_type": "manual", "confidence": 1.0},
    }


async def _unlink(
    conn: Connection,
    place: Place,
    proposals: Sequence[Proposal],
    found: dict[UUID, UUID],
    done: Done,
    *,
    by: UUID,
    run: Run | None,
) -> None:
    """Take owners away. That it is not theirs is remembered, so that nothing links it to them again."""
    where = {"tenant_id": place.tenant_id, "connector_id": place.connector_id}
    wanted = {found[each.discrepancy_id]: each for each in proposals if each.discrepancy_id in found}
    before = await accounts.by_ids(conn, tenant_id=place.tenant_id, ids=list(wanted))
    unlinked = await accounts.unlink(conn, tenant_id=place.tenant_id, ids=list(wanted))
    gone = [id_ for id_ in unlinked if before[id_].account.state is AccountState.DEAD]
    await accounts.drop_gone(conn, tenant_id=place.tenant_id, ids=gone)
    if run is None:
        said = [
            PersonDecision(id_, owner, Verdict.IS_NOT)
            for id_ in unlinked - set(gone)
            if (owner := before[id_].account.identity_id) is not None
        ]
        await correlation.decide(conn, said=await with_evidence(conn, place, said), by=by, **where)
    missed = {each.discrepancy_id for id_, each in wanted.items() if id_ not in unlinked}
    done.failures |= dict.fromkeys(missed, "The account has changed meanwhile, or an operation of it is under way.")


async def _inactivate(conn: Connection, place: Place, proposals: Sequence[Proposal]) -> list[UUID]:
    ids = [each.identity_id for each in proposals if each.identity_id is not None]
    return await identities.deactivate(conn, tenant_id=place.tenant_id, ids=ids) if ids else []


async def _take_over(conn: Connection, place: Place, proposals: Sequence[Proposal], *, run: Run | None) -> list[UUID]:
    """Give people the values of their accounts: words of this target, which is believed about them from now on."""
    values = {each.identity_id: each.values for each in proposals if each.identity_id is not None}
    if not values:
        return []
    people = await identities.get(conn, tenant_id=place.tenant_id, ids=list(values))
    locked = await identities.lock(
        conn, tenant_id=place.tenant_id, external_ids=[each.external_id for each in people.values()]
    )
    ids, source = [each.id for each in locked.values()], str(place.connector_id)
    words = await identity_sources.words(conn, place.tenant_id, identity_ids=ids)
    changed: list[StoredIdentity] = []
    said: list[Said] = []
    for each in locked.values():
        chosen = precedence.choose(
            each.attributes, each.authority, source=source, values=values[each.id], said=words.get(each.id, {})
        )
        changed.append(
            replace(each, attributes=chosen.attributes, authority=chosen.authority, version=each.version + 1)
        )
        said += [Said(each.id, name, source, chosen.attributes.get(name)) for name in values[each.id]]
        said += [Said(each.id, name, *word) for name, word in chosen.noted.items()]
    await identities.update(conn, tenant_id=place.tenant_id, identities=changed)
    await identity_sources.write(conn, place.tenant_id, said=said, run_id=run.id if run else None)
    return ids


async def _make_room(conn: Connection, place: Place, proposals: Sequence[Proposal], found: dict[UUID, UUID]) -> None:
    """Planning makes the account; a row of an object that is gone forgets it first."""
    await accounts.forget_gone(
        conn,
        tenant_id=place.tenant_id,
        ids=[found[each.discrepancy_id] for each in proposals if each.discrepancy_id in found],
    )
