"""Keeping history's partitions ahead of the days, and keys no longer than they are promised."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from worker.store import history
from worker.store.pool import Pool
from worker.store.tenant import tenant

DAYS_AHEAD = 14
KEYS_LIVE = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Pruned:
    """Counts of one round."""

    partitions_made: int = 0
    partitions_dropped: int = 0
    keys_dropped: int = 0


class Pruner:
    """Makes partitions two weeks ahead, drops those older than ``keep_days``, and expired idempotency keys."""

    def __init__(self, pool: Pool, *, keep_days: int) -> None:
        self._pool = pool
        self._keep_days = keep_days

    async def run_once(self) -> Pruned:
        """One round; harmless when several daemons do it at once."""
        async with self._pool.acquire() as conn:
            now: datetime = await conn.fetchval("SELECT db_now()")
            made = await history.ensure_partitions(conn, now.date(), days=DAYS_AHEAD)
            dropped = await history.drop_partitions(conn, now.date() - timedelta(days=self._keep_days))
            tenants = await history.tenants(conn)
        keys = 0
        for tenant_id in tenants:
            async with tenant(self._pool, tenant_id) as conn:
                keys += await history.drop_idempotency_keys(conn, tenant_id, before=now - KEYS_LIVE)
        return Pruned(made, dropped, keys)
