"""What time alone changes about findings: those put aside until now return, and the day is noted for the trend."""

from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

import structlog

from worker.domain.discrepancy import RepairDirection
from worker.store import principals, recon_actions, trend, workers
from worker.store.pool import Pool
from worker.store.recon_actions import NewAction
from worker.store.sql import Record
from worker.store.tenant import tenant

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Kept:
    """Counts of one round: findings that returned, and days that were noted."""

    returned: int = 0
    noted: int = 0


class Keeping:
    """Looks after the findings of every tenant; harmless when several daemons do it at once."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def run_once(self) -> Kept:
        """One round."""
        async with self._pool.acquire() as conn:
            tenants = [row["id"] for row in await workers.tenants(conn)]
        returned = noted = 0
        for tenant_id in tenants:
            while woken := await self._wake(tenant_id):
                returned += woken
            async with tenant(self._pool, tenant_id) as conn:
                noted += await trend.note(conn, tenant_id=tenant_id)
        if returned:
            log.info("discrepancy.ignore_over", findings=returned)
        return Kept(returned, noted)

    async def _wake(self, tenant_id: UUID) -> int:
        async with tenant(self._pool, tenant_id) as conn:
            woken = await trend.wake_ignored(conn, tenant_id=tenant_id)
            if not woken:
                return 0
            by = await principals.ensure(conn, tenant_id, kind="system", name="reconciliation")
            for connector_id in sorted({row["connector_id"] for row in woken}):
                actions = _actions(row for row in woken if row["connector_id"] == connector_id)
                await recon_actions.record(conn, tenant_id=tenant_id, connector_id=connector_id, actions=actions, by=by)
        return len(woken)


def _actions(woken: Iterable[Record]) -> list[NewAction]:
    reason = {"reason": "The time for which this was ignored is over."}
    return [NewAction(row["id"], "reopen", RepairDirection.TO_IDENTITY, "success", details=reason) for row in woken]
