"""What is done for a tenant when its people are planned: looks that can wait for that, and nobody waits for."""

from collections.abc import Awaitable, Callable
from uuid import UUID

from worker.planning import Planned, Planner
from worker.recon import Backtests, Recorrelation


def planning(
    planner: Planner, recorrelation: Recorrelation, backtests: Backtests
) -> Callable[[UUID, UUID], Awaitable[Planned]]:
    """Plan; then look at accounts that may belong to who came, and go on with rules that are tried."""

    async def handle(tenant_id: UUID, ref_id: UUID) -> Planned:
        planned = await planner.run_once(tenant_id, ref_id)
        looked_at = await recorrelation.run_once(tenant_id) + await backtests.run_once(tenant_id)
        return planned + Planned(rehearsed=looked_at)

    return handle
