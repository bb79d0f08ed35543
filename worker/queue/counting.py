"""Keeping the counts of operations short, and right behind a process that does not count."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from uuid import UUID

from worker.store import operation_counts
from worker.store.pool import Pool
from worker.store.tenant import tenant

TENANTS_A_ROUND = 50
ROWS_AT_ONCE = 20_000
RECOUNT_S = 600.0
#: After the start: a process of the step before has mostly ended by then, and whoever has just begun has other work.
FIRST_RECOUNT_S = 60.0


@dataclass(frozen=True, slots=True)
class Counted:
    """Counts of one round."""

    tenants: int = 0
    corrected: int = 0


class Counting:
    """Folds what the queue counted, a few tenants a round, and now and then compares it with what is there."""

    def __init__(self, pool: Pool, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._pool = pool
        self._clock = clock
        self._after: UUID | None = None
        self._recounted: dict[UUID, float] = {}

    async def run_once(self) -> Counted:
        """One round; harmless when several daemons do it at once."""
        async with self._pool.acquire() as conn:
            ids = await operation_counts.tenants(conn, after=self._after, limit=TENANTS_A_ROUND)
        self._after = ids[-1] if len(ids) == TENANTS_A_ROUND else None
        corrected = 0
        for tenant_id in ids:
            async with tenant(self._pool, tenant_id) as conn:
                await operation_counts.fold(conn, tenant_id, limit=ROWS_AT_ONCE)
            corrected += await self._recount(tenant_id)
        return Counted(tenants=len(ids), corrected=corrected)

    async def _recount(self, tenant_id: UUID) -> int:
        first = self._clock() - RECOUNT_S + FIRST_RECOUNT_S
        if self._clock() - self._recounted.setdefault(tenant_id, first) < RECOUNT_S:
            return 0
        async with tenant(self._pool, tenant_id) as conn:
            corrected = await operation_counts.recount(conn, tenant_id)
        self._recounted[tenant_id] = self._clock()
        return corrected
