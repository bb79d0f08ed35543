"""Schedules as stored; an occurrence fires once because its run carries (schedule, time) under a unique index."""

from datetime import datetime, time
from typing import Any
from uuid import UUID

from worker.domain.schedule import EVERY_DAY, Blackout, Frequency, MissedRunPolicy, PastOccurrence, Schedule
from worker.store.pool import Connection
from worker.store.sql import Record, load

queries = load("schedules")

#: How many occurrences of a schedule are remembered.
KEPT = 500


async def lock(conn: Connection, *, tenant_id: UUID, schedule_id: UUID) -> Schedule | None:
    """The schedule, nobody else's to decide about until the transaction ends."""
    row = await queries.lock.row(conn, tenant_id=tenant_id, id=schedule_id)
    return from_row(row) if row else None


async def lock_of_connector(conn: Connection, *, tenant_id: UUID, connector_id: UUID) -> Schedule | None:
    """The same by its connector."""
    row = await queries.lock_of_connector.row(conn, tenant_id=tenant_id, connector_id=connector_id)
    return from_row(row) if row else None


async def of_connector(conn: Connection, *, tenant_id: UUID, connector_id: UUID) -> Schedule | None:
    """The connector's schedule."""
    row = await queries.of_connector.row(conn, tenant_id=tenant_id, connector_id=connector_id)
    return from_row(row) if row else None


async def page(
    conn: Connection,
    *,
    tenant_id: UUID,
    connector_id: UUID | None = None,
    enabled: bool | None = None,
    limit: int = 100,
    offset: int = 0,
) -> list[Record]:
    """Schedules with their connectors (``connector_*``) and their latest occurrences (``last_*``)."""
    return await queries.page.rows(
        conn, tenant_id=tenant_id, connector_id=connector_id, enabled=enabled, limit=limit, offset=offset
    )


async def count(conn: Connection, *, tenant_id: UUID, enabled: bool | None = None) -> int:
    return int(await queries.count.value(conn, tenant_id=tenant_id, enabled=enabled))


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
        blackouts=[_blackout_json(each) for each in schedule.blackouts],
        enabled=schedule.enabled,
        next_run_at=schedule.next_run_at,
    )
    return found


async def delete(conn: Connection, *, tenant_id: UUID, schedule_id: UUID) -> None:
    """Delete a schedule and what became of its occurrences; their runs stay."""
    await queries.delete.run(conn, tenant_id=tenant_id, id=schedule_id)


async def decided(
    conn: Connection, what: PastOccurrence, *, tenant_id: UUID, schedule_id: UUID, next_run_at: datetime | None
) -> None:
    """Note what became of an occurrence, and when the next one is."""
    await queries.decided.run(
        conn,
        tenant_id=tenant_id,
        id=schedule_id,
        fire_at=what.fire_at,
        decided_at=what.decided_at,
        reason=str(what.reason) if what.reason else None,
        message=what.message,
        run_id=what.run_id,
        passed=what.passed,
        next_run_at=next_run_at,
    )
    await queries.forget_old.run(conn, tenant_id=tenant_id, id=schedule_id, keep=KEPT - 1)


async def set_next(conn: Connection, *, tenant_id: UUID, schedule_id: UUID, next_run_at: datetime) -> None:
    await queries.set_next.run(conn, tenant_id=tenant_id, id=schedule_id, next_run_at=next_run_at)


async def last_decided(conn: Connection, *, tenant_id: UUID, schedule_id: UUID) -> datetime | None:
    """The latest occurrence that was decided about."""
    found: datetime | None = await queries.last_decided.value(conn, tenant_id=tenant_id, id=schedule_id)
    return found


async def occurrences(
    conn: Connection, *, tenant_id: UUID, schedule_id: UUID, limit: int = 20, offset: int = 0
) -> list[Record]:
    """What became of occurrences, the latest first, with the status of the run they name."""
    return await queries.occurrences.rows(conn, tenant_id=tenant_id, id=schedule_id, limit=limit, offset=offset)


async def count_occurrences(conn: Connection, *, tenant_id: UUID, schedule_id: UUID) -> int:
    return int(await queries.count_occurrences.value(conn, tenant_id=tenant_id, id=schedule_id))


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
        blackouts=tuple(_blackout(each) for each in row["blackouts"]),
        enabled=row["enabled"],
        last_run_at=row["last_run_at"],
        next_run_at=row["next_run_at"],
        version=row["version"],
    )


def _blackout_json(blackout: Blackout) -> dict[str, Any]:
    return {
        "starts": f"{blackout.starts:%H:%M}",
        "ends": f"{blackout.ends:%H:%M}",
        "weekdays": sorted(blackout.weekdays),
    }


def _blackout(stored: dict[str, Any]) -> Blackout:
    starts, ends = (time.fromisoformat(stored[name]) for name in ("starts", "ends"))
    return Blackout(starts, ends, frozenset(stored.get("weekdays", EVERY_DAY)))
