"""The lease beside a process that is busy, on a real server."""

import asyncio
import time
from typing import Any

from worker.service.heartbeat import Heartbeat
from worker.store import workers
from worker.store.pool import Pool, open_pool


async def test_a_blocked_loop_costs_no_lease(database: Any) -> None:
    """For longer than a lease nothing of the loop runs; the lease holds all the same, for us and for the database."""
    pool: Pool = await open_pool(database.daemon_dsn, size=1)
    heartbeat = Heartbeat(database.daemon_dsn, version="0", roles=["worker"], lease_s=5.0, beat_s=0.5)
    await heartbeat.start()
    before = heartbeat.owner
    try:
        await asyncio.sleep(0)
        time.sleep(8.0)
        held, after = heartbeat.is_held(), heartbeat.owner
        async with pool.acquire() as conn:
            alive = [row["id"] for row in await workers.alive(conn)]
    finally:
        await heartbeat.stop()
        await pool.close()

    assert (held, after, alive) == (True, before, [before])
