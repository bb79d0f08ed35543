"""Tenant transactions: the only way to touch tenant data.

``SET LOCAL`` and never ``SET`` or ``set_config``: it ends with the transaction, so a pooled connection carries no
tenant to its next user, behind a transaction pooler as well, and a distributed server passes it on to its nodes.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import UUID

from worker.store.pool import Connection, Pool


@asynccontextmanager
async def transaction(conn: Connection, tenant_id: UUID) -> AsyncIterator[Connection]:
    """Open a transaction that sees the rows of one tenant; begin and setting travel in one round trip."""
    await conn.execute(f"BEGIN; SET LOCAL app.tenant_id = '{UUID(str(tenant_id))}'")
    try:
        yield conn
    except BaseException:
        if not conn.is_closed():
            await conn.execute("ROLLBACK")
        raise
    await conn.execute("COMMIT")


@asynccontextmanager
async def tenant(pool: Pool, tenant_id: UUID) -> AsyncIterator[Connection]:
    """Borrow a connection from the pool for one tenant transaction."""
    async with pool.acquire() as conn, transaction(conn, tenant_id):
        yield conn
