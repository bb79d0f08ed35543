"""Keeps events before anybody is told that they were accepted."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from worker.intake.events import CloudEvent
from worker.store import inbox, tenant
from worker.store.inbox import NewEvent
from worker.store.pool import Pool
from worker.telemetry import metrics


@dataclass(frozen=True, slots=True)
class Received:
    """How many events were new, and how many repeated one that was kept before."""

    accepted: int
    duplicates: int


class EventReceiver:
    """The door for events; what ``receive`` returned for is on disk."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def receive(self, tenant_id: UUID, *, events: Sequence[CloudEvent], source: str | None = None) -> Received:
        """Keep events in one transaction.

        ``source`` is what the sender was authenticated as; it then stands in for what the events say of themselves, so
        that nobody can speak for, or use up the event ids of, another source.
        """
        if not events:
            return Received(0, 0)
        rows = [NewEvent(source or each.source, each.id, each.type, each.subject, each.data) for each in events]
        async with tenant.tenant(self._pool, tenant_id) as conn:
            accepted = await inbox.insert(conn, tenant_id=tenant_id, events=rows)
        # What events say of themselves is anybody's choice, and would make a series each.
        sender = source or "token"
        metrics.inbox_events_total.labels(sender, "accepted").inc(accepted)
        metrics.inbox_events_total.labels(sender, "duplicate").inc(len(events) - accepted)
        return Received(accepted, len(events) - accepted)
