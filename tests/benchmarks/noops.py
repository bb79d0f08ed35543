"""The queue alone: claim, run nothing, finish with attempt and archive; beside a loop that does the same by hand."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from random import Random
from uuid import UUID

import asyncpg

from tests import factories
from tests.benchmarks.figures import Figure, Size, beside
from tests.benchmarks.ground import Ground, Site
from tests.benchmarks.served import completed
from worker.domain.ids import uuid7
from worker.domain.operation import Operation
from worker.domain.outcome import Succeeded
from worker.domain.processing import Finished, Gate
from worker.queue import Dispatcher, Finisher
from worker.service.loop import DuePoller
from worker.store.due_work import Kind

SLOTS = 100
SUBMITTED_AT_ONCE = 1_000
CLAIMED_AT_ONCE = 500
PAYLOAD = {"attributes": {"title": "x"}}
DONE_WITHIN_S = 300.0

_TABLES = """
CREATE TABLE jobs (id uuid PRIMARY KEY, status text NOT NULL, attempt integer NOT NULL DEFAULT 0,
    payload jsonb NOT NULL, created_at timestamptz NOT NULL DEFAULT now(), started_at timestamptz);
CREATE INDEX jobs_waiting ON jobs (id) WHERE status = 'pending';
CREATE TABLE archive (LIKE jobs, completed_at timestamptz NOT NULL, PRIMARY KEY (id));
CREATE TABLE tries (job_id uuid NOT NULL, attempt integer NOT NULL, started_at timestamptz, completed_at timestamptz,
    success boolean NOT NULL, PRIMARY KEY (job_id, attempt));
"""
_CLAIM = """
UPDATE jobs SET status = 'running', attempt = attempt + 1, started_at = clock_timestamp()
WHERE id = ANY(ARRAY(SELECT id FROM jobs WHERE status = 'pending' ORDER BY id LIMIT $1 FOR UPDATE SKIP LOCKED))
RETURNING id, attempt, payload
"""
_FINISH = """
WITH done AS (DELETE FROM jobs WHERE id = ANY($1::uuid[]) RETURNING *),
kept AS (INSERT INTO archive SELECT id, 'done', attempt, payload, created_at, started_at, clock_timestamp() FROM done)
INSERT INTO tries SELECT id, attempt, started_at, clock_timestamp(), true FROM done
"""


async def measure(ground: Ground, size: Size) -> AsyncIterator[Figure]:
    """Operations finished a second, each on an account of its own; the loop goes before and after."""
    dsn = await ground.postgres.application("limit_loop")
    before = await loop_rate(dsn, size.noops)
    async with ground.site("queue") as site:
        rate = await queue_rate(site, size.noops)
    after = await loop_rate(dsn, size.noops)
    loop = 2 / (1 / before + 1 / after)
    yield beside("queue without work", rate, "operations/s", peer="bare asyncpg loop", rate=loop)


@dataclass(frozen=True, slots=True)
class _Lease:
    owner: UUID

    def is_held(self) -> bool:
        return True


class _Nothing:
    """The processor and the gate: always open, does nothing, counts."""

    def __init__(self, expected: int) -> None:
        self._left = expected
        self.is_over = asyncio.Event()

    async def prepare(self, tenant_id: UUID, operations: Sequence[Operation]) -> None:
        """There is nothing to read."""

    async def process(self, operation: Operation) -> Finished:
        self._left -= 1
        if self._left == 0:
            self.is_over.set()
        return Finished(operation, Succeeded(None), 0)

    async def gate(self, tenant_id: UUID, connector_id: UUID) -> Gate:
        return Gate(SLOTS, "nothing")


async def queue_rate(site: Site, count: int) -> float:
    """Operations a second through dispatcher and finisher, put together as the daemon does."""
    await _submit(site, count)
    nothing, lease = _Nothing(count), _Lease(await site.lease())
    stop = asyncio.Event()

    def wake() -> None:
        poller.wake()

    finisher = Finisher(site.pool, lease, rng=Random(7), on_written=wake)
    dispatcher = Dispatcher(site.pool, lease=lease, gate=nothing, processor=nothing, finisher=finisher, on_room=wake)
    poller = DuePoller(site.pool, {Kind.CLAIM: dispatcher.run_once}, poll_s=1.0)
    started = time.monotonic()
    writing = asyncio.create_task(finisher.run())
    polling = asyncio.create_task(poller.run(stop))
    try:
        async with asyncio.timeout(DONE_WITHIN_S):
            await nothing.is_over.wait()
            await finisher.drained()
        took = time.monotonic() - started
    finally:
        stop.set()
        await polling
        writing.cancel()
        await asyncio.gather(writing, return_exceptions=True)
    if (done := await completed(site)) != count:
        raise RuntimeError(f"{done} of {count} operations were finished")
    return count / took


async def _submit(site: Site, count: int) -> None:
    connector = await factories.a_connector(site.pool, site.tenant_id, settings={"require_baseline": False})
    for at in range(0, count, SUBMITTED_AT_ONCE):
        accounts = await factories.accounts(site.pool, site.tenant_id, connector.id, min(SUBMITTED_AT_ONCE, count - at))
        operations = [factories.an_operation(connector.id, account, payload=PAYLOAD) for account in accounts]
        await factories.enqueue(site.pool, site.tenant_id, *operations)


async def loop_rate(dsn: str, count: int) -> float:
    """What a loop of two statements a batch makes on the same server: no lanes, no fence, no tenants, no log."""
    conn = await asyncpg.connect(dsn)
    try:
        await conn.execute("DROP TABLE IF EXISTS jobs, archive, tries")
        await conn.execute(_TABLES)
        rows = [(uuid7(), "pending", json.dumps(PAYLOAD)) for _ in range(count)]
        await conn.copy_records_to_table("jobs", records=rows, columns=["id", "status", "payload"])
        done = 0
        started = time.monotonic()
        while claimed := await conn.fetch(_CLAIM, CLAIMED_AT_ONCE):
            await conn.execute(_FINISH, [row["id"] for row in claimed])
            done += len(claimed)
        took = time.monotonic() - started
    finally:
        await conn.close()
    if done != count:
        raise RuntimeError(f"the loop finished {done} of {count} jobs")
    return count / took
