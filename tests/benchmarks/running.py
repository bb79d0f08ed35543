"""The daemon itself: how soon it is ready, and how much memory it takes at rest and at work."""

import asyncio
from collections.abc import AsyncIterator
from statistics import median

from tests.benchmarks import company
from tests.benchmarks.figures import Figure, Size, at_most
from tests.benchmarks.ground import Ground
from tests.benchmarks.importing import import_people
from tests.benchmarks.served import leftovers, serve, start_run, until_done
from worker.domain.run import RunKind
from worker.service.demo.organisation import generate

READY_S = 3.0
IDLE_MIB = 150
AT_WORK_MIB = 200
SETTLE_S = 2.0


async def measure_start(ground: Ground, size: Size) -> AsyncIterator[Figure]:
    """From the start of ``serve`` to its first "ready", on a database with people in it."""
    async with ground.site("start") as site:
        await import_people(site, size.people)
        times = []
        for _ in range(size.starts):
            async with serve(site) as daemon:
                times.append(daemon.ready_s)
    yield at_most("serve to ready", median(times), "s", READY_S)


async def measure_memory(ground: Ground, size: Size) -> AsyncIterator[Figure]:
    """Resident memory of the daemon's process alone: after its start, and the most while it does everything once."""
    async with ground.site("memory") as site:
        reach = await company.sql_reach(ground, site)
        connector = await company.add_target(site, reach)
        source = await company.store_source(site, site.directory / "personnel.csv")
        async with serve(site) as daemon:
            await asyncio.sleep(SETTLE_S)
            idle = daemon.memory("VmRSS")
            await start_run(site, connector.id, kind=RunKind.RECONCILIATION)
            await until_done(site)
            generate(count=size.worked).write_csv(site.directory / "personnel.csv")
            await start_run(site, source.id, kind=RunKind.IMPORT)
            await until_done(site)
            await start_run(site, connector.id, kind=RunKind.RECONCILIATION)
            await until_done(site)
            most = daemon.memory("VmHWM")
            left = await leftovers(site)
    if "dead letter" in left or "baseline" in left:
        raise RuntimeError(f"the daemon was to do all of it, left: {left}")
    yield at_most("memory at rest", idle, "MiB", IDLE_MIB)
    yield at_most("memory at work, the most", most, "MiB", AT_WORK_MIB)
