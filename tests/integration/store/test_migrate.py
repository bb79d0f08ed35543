"""Changing a schema that is in use: nobody waits for long, and what could not be changed is as before."""

import asyncio
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from tests.conftest import Database
from tests.waiting import eventually
from worker.domain.errors import SurroundingsError
from worker.store import migrate as migrations
from worker.store.migrate import Phase, migrate
from worker.store.pool import DatabaseGone, open_pool
from worker.store.schema import SchemaState
from worker.store.tenant import tenant

#: What a database of any step before reaches.
LAST = SchemaState(migrations.last_step(), 2)


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(migrations, "LOCK_TIMEOUT", "200ms")
    monkeypatch.setattr(migrations, "_BETWEEN_TRIES_S", 0.2)


@pytest.fixture
async def at_first_step(empty_database: Database, monkeypatch: pytest.MonkeyPatch) -> Database:
    """A database as the first version left it."""
    with monkeypatch.context() as before:
        before.setattr(migrations, "ScriptDirectory", _Until("0001"))
        assert await migrate(empty_database.owner_dsn) == SchemaState(1, 1)
    return empty_database


class _Until:
    """The scripts without the steps after one."""

    def __init__(self, last: str) -> None:
        self._last = last
        self._found = migrations.ScriptDirectory.from_config

    def from_config(self, config: Any) -> Any:
        scripts = self._found(config)
        everything = list(scripts.walk_revisions())
        scripts.walk_revisions = lambda: [each for each in everything if each.revision <= self._last]
        return scripts


async def reading(database: Database) -> "asyncpg.Connection[Any]":
    conn = await asyncpg.connect(database.owner_dsn)
    await conn.execute("BEGIN")
    await conn.execute("SELECT count(*) FROM operations")
    return conn


async def test_a_table_in_use_is_waited_for(at_first_step: Database) -> None:
    reader = await reading(at_first_step)
    migrating = asyncio.create_task(migrate(at_first_step.owner_dsn))
    await eventually(lambda: _is_waited_for(at_first_step), timeout=60)
    await reader.close()

    assert await migrating == LAST


async def _is_waited_for(database: Database) -> bool:
    conn = await asyncpg.connect(database.owner_dsn)
    found: int = await conn.fetchval(
        "SELECT count(*) FROM pg_locks WHERE NOT granted AND database = "
        "(SELECT oid FROM pg_database WHERE datname = current_database())"
    )
    await conn.close()
    return found > 0


async def test_a_table_that_stays_in_use_is_left_as_it_was(
    at_first_step: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(migrations, "TRIES", 2)
    reader = await reading(at_first_step)
    try:
        with pytest.raises(SurroundingsError, match="nothing was changed: end old transactions"):
            await migrate(at_first_step.owner_dsn)
        step = await reader.fetchval("SELECT max(number) FROM schema_versions")
    finally:
        await reader.close()

    assert step == 1


async def test_two_at_once_reach_the_same_step(at_first_step: Database) -> None:
    found = await asyncio.gather(*(migrate(at_first_step.owner_dsn) for _ in range(3)))

    assert found == [LAST] * 3


async def test_what_the_version_before_needs_stays_until_it_is_gone(
    at_first_step: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(migrations, "ScriptDirectory", _Until("0003"))
    pre, post = SchemaState(2, 1), SchemaState(3, 2)
    first = await migrate(at_first_step.owner_dsn)
    again = await migrate(at_first_step.owner_dsn)
    after = await migrate(at_first_step.owner_dsn, phase=Phase.POST)
    once_more = await migrate(at_first_step.owner_dsn)

    assert (first, again, after, once_more) == (pre, pre, post, post)


async def test_an_empty_database_is_taken_all_the_way(empty_database: Database) -> None:
    assert await migrate(empty_database.owner_dsn) == LAST


async def test_a_schema_that_changes_under_a_daemon_interrupts_it_for_a_moment(
    database: Database, tenant_id: UUID
) -> None:
    """A prepared statement that gives one column more than before is refused once, and prepared anew."""
    pool = await open_pool(database.daemon_dsn, size=1)
    everything = "SELECT * FROM operations WHERE tenant_id = $1"
    owner = await asyncpg.connect(database.owner_dsn)
    try:
        async with tenant(pool, tenant_id) as conn:
            await conn.fetch(everything, tenant_id)
        await owner.execute("ALTER TABLE operations ADD COLUMN later integer")
        with pytest.raises(DatabaseGone):
            async with tenant(pool, tenant_id) as conn:
                await conn.fetch(everything, tenant_id)
        async with tenant(pool, tenant_id) as conn:
            again = await conn.fetch(everything, tenant_id)
    finally:
        await owner.close()
        await pool.close()

    assert again == []
