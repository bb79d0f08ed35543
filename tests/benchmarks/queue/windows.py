"""Rates over a part of a run: without its start and its end, where a backlog is only begun, or quarter by quarter."""

import asyncio
import time

from tests.benchmarks.ground import Ground
from tests.benchmarks.queue.arena import Arena
from tests.benchmarks.queue.race import Crew, crew

#: Of the jobs counted, the share that is over when the clock starts, and when it stops.
FROM, TO = 0.1, 0.9
LOOK_S = 0.05


async def middle_rate(workers: Crew, count: int) -> float:
    """Start the workers; jobs a second handled between the first tenth and the last of so many.

    A run that is over before anybody could look twice counts from its start.
    """
    began = await workers.go()
    started, before = await workers.until(round(count * FROM)), workers.handled
    ended, after = await workers.until(round(count * TO)), workers.handled
    return (after - before) / ((ended - started) / 1e9) if after > before else after / ((ended - began) / 1e9)


async def quarter_rates(workers: Crew, seconds: float) -> list[float]:
    """Jobs a second in each quarter of so many seconds from now."""
    rates = []
    for _ in range(4):
        before, started = workers.handled, time.monotonic()
        while time.monotonic() - started < seconds / 4:
            workers.check()
            await asyncio.sleep(LOOK_S)
        rates.append((workers.handled - before) / (time.monotonic() - started))
    return rates


async def one_rate(ground: Ground, arena: Arena, count: int) -> float:
    """The middle rate of one process over what waits in this arena."""
    async with crew(ground, arena, 1) as workers:
        return await middle_rate(workers, count)
