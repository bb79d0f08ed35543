"""Order that binds: many operations over few accounts, beside as many that are free of each other."""

from collections.abc import AsyncIterator
from statistics import median

from tests.benchmarks.figures import Figure, Size, beside
from tests.benchmarks.ground import Ground
from tests.benchmarks.queue.contenders import Ours
from tests.benchmarks.queue.race import race

SHARE = 0.4
LANES = 50


async def measure(ground: Ground, size: Size) -> AsyncIterator[Figure]:
    """In turns, one process."""
    bound, free = [], []
    for _ in range(size.turns):
        bound.append((await race(ground, Ours(accounts=LANES), processes=1, count=size.ordered)).rate)
        free.append((await race(ground, Ours(), processes=1, count=size.ordered)).rate)
    name = f"{size.ordered:,} over {LANES} accounts"
    yield beside(name, median(bound), "operations/s", peer="one an account", rate=median(free), wanted=SHARE)
