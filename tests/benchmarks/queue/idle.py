"""A daemon with nothing to do: its share of a core, and how much it asks the database."""

import asyncio
from collections.abc import AsyncIterator

from tests.benchmarks import company, processes
from tests.benchmarks.figures import Figure, Size, at_most
from tests.benchmarks.ground import Ground
from tests.benchmarks.queue.counting import counted
from tests.benchmarks.served import serve, start_run, until_done
from worker.domain.run import RunKind

CPU_PERCENT = 1.0
QUERIES_A_SECOND = 2.0
#: After the last work, until connections and caches are as they stay.
SETTLE_S = 3.0


async def measure(ground: Ground, size: Size) -> AsyncIterator[Figure]:
    """One target that has been listed, nobody to provision, all settings as they are without a file."""
    async with ground.site("idle") as site:
        reach = await company.sql_reach(ground, site)
        connector = await company.add_target(site, reach)
        async with counted(site.dsn) as wire, serve(site, dsn=wire.dsn, poll_s=None) as daemon:
            await start_run(site, connector.id, kind=RunKind.RECONCILIATION)
            await until_done(site)
            await asyncio.sleep(SETTLE_S)
            queries, busy_s = wire.statements, processes.cpu_s(daemon.process.pid)
            await asyncio.sleep(size.idle_s)
            queries = wire.statements - queries
            busy_s = processes.cpu_s(daemon.process.pid) - busy_s
    yield at_most(f"idle for {size.idle_s} s, of a core", 100 * busy_s / size.idle_s, "%", CPU_PERCENT)
    yield at_most("idle, statements", queries / size.idle_s, "statements/s", QUERIES_A_SECOND)
