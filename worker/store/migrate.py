"""Bring the schema up to date, as its owner; safe when two start at once, for a transaction lock serialises them."""

from dataclasses import dataclass
from functools import partial
from importlib import resources
from pathlib import Path
from typing import Any

import asyncpg
from alembic.config import Config
from alembic.runtime.environment import EnvironmentContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection as SyncConnection
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool
from sqlalchemy.util import await_only

from worker.domain.errors import SurroundingsError
from worker.store.pool import Connection, explained

#: The number of the last migration that this code was written for.
CODE_NUMBER = 1

DAEMON_ROLE = "provisiond_worker"
_LOCK = 4711000
#: What a server's refusal means to whoever migrates, by SQLSTATE.
_REFUSALS = {
    "42501": "This role may not change the schema: migrate as the role that owns the database.",
    "53100": "The disk of the database server is full; nothing was changed.",
}


@dataclass(frozen=True, slots=True)
class SchemaState:
    """``applied`` is the last migration in the database (0: none), ``oldest_code`` the oldest code it still serves."""

    applied: int
    oldest_code: int


def directory() -> Path:
    """Where the migrations are: in the wheel beside the package, in a checkout beside it."""
    packaged = Path(str(resources.files("worker"))) / "_migrations"
    return packaged if packaged.is_dir() else Path(str(resources.files("worker"))).parent / "migrations"


async def migrate(owner_dsn: str) -> SchemaState:
    """Apply every missing migration in one transaction and return the state reached.

    Raises SurroundingsError when the database cannot be reached, the role may not do it, or the daemon's role does not
    exist.
    """
    async with explained(owner_dsn):
        probe = await asyncpg.connect(owner_dsn, timeout=10)
        await probe.close()
    engine = create_async_engine(_sqlalchemy_url(owner_dsn), poolclass=NullPool)
    try:
        async with engine.begin() as conn:
            await conn.run_sync(_upgrade)
    except DBAPIError as error:
        reason = _REFUSALS.get(getattr(error.orig, "sqlstate", None) or "")
        if reason is None:
            raise
        raise SurroundingsError(reason) from error
    finally:
        await engine.dispose()
    check = await asyncpg.connect(owner_dsn, timeout=10)
    try:
        return await state(check)
    finally:
        await check.close()


def _upgrade(conn: SyncConnection) -> None:
    conn.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
    if conn.execute(text("SELECT 1 FROM pg_roles WHERE rolname = :name"), {"name": DAEMON_ROLE}).first() is None:
        raise SurroundingsError(
            f"The role {DAEMON_ROLE} does not exist; create it once: CREATE ROLE {DAEMON_ROLE} LOGIN."
        )
    config = Config()
    config.set_main_option("script_location", str(directory()))
    config.set_main_option("version_locations", str(directory()))
    config.set_main_option("path_separator", "os")
    config.attributes["run_script"] = _run_script
    scripts = ScriptDirectory.from_config(config)
    upgrade = partial(scripts._upgrade_revs, "head")  # noqa: SLF001 - what alembic's own upgrade command calls
    with EnvironmentContext(config, scripts, fn=lambda revision, _: upgrade(revision)) as environment:
        environment.configure(connection=conn)
        environment.run_migrations()


def _run_script(conn: SyncConnection, script: str) -> None:
    """Run a script of many statements by the simple protocol, which SQLAlchemy does not offer."""
    driver: Any = conn.connection.driver_connection
    await_only(driver.execute(script))


async def state(conn: Connection) -> SchemaState:
    """What the database holds; ``applied`` 0 where nothing was ever migrated."""
    if await conn.fetchval("SELECT to_regclass('schema_versions')") is None:
        return SchemaState(0, 0)
    row = await conn.fetchrow(
        "SELECT coalesce(max(number), 0) AS applied, coalesce(max(oldest_code), 0) AS oldest FROM schema_versions"
    )
    return SchemaState(row["applied"], row["oldest"]) if row else SchemaState(0, 0)


def refusal(found: SchemaState, *, code: int = CODE_NUMBER) -> str | None:
    """Why this code must not serve on that schema, or None when it may.

    Behind: run the migration. Ahead: fine as long as every later step left room for this code.
    """
    if found.applied < code:
        return f"The schema is at step {found.applied}, this version needs step {code}: run `provisiond migrate`."
    if found.oldest_code > code:
        return f"The schema is at step {found.applied} and no longer serves this version: upgrade provisiond."
    return None


def _sqlalchemy_url(dsn: str) -> str:
    return dsn.replace("postgres://", "postgresql://", 1).replace("postgresql://", "postgresql+asyncpg://", 1)
