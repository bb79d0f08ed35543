"""Several daemons and one clock: an occurrence fires once, whoever looks, and whoever is killed while it does."""

import asyncio
import random
import signal
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from tests.factories import a_connector
from tests.waiting import eventually
from worker.domain.ids import uuid7
from worker.domain.schedule import Frequency, Schedule
from worker.schedule import Ticker
from worker.store import due_work, schedules
from worker.store.pool import Pool, open_pool
from worker.store.tenant import tenant

DUE = datetime(2026, 1, 5, 3, tzinfo=UTC)
FLEET = 3
ROUNDS = 5
SCHEDULES = 40


@asynccontextmanager
async def a_pool(database: Any) -> AsyncIterator[Pool]:
    opened = await open_pool(database.daemon_dsn, size=4)
    yield opened
    await opened.close()


async def due_schedules(pool: Pool, tenant_id: UUID, *, count: int) -> list[UUID]:
    found = []
    for number in range(count):
        connector = await a_connector(pool, tenant_id, name=f"app {number}")
        schedule = Schedule(uuid7(), connector.id, Frequency.DAILY, hour_of_day=3, next_run_at=DUE)
        async with tenant(pool, tenant_id) as conn:
            found.append(await schedules.put(conn, schedule, tenant_id=tenant_id))
            await due_work.ask(conn, tenant_id, due_work.Kind.SCHEDULE, schedule.id)
    return found


async def rows(pool: Pool, tenant_id: UUID, query: str) -> list[tuple[Any, ...]]:
    async with tenant(pool, tenant_id) as conn:
        return [tuple(row) for row in await conn.fetch(query)]


async def test_two_daemons_that_look_at_once_start_one_run(database: Any, tenant_id: UUID) -> None:
    async with a_pool(database) as one, a_pool(database) as other:
        [schedule_id] = await due_schedules(one, tenant_id, count=1)
        looks = [Ticker(pool).run_once(tenant_id, schedule_id) for pool in (one, other) * 4]
        found = await asyncio.gather(*looks)

        started = [each.started for each in found if each.started]
        assert await rows(one, tenant_id, "SELECT id, fire_at FROM runs") == [(started[0], DUE)]
        assert len(started) == 1
        assert [each.skipped for each in found if each.skipped] == []


async def test_killed_daemons_neither_lose_nor_repeat_an_occurrence(database: Any, tenant_id: UUID) -> None:
    """Each occurrence has its run, its record and its place in the audit, or none of them; in the end all have."""
    rng = random.Random(7)
    async with a_pool(database) as pool:
        wanted = await due_schedules(pool, tenant_id, count=SCHEDULES)
        fleet = [await _ticking(database.daemon_dsn) for _ in range(FLEET)]
        try:
            for number in range(ROUNDS):
                await eventually(lambda: _all_decided(pool, tenant_id), timeout=60, what="every occurrence is decided")
                await _make_due(pool, tenant_id, wanted, day=DUE + timedelta(days=1 + number))
                await asyncio.sleep(rng.uniform(0.02, 0.3))
                await _kill(fleet.pop(0))
                assert await _halves(pool, tenant_id) == []
                fleet.append(await _ticking(database.daemon_dsn))
            await eventually(lambda: _all_decided(pool, tenant_id), timeout=60, what="every occurrence is decided")
        finally:
            for process in fleet:
                await _kill(process)

        fired = await rows(pool, tenant_id, "SELECT schedule_id, fire_at FROM runs ORDER BY schedule_id, fire_at")
        days = [DUE + timedelta(days=number) for number in range(1 + ROUNDS)]
        assert fired == [(each, day) for each in sorted(wanted) for day in days]
        assert await _halves(pool, tenant_id) == []


async def _make_due(pool: Pool, tenant_id: UUID, schedule_ids: list[UUID], *, day: datetime) -> None:
    """Let the next occurrence of each be due, with the run of the one before over."""
    async with tenant(pool, tenant_id) as conn:
        await conn.execute("UPDATE runs SET status = 'completed'")
        await conn.execute("UPDATE schedules SET next_run_at = $1", day)
        for each in schedule_ids:
            await due_work.ask(conn, tenant_id, due_work.Kind.SCHEDULE, each)


async def _halves(pool: Pool, tenant_id: UUID) -> list[tuple[Any, ...]]:
    """Runs without the record or the audit of their occurrence, and records without their run."""
    return await rows(
        pool,
        tenant_id,
        "SELECT r.id, o.run_id FROM runs r "
        "FULL JOIN schedule_occurrences o ON o.schedule_id = r.schedule_id AND o.fire_at = r.fire_at "
        "LEFT JOIN audit a ON a.object_id = r.id::text "
        "WHERE r.id IS DISTINCT FROM o.run_id OR a.n IS NULL",
    )


async def _all_decided(pool: Pool, tenant_id: UUID) -> bool:
    return await rows(pool, tenant_id, "SELECT id FROM schedules WHERE next_run_at <= db_now()") == []


async def _ticking(dsn: str) -> Process:
    command = (sys.executable, "-m", "tests.integration.schedule.ticking", dsn)
    process = await asyncio.create_subprocess_exec(*command, stdout=PIPE, stderr=DEVNULL)
    assert process.stdout is not None
    await process.stdout.readline()
    return process


async def _kill(process: Process) -> None:
    process.send_signal(signal.SIGKILL)
    await process.communicate()
