"""A million that wait: the rate beside that of a short queue, and the memory of a worker that works them all off."""

from collections.abc import AsyncIterator
from statistics import mean

from tests.benchmarks import processes
from tests.benchmarks.figures import Figure, Size, at_most, beside
from tests.benchmarks.ground import Ground
from tests.benchmarks.queue import filling
from tests.benchmarks.queue.contenders import Ours
from tests.benchmarks.queue.race import check, crew, settle, until_nothing_left
from tests.benchmarks.queue.windows import middle_rate, one_rate

UNIT = "operations/s"
SHARE = 0.9
MOST_MIB = 256
#: After this share of all, a worker has what it will ever need.
SETTLED = 0.1


async def measure(ground: Ground, size: Size) -> AsyncIterator[Figure]:
    """The short queue goes before, and where there is time after, too."""
    count = min(size.short, size.waiting // 2)
    short = [await short_rate(ground, count)]
    rate, early, most = await _long(ground, size.waiting, count)
    if size.turns > 1:
        short.append(await short_rate(ground, count))
    waiting = f"{size.waiting:,}"
    yield beside(f"queue, {waiting} waiting", rate, UNIT, peer=f"{count:,} waiting", rate=mean(short), wanted=SHARE)
    yield at_most(f"memory of a worker over {waiting}", most, "MiB", MOST_MIB)
    yield at_most(f"the same, after {size.waiting * SETTLED:,.0f} of them", early, "MiB", MOST_MIB)


async def short_rate(ground: Ground, count: int) -> float:
    """Of one process, over a queue that holds no more than what is counted."""
    ours = Ours()
    async with ours.arena(ground) as arena:
        await ours.fill(arena, count)
        await settle(arena)
        return await one_rate(ground, arena, count)


async def _long(ground: Ground, waiting: int, count: int) -> tuple[float, float, float]:
    """The rate over the first ones, and MiB after a tenth of all and at the most."""
    async with Ours(is_whole=True).arena(ground) as arena:
        await filling.make_waiting(arena, waiting)
        await settle(arena)
        async with crew(ground, arena, 1) as workers:
            rate = await middle_rate(workers, count)
            await workers.until(round(waiting * SETTLED))
            pid = workers.processes[0].pid
            early = processes.memory_mib(pid, "VmRSS")
            await workers.until(waiting)
            await until_nothing_left(arena)
            most = processes.memory_mib(pid, "VmHWM")
        await check(arena, waiting)
    return rate, early, most
