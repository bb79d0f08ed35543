"""Ten million that are finished, with their attempts: the rate beside that of an empty history."""

from collections.abc import AsyncIterator
from statistics import mean

from tests.benchmarks.figures import Figure, Size, beside
from tests.benchmarks.ground import Ground
from tests.benchmarks.queue import filling
from tests.benchmarks.queue.backlog import SHARE, UNIT, short_rate
from tests.benchmarks.queue.contenders import Ours
from tests.benchmarks.queue.race import settle
from tests.benchmarks.queue.windows import one_rate


async def measure(ground: Ground, size: Size) -> AsyncIterator[Figure]:
    """The empty one goes before, and where there is time after, too."""
    empty = [await short_rate(ground, size.short)]
    rate = await _rate(ground, size.finished, size.short)
    if size.turns > 1:
        empty.append(await short_rate(ground, size.short))
    name = f"queue, {size.finished:,} finished"
    yield beside(name, rate, UNIT, peer="none finished", rate=mean(empty), wanted=SHARE)


async def _rate(ground: Ground, finished: int, count: int) -> float:
    ours = Ours()
    async with ours.arena(ground) as arena:
        await filling.make_finished(arena, finished)
        await ours.fill(arena, count)
        await settle(arena)
        return await one_rate(ground, arena, count)
