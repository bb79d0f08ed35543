"""Notes of what each process has claimed: how it is found when the process is gone.

A note stays at least as long as something of its claim is held.
"""

from collections.abc import Sequence
from uuid import UUID

from worker.store.pool import Connection
from worker.store.sql import Record, load

queries = load("claims")


async def held(conn: Connection, tenant_id: UUID, owners: Sequence[UUID]) -> list[UUID]:
    """Ids of all that these owners still hold, and of some that they do not hold any more."""
    return [row["id"] for row in await queries.held.rows(conn, tenant_id=tenant_id, owners=list(owners))]


async def unnoted(conn: Connection, tenant_id: UUID) -> list[Record]:
    """What is held without a lease, whoever noted it (id, owner). Reads all that lives."""
    return await queries.unnoted.rows(conn, tenant_id=tenant_id)


async def orphaned(conn: Connection, tenant_id: UUID) -> list[UUID]:
    """Who has claimed something and is no process any more."""
    return [row["owner"] for row in await queries.orphaned.rows(conn, tenant_id=tenant_id)]


async def end(conn: Connection, tenant_id: UUID, owner: UUID, ids: Sequence[UUID]) -> list[UUID]:
    """Clear away these notes, of which the owner holds nothing any more as far as it knows; those that were."""
    rows = await queries.end.rows(conn, tenant_id=tenant_id, owner=owner, ids=list(ids))
    return [row["id"] for row in rows]


async def forget(conn: Connection, tenant_id: UUID, owners: Sequence[UUID]) -> int:
    """Clear away the notes of these owners, but for those of which something is still held; how many."""
    return await queries.forget.run(conn, tenant_id=tenant_id, owners=list(owners))
