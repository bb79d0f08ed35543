"""What answers at a URL: the server itself, or a pooler in one of its modes."""

from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from tests.conftest import Database
from tests.factories import a_connector
from tests.pgbouncer import pooled
from worker.domain.errors import SurroundingsError
from worker.store import accounts, server
from worker.store.accounts import Place
from worker.store.migrate import migrate
from worker.store.pool import manners_of, open_pool
from worker.store.server import Pooler, Server
from worker.store.tenant import tenant

behind_a_pooler = pytest.mark.needs("pgbouncer")


async def test_the_server_itself_is_no_pooler(database: Database) -> None:
    assert await server.look(database.daemon_dsn) == Server()
    assert await server.look(database.daemon_dsn, pooler=Pooler.TRANSACTION) == Server(is_pooled=True)


@behind_a_pooler
@pytest.mark.parametrize(
    ("mode", "shares"),
    [pytest.param("transaction", True, id="transaction"), pytest.param("session", False, id="session")],
)
async def test_a_pooler_is_found_out(database: Database, open_directory: Path, mode: str, shares: bool) -> None:
    async with pooled(open_directory, database.daemon_dsn, mode=mode) as (dsn,):
        assert await server.look(dsn) == Server(is_pooled=True)
        assert await server.look(dsn, pooler=Pooler.NONE) == Server()
        assert await server.shares_servers(dsn) is shares


@behind_a_pooler
async def test_a_pooler_that_lends_connections_for_a_statement_is_refused(
    database: Database, open_directory: Path
) -> None:
    async with pooled(open_directory, database.daemon_dsn, mode="statement") as (dsn,):
        with pytest.raises(SurroundingsError, match="set its pool_mode to transaction"):
            await open_pool(dsn, size=1)


@behind_a_pooler
async def test_migrations_are_refused_behind_a_pooler(database: Database, open_directory: Path) -> None:
    async with pooled(open_directory, database.owner_dsn) as (dsn,):
        with pytest.raises(SurroundingsError, match="leads to PostgreSQL itself"):
            await migrate(dsn)


@behind_a_pooler
async def test_what_is_known_of_a_target_is_read_and_leaves_nothing_behind(
    database: Database, tenant_id: UUID, open_directory: Path
) -> None:
    """Two processes count their statements from one: what one leaves on a connection, the other would trip over."""
    async with pooled(open_directory, database.daemon_dsn, servers=1) as (dsn,):
        for _ in range(2):
            pool = await open_pool(dsn, size=2)
            connector = await a_connector(pool, tenant_id, name=f"app {_}")
            await _seen(pool, tenant_id, connector.id)
            async with tenant(pool, tenant_id) as conn:
                rows = await accounts.index(conn, Place(tenant_id, connector.id, "user"))
            async with pool.acquire() as conn:
                prepared = await conn.fetchval("SELECT count(*) FROM pg_prepared_statements")
                assert manners_of(conn).statement_cache == 0
            await pool.close()

            assert (len(rows), prepared) == (100 * 23, 0)


async def _seen(pool: Any, tenant_id: UUID, connector_id: UUID) -> None:
    async with tenant(pool, tenant_id) as conn:
        await conn.execute(
            "INSERT INTO accounts (tenant_id, id, connector_id, object_class, state, uid) "
            "SELECT $1, gen_random_uuid(), $2, 'user', 'active', n::text FROM generate_series(1, 100) n",
            tenant_id,
            connector_id,
        )


async def test_settings_of_a_connection_are_there_from_its_start(database: Database) -> None:
    pool = await open_pool(database.daemon_dsn, size=1)
    try:
        async with pool.acquire() as conn:
            found = await conn.fetchrow(
                "SELECT current_setting('plan_cache_mode') AS plans, current_setting('statement_timeout') AS statement,"
                " current_setting('idle_in_transaction_session_timeout') AS idle"
            )
    finally:
        await pool.close()

    assert dict(found or {}) == {"plans": "force_generic_plan", "statement": "30s", "idle": "1min"}


async def test_a_url_that_asks_for_a_primary_finds_it(database: Database) -> None:
    """With several hosts in the URL this is how daemons follow a failover."""
    conn = await asyncpg.connect(f"{database.daemon_dsn}?target_session_attrs=read-write")
    standby = await conn.fetchval("SELECT pg_is_in_recovery()")
    await conn.close()

    assert standby is False
