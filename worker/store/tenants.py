"""Tenants."""

from uuid import UUID

from worker.store.pool import Connection
from worker.store.sql import load

queries = load("tenants")


async def ensure(conn: Connection, *, tenant_id: UUID, name: str) -> bool:
    """Make the tenant unless its id or name is taken; whether it is new."""
    return bool(await queries.ensure.run(conn, id=tenant_id, name=name))
