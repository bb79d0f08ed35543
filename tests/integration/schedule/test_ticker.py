"""What an occurrence of a schedule leads to."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, time, timedelta
from typing import Any
from uuid import UUID

import pytest

from tests.factories import a_connector
from worker.domain.connector import ConnectorStatus
from worker.domain.ids import uuid7
from worker.domain.run import PauseReason, RunKind, RunMode, RunTrigger
from worker.domain.schedule import Blackout, Frequency, MissedRunPolicy, Schedule
from worker.schedule import Ticker
from worker.security import verify
from worker.store import due_work, runs, schedules
from worker.store.pool import Pool, open_pool
from worker.store.tenant import tenant

DUE = datetime(2026, 1, 5, 3, tzinfo=UTC)


@pytest.fixture
async def pool(database: Any) -> AsyncIterator[Pool]:
    opened = await open_pool(database.daemon_dsn, size=2)
    yield opened
    await opened.close()


async def a_due_schedule(pool: Pool, tenant_id: UUID, fields: dict[str, Any] | None = None, **connector: Any) -> UUID:
    """A schedule of a new connector, due for long unless the fields say otherwise."""
    found = await a_connector(pool, tenant_id, **connector)
    wanted: dict[str, Any] = {"frequency": Frequency.DAILY, "hour_of_day": 3, "next_run_at": DUE, **(fields or {})}
    async with tenant(pool, tenant_id) as conn:
        made = await schedules.put(conn, Schedule(uuid7(), found.id, **wanted), tenant_id=tenant_id)
        await due_work.ask(conn, tenant_id, due_work.Kind.SCHEDULE, made)
    return made


async def rows(pool: Pool, tenant_id: UUID, query: str) -> list[tuple[Any, ...]]:
    async with tenant(pool, tenant_id) as conn:
        return [tuple(row) for row in await conn.fetch(query)]


async def test_a_started_run_is_in_the_audit_under_the_name_of_its_schedule(pool: Pool, tenant_id: UUID) -> None:
    schedule_id = await a_due_schedule(pool, tenant_id)

    ticked = await Ticker(pool).run_once(tenant_id, schedule_id)

    said = await rows(
        pool,
        tenant_id,
        "SELECT p.kind, p.name, a.action, a.object_id FROM audit a JOIN principals p ON p.id = a.actor_id",
    )
    assert said == [("schedule", "schedule of app", "run.start", str(ticked.started))]
    async with tenant(pool, tenant_id) as conn:
        verdict = await verify(conn, tenant_id)
    assert (verdict.entries, verdict.broken_at) == (1, None)


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        pytest.param(ConnectorStatus.MAINTENANCE, "app is in maintenance; nothing is asked of it.", id="maintenance"),
        pytest.param(ConnectorStatus.INACTIVE, "app is switched off; nothing is asked of it.", id="switched off"),
    ],
)
async def test_a_connector_to_be_left_alone_is_passed_by(
    pool: Pool, tenant_id: UUID, status: ConnectorStatus, reason: str
) -> None:
    """No run is started that could only fail; the schedule says why, and comes again."""
    schedule_id = await a_due_schedule(pool, tenant_id, status=status)

    ticked = await Ticker(pool).run_once(tenant_id, schedule_id)

    assert (ticked.started, ticked.skipped) == (None, reason)
    assert await rows(pool, tenant_id, "SELECT 1 FROM runs UNION ALL SELECT 1 FROM audit") == []
    found = await rows(pool, tenant_id, "SELECT last_skip_reason, next_run_at > db_now() FROM schedules")
    assert found == [(reason, True)]
    past = await rows(pool, tenant_id, "SELECT fire_at, outcome, reason, message FROM schedule_occurrences")
    assert past == [(DUE, "skipped", "connector_closed", reason)]


async def test_an_occurrence_keeps_what_became_of_it(pool: Pool, tenant_id: UUID) -> None:
    schedule_id = await a_due_schedule(pool, tenant_id)

    ticked = await Ticker(pool).run_once(tenant_id, schedule_id)

    past = await rows(pool, tenant_id, "SELECT fire_at, outcome, reason, run_id, passed FROM schedule_occurrences")
    assert past == [(DUE, "started", None, ticked.started, 100)]
    runs_ = await rows(pool, tenant_id, "SELECT schedule_id, fire_at, trigger FROM runs")
    assert runs_ == [(schedule_id, DUE, "scheduled")]
    known = await rows(pool, tenant_id, "SELECT last_run_at > db_now() - interval '1 minute' FROM schedules")
    assert known == [(True,)]


async def test_a_run_that_is_not_over_keeps_the_next_one_away_by_name(pool: Pool, tenant_id: UUID) -> None:
    schedule_id = await a_due_schedule(pool, tenant_id)
    async with tenant(pool, tenant_id) as conn:
        [connector_id] = await conn.fetchrow("SELECT connector_id FROM schedules")
        live = await runs.create(
            conn,
            tenant_id=tenant_id,
            connector_id=connector_id,
            kind=RunKind.RECONCILIATION,
            mode=RunMode.FULL,
            trigger=RunTrigger.MANUAL,
        )
        await conn.execute(
            "UPDATE runs SET status = 'paused', pause_reason = $1, started_at = '2026-01-04 22:15:00+00'",
            str(PauseReason.SAFEGUARD),
        )

    ticked = await Ticker(pool).run_once(tenant_id, schedule_id)

    assert ticked.skipped == "Another run of this connector is paused since 2026-01-04 22:15 UTC (safeguard)."
    past = await rows(pool, tenant_id, "SELECT outcome, reason, run_id FROM schedule_occurrences")
    assert past == [("skipped", "overlap", live.id)]
    assert await rows(pool, tenant_id, "SELECT next_run_at > db_now(), last_run_at FROM schedules") == [(True, None)]


async def test_missed_runs_are_skipped_where_the_policy_says_so(pool: Pool, tenant_id: UUID) -> None:
    schedule_id = await a_due_schedule(pool, tenant_id, {"missed_run_policy": MissedRunPolicy.SKIP})

    ticked = await Ticker(pool).run_once(tenant_id, schedule_id)

    assert ticked.skipped == "No daemon looked when it was due, and missed runs are skipped."
    assert await rows(pool, tenant_id, "SELECT 1 FROM runs") == []
    assert await rows(pool, tenant_id, "SELECT reason FROM schedule_occurrences") == [("missed",)]


async def test_nothing_begins_in_a_blackout(pool: Pool, tenant_id: UUID) -> None:
    """It stays due, and is looked at again when the black-out is over; at latest in an hour."""
    now = datetime.now(UTC)
    times = [time((now + timedelta(minutes=by)).hour, (now + timedelta(minutes=by)).minute) for by in (-10, 10)]
    schedule_id = await a_due_schedule(pool, tenant_id, {"blackouts": (Blackout(*times),)})

    ticked = await Ticker(pool).run_once(tenant_id, schedule_id)

    assert (ticked.started, ticked.skipped) == (None, None)
    assert await rows(pool, tenant_id, "SELECT next_run_at FROM schedules") == [(DUE,)]
    due = await rows(
        pool,
        tenant_id,
        "SELECT due_at - db_now() BETWEEN '1 minute' AND '11 minutes' FROM due_work WHERE kind = 'schedule'",
    )
    assert due == [(True,)]


async def test_a_clock_that_was_far_ahead_for_a_moment_silences_no_schedule(pool: Pool, tenant_id: UUID) -> None:
    """And neither do new rules of a zone: when nothing is due, the next occurrence is computed anew."""
    schedule_id = await a_due_schedule(pool, tenant_id, {"next_run_at": datetime(2099, 1, 1, 3, tzinfo=UTC)})

    ticked = await Ticker(pool).run_once(tenant_id, schedule_id)

    assert (ticked.started, ticked.skipped) == (None, None)
    found = await rows(pool, tenant_id, "SELECT next_run_at - db_now() < interval '25 hours' FROM schedules")
    assert found == [(True,)]
    slept = "SELECT due_at - db_now() <= interval '1 hour' FROM due_work WHERE kind = 'schedule'"
    assert await rows(pool, tenant_id, slept) == [(True,)]


async def test_a_zone_that_is_no_more_is_said_and_tried_again(pool: Pool, tenant_id: UUID) -> None:
    schedule_id = await a_due_schedule(pool, tenant_id, {"timezone": "Mars/Olympus_Mons"})

    ticked = await Ticker(pool).run_once(tenant_id, schedule_id)
    again = await Ticker(pool).run_once(tenant_id, schedule_id)

    assert ticked.skipped == again.skipped == "timezone: there is no such time zone"
    assert await rows(pool, tenant_id, "SELECT reason, fire_at FROM schedule_occurrences") == [("invalid", DUE)]
    assert await rows(pool, tenant_id, "SELECT next_run_at FROM schedules") == [(DUE,)]


async def test_old_occurrences_are_forgotten(pool: Pool, tenant_id: UUID) -> None:
    schedule_id = await a_due_schedule(pool, tenant_id)
    async with tenant(pool, tenant_id) as conn:
        await conn.execute(
            "INSERT INTO schedule_occurrences (tenant_id, schedule_id, fire_at, decided_at, outcome) "
            "SELECT $1, $2, '2025-12-31'::timestamptz - n * interval '1 minute', db_now(), 'skipped' "
            "FROM generate_series(1, 600) n",
            tenant_id,
            schedule_id,
        )

    await Ticker(pool).run_once(tenant_id, schedule_id)

    assert await rows(pool, tenant_id, "SELECT count(*), max(fire_at) FROM schedule_occurrences") == [(500, DUE)]
