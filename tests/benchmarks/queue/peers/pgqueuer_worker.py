"""PGQueuer over asyncpg, with large batches; the verbs of peer.mjs. Runs where PGQueuer is installed, not in our house.

python pgqueuer_worker.py setup | fill N | single N GAP_MS | work     with BENCH_DSN, BENCH_METER and BENCH_GO
"""

import asyncio
import os
import sys
import time
from datetime import timedelta
from typing import Any

import asyncpg
import uvloop
from pgqueuer import PgQueuer
from pgqueuer.db import AsyncpgDriver
from pgqueuer.queries import Queries

from tests.benchmarks.queue.meter import Meter

NAME = "nothing"
BATCH = 500
FILLED_AT_ONCE = 1_000


async def connected() -> AsyncpgDriver:
    return AsyncpgDriver(await asyncpg.connect(os.environ["BENCH_DSN"]))


async def setup() -> None:
    await Queries(await connected()).install()


async def fill(count: int) -> None:
    queries = Queries(await connected())
    for at in range(0, count, FILLED_AT_ONCE):
        size = min(FILLED_AT_ONCE, count - at)
        await queries.enqueue([NAME] * size, [b"0"] * size, [0] * size)


async def single(count: int, gap_ms: float) -> None:
    queries = Queries(await connected())
    for _ in range(count):
        await queries.enqueue(NAME, str(time.monotonic_ns()).encode())
        await asyncio.sleep(gap_ms / 1000)


async def work() -> None:
    meter = Meter()
    await meter.begin()
    queue = PgQueuer(await connected())

    @queue.entrypoint(NAME)
    async def nothing(job: Any) -> None:
        meter.hit(int(job.payload))

    await queue.run(batch_size=BATCH, dequeue_timeout=timedelta(seconds=1))


async def main(verb: str, *numbers: str) -> None:
    match verb:
        case "setup":
            await setup()
        case "fill":
            await fill(int(numbers[0]))
        case "single":
            await single(int(numbers[0]), float(numbers[1]))
        case "work":
            await work()


if __name__ == "__main__":
    uvloop.run(main(*sys.argv[1:]))
