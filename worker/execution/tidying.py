"""Drops what nobody looks at any more of hooks: counts, calls, what followed long ago, names that count no more."""

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from uuid import UUID

from worker.domain.operation import EPOCH
from worker.store import follow_ups, history, hook_records, hook_stats, taken_names
from worker.store.pool import Connection, Pool
from worker.store.tenant import tenant

#: Rows that one transaction looks at.
BATCH = 1000
#: Names are looked at when they are so old: by then who took them has them, or has given up.
NAMES_SETTLE = timedelta(hours=1)


class HookTidying:
    """One round for all tenants now and then; harmless when several daemons do it at once."""

    def __init__(self, pool: Pool, *, keep_days: int) -> None:
        self._pool = pool
        self._keep = timedelta(days=keep_days)

    async def run_once(self) -> int:
        """One round; how many rows went."""
        async with self._pool.acquire() as conn:
            now: datetime = await conn.fetchval("SELECT db_now()")
            tenants = await history.tenants(conn)
        old = now - self._keep
        gone = 0
        for tenant_id in tenants:
            gone += await self._in_batches(tenant_id, _counts_before(tenant_id, old))
            gone += await self._in_batches(tenant_id, _calls_before(tenant_id, old))
            gone += await self._in_batches(tenant_id, _follow_ups_before(tenant_id, old))
            gone += await self._drop_names(tenant_id, now - NAMES_SETTLE)
        return gone

    async def _in_batches(self, tenant_id: UUID, some: Callable[[Connection], Awaitable[int]]) -> int:
        total = 0
        while True:
            async with tenant(self._pool, tenant_id) as conn:
                done = await some(conn)
            total += done
            if not done:
                return total

    async def _drop_names(self, tenant_id: UUID, before: datetime) -> int:
        """From the oldest on; most are somebody's, and stay."""
        total, after = 0, taken_names.Seen(EPOCH)
        while True:
            async with tenant(self._pool, tenant_id) as conn:
                gone, seen = await taken_names.prune(conn, tenant_id, after=after, before=before, limit=BATCH)
            total += gone
            if seen is None:
                return total
            after = seen


def _counts_before(tenant_id: UUID, before: datetime) -> Callable[[Connection], Awaitable[int]]:
    async def some(conn: Connection) -> int:
        return await hook_stats.prune(conn, tenant_id, before=before, limit=BATCH)

    return some


def _calls_before(tenant_id: UUID, before: datetime) -> Callable[[Connection], Awaitable[int]]:
    async def some(conn: Connection) -> int:
        return await hook_records.prune(conn, tenant_id, before=before, limit=BATCH)

    return some


def _follow_ups_before(tenant_id: UUID, before: datetime) -> Callable[[Connection], Awaitable[int]]:
    async def some(conn: Connection) -> int:
        return await follow_ups.prune(conn, tenant_id, before=before, limit=BATCH)

    return some
