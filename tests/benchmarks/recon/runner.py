"""One run of the engine in a process of its own, as a daemon would take it, and what it cost.

python -m tests.benchmarks.recon.runner TASK          as ``house.task`` makes it; the answer is one JSON object

With the mode ``help`` it says when it is ready, and then lists ranges of runs that other processes lead, until it is
ended.
"""

import asyncio
import json
import os
import resource
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import uvloop

from tests.benchmarks import processes
from tests.benchmarks.recon.census import uid_of
from tests.benchmarks.recon.streamed import Streamed
from tests.fakes import MemoryTargets
from worker.domain.run import Run, RunKind, RunMode, RunTrigger
from worker.planning import Acceptance
from worker.queue import OperationQueue
from worker.recon import ReconciliationEngine
from worker.recon.ranges import LISTING_RANGES
from worker.service.collector import tune_collector
from worker.store import connectors, due_work, runs, workers
from worker.store.pool import Pool, open_pool
from worker.store.tenant import tenant
from worker.telemetry import logs

POOL_SIZE = 8
LEASE_S = 3_600.0
#: How often a helper looks for something to do.
LOOK_S = 0.05


async def measured(told: dict[str, Any]) -> dict[str, Any]:
    """Take one run from its claim to its end."""
    tune_collector()
    pool = await open_pool(told["dsn"], size=POOL_SIZE)
    run = await _claimed(pool, told)
    engine = ReconciliationEngine(pool, await _targets(pool, told), Acceptance(OperationQueue()))
    started, cpu = time.monotonic(), time.process_time()
    ended = await engine.run(run)
    took, on_core = time.monotonic() - started, time.process_time() - cpu
    await pool.close()
    if ended is None:
        raise RuntimeError("the run was lost")
    others = resource.getrusage(resource.RUSAGE_CHILDREN)
    return {
        "seconds": took,
        "owners_s": ended.statistics.get("owners_ms", 0) / 1_000,
        "listing_s": ended.statistics.get("listing_ms", 0) / 1_000,
        "cpu_s": on_core,
        "peak_mib": processes.memory_mib(os.getpid(), "VmHWM"),
        "apart_cpu_s": others.ru_utime + others.ru_stime,
        "apart_peak_mib": others.ru_maxrss / 1024,
        "status": str(ended.status),
        "error": ended.error_message or ended.pause_reason,
        "processed": ended.accounts_processed,
        "found": ended.discrepancies_by_type,
    }


async def _help(told: dict[str, Any]) -> None:
    """List what is free, as a scheduler that looks for it does."""
    tune_collector()
    pool = await open_pool(told["dsn"], size=POOL_SIZE)
    engine = ReconciliationEngine(pool, await _targets(pool, told), Acceptance(OperationQueue()))
    owner = await _lease(pool)
    print("ready", flush=True)
    while True:
        async with pool.acquire() as conn:
            due = await due_work.due(conn, [due_work.Kind.RANGE.value])
        for each in due:
            await engine.help(each.tenant_id, each.ref_id, owner=owner)
        await asyncio.sleep(LOOK_S)


async def _targets(pool: Pool, told: dict[str, Any]) -> Any:
    async with tenant(pool, UUID(told["tenant"])) as conn:
        connector = await connectors.get(conn, tenant_id=UUID(told["tenant"]), connector_id=UUID(told["connector"]))
    if connector is None:
        raise RuntimeError("there is no such target")
    gone = frozenset(map(uid_of, range(*told["gone"])))
    targets = MemoryTargets()
    connector = replace(connector, settings={**connector.settings, LISTING_RANGES: told["ranges"]})
    targets.add(connector, Streamed(Path(told["listing"]), total=told["total"], gone=gone, page_s=told["page_s"]))
    return targets


async def _lease(pool: Pool) -> UUID:
    owner = uuid4()
    async with pool.acquire() as conn:
        await workers.register(conn, owner, host="bench", pid=1, version="0", roles=["worker"], lease_s=LEASE_S)
    return owner


async def _claimed(pool: Pool, told: dict[str, Any]) -> Run:
    owner = await _lease(pool)
    where: dict[str, Any] = {"tenant_id": UUID(told["tenant"])}
    async with tenant(pool, where["tenant_id"]) as conn:
        made = await runs.create(
            conn,
            connector_id=UUID(told["connector"]),
            kind=RunKind.RECONCILIATION,
            mode=RunMode(told["mode"]),
            trigger=RunTrigger.MANUAL,
            **where,
        )
        run = await runs.claim(conn, run_id=made.id, owner=owner, **where)
    if run is None:
        raise RuntimeError("the run cannot be claimed")
    return run


def main(task: str) -> None:
    # the lines are made as in a daemon, and go nowhere
    with open(os.devnull, "w", encoding="utf-8") as nowhere:  # noqa: PTH123 - a device, not a path
        logs.configure(format="json", stream=nowhere)
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as loop:
            told = json.loads(task)
            found = loop.run(_help(told) if told["mode"] == "help" else measured(told))
    print(json.dumps(found))


if __name__ == "__main__":
    main(sys.argv[1])
