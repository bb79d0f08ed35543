"""``migrate --distribute`` before a server that only says what a Citus coordinator would be told.

Citus itself is in no package that a test could install; docs/scaling.md says what was run on it.
"""

from typing import Any
from uuid import UUID

import asyncpg
import pytest

from tests.conftest import Database
from tests.factories import a_connector, accounts, an_operation, enqueue, registered_worker
from worker.domain.errors import SurroundingsError
from worker.store import operations, server
from worker.store.distribute import Distributed, distribute
from worker.store.operations import Completion, Fence
from worker.store.pool import Pool, open_pool
from worker.store.tenant import keep_plans, tenant

CLUSTER = """
SET allow_system_table_mods = on;
INSERT INTO pg_extension (oid, extname, extowner, extnamespace, extrelocatable, extversion)
    VALUES (99999, 'citus', 10, 'pg_catalog'::regnamespace, false, '13.0');
CREATE SCHEMA cluster;
CREATE TABLE cluster.pg_dist_node (shouldhaveshards boolean, isactive boolean);
INSERT INTO cluster.pg_dist_node VALUES (true, true), (true, true), (false, true);
CREATE TABLE cluster.pg_dist_partition (logicalrelid regclass, colocated_with text, n serial);
CREATE FUNCTION cluster.create_distributed_function(text) RETURNS void LANGUAGE sql AS '';
CREATE FUNCTION cluster.create_reference_table(name regclass) RETURNS void LANGUAGE sql
    AS 'INSERT INTO cluster.pg_dist_partition VALUES (name, NULL)';
CREATE FUNCTION cluster.create_distributed_table(name regclass, key text, colocate_with text) RETURNS void LANGUAGE sql
    AS 'INSERT INTO cluster.pg_dist_partition VALUES (name, colocate_with)';
GRANT USAGE ON SCHEMA cluster TO provisiond_owner;
GRANT ALL ON ALL TABLES IN SCHEMA cluster TO provisiond_owner;
GRANT ALL ON ALL SEQUENCES IN SCHEMA cluster TO provisiond_owner;
"""


@pytest.fixture
async def cluster(database: Database) -> Database:
    conn = await asyncpg.connect(database.admin_dsn)
    await conn.execute(CLUSTER)
    await conn.execute(f"ALTER DATABASE {database.name} SET search_path = public, cluster")
    await conn.close()
    return database


async def told(database: Database) -> list[tuple[str, str | None]]:
    conn = await asyncpg.connect(database.admin_dsn)
    rows = await conn.fetch("SELECT logicalrelid::text AS name, colocated_with FROM pg_dist_partition ORDER BY n")
    await conn.close()
    return [(row["name"], row["colocated_with"]) for row in rows]


async def test_every_table_is_spread_or_copied_and_a_second_time_nothing(cluster: Database) -> None:
    first = await distribute(cluster.owner_dsn)
    orders = await told(cluster)
    second = await distribute(cluster.owner_dsn)

    assert first.everywhere == ("alembic_version", "schema_versions", "tenants", "workers")
    assert first.by_tenant[0] == "operations"
    assert {"accounts", "attempts", "due_work", "operations_archive"} <= set(first.by_tenant)
    assert not [name for name in first.by_tenant if name.endswith(("_rest", "_2026"))]
    assert orders == [
        *((name, None) for name in first.everywhere),
        ("operations", "default"),
        *((name, "operations") for name in first.by_tenant[1:]),
    ]
    assert second == Distributed((), (), already=len(orders), nodes=2)
    assert await told(cluster) == orders


async def test_a_plain_server_is_refused(database: Database) -> None:
    with pytest.raises(SurroundingsError, match="has no Citus extension"):
        await distribute(database.owner_dsn)


async def test_tables_are_not_moved_under_a_daemon(cluster: Database) -> None:
    pool = await open_pool(cluster.daemon_dsn, size=1)
    try:
        async with registered_worker(pool):
            with pytest.raises(SurroundingsError, match="1 daemons are at work"):
                await distribute(cluster.owner_dsn)
    finally:
        await pool.close()


async def test_an_operation_runs_through_with_what_such_a_server_is_told(cluster: Database, tenant_id: UUID) -> None:
    """No generic plans, and settings that reach the nodes before the tenant is set."""
    pool = await open_pool(cluster.daemon_dsn, size=2)
    try:
        assert (await server.look(cluster.daemon_dsn)).is_distributed
        assert await _settings(pool, tenant_id) == ("auto", "local", str(tenant_id), "auto")
        connector = await a_connector(pool, tenant_id)
        (lane,) = await accounts(pool, tenant_id, connector.id, 1)
        (wanted,) = await enqueue(pool, tenant_id, an_operation(connector.id, lane))
        async with registered_worker(pool) as owner, tenant(pool, tenant_id) as conn:
            (op,) = await operations.claim(conn, tenant_id, connector_id=connector.id, owner=owner, limit=1)
            end = Completion(Fence(id=op.id, epoch=op.epoch, account_id=lane), 1, connector_id=connector.id, uid="u")
            done = await operations.complete(conn, tenant_id, owner, [end])
    finally:
        await pool.close()

    assert set(done) == {wanted}


async def _settings(pool: Pool, tenant_id: UUID) -> tuple[Any, ...]:
    asked = "SELECT current_setting($1)"
    async with tenant(pool, tenant_id) as conn:
        names = ("plan_cache_mode", "citus.propagate_set_commands", "app.tenant_id")
        found = [await conn.fetchval(asked, name) for name in names]
        await keep_plans(conn)
        return (*found, await conn.fetchval(asked, "plan_cache_mode"))
