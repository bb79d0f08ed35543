"""What is done for a tenant when its people are planned: looks that can wait for that, and nobody waits for."""

from collections.abc import Awaitable, Callable
from uuid import UUID

from worker.planning import Planned, Planner
from worker.recon import Backtests


def planning(planner: Planner, backtests: Backtests) -> Callable[[UUID, UUID], Awaitable[Planned]]:
    """Plan, and then go on with rules that are tried on what was decided."""

    async def handle(tenant_id: UUID, ref_id: UUID) -> Planned:
        planned = await planner.run_once(tenant_id, ref_id)
        return planned + Planned(rehearsed=await backtests.run_once(tenant_id))

    return handle
