"""What an operation waits for, and what has just become of operations."""

from datetime import UTC, datetime
from uuid import UUID

from worker.domain.waiting import Standstill
from worker.store import listings
from worker.store.pool import Connection
from worker.store.sql import Record, load

queries = load("listings_waiting")


async def standstill(conn: Connection, tenant_id: UUID, *, operation_id: UUID) -> Standstill | None:
    """What may be in the way of a live operation; None for one that does not live."""
    row = await queries.standstill.row(conn, tenant_id=tenant_id, operation_id=operation_id)
    if row is None:
        return None
    closed = await listings.queries.closed.rows(conn, tenant_id=tenant_id)
    here = next((each for each in closed if each["connector_id"] == row["connector_id"]), None)
    if here is None or row["status"] != "pending":
        return Standstill(**dict(row))
    return Standstill(**dict(row), closed=here["reason"], closed_until=here["until"])


async def made(conn: Connection, tenant_id: UUID, *, after: UUID, limit: int) -> list[Record]:
    """Live operations with a higher id, the lowest first."""
    await listings.custom_plans(conn)
    return await queries.made.rows(conn, tenant_id=tenant_id, after=after, limit=limit)


async def tried(conn: Connection, tenant_id: UUID, *, after: tuple[datetime, UUID], limit: int) -> list[Record]:
    """Tries that ended after a time, or then with a higher id; the first ones first."""
    await listings.custom_plans(conn)
    at, after_id = after
    return await queries.tried.rows(
        conn, tenant_id=tenant_id, day=at.astimezone(UTC).date(), after=at, after_id=after_id, limit=limit
    )


async def called_off(conn: Connection, tenant_id: UUID, *, after: tuple[datetime, UUID], limit: int) -> list[Record]:
    """What was cancelled or resolved after a time, or then with a higher id; the first ones first."""
    await listings.custom_plans(conn)
    at, after_id = after
    return await queries.called_off.rows(
        conn, tenant_id=tenant_id, day=at.astimezone(UTC).date(), after=at, after_id=after_id, limit=limit
    )


async def now(conn: Connection) -> datetime:
    """The time on the database's clock."""
    found: datetime = await queries.now.value(conn)
    return found
