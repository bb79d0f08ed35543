"""Keeping history's partitions ahead of the days, and history and keys no longer than they are promised.

Nobody at work may wait for this: each step is a transaction that gives up a lock it does not get within a tenth of a
second, and deletes a few rows at a time. What could not be done now is done in a later round.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from random import Random
from uuid import UUID

import structlog

from worker.store import conflicts, history
from worker.store.pool import Connection, Pool
from worker.store.tenant import tenant

log = structlog.get_logger()

DAYS_AHEAD = 14
KEYS_LIVE = timedelta(days=7)
#: Rows that one transaction deletes.
BATCH = 1000
#: How often a lock is asked for in one round, and how long in between whoever waited behind us goes first.
TRIES = 5
BETWEEN_TRIES_S = 0.5


@dataclass(frozen=True, slots=True)
class Pruned:
    """Counts of one round; ``is_held_up``: partitions are left, for somebody reads them."""

    partitions_made: int = 0
    partitions_dropped: int = 0
    rows_dropped: int = 0
    keys_dropped: int = 0
    conflicts_dropped: int = 0
    is_held_up: bool = False


class Pruner:
    """Makes partitions two weeks ahead, drops what is older than ``keep_days`` and keys that are over.

    Conflicts that are settled are history, too.
    """

    def __init__(self, pool: Pool, *, keep_days: int, rng: Random) -> None:
        self._pool = pool
        self._keep_days = keep_days
        self._rng = rng

    async def run_once(self) -> Pruned:
        """One round; harmless when several daemons do it at once."""
        async with self._pool.acquire() as conn:
            now: datetime = await conn.fetchval("SELECT db_now()")
            tenants = await history.tenants(conn)
        oldest = now.date() - timedelta(days=self._keep_days)
        made = await self._patiently(lambda conn: history.ensure_partitions(conn, now.date(), days=DAYS_AHEAD))
        dropped, is_done = await self._drop_partitions(oldest)
        rows = sum([await self._drop_rest(tenant_id, oldest) for tenant_id in tenants])
        keys = sum([await self._drop_keys(tenant_id, now - KEYS_LIVE) for tenant_id in tenants])
        old = now - timedelta(days=self._keep_days)
        settled = sum([await self._drop_conflicts(tenant_id, old) for tenant_id in tenants])
        found = Pruned(made or 0, dropped, rows, keys, settled, is_held_up=made is None or not is_done)
        if found.is_held_up:
            log.warning("history.held_up", dropped=dropped, reason="somebody reads a partition, or a lock is busy")
        return found

    async def _drop_partitions(self, oldest: date) -> tuple[int, bool]:
        """One after the other; how many, and whether none is left."""
        dropped = 0
        while found := await self._patiently(lambda conn: history.drop_partition(conn, oldest)):
            dropped += 1
        return dropped, found is not None

    async def _patiently(self, step: Callable[[Connection], Awaitable[int]]) -> int | None:
        """What the step answers; None when it did not get its locks."""
        for _ in range(TRIES):
            try:
                async with self._pool.acquire() as conn:
                    return await step(conn)
            except history.InUse:
                await asyncio.sleep(BETWEEN_TRIES_S * self._rng.uniform(0.5, 1.5))
        return None

    async def _drop_rest(self, tenant_id: UUID, oldest: date) -> int:
        async def some(conn: Connection) -> int:
            return await history.drop_rest(conn, tenant_id, before_day=oldest, limit=BATCH)

        return await self._in_batches(tenant_id, some)

    async def _drop_keys(self, tenant_id: UUID, before: datetime) -> int:
        async def some(conn: Connection) -> int:
            return await history.drop_idempotency_keys(conn, tenant_id, before=before, limit=BATCH)

        return await self._in_batches(tenant_id, some)

    async def _drop_conflicts(self, tenant_id: UUID, before: datetime) -> int:
        async def some(conn: Connection) -> int:
            return await conflicts.drop_settled(conn, tenant_id, before=before, limit=BATCH)

        return await self._in_batches(tenant_id, some)

    async def _in_batches(self, tenant_id: UUID, some: Callable[[Connection], Awaitable[int]]) -> int:
        """Until a transaction finds nothing left."""
        total = 0
        while True:
            async with tenant(self._pool, tenant_id) as conn:
                done = await some(conn)
            total += done
            if not done:
                return total
