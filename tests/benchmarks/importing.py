"""The first import: a CSV of employees read, stored and planned for three targets, none of which is called."""

import asyncio
import time
from collections.abc import AsyncIterator
from uuid import UUID

from tests.benchmarks import company
from tests.benchmarks.figures import Figure, Size, at_least
from tests.benchmarks.ground import Ground, Site
from tests.benchmarks.served import DONE_WITHIN_S, LOOK_S, start_run
from worker.connectors import Targets
from worker.domain.run import RunKind
from worker.intake import Importer
from worker.mapping import MappingEngine
from worker.planning import Acceptance, Planner
from worker.queue import OperationQueue
from worker.service.demo.organisation import generate
from worker.service.demo.targets import TARGETS
from worker.service.loop import DuePoller
from worker.store import runs
from worker.store.due_work import Kind
from worker.store.tenant import tenant

WANTED_A_SECOND = 3_000


async def measure(ground: Ground, size: Size) -> AsyncIterator[Figure]:
    """Identities a second, stored and planned."""
    async with ground.site("import") as site:
        took = await import_people(site, size.people)
        planned = await _planned(site)
    if planned != size.people:
        raise RuntimeError(f"{planned} of {size.people} people were imported and planned")
    yield at_least("import stored and planned", size.people / took, "identities/s", WANTED_A_SECOND)


async def import_people(site: Site, count: int) -> float:
    """Import and plan this many people with the parts of a daemon, in this process; the seconds it took."""
    for target in TARGETS:
        await company.add_target(site, company.unreached(target))
    source = await company.add_source(site, generate(count=count).employees)
    targets = Targets(site.pool, site.vault)
    try:
        return await _timed(site, source.id, targets)
    finally:
        await targets.aclose()


async def _timed(site: Site, source_id: UUID, targets: Targets) -> float:
    owner = await site.lease()
    importer = Importer(site.pool, sources=targets)
    planner = Planner(site.pool, mapper=MappingEngine(), acceptance=Acceptance(OperationQueue()), vault=site.vault)

    async def run(tenant_id: UUID, run_id: UUID) -> None:
        async with tenant(site.pool, tenant_id) as conn:
            claimed = await runs.claim(conn, tenant_id=tenant_id, run_id=run_id, owner=owner)
        if claimed is not None:
            await importer.process(claimed)

    async def plan(tenant_id: UUID, ref_id: UUID) -> None:
        await planner.run_once(tenant_id, ref_id)
        poller.wake()

    poller = DuePoller(site.pool, {Kind.RUN: run, Kind.PLAN: plan}, poll_s=LOOK_S)
    stop = asyncio.Event()
    polling = asyncio.create_task(poller.run(stop))
    try:
        started = time.monotonic()
        await start_run(site, source_id, kind=RunKind.IMPORT)
        async with asyncio.timeout(DONE_WITHIN_S):
            while not await _is_over(site):
                await asyncio.sleep(LOOK_S)
        return time.monotonic() - started
    finally:
        stop.set()
        await polling


async def _is_over(site: Site) -> bool:
    async with tenant(site.pool, site.tenant_id) as conn:
        return bool(
            await conn.fetchval(
                "SELECT NOT EXISTS (SELECT FROM runs WHERE status <> 'completed') "
                "AND NOT EXISTS (SELECT FROM plan_items)"
            )
        )


async def _planned(site: Site) -> int:
    """How many people are stored and have been looked at: the active ones have operations, nobody is left to plan."""
    async with tenant(site.pool, site.tenant_id) as conn:
        unplanned = await conn.fetchval(
            "SELECT count(*) FROM identities i WHERE i.active AND NOT EXISTS "
            "(SELECT FROM operations o WHERE o.user_id = i.id)"
        )
        return int(await conn.fetchval("SELECT count(*) FROM identities")) - int(unplanned)
