"""What accounts say about their people: read from a look at them, settled among all who have a word, in the same step.

Nothing is written for accounts that say nothing new. What a target is believed about is no mismatch there: it is wanted
as it was seen from then on.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any
from uuid import UUID

from worker.domain import precedence
from worker.domain.account import Account, TargetAccount
from worker.domain.comparison import Comparator
from worker.domain.operation import Origin
from worker.domain.precedence import SILENCE, Settled, Sharing
from worker.mapping import Computed, InboundRule, NoWord, Pace, Steps
from worker.recon.context import RunContext, View
from worker.store import accounts, identities, identity_sources, plan_items, runs
from worker.store.identities import StoredIdentity
from worker.store.identity_sources import Said, Words
from worker.store.pool import Connection
from worker.store.runs import Progress

#: Where a run's statistics keep values that could not be read, and how many of them.
UNREAD = "unread"
MOST_TOLD = 20


@dataclass(slots=True)
class Returned:
    """What a page of accounts says: the words to be kept, and by account which attributes are taken as they are.

    ``people`` say something new, by the account that says it. ``unread`` are values that could not be read;
    ``unheard`` the accounts to be heard by the next run for that, or because they came too late for this one.
    """

    said: list[Said] = field(default_factory=list)
    taken: dict[UUID, dict[str, Any]] = field(default_factory=dict)
    people: dict[UUID, UUID] = field(default_factory=dict)
    unread: list[dict[str, str]] = field(default_factory=list)
    unheard: set[UUID] = field(default_factory=set)


@dataclass(slots=True)
class _Heard:
    """What one account says: ``new`` words by the person's attribute, and why others cannot be read."""

    new: dict[str, Any] = field(default_factory=dict)
    unread: dict[str, str] = field(default_factory=dict)
    is_late: bool = False


async def look(
    conn: Connection,
    view: View,
    objects: Mapping[str, TargetAccount],
    rows: Mapping[str, Account],
    *,
    computed: Mapping[str, Computed],
) -> Returned:
    """Read what these accounts (by uid, each with its row) say about their owners; nothing is written or locked.

    ``computed`` has what expressions gave, by uid; an account that is not in it waits for the next run with those.
    """
    found = Returned()
    owned = {uid: row for uid, row in rows.items() if row.identity_id is not None}
    if not (view.inbound and owned):
        return found
    tenant_id = view.place.tenant_id
    ids = [row.identity_id for row in owned.values() if row.identity_id is not None]
    people = await identities.get(conn, tenant_id=tenant_id, ids=ids)
    words = await identity_sources.words(conn, tenant_id, identity_ids=ids)
    pace = Pace()
    for uid, row in owned.items():
        person = people.get(row.identity_id) if row.identity_id is not None else None
        if person is not None and not person.is_deleted:
            known = words.get(person.id, {})
            steps = _hear(view, row, objects[uid], person=person, known=known, computed=computed.get(uid))
            heard = await pace.through(steps)
            _note(found, view, row, objects[uid], person=person, heard=heard, known=known)
    return found


def _note(
    found: Returned,
    view: View,
    account: Account,
    seen: TargetAccount,
    *,
    person: StoredIdentity,
    heard: _Heard,
    known: Words,
) -> None:
    """Add what one account says, and what of it is taken as it is."""
    new = heard.new
    settled = settled_with(person, known, new, source=view.source, sharing=view.sharing)
    taken = {
        rule.target: seen.attributes.get(rule.target)
        for rule in view.inbound
        if rule.is_both
        and settled.authority.get(rule.attribute) == view.source
        and (not view.flows_back or rule.attribute in new)
    }
    found.said += [Said(person.id, name, view.source, value) for name, value in new.items()]
    if taken:
        found.taken[account.id] = taken
    if new:
        found.people[person.id] = account.id
    found.unread += [{"uid": seen.uid, "attribute": name, "message": why} for name, why in heard.unread.items()]
    if heard.unread or heard.is_late:
        found.unheard.add(account.id)


def _hear(
    view: View,
    account: Account,
    seen: TargetAccount,
    *,
    person: StoredIdentity,
    known: Words,
    computed: Computed | None,
) -> Steps[_Heard]:
    """What an account says that it did not say before; None takes a word back. What cannot be read says nothing."""
    heard = _Heard()
    for rule in view.inbound:
        if rule.expression and computed is None:
            heard.is_late = True
            continue
        try:
            value = yield from rule.value(seen.attributes, computed=computed or {})
        except NoWord as error:
            heard.unread[rule.attribute] = str(error)
            continue
        said = precedence.word(
            value,
            stated=known.get(rule.attribute, {}).get(view.source),
            current=person.attributes.get(rule.attribute),
            is_holder=person.authority.get(rule.attribute) == view.source,
            is_sent=_is_sent(rule, account, seen, view.rules.comparator),
            is_returned_only=not rule.is_both,
        )
        if said is not SILENCE:
            heard.new[rule.attribute] = said
    return heard


def settled_with(
    person: StoredIdentity, known: Words, new: Mapping[str, Any], *, source: str, sharing: Sharing
) -> Settled:
    """The person with what this target says, among what all others said."""
    said = {name: {**known.get(name, {}), source: value} for name, value in new.items()}
    return precedence.settle(person.attributes, person.authority, said=said, names=list(new), sharing=sharing)


async def write(conn: Connection, context: RunContext, found: Returned) -> None:
    """Keep what was said, give people what is believed, and have those planned who have changed.

    People are locked here and looked at as they are then; account rows are locked after them, as everywhere.
    """
    await _tell_unread(conn, context, found.unread)
    if context.run.dry_run or not (found.said or found.taken):
        return
    run, view = context.run, context.view
    by_person: dict[UUID, dict[str, Any]] = {}
    for each in found.said:
        by_person.setdefault(each.identity_id, {})[each.attribute] = each.value
    if by_person:
        await _give(conn, context, by_person)
    await accounts.want_as_seen(conn, tenant_id=run.tenant_id, taken={} if view.flows_back else found.taken)


async def _tell_unread(conn: Connection, context: RunContext, unread: Sequence[Mapping[str, str]]) -> None:
    """Count values that could not be read, and keep the first ones for people to look at."""
    if not unread:
        return
    told = context.facts.get(UNREAD, [])
    facts = {UNREAD: [*told, *unread][:MOST_TOLD]} if len(told) < MOST_TOLD else {}
    context.facts |= facts
    await runs.advance(conn, context.run, Progress(tally={"values_unread": len(unread)}, facts=facts))


async def _give(conn: Connection, context: RunContext, said: Mapping[UUID, Mapping[str, Any]]) -> None:
    run, view = context.run, context.view
    people = await _locked(conn, run.tenant_id, list(said))
    words = await identity_sources.words(conn, run.tenant_id, identity_ids=[each.id for each in people])
    # As it is now: whoever changed it since this run began may have had these people judged anew already.
    sharing = await identity_sources.sharing(conn, run.tenant_id)
    kept: list[Said] = []
    after: dict[UUID, StoredIdentity] = {}
    for person in people:
        settled = settled_with(person, words.get(person.id, {}), said[person.id], source=view.source, sharing=sharing)
        kept += [Said(person.id, name, view.source, value) for name, value in said[person.id].items()]
        kept += [Said(person.id, name, *word) for name, word in settled.noted.items()]
        after[person.id] = _changed(person, settled)
    touched = [after[each.id] for each in people if after[each.id] != each]
    moved = [each.id for each in people if after[each.id].version != each.version]
    if touched:
        await identities.update(conn, tenant_id=run.tenant_id, identities=touched)
    await identity_sources.write(conn, run.tenant_id, said=kept, run_id=run.id)
    if moved:
        await runs.advance(conn, run, Progress(tally={"people_changed": len(moved)}))
    await plan_items.ask(
        conn,
        tenant_id=run.tenant_id,
        identity_ids=moved,
        origin=Origin.RECON,
        run_id=run.id,
        correlation_ids=[run.correlation_id] * len(moved),
    )


async def withdraw(conn: Connection, context: RunContext, identity_ids: Sequence[UUID]) -> None:
    """The accounts of these people are gone: this target has no word about them any more."""
    if context.run.dry_run or not (context.view.inbound and identity_ids):
        return
    source = context.view.source
    words = await identity_sources.words(conn, context.run.tenant_id, identity_ids=identity_ids)
    said = {
        identity_id: {name: None for name, by in known.items() if source in by} for identity_id, known in words.items()
    }
    if said := {identity_id: names for identity_id, names in said.items() if names}:
        await _give(conn, context, said)


async def _locked(conn: Connection, tenant_id: UUID, ids: Sequence[UUID]) -> list[StoredIdentity]:
    known = await identities.get(conn, tenant_id=tenant_id, ids=ids)
    locked = await identities.lock(
        conn, tenant_id=tenant_id, external_ids=[each.external_id for each in known.values()]
    )
    return [each for each in locked.values() if not each.is_deleted]


def _changed(person: StoredIdentity, settled: Settled) -> StoredIdentity:
    version = person.version + (settled.attributes != person.attributes)
    return replace(person, attributes=settled.attributes, authority=settled.authority, version=version)


def _is_sent(rule: InboundRule, account: Account, seen: TargetAccount, comparator: Comparator) -> bool:
    """Whether what is seen is what we last wanted there."""
    if not rule.is_both or account.wanted is None:
        return False
    wanted = {**seen.attributes, rule.target: account.wanted.get(rule.target)}
    return rule.target not in comparator.differences(wanted, actual=seen.attributes)
