"""What is done for a tenant when its people are planned: looks that can wait for that, and nobody waits for."""

from collections.abc import Awaitable, Callable
from uuid import UUID

from worker.connectors import Targets
from worker.correlation import Asker
from worker.planning import Planned, Planner
from worker.recon import Backtests, Recorrelation
from worker.store.pool import Pool


def planning(
    pool: Pool, targets: Targets, planner: Planner, *, asker: Asker
) -> Callable[[UUID, UUID], Awaitable[Planned]]:
    """Plan; then look at accounts that may belong to who came, and go on with rules that are tried."""
    recorrelation = Recorrelation(pool, targets, asker)
    backtests = Backtests(pool, Asker(asker.box))  # a rehearsal is not counted

    async def handle(tenant_id: UUID, ref_id: UUID) -> Planned:
        planned = await planner.run_once(tenant_id, ref_id)
        looked_at = await recorrelation.run_once(tenant_id) + await backtests.run_once(tenant_id)
        return planned + Planned(rehearsed=looked_at)

    return handle
