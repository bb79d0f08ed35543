"""A process that does nothing but tick, until it is killed: ``python -m tests.integration.schedule.ticking DSN``."""

import asyncio
import sys

from worker.schedule import Ticker
from worker.store import due_work
from worker.store.pool import open_pool


async def main(dsn: str) -> None:
    pool = await open_pool(dsn, size=4)
    ticker = Ticker(pool)
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    while True:
        async with pool.acquire() as conn:
            found = await due_work.due(conn, ["schedule"])
        await asyncio.gather(*(ticker.run_once(each.tenant_id, each.ref_id) for each in found))
        await asyncio.sleep(0.01)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
