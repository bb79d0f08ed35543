"""Partitions of the archive, its counts, the attempts and the logs; how long they and idempotency keys are kept.

Each function is to be a transaction of its own, and short: whoever finishes an operation waits behind what these lock.
"""

from datetime import date, datetime
from uuid import UUID

import asyncpg

from worker.store.pool import Connection
from worker.store.sql import load

queries = load("history")

#: Somebody reads or writes what would be locked; nothing was changed, and another time may be better.
InUse = asyncpg.exceptions.LockNotAvailableError


async def ensure_partitions(conn: Connection, first_day: date, *, days: int) -> int:
    """Make the missing partitions of these days, but for days that the default partition has begun; how many.

    Raises InUse.
    """
    return int(await queries.ensure_partitions.value(conn, first_day=first_day, days=days))


async def drop_partition(conn: Connection, before_day: date) -> bool:
    """Drop the oldest partition of a day before that one; False when there is none. Raises InUse."""
    return bool(await queries.drop_partitions.value(conn, before_day=before_day))


async def drop_rest(conn: Connection, tenant_id: UUID, *, before_day: date, limit: int) -> int:
    """Delete what the default partitions hold of older days, up to ``limit`` rows of each; how many."""
    return int(await queries.drop_rest.value(conn, tenant_id=tenant_id, before_day=before_day, limit=limit))


async def drop_idempotency_keys(conn: Connection, tenant_id: UUID, *, before: datetime, limit: int) -> int:
    """Forget up to ``limit`` keys made before that time whose operation is done; how many."""
    return await queries.drop_idempotency_keys.run(conn, tenant_id=tenant_id, before=before, limit=limit)


async def tenants(conn: Connection) -> list[UUID]:
    """The ids of all tenants."""
    return [row["id"] for row in await queries.tenants.rows(conn)]
