"""Several daemons and one clock: an occurrence fires once, whoever looks, and whoever is killed while it does."""

import asyncio
import os
import random
import signal
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from tests.conftest import ROOT
from tests.factories import a_connector
from tests.waiting import eventually
from worker.domain.ids import uuid7
from worker.domain.schedule import Frequency, Schedule
from worker.schedule import Ticker
from worker.store import due_work, runs, schedules
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


#: Where Debian keeps it.
LIBRARY = "libfaketimeMT.so.1"
SKEWS = ("-2h", "-90s", "+2h")


def _clock(skew: str) -> dict[str, str]:
    """An environment whose wall clock is off by so much."""
    [found, *_] = [path for folder in ("/usr/lib", "/usr/local/lib") for path in Path(folder).rglob(LIBRARY)]
    return {**os.environ, "LD_PRELOAD": str(found), "FAKETIME": skew, "FAKETIME_DONT_FAKE_MONOTONIC": "1"}


@pytest.mark.needs("faketime")
async def test_daemons_whose_clocks_differ_by_hours_start_what_is_due_once_and_nothing_early(
    database: Any, tenant_id: UUID
) -> None:
    """The clock that counts is the database's."""
    async with a_pool(database) as pool:
        due = await due_schedules(pool, tenant_id, count=10)
        connector = await a_connector(pool, tenant_id, name="in an hour")
        async with tenant(pool, tenant_id) as conn:
            in_an_hour = (await schedules.now(conn)).replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)
            later = Schedule(uuid7(), connector.id, Frequency.HOURLY, next_run_at=in_an_hour)
            await schedules.put(conn, later, tenant_id=tenant_id)
        for number, skews in enumerate((SKEWS, SKEWS[:1], SKEWS[-1:])):
            async with tenant(pool, tenant_id) as conn:
                await due_work.ask(conn, tenant_id, due_work.Kind.SCHEDULE, later.id)
            await _make_due(pool, tenant_id, due, day=DUE + timedelta(days=number), but=later.id)
            fleet = [await _ticking(database.daemon_dsn, **_clock(skew)) for skew in skews]
            try:
                await eventually(lambda: _all_decided(pool, tenant_id), timeout=60, what="every occurrence is decided")
            finally:
                for process in fleet:
                    await _kill(process)

        fired = await rows(pool, tenant_id, "SELECT schedule_id, fire_at FROM runs ORDER BY schedule_id, fire_at")
        [(looks_at,)] = await rows(pool, tenant_id, f"SELECT next_run_at FROM schedules WHERE id = '{later.id}'")
        days = [DUE + timedelta(days=number) for number in range(3)]
        assert fired == [(each, day) for each in sorted(due) for day in days]
        assert looks_at == in_an_hour


_CLAIM = """
import asyncio, sys
from uuid import UUID, uuid4
from worker.store import runs, workers
from worker.store.pool import open_pool
from worker.store.tenant import tenant

async def main(dsn, tenant_id, run_id):
    pool, owner = await open_pool(dsn, size=1), uuid4()
    async with pool.acquire() as conn:
        await workers.register(conn, owner, host="t", pid=1, version="0", roles=["scheduler"], lease_s=60)
    async with tenant(pool, tenant_id) as conn:
        assert await runs.claim(conn, tenant_id=tenant_id, run_id=run_id, owner=owner)

asyncio.run(main(sys.argv[1], UUID(sys.argv[2]), UUID(sys.argv[3])))
"""


@pytest.mark.needs("faketime")
@pytest.mark.parametrize("skew", ["-2h", "+2h"])
async def test_run_of_a_daemon_whose_clock_is_wrong_is_looked_after_in_time(
    database: Any, tenant_id: UUID, skew: str
) -> None:
    """Should it be killed: the others look again soon, not in two hours, and not all the time until then."""
    async with a_pool(database) as pool:
        [schedule_id] = await due_schedules(pool, tenant_id, count=1)
        run_id = (await Ticker(pool).run_once(tenant_id, schedule_id)).started
        command = (sys.executable, "-c", _CLAIM, database.daemon_dsn, str(tenant_id), str(run_id))
        process = await asyncio.create_subprocess_exec(*command, env=_clock(skew), cwd=ROOT)
        assert await process.wait() == 0

        [(wait,)] = await rows(pool, tenant_id, "SELECT due_at - db_now() FROM due_work WHERE kind = 'run'")
        assert timedelta(seconds=-60) < wait <= runs.LOOK_AGAIN


async def _make_due(
    pool: Pool, tenant_id: UUID, schedule_ids: list[UUID], *, day: datetime, but: UUID | None = None
) -> None:
    """Let the next occurrence of each be due, with the run of the one before over."""
    async with tenant(pool, tenant_id) as conn:
        await conn.execute("UPDATE runs SET status = 'completed'")
        await conn.execute("UPDATE schedules SET next_run_at = $1 WHERE id IS DISTINCT FROM $2", day, but)
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


async def _ticking(dsn: str, **environment: str) -> Process:
    command = (sys.executable, "-m", "tests.integration.schedule.ticking", dsn)
    process = await asyncio.create_subprocess_exec(*command, stdout=PIPE, stderr=DEVNULL, env=environment or None)
    assert process.stdout is not None
    await process.stdout.readline()
    return process


async def _kill(process: Process) -> None:
    process.send_signal(signal.SIGKILL)
    await process.communicate()
