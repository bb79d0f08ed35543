"""Applies kept events to identities, in the order they came, set-based.

An event that cannot be applied is marked ``failed`` (it is wrong) or ``dropped`` (it is late, or not for us), with the
reason in words, and never holds up another one.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from worker.domain.errors import InvalidRequest
from worker.domain.ids import uuid7
from worker.domain.operation import Origin
from worker.domain.precedence import EVENTS, UNSHARED, Sharing
from worker.domain.run import RunKind, RunMode, RunTrigger
from worker.intake.changes import IDENTITY_EVENTS, Dropped, IdentityChange, Shared, apply_change, parse_change
from worker.intake.started import StartedRun, note_started
from worker.store import connectors, identities, identity_sources, inbox, plan_items, runs, tenant
from worker.store.identities import StoredIdentity
from worker.store.identity_sources import Words
from worker.store.inbox import InboxEvent, InboxStatus, Settled
from worker.store.pool import Connection, Pool
from worker.telemetry import metrics

BATCH = 500
#: Batches of one tenant in a row, before others have their turn.
BATCHES = 20

RESYNC = "connector.resync_requested"
RECONCILE = "reconciliation.requested"


@dataclass(frozen=True, slots=True)
class Processed:
    """How the events of a round ended, and how many identities they changed."""

    done: int = 0
    dropped: int = 0
    failed: int = 0
    identities: int = 0

    def __add__(self, other: "Processed") -> "Processed":
        return Processed(*(getattr(self, name) + getattr(other, name) for name in self.__slots__))


class _Raced(Exception):
    """Another intake made one of these identities meanwhile; the batch is read again."""


@dataclass(slots=True)
class _Work:
    """A batch on its way: people as they become, which of them were there before, and how each event ended."""

    people: dict[str, StoredIdentity]
    before: dict[str, StoredIdentity]
    causes: dict[UUID, UUID] = field(default_factory=dict)
    settled: list[Settled] = field(default_factory=list)
    started: list[StartedRun] = field(default_factory=list)
    sharing: Sharing = UNSHARED
    #: what was said last of people, by this batch too; and of that, what is to be kept
    words: dict[UUID, Words] = field(default_factory=dict)
    said: dict[UUID, Words] = field(default_factory=dict)

    def keep(self, identity_id: UUID, said: Words) -> None:
        """A word of this batch: what comes after it is settled with it."""
        for kept in (self.words, self.said):
            known = kept.setdefault(identity_id, {})
            for name, by in said.items():
                known[name] = known.get(name, {}) | by

    @property
    def touched(self) -> list[StoredIdentity]:
        return [each for key, each in self.people.items() if each != self.before.get(key)]


class InboxProcessor:
    """Works through a tenant's inbox; one at a time per tenant, so that order is kept."""

    def __init__(self, pool: Pool, *, batch: int = BATCH) -> None:
        self._pool = pool
        self._size = batch

    async def run_once(self, tenant_id: UUID, ref_id: UUID) -> Processed:
        """Apply what waits, for a while; nothing when another process is at it."""
        total = Processed()
        for _ in range(BATCHES):
            processed = await self._batch(tenant_id)
            if processed is None:
                break
            total += processed
        return total

    async def _batch(self, tenant_id: UUID) -> Processed | None:
        """One batch in one transaction; None when there is nothing (more) to do here."""
        try:
            async with tenant.tenant(self._pool, tenant_id, is_growing=True) as conn:
                events = await inbox.batch(conn, tenant_id=tenant_id, limit=self._size)
                if not events:
                    if events is not None:
                        await inbox.rest(conn, tenant_id=tenant_id)
                    return None
                processed = await _process(conn, tenant_id, events)
        except _Raced:
            return Processed()
        metrics.identities_total.labels("updated").inc(processed.identities)
        return processed


async def _process(conn: Connection, tenant_id: UUID, events: Sequence[InboxEvent]) -> Processed:
    readable = [(event, _read(event)) for event in events]
    wanted = {change.external_id for _, change in readable if isinstance(change, IdentityChange)}
    before = await identities.lock(conn, tenant_id=tenant_id, external_ids=sorted(wanted))
    work = _Work(dict(before), before, sharing=await identity_sources.sharing(conn, tenant_id))
    if work.sharing.names:
        ids = [each.id for each in before.values()]
        work.words = await identity_sources.words(conn, tenant_id, identity_ids=ids)
    for event, change in readable:
        if isinstance(change, IdentityChange):
            work.settled.append(_apply(work, event, change))
        elif change is None:
            work.settled.append(await _start_run(conn, tenant_id, event, started=work.started))
        else:
            work.settled.append(change)
    changed = await _write(conn, tenant_id, work)
    await inbox.settle(conn, tenant_id=tenant_id, settled=work.settled)
    await note_started(conn, tenant_id, work.started, by="events from outside")
    return _counts(work.settled, changed)


def _read(event: InboxEvent) -> IdentityChange | Settled | None:
    """The change of an identity, None for a wish for a run, or how the event ends at once."""
    if event.type in {RESYNC, RECONCILE}:
        return None
    happening = IDENTITY_EVENTS.get(event.type)
    if happening is None:
        return Settled(event, InboxStatus.DROPPED, f"Events of type {event.type[:100]} mean nothing here.")
    try:
        return parse_change(happening, event.data)
    except InvalidRequest as error:
        return Settled(event, InboxStatus.FAILED, str(error))


def _apply(work: _Work, event: InboxEvent, change: IdentityChange) -> Settled:
    stored = work.people.get(change.external_id)
    shared = Shared(work.sharing, work.words.get(stored.id, {}) if stored else {})
    applied = apply_change(stored, change, authority=f"{EVENTS}{event.source}", new_id=uuid7(), shared=shared)
    if isinstance(applied, Dropped):
        return Settled(event, InboxStatus.DROPPED, applied.reason)
    work.people[change.external_id] = applied.identity
    work.keep(applied.identity.id, applied.said)
    if stored is None or applied.identity.version != stored.version:
        work.causes[applied.identity.id] = event.correlation_id
    if applied.kept:
        names = ", ".join(applied.kept[:10])
        return Settled(event, InboxStatus.DONE, f"Left as they are, because another source owns them: {names}.")
    return Settled(event, InboxStatus.DONE)


async def _write(conn: Connection, tenant_id: UUID, work: _Work) -> int:
    new = [each for each in work.touched if each.external_id not in work.before]
    if new:
        inserted = await identities.insert(conn, tenant_id=tenant_id, identities=new)
        if len(inserted) != len(new):
            raise _Raced
    known = [each for each in work.touched if each.external_id in work.before]
    if known:
        await identities.update(conn, tenant_id=tenant_id, identities=known)
    await identity_sources.write(conn, tenant_id, said=identity_sources.spread(work.said), run_id=None)
    await plan_items.ask(
        conn,
        tenant_id=tenant_id,
        identity_ids=list(work.causes),
        origin=Origin.EVENT,
        correlation_ids=list(work.causes.values()),
    )
    return len(work.causes)


async def _start_run(conn: Connection, tenant_id: UUID, event: InboxEvent, *, started: list[StartedRun]) -> Settled:
    """Start the run that somebody outside wishes for: an import of a source, a reconciliation of a target."""
    connector_id = _uuid(event.data.get("connector_id"))
    name = event.data.get("connector")
    connector = None
    if connector_id is not None:
        connector = await connectors.get(conn, tenant_id=tenant_id, connector_id=connector_id)
    elif isinstance(name, str):
        connector = await connectors.by_name(conn, tenant_id=tenant_id, name=name)
    if connector is None:
        return Settled(event, InboxStatus.FAILED, "data.connector_id (or data.connector, a name) names no connector.")
    if connector.closed_because:
        return Settled(event, InboxStatus.DROPPED, connector.closed_because)
    is_import = event.type == RESYNC and connector.is_source
    run = await runs.insert(
        conn,
        tenant_id=tenant_id,
        connector_id=connector.id,
        kind=RunKind.IMPORT if is_import else RunKind.RECONCILIATION,
        mode=RunMode.DELTA if event.data.get("mode") == "delta" and not is_import else RunMode.FULL,
        trigger=RunTrigger.WEBHOOK,
        dry_run=event.data.get("dry_run") is True,
        correlation_id=event.correlation_id,
    )
    if run is None:
        return Settled(event, InboxStatus.DROPPED, "A run of this connector is under way already.")
    started.append(StartedRun(run, connector, {"event": event.type, "source": event.source}))
    return Settled(event, InboxStatus.DONE, f"Started run {run.id}.")


def _uuid(value: Any) -> UUID | None:
    try:
        return UUID(value) if isinstance(value, str) else None
    except ValueError:
        return None


def _counts(settled: Sequence[Settled], changed: int) -> Processed:
    ends = [each.status for each in settled]
    return Processed(
        done=ends.count(InboxStatus.DONE),
        dropped=ends.count(InboxStatus.DROPPED),
        failed=ends.count(InboxStatus.FAILED),
        identities=changed,
    )
