"""Bring the schema up to date, as its owner; safe when two start at once, for a transaction lock serialises them."""

import asyncio
from enum import StrEnum
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
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.pool import NullPool
from sqlalchemy.util import await_only

from worker.domain.errors import SurroundingsError
from worker.store import server
from worker.store.pool import explained
from worker.store.schema import SchemaState, state

DAEMON_ROLE = "provisiond_worker"
_LOCK = 4711000
#: What a server's refusal means to whoever migrates, by SQLSTATE.
_REFUSALS = {
    "42501": "This role may not change the schema: migrate as the role that owns the database.",
    "53100": "The disk of the database server is full; nothing was changed.",
    "55P03": "Somebody has held a table for long, and nothing was changed: end old transactions and start again.",
    "40P01": "The tables are too busy to be changed, and nothing was: start again at a quieter time.",
}
#: A table is changed while daemons use it: those who come behind us wait as long as we do for its lock, so we give up
#: soon, let everybody by, and try again.
LOCK_TIMEOUT = "3s"
TRIES = 10
_BETWEEN_TRIES_S = 1.0
_BUSY = {"55P03", "40P01"}
#: Statements go through SQLAlchemy, scripts go past it.
_FAILURES = (DBAPIError, asyncpg.PostgresError)


def directory() -> Path:
    """Where the migrations are: in the wheel beside the package, in a checkout beside it."""
    packaged = Path(str(resources.files("worker"))) / "_migrations"
    return packaged if packaged.is_dir() else Path(str(resources.files("worker"))).parent / "migrations"


class Phase(StrEnum):
    """How far to go: to where the version before still runs, or on to what is in its way."""

    PRE = "pre"
    POST = "post"


async def migrate(owner_dsn: str, *, phase: Phase = Phase.PRE) -> SchemaState:
    """Apply every missing migration of a phase in one transaction and return the state reached.

    An empty database has no version before and is taken all the way. A last step of the version before last that is
    still missing is applied on the way: only one version back runs on.

    Raises SurroundingsError when the database cannot be reached, the role may not do it, or the daemon's role does not
    exist.
    """
    async with explained(owner_dsn):
        found = await server.look(owner_dsn, application="provisiond migrate")
    if found.is_pooled:
        raise SurroundingsError(
            "A pooler is before the database: migrate with an owner's URL that leads to PostgreSQL itself."
        )
    if found.is_standby:
        raise SurroundingsError("This server is a read-only standby: migrate on the primary.")
    engine = create_async_engine(_sqlalchemy_url(owner_dsn), poolclass=NullPool)
    try:
        await _patiently(engine, phase)
    except _FAILURES as error:
        reason = _REFUSALS.get(_state_of(error))
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


async def _patiently(engine: AsyncEngine, phase: Phase) -> None:
    """All or nothing, again while the tables are in use."""
    for tries_left in reversed(range(TRIES)):
        try:
            async with engine.begin() as conn:
                await conn.run_sync(_upgrade, phase)
        except _FAILURES as error:
            if _state_of(error) not in _BUSY or not tries_left:
                raise
            await asyncio.sleep(_BETWEEN_TRIES_S)
        else:
            return


def _state_of(error: DBAPIError | asyncpg.PostgresError) -> str:
    return getattr(getattr(error, "orig", error), "sqlstate", None) or ""


def _upgrade(conn: SyncConnection, phase: Phase) -> None:
    conn.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
    conn.execute(text(f"SET LOCAL lock_timeout = '{LOCK_TIMEOUT}'"))
    if conn.execute(text("SELECT 1 FROM pg_roles WHERE rolname = :name"), {"name": DAEMON_ROLE}).first() is None:
        raise SurroundingsError(
            f"The role {DAEMON_ROLE} does not exist; create it once: CREATE ROLE {DAEMON_ROLE} LOGIN."
        )
    config = _config()
    scripts = ScriptDirectory.from_config(config)

    def steps(applied: Any, _: object) -> list[Any]:
        wanted = _last(scripts) if phase is Phase.POST or not applied else _last(scripts, Phase.PRE)
        if applied and wanted <= max(applied):
            return []
        return scripts._upgrade_revs(wanted, applied)  # noqa: SLF001 - what alembic's own upgrade command calls

    with EnvironmentContext(config, scripts, fn=steps) as environment:
        environment.configure(connection=conn)
        environment.run_migrations()


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(directory()))
    config.set_main_option("version_locations", str(directory()))
    config.set_main_option("path_separator", "os")
    config.attributes["run_script"] = _run_script
    return config


def last_step() -> int:
    """The number of the last step there is, of whatever phase."""
    return int(_last(ScriptDirectory.from_config(_config())))


def _last(scripts: ScriptDirectory, phase: Phase | None = None) -> str:
    """The last revision, or the last one of a phase: files are named NNNN_PHASE_what."""
    names = {revision.revision: Path(revision.path).name for revision in scripts.walk_revisions()}
    return max(number for number, name in names.items() if phase is None or f"_{phase.value}_" in name)


def _run_script(conn: SyncConnection, script: str) -> None:
    """Run a script of many statements by the simple protocol, which SQLAlchemy does not offer."""
    driver: Any = conn.connection.driver_connection
    await_only(driver.execute(script))


def _sqlalchemy_url(dsn: str) -> str:
    return dsn.replace("postgres://", "postgresql://", 1).replace("postgresql://", "postgresql+asyncpg://", 1)
