"""Makes the roles and databases that an empty server needs, as its superuser; every step may be repeated.

The statements are built by the server's own ``format`` (identifiers with %I, literals with %L) and cannot be prepared,
which is why they stand here and not in a file of named queries.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg

from worker.domain.errors import SurroundingsError
from worker.store.pool import Connection, DatabaseGone, connect

OWNER = "provisiond_owner"
DAEMON = "provisiond_worker"


async def ensure_database(admin_dsn: str, *, name: str, owner_password: str, daemon_password: str) -> None:
    """A database of ``provisiond_owner`` that ``provisiond_worker`` may use, owning nothing and bypassing nothing."""
    async with _admin(admin_dsn) as conn:
        await _ensure_role(conn, OWNER, password=owner_password)
        await _ensure_role(conn, DAEMON, password=daemon_password)
        await _ensure_database(conn, name, owner=OWNER)
        await _run(conn, "GRANT CONNECT, TEMPORARY ON DATABASE %I TO %I", name, DAEMON)


async def ensure_application(admin_dsn: str, *, name: str, password: str) -> None:
    """A database and the role of the same name that owns it: what an application of somebody else would have."""
    async with _admin(admin_dsn) as conn:
        await _ensure_role(conn, name, password=password)
        await _ensure_database(conn, name, owner=name)


async def answers(admin_dsn: str) -> bool:
    """Whether the server is alive: one that was killed a moment ago still looks so to the system."""
    try:
        async with _admin(admin_dsn) as conn:
            return bool(await conn.fetchval("SELECT true"))
    except (SurroundingsError, *DatabaseGone):
        return False


@asynccontextmanager
async def _admin(dsn: str) -> AsyncIterator[Connection]:
    conn = await connect(dsn, application="provisiond bootstrap")
    try:
        yield conn
    except asyncpg.DiskFullError as error:
        raise SurroundingsError("The disk that holds the database is full: free some space and start again.") from error
    finally:
        await conn.close()


async def _ensure_role(conn: Connection, name: str, *, password: str) -> None:
    if not await conn.fetchval("SELECT EXISTS (SELECT FROM pg_roles WHERE rolname = $1)", name):
        await _run(conn, "CREATE ROLE %I", name)
    await _run(
        conn,
        "ALTER ROLE %I WITH LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS PASSWORD %L",
        name,
        password,
    )


async def _ensure_database(conn: Connection, name: str, *, owner: str) -> None:
    if not await conn.fetchval("SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1)", name):
        await _run(conn, "CREATE DATABASE %I WITH OWNER %I ENCODING 'UTF8' TEMPLATE template0", name, owner)
    await _run(conn, "REVOKE ALL ON DATABASE %I FROM PUBLIC", name)


async def _run(conn: Connection, statement: str, *values: str) -> None:
    """Let the server quote the values, then run what it made of them."""
    await conn.execute(await conn.fetchval("SELECT format($1, VARIADIC $2::text[])", statement, list(values)))
