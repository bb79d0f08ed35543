"""Tenant transactions: the only way to touch tenant data.

``SET LOCAL`` and never ``SET`` or ``set_config``: it ends with the transaction, so a pooled connection carries no
tenant to its next user, behind a transaction pooler as well, and a distributed server passes it on to its nodes.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import UUID

from worker.store.pool import Connection, Pool, Unusable


@asynccontextmanager
async def transaction(conn: Connection, tenant_id: UUID, *, is_hot: bool = False) -> AsyncIterator[Connection]:
    """Open a transaction that sees the rows of one tenant; begin and setting travel in one round trip.

    ``is_hot``: for claims and finishes, which find their rows by keys. They must not be planned as scans of a table
    that had next to no rows when it was last looked at.
    """
    hot = "; SET LOCAL enable_seqscan = off" if is_hot else ""
    try:
        await conn.execute(f"BEGIN; SET LOCAL app.tenant_id = '{UUID(str(tenant_id))}'{hot}")
    except Unusable:
        conn.terminate()  # never to be lent again
        raise
    try:
        yield conn
    except BaseException:
        await _roll_back(conn)
        raise
    await conn.execute("COMMIT")


async def _roll_back(conn: Connection) -> None:
    """Undo; a connection that cannot even do that is thrown away, so that what really went wrong is what is raised."""
    if conn.is_closed():
        return
    try:
        await conn.execute("ROLLBACK")
    except Unusable:
        conn.terminate()


@asynccontextmanager
async def tenant(pool: Pool, tenant_id: UUID, *, is_hot: bool = False) -> AsyncIterator[Connection]:
    """Borrow a connection from the pool for one tenant transaction."""
    async with pool.acquire() as conn, transaction(conn, tenant_id, is_hot=is_hot):
        yield conn
