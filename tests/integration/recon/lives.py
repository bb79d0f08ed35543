"""A process that works on one run and is killed by SIGKILL before one of its round trips, wherever that is."""

import asyncio
import os
import signal
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID, uuid4

from tests.fakes import MemoryTarget, MemoryTargets
from tests.integration.recon.crashes import RoundTrips
from worker.domain.connector import Connector
from worker.domain.run import Run
from worker.planning import Acceptance
from worker.queue import OperationQueue
from worker.recon import ReconciliationEngine
from worker.store import runs, workers
from worker.store.pool import Pool, open_pool
from worker.store.tenant import tenant

#: So short that the next process need not wait long for the run of one that is dead.
LEASE_S = 0.2
WITHIN_S = 20.0


@dataclass(frozen=True)
class Life:
    """What a process is told: where its run is, before which round trip it dies (None: never), where it notes reads."""

    dsn: str
    tenant_id: UUID
    connector: Connector
    target: MemoryTarget
    run_id: UUID
    at: int | None
    notes: Path


def live(life: Life) -> None:
    """Work on the run, to its end or ours."""
    asyncio.run(_work(life))


async def _work(life: Life) -> None:
    with life.notes.open("a", encoding="ascii", buffering=1) as notes:
        life.target.faults.at_page = lambda number: print(number, file=notes)
        targets = MemoryTargets()
        targets.add(life.connector, life.target)
        pool = await open_pool(life.dsn, size=4)
        run = await _claimed(pool, life)
        trips = RoundTrips(kill=lambda: os.kill(os.getpid(), signal.SIGKILL))
        trips.at = life.at
        with trips.watching(type(life.target)):
            await ReconciliationEngine(pool, targets, Acceptance(OperationQueue())).run(run)
        await pool.close()


async def _claimed(pool: Pool, life: Life) -> Run:
    """The run, as soon as the lease of whoever died over it is over."""
    async with asyncio.timeout(WITHIN_S):
        while True:
            owner = uuid4()
            async with pool.acquire() as conn:
                await workers.register(conn, owner, host="t", pid=1, version="0", roles=["scheduler"], lease_s=LEASE_S)
            async with tenant(pool, life.tenant_id) as conn:
                run = await runs.claim(conn, tenant_id=life.tenant_id, run_id=life.run_id, owner=owner)
            if run is not None:
                return run
            await asyncio.sleep(LEASE_S / 4)
