"""What we say is kept is on the disk when we say it: no connection of ours asks the server for less."""

from typing import Any

import asyncpg

from worker.store.pool import connect, open_pool
from worker.store.tenant import tenant


async def test_our_connections_wait_for_the_disk_as_the_server_is_told_to(database: Any, tenant_id: Any) -> None:
    admin: asyncpg.Connection[Any] = await asyncpg.connect(database.admin_dsn)
    await admin.execute(f"ALTER DATABASE {database.name} SET synchronous_commit = on")
    await admin.close()
    pool = await open_pool(database.daemon_dsn, size=1)
    alone = await connect(database.daemon_dsn)
    try:
        async with tenant(pool, tenant_id, is_hot=True, by_hash=True) as conn:
            found = [await one.fetchval("SHOW synchronous_commit") for one in (conn, alone)]
    finally:
        await alone.close()
        await pool.close()

    assert found == ["on", "on"]
