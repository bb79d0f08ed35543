"""A transaction that somebody holds open, so that nothing dead is cleared away: does the rate fall?"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg

from tests.benchmarks.figures import Figure, Size, beside
from tests.benchmarks.ground import Ground
from tests.benchmarks.queue import filling
from tests.benchmarks.queue.arena import Arena
from tests.benchmarks.queue.backlog import SHARE, UNIT, short_rate
from tests.benchmarks.queue.contenders import Ours
from tests.benchmarks.queue.race import crew, settle
from tests.benchmarks.queue.windows import quarter_rates

#: A backlog for so much more than the rate of a short queue, and for at least so many a second: it must not run out.
MARGIN, LEAST = 1.5, 20_000


async def measure(ground: Ground, size: Size) -> AsyncIterator[Figure]:
    """The last quarter beside the first, one process at full load all the time."""
    rate = await short_rate(ground, size.ordered)
    async with Ours().arena(ground) as arena:
        waiting = round(max(rate * MARGIN, LEAST) * (size.held_s + 1))
        await filling.make_waiting(arena, waiting)
        await settle(arena)
        async with _held(arena), crew(ground, arena, 1) as workers:
            await workers.go()
            await workers.until(size.ordered // 10)
            rates = await quarter_rates(workers, size.held_s)
            if workers.handled == waiting:
                raise RuntimeError(f"{waiting} waiting operations were too few")
    name = f"transaction held {size.held_s} s, last quarter"
    yield beside(name, rates[-1], UNIT, peer="first quarter", rate=rates[0], wanted=SHARE)


@asynccontextmanager
async def _held(arena: Arena) -> AsyncIterator[None]:
    conn = await asyncpg.connect(arena.admin_dsn)
    try:
        await conn.execute("BEGIN ISOLATION LEVEL REPEATABLE READ")
        await conn.fetchval("SELECT count(*) FROM tenants")
        await conn.fetchval("SELECT pg_current_xact_id()::text")
        yield
        await conn.execute("ROLLBACK")
    finally:
        await conn.close()
