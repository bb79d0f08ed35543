"""Whose rows a connection sees, and for how long."""

from typing import Any
from uuid import UUID

from tests.factories import a_connector
from worker.store.pool import open_pool
from worker.store.tenant import tenant


async def test_a_connection_forgets_its_tenant_with_the_transaction(database: Any, tenant_id: UUID) -> None:
    """The next who borrows it, or shares it behind a pooler, would see that tenant's rows without having asked."""
    pool = await open_pool(database.daemon_dsn, size=1)
    try:
        await a_connector(pool, tenant_id)
        async with tenant(pool, tenant_id, is_hot=True) as conn:
            inside = await conn.fetch("SELECT tenant_id FROM connectors")
        async with pool.acquire() as conn:
            outside = await conn.fetch("SELECT tenant_id FROM connectors")
    finally:
        await pool.close()

    assert ([row["tenant_id"] for row in inside], outside) == ([tenant_id], [])
