"""The poll behind all duties, on a real table of due work."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID, uuid4

import pytest

from tests.waiting import eventually
from worker.service.loop import DuePoller
from worker.store import due_work, notify
from worker.store.due_work import PAGE, Kind
from worker.store.pool import Pool, open_pool
from worker.store.tenant import tenant

BUSY = 2 * PAGE + 7


@pytest.fixture
async def pool(database: Any) -> AsyncIterator[Pool]:
    opened = await open_pool(database.daemon_dsn, size=4)
    yield opened
    await opened.close()


async def make_due(pool: Pool, tenant_id: UUID, count: int, *, seconds_ago: int, kind: str = "run") -> None:
    async with pool.acquire() as conn:
        await conn.execute(
            "INSERT INTO due_work (tenant_id, kind, ref_id, due_at) "
            "SELECT $1, $4, gen_random_uuid(), now() - make_interval(secs => $3) FROM generate_series(1, $2)",
            tenant_id,
            count,
            seconds_ago,
            kind,
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


async def test_a_poll_comes_when_something_is_due_that_waited_for_its_time(pool: Pool, tenant_id: UUID) -> None:
    """Though the next poll would be an hour away."""
    started = asyncio.Queue[UUID]()

    async def work(_tenant_id: UUID, ref_id: UUID) -> None:
        started.put_nowait(ref_id)

    await make_due(pool, tenant_id, 1, seconds_ago=-1)
    stop = asyncio.Event()
    polling = asyncio.create_task(DuePoller(pool, {Kind.RUN: work}, poll_s=3600).run(stop))

    assert await asyncio.wait_for(started.get(), timeout=30)
    stop.set()
    await polling


async def test_a_tenant_with_many_targets_at_work_leaves_room_for_another(pool: Pool, tenant_id: UUID) -> None:
    """Whatever hangs at the targets of one."""
    started: list[UUID] = []
    other, is_over = uuid4(), asyncio.Event()

    async def work(by: UUID, _ref_id: UUID) -> None:
        started.append(by)
        if by == tenant_id:
            await is_over.wait()

    poller = DuePoller(pool, {Kind.CLAIM: work}, poll_s=3600, at_once=3)
    await make_due(pool, tenant_id, BUSY, seconds_ago=60, kind="claim")
    await poller.run_once()
    await make_due(pool, other, 5, seconds_ago=1, kind="claim")
    await poller.run_once()

    await eventually(lambda: started.count(other) == 5)
    assert started.count(tenant_id) == 2
    is_over.set()


async def test_it_is_crowded_while_more_is_due_than_there_are_places(pool: Pool, tenant_id: UUID) -> None:
    is_over = asyncio.Event()

    async def work(_tenant_id: UUID, _ref_id: UUID) -> None:
        await is_over.wait()

    poller = DuePoller(pool, {Kind.CLAIM: work}, poll_s=3600, at_once=3)
    crowded = []
    for count in (2, 1):  # one place is never one tenant's
        await make_due(pool, tenant_id, count, seconds_ago=1, kind="claim")
        await poller.run_once()
        crowded.append(poller.is_crowded)

    assert crowded == [False, True]
    is_over.set()
    await eventually(lambda: not poller.is_crowded)


async def test_what_is_urgent_begins_though_all_places_are_taken(pool: Pool, tenant_id: UUID) -> None:
    started: list[UUID] = []
    target, is_over = uuid4(), asyncio.Event()

    async def work(_tenant_id: UUID, ref_id: UUID) -> None:
        started.append(ref_id)
        await is_over.wait()

    poller = DuePoller(pool, {Kind.CLAIM: work}, poll_s=3600, at_once=1)
    await make_due(pool, tenant_id, 10, seconds_ago=60, kind="claim")
    await poller.run_once()
    with notify.hearing(poller.hear):
        async with tenant(pool, tenant_id) as conn:
            await due_work.ask(conn, tenant_id, Kind.CLAIM, target, is_urgent=True)

    await eventually(lambda: len(started) == 2)
    assert started[1] == target
    is_over.set()


async def test_a_poll_that_finds_the_same_makes_nothing_less_urgent(pool: Pool, tenant_id: UUID) -> None:
    """What was asked for while its handler ran, and is found by a poll as well before that ends."""
    started: list[UUID] = []
    may_end = {uuid4(): asyncio.Event() for _ in range(2)}
    target, other = may_end

    async def work(_tenant_id: UUID, ref_id: UUID) -> None:
        started.append(ref_id)
        await may_end[ref_id].wait()

    async def ask(ref_id: UUID, *, is_urgent: bool = False) -> None:
        async with tenant(pool, tenant_id) as conn:
            await due_work.ask(conn, tenant_id, Kind.CLAIM, ref_id, is_urgent=is_urgent)

    poller = DuePoller(pool, {Kind.CLAIM: work}, poll_s=3600, at_once=1)
    with notify.hearing(poller.hear):
        await ask(target, is_urgent=True)
        await ask(other)
        await ask(target, is_urgent=True)
    await poller.run_once()
    await eventually(lambda: len(started) == 2)
    may_end[target].set()

    await eventually(lambda: started == [target, other, target])
    may_end[other].set()
