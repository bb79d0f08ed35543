"""How findings came and went, by day in UTC; and what time alone changes about them."""

from collections import defaultdict
from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta
from uuid import UUID

from worker.store.listings import custom_plans
from worker.store.pool import Connection
from worker.store.sql import Record, load

queries = load("trend")

#: Findings that are opened again in one transaction.
_TOGETHER = 1000


async def detected(
    conn: Connection, *, tenant_id: UUID, connector_id: UUID | None, from_day: date, to_day: date
) -> dict[date, dict[str, int]]:
    """By day and kind, how many were found for the first time or again."""
    rows = await queries.detected.rows(
        conn,
        tenant_id=tenant_id,
        connector_id=connector_id,
        from_day=from_day,
        to_day=to_day,
        first=_first_id(from_day - timedelta(days=1)),
        last=_first_id(to_day + timedelta(days=2)),
    )
    found: dict[date, dict[str, int]] = defaultdict(dict)
    for row in rows:
        found[row["day"]][row["kind"]] = row["n"]
    return found


async def missed(
    conn: Connection, *, tenant_id: UUID, connector_id: UUID | None, from_day: date, to_day: date
) -> dict[date, int]:
    """By day, how many findings full runs made that no delta could; days before and behind may be among them."""
    rows = await queries.missed.rows(
        conn,
        tenant_id=tenant_id,
        connector_id=connector_id,
        first=_first_id(from_day - timedelta(days=1)),
        last=_first_id(to_day + timedelta(days=2)),
    )
    return {row["day"]: row["n"] for row in rows}


async def open_by_day(
    conn: Connection, *, tenant_id: UUID, connector_id: UUID | None, from_day: date, to_day: date
) -> list[tuple[UUID, date, Mapping[str, int]]]:
    """(connector, day, open by kind) of the days that were looked at, and the last one before of each connector."""
    rows = await queries.open.rows(
        conn, tenant_id=tenant_id, connector_id=connector_id, from_day=from_day, to_day=to_day
    )
    return [(row["connector_id"], row["day"], row["open"]) for row in rows]


async def open_now(conn: Connection, *, tenant_id: UUID, connector_id: UUID | None) -> dict[str, int]:
    """Open findings by kind."""
    await custom_plans(conn)
    found: dict[str, int] = defaultdict(int)
    for row in await queries.open_now.rows(conn, tenant_id=tenant_id, connector_id=connector_id):
        found[row["discrepancy_type"]] += row["n"]
    return dict(found)


async def note(conn: Connection, *, tenant_id: UUID) -> int:
    """Write down how many are open today, by connector; how many of those had something new to say."""
    return await queries.note.run(conn, tenant_id=tenant_id)


async def wake_ignored(conn: Connection, *, tenant_id: UUID) -> list[Record]:
    """Open some that were ignored until now: (id, connector_id)."""
    return await queries.wake_ignored.rows(conn, tenant_id=tenant_id, limit=_TOGETHER)


def _first_id(day: date) -> UUID:
    """Before every id that was made on this day, and behind every one of the day before."""
    milliseconds = int(datetime.combine(day, time(), UTC).timestamp() * 1000)
    return UUID(int=milliseconds << 80)
