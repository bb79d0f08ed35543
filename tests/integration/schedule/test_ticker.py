"""What an occurrence of a schedule leads to."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest

from tests.factories import a_connector
from worker.domain.connector import ConnectorStatus
from worker.domain.ids import uuid7
from worker.domain.schedule import Frequency, Schedule
from worker.schedule import Ticker
from worker.security import verify
from worker.store import schedules
from worker.store.pool import Pool, open_pool
from worker.store.tenant import tenant

DUE = datetime(2026, 1, 5, 3, tzinfo=UTC)


@pytest.fixture
async def pool(database: Any) -> AsyncIterator[Pool]:
    opened = await open_pool(database.daemon_dsn, size=2)
    yield opened
    await opened.close()


async def a_due_schedule(pool: Pool, tenant_id: UUID, **connector: Any) -> UUID:
    """A schedule of a new connector, due for long."""
    found = await a_connector(pool, tenant_id, **connector)
    async with tenant(pool, tenant_id) as conn:
        return await schedules.put(
            conn, Schedule(uuid7(), found.id, Frequency.DAILY, hour_of_day=3, next_run_at=DUE), tenant_id=tenant_id
        )


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
