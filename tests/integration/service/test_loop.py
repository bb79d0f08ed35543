"""The poll behind all duties, on a real table of due work."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID, uuid4

import pytest

from worker.service.loop import DuePoller
from worker.store.due_work import PAGE, Kind
from worker.store.pool import Pool, open_pool

BUSY = 2 * PAGE + 7


@pytest.fixture
async def pool(database: Any) -> AsyncIterator[Pool]:
    opened = await open_pool(database.daemon_dsn, size=4)
    yield opened
    await opened.close()


async def make_due(pool: Pool, tenant_id: UUID, count: int, *, seconds_ago: int) -> None:
    async with pool.acquire() as conn:
        await conn.execute(
            "INSERT INTO due_work (tenant_id, kind, ref_id, due_at) "
            "SELECT $1, 'run', gen_random_uuid(), now() - make_interval(secs => $3) FROM generate_series(1, $2)",
            tenant_id,
            count,
            seconds_ago,
        )


async def test_what_is_at_work_hides_nothing_that_waits_behind_it(pool: Pool, tenant_id: UUID) -> None:
    """A handler at work leaves its row due, and always the one that waits longest."""
    started: list[UUID] = []
    is_over = asyncio.Event()

    async def work(_tenant_id: UUID, ref_id: UUID) -> None:
        started.append(ref_id)
        await is_over.wait()

    poller = DuePoller(pool, {Kind.RUN: work}, poll_s=1)
    await make_due(pool, tenant_id, BUSY, seconds_ago=60)
    first = await poller.run_once()
    await make_due(pool, uuid4(), 1, seconds_ago=1)
    second = await poller.run_once()
    third = await poller.run_once()
    await asyncio.sleep(0)
    is_over.set()

    assert (first, second, third) == (BUSY, 1, 0)
    assert len(set(started)) == BUSY + 1


async def test_who_asks_while_the_handler_runs_is_heard_when_it_ends(pool: Pool, tenant_id: UUID) -> None:
    """Without waiting for the next poll, which is an hour away here."""
    started = asyncio.Queue[UUID]()
    may_end = asyncio.Event()
    stop = asyncio.Event()

    async def work(_tenant_id: UUID, ref_id: UUID) -> None:
        started.put_nowait(ref_id)
        await may_end.wait()

    poller = DuePoller(pool, {Kind.RUN: work}, poll_s=3600)
    await make_due(pool, tenant_id, 1, seconds_ago=1)
    polling = asyncio.create_task(poller.run(stop))
    first = await started.get()
    looked = asyncio.Event()
    seen = poller.run_once

    async def look() -> int:
        found = await seen()
        looked.set()
        return found

    poller.run_once = look  # type: ignore[method-assign]  # to know when it has looked
    poller.wake()
    await looked.wait()
    may_end.set()

    assert await asyncio.wait_for(started.get(), timeout=30) == first
    stop.set()
    await polling
