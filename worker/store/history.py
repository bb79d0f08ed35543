"""Partitions of the archive, the attempts and the logs, and how long keys are kept."""

from datetime import date, datetime
from uuid import UUID

from worker.store.pool import Connection
from worker.store.sql import load

queries = load("history")


async def ensure_partitions(conn: Connection, first_day: date, *, days: int) -> int:
    """Make the missing partitions of these days; how many were made."""
    return int(await queries.ensure_partitions.value(conn, first_day=first_day, days=days))


async def drop_partitions(conn: Connection, before_day: date) -> int:
    """Drop the partitions of older days; how many."""
    return int(await queries.drop_partitions.value(conn, before_day=before_day))


async def drop_idempotency_keys(conn: Connection, tenant_id: UUID, *, before: datetime) -> int:
    """Forget keys made before that time; how many."""
    return await queries.drop_idempotency_keys.run(conn, tenant_id=tenant_id, before=before)


async def tenants(conn: Connection) -> list[UUID]:
    """The ids of all tenants."""
    return [row["id"] for row in await queries.tenants.rows(conn)]
