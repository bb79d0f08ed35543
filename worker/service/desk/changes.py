"""What changed, as a hint to open pages: one look a second for each tenant that somebody watches."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from uuid import UUID

import structlog

from worker.store import listings_targets
from worker.store.pool import DatabaseGone, Pool
from worker.store.tenant import tenant

log = structlog.get_logger()

LOOK_EVERY_S = 1.0
_TOPICS = {
    "live": "operations",
    "finished": "operations",
    "dead": "operations",
    "runs": "runs",
    "discrepancies": "discrepancies",
    "cases": "cases",
    "conflicts": "conflicts",
    "approvals": "approvals",
    "connectors": "connectors",
    "acts": "connectors",
}
_END = ""
_MOST_WAITING = 64


class Changes:
    """Shares one look per tenant among all its streams; looks end with the last stream, streams with the daemon."""

    def __init__(self, pool: Pool, *, stop: asyncio.Event) -> None:
        self._pool = pool
        self._stop = stop
        self._streams: dict[UUID, set[asyncio.Queue[str]]] = {}
        self._looking: dict[UUID, asyncio.Task[None]] = {}

    async def of(self, tenant_id: UUID) -> AsyncIterator[str]:
        """Topics as things of theirs change."""
        queue: asyncio.Queue[str] = asyncio.Queue(_MOST_WAITING)
        streams = self._streams.setdefault(tenant_id, set())
        streams.add(queue)
        looking = self._looking.get(tenant_id)
        if looking is None or looking.done():
            self._looking[tenant_id] = asyncio.create_task(self._look(tenant_id), name="changes")
        try:
            while (topic := await queue.get()) != _END:
                yield topic
        finally:
            streams.discard(queue)
            if not streams and (task := self._looking.pop(tenant_id, None)) is not None:
                task.cancel()

    async def _look(self, tenant_id: UUID) -> None:
        before: dict[str, str] | None = None
        try:
            while not self._stop.is_set():
                after = await self._markers(tenant_id)
                if after is not None:
                    if before is not None:
                        self._tell(tenant_id, changed(before, after))
                    before = after
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._stop.wait(), LOOK_EVERY_S)
        finally:  # whatever ends this ends its streams; browsers come back by themselves
            self._tell(tenant_id, [_END])

    async def _markers(self, tenant_id: UUID) -> dict[str, str] | None:
        """The signs as they are now; None while the database is away."""
        try:
            async with tenant(self._pool, tenant_id) as conn:
                return await listings_targets.markers(conn, tenant_id)
        except DatabaseGone as error:
            log.info("changes.database_away", error=type(error).__name__)
            return None

    def _tell(self, tenant_id: UUID, topics: list[str]) -> None:
        for queue in self._streams.get(tenant_id, ()):
            for topic in topics:
                if queue.full():  # a reader that slow gets the next hint
                    queue.get_nowait()
                queue.put_nowait(topic)


def changed(before: dict[str, str], after: dict[str, str]) -> list[str]:
    """The topics whose signs differ, each once."""
    return list(dict.fromkeys(_TOPICS[name] for name in after if before.get(name) != after[name]))
