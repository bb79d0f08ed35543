"""Schedules as stored; an occurrence fires once because its run carries (schedule, time) under a unique index."""

from datetime import datetime
from uuid import UUID

from worker.domain.schedule import Frequency, MissedRunPolicy, Schedule
from worker.store.pool import Connection
from worker.store.sql import Record, load

queries = load("schedules")


async def lock(conn: Connection, *, tenant_id: UUID, schedule_id: UUID) -> Schedule | None:
    """The schedule, nobody else's to decide about until the transaction ends."""
    row = await queries.lock.row(conn, tenant_id=tenant_id, id=schedule_id)
    return from_row(row) if row else None


async def of_connector(conn: Connection, *, tenant_id: UUID, connector_id: UUID) -> Schedule | None:
    """The connector's schedule."""
    row = await queries.of_connector.row(conn, tenant_id=tenant_id, connector_id=connector_id)
    return from_row(row) if row else None


async def everyone(conn: Connection, *, tenant_id: UUID) -> list[Record]:
    """Every schedule with its connector's name, the next to fire first."""
    return await queries.everyone.rows(conn, tenant_id=tenant_id)


async def put(conn: Connection, schedule: Schedule, *, tenant_id: UUID) -> UUID:
    """Store the connector's schedule, in place of the one it had; its id."""
    found: UUID = await queries.put.value(
        conn,
        tenant_id=tenant_id,
        id=schedule.id,
        connector_id=schedule.connector_id,
        mode=schedule.mode,
        frequency=schedule.frequency.value,
        day_of_week=schedule.day_of_week,
        day_of_month=schedule.day_of_month,
        hour_of_day=schedule.hour_of_day,
        cron_expression=schedule.cron_expression,
        timezone=schedule.timezone,
        missed_run_policy=schedule.missed_run_policy.value,
        jitter_seconds=schedule.jitter_seconds,
        enabled=schedule.enabled,
        next_run_at=schedule.next_run_at,
    )
    return found


async def fired(
    conn: Connection,
    *,
    tenant_id: UUID,
    schedule_id: UUID,
    fired_at: datetime,
    next_run_at: datetime | None,
    skip_reason: str | None,
) -> None:
    """Note an occurrence, and why it started no run when it did not."""
    await queries.fired.run(
        conn,
        tenant_id=tenant_id,
        id=schedule_id,
        fired_at=fired_at,
        next_run_at=next_run_at,
        skip_reason=skip_reason,
    )


async def now(conn: Connection) -> datetime:
    """The database's time."""
    found: datetime = await queries.now.value(conn)
    return found


def from_row(row: Record) -> Schedule:
    return Schedule(
        id=row["id"],
        connector_id=row["connector_id"],
        frequency=Frequency(row["frequency"]),
        mode=row["mode"],
        day_of_week=row["day_of_week"],
        day_of_month=row["day_of_month"],
        hour_of_day=row["hour_of_day"],
        cron_expression=row["cron_expression"],
        timezone=row["timezone"],
        missed_run_policy=MissedRunPolicy(row["missed_run_policy"]),
        jitter_seconds=row["jitter_seconds"],
        enabled=row["enabled"],
        last_run_at=row["last_run_at"],
        next_run_at=row["next_run_at"],
        version=row["version"],
    )
