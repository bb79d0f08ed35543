"""Keeping the counts of operations short, and right behind a process that does not count."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from uuid import UUID

import structlog

from worker.store import operation_counts
from worker.store.pool import Pool
from worker.store.tenant import tenant

log = structlog.get_logger()

TENANTS_A_ROUND = 50
ROWS_AT_ONCE = 20_000
ACCOUNTS_AT_ONCE = 300
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
        """One round; harmless when several daemons do it at once.

        What fails for one tenant keeps no other from its turn; the first failure is raised when all have had theirs.
        """
        async with self._pool.acquire() as conn:
            ids = await operation_counts.tenants(conn, after=self._after, limit=TENANTS_A_ROUND)
        self._after = ids[-1] if len(ids) == TENANTS_A_ROUND else None
        corrected = 0
        failures: list[Exception] = []
        for tenant_id in ids:
            try:
                corrected += await self._count(tenant_id)
            except Exception as error:  # noqa: BLE001 - raised below, when the others had their turn
                log.warning("counting.failed", tenant_id=str(tenant_id), error=type(error).__name__)
                failures.append(error)
        if failures:
            raise failures[0]
        return Counted(tenants=len(ids), corrected=corrected)

    async def _count(self, tenant_id: UUID) -> int:
        """Fold, and when its time has come compare; how many counts were wrong."""
        first = self._clock() - RECOUNT_S + FIRST_RECOUNT_S
        is_due = self._clock() - self._recounted.setdefault(tenant_id, first) >= RECOUNT_S
        async with tenant(self._pool, tenant_id) as conn:
            await operation_counts.fold(conn, tenant_id, limit=ROWS_AT_ONCE, of_all_days=is_due)
        return await self._recount(tenant_id) if is_due else 0

    async def _recount(self, tenant_id: UUID) -> int:
        found = ACCOUNTS_AT_ONCE
        while found == ACCOUNTS_AT_ONCE:
            async with tenant(self._pool, tenant_id) as conn:
                found = await operation_counts.find_others(conn, tenant_id, limit=ACCOUNTS_AT_ONCE)
        async with tenant(self._pool, tenant_id) as conn:
            corrected = await operation_counts.recount(conn, tenant_id)
        self._recounted[tenant_id] = self._clock()
        return corrected
