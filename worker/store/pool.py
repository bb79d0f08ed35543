"""Connections of the daemon's role: bounded waits, JSON as Python values, generic plans.

Generic plans: with custom plans the first executions of a batch statement see hundreds of array elements and choose
a sequential scan. What differs behind a pooler and on a distributed server is in ``store/server.py``.
"""

import json
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any, TypeAlias
from urllib.parse import urlsplit

import asyncpg
import structlog
from asyncpg.pool import PoolConnectionProxy
from pydantic_core import to_json

from worker.domain.errors import SurroundingsError
from worker.store import server
from worker.store.server import CONNECT_TIMEOUT_S, STATEMENT_TIMEOUT_S, Manners, Pooler

log = structlog.get_logger()

Connection: TypeAlias = "asyncpg.Connection[Any] | PoolConnectionProxy[Any]"
Pool: TypeAlias = "asyncpg.Pool[Any]"

#: What a connection says that was cut off, or cancelled, in the middle of something.
Unusable = (
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
    asyncpg.PostgresConnectionError,
    asyncpg.exceptions.QueryCanceledError,
    OSError,
)

#: Two rows would have had the same unique key.
UniqueViolation = asyncpg.exceptions.UniqueViolationError

#: A value that no column of its type takes.
BadValue = asyncpg.DataError

#: A standby, or a server that was told to take no changes: the primary is elsewhere by now.
OnlyReads = asyncpg.exceptions.ReadOnlySQLTransactionError

#: What a caller may see when the database goes away under it; it reconnects by asking the pool again.
DatabaseGone = (
    asyncpg.PostgresConnectionError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,  # what a connection says that was cut off in the middle of something
    asyncpg.exceptions.CannotConnectNowError,
    asyncpg.exceptions.AdminShutdownError,
    asyncpg.exceptions.CrashShutdownError,
    OnlyReads,
    asyncpg.exceptions.InvalidCachedStatementError,  # a migration came between; the driver has forgotten the old one
    OSError,
    TimeoutError,
)


class AnswerLost(ConnectionError):
    """Nobody knows whether a transaction was committed; asking for the same once more, with the same key, will do."""


#: What is said of a commit and never of a hint: it takes no part in what others do, and writes no rows.
_COMMIT_REFUSED = (
    asyncpg.exceptions.TransactionRollbackError,
    asyncpg.exceptions.IntegrityConstraintViolationError,
)

#: What is said of either.
_OF_EITHER = (asyncpg.exceptions.QueryCanceledError, asyncpg.exceptions.InternalServerError)

#: The server undid a transaction because of what others did at that moment: the same once more will do.
DatabaseBusy = (
    asyncpg.exceptions.DeadlockDetectedError,
    asyncpg.exceptions.SerializationError,
    asyncpg.exceptions.LockNotAvailableError,
    asyncpg.exceptions.QueryCanceledError,
)

#: Whatever else the server answers with: a deadlock, a statement that took too long, a full disk, …
DatabaseTrouble = (*DatabaseGone, asyncpg.PostgresError)

#: A row that the database cannot keep, however often it is tried: characters, sizes, keys.
RowRefused = (
    asyncpg.exceptions.DataError,
    asyncpg.exceptions.IntegrityConstraintViolationError,
    asyncpg.exceptions.ProgramLimitExceededError,
)


class Fate(StrEnum):
    """What an error says of a commit with a hint behind it, in one round trip."""

    #: it was made, and the hint was not told
    COMMITTED = "committed"
    #: the error is the commit's own, and says by itself what is known
    AS_SAID = "as_said"
    UNKNOWN = "unknown"


def fate_of(error: Exception) -> Fate:
    """A server that commits alone finds nothing wrong with a commit but what its constraints and others do to it.

    Whatever else it says is about the hint: no room for it, no right, a lock that did not come. A session that the
    server ends may have been ended before the commit came.
    """
    if isinstance(error, (*DatabaseGone, *_COMMIT_REFUSED)) or not isinstance(error, asyncpg.PostgresError):
        return Fate.AS_SAID
    severity = getattr(error, "severity_en", None) or getattr(error, "severity", None)
    if isinstance(error, _OF_EITHER) or severity in ("FATAL", "PANIC"):
        return Fate.UNKNOWN
    return Fate.COMMITTED


if TYPE_CHECKING:
    _BaseConnection = asyncpg.Connection[Any]
else:
    _BaseConnection = asyncpg.Connection  # generic in its stubs alone


class _OurConnection(_BaseConnection):
    """A connection that knows how to talk to its server."""

    manners = Manners()


async def open_pool(dsn: str, *, size: int, application: str = "provisiond", pooler: Pooler = Pooler.AUTO) -> Pool:
    """Open a pool of at most ``size`` connections, after a look at what answers there.

    Raises SurroundingsError with one clear sentence when the address, the credentials or the database are wrong.
    """
    logging.getLogger(asyncpg.pool.__name__).addFilter(_in_one_line)  # once, however often it is added
    async with explained(dsn):
        found = server.manners(await server.look(dsn, pooler=pooler, application=application))

        async def prepare(conn: "asyncpg.Connection[Any]") -> None:
            if isinstance(conn, _OurConnection):
                conn.manners = found
            await _set_codecs(conn)

        return await asyncpg.create_pool(
            dsn,
            min_size=1,
            max_size=size,
            timeout=CONNECT_TIMEOUT_S,
            command_timeout=STATEMENT_TIMEOUT_S,
            max_inactive_connection_lifetime=300,
            connection_class=_OurConnection,
            statement_cache_size=found.statement_cache,
            init=prepare,
            reset=_reset,
            server_settings={"application_name": application, **found.startup},
        )


async def connect(dsn: str, *, application: str = "provisiond") -> "asyncpg.Connection[Any]":
    """Open one connection outside the pool, for what must not wait behind it (heartbeat, migration)."""
    async with explained(dsn):
        conn = await server.plain(dsn, application=application)
        await _set_codecs(conn)
        return conn


def _in_one_line(record: logging.LogRecord) -> bool:
    """Whether to let a line of the driver's pool through.

    Through an outage it goes on to open the connection that it keeps, and shows where in its code that fails.
    """
    if record.exc_info is None or not isinstance(record.exc_info[1], DatabaseTrouble):
        return True
    log.warning("database.away", error=type(record.exc_info[1]).__name__, cause="pool")
    return False


def throw_away(conn: Connection) -> None:
    """Never to be lent again. A pool that has seen the session end has it back already, and it can do nothing more."""
    with suppress(asyncpg.InterfaceError):
        conn.terminate()


def manners_of(conn: Connection) -> Manners:
    """How to talk to the server of this connection."""
    found: Manners = getattr(conn, "manners", _OurConnection.manners)
    return found


async def _set_codecs(conn: "asyncpg.Connection[Any]") -> None:
    # Binary: an array of texts would be escaped by one side and parsed by the other, letter by letter.
    await conn.set_type_codec("json", encoder=_dump, decoder=_load, schema="pg_catalog", format="binary")
    await conn.set_type_codec("jsonb", encoder=_dump_jsonb, decoder=_load_jsonb, schema="pg_catalog", format="binary")


async def _reset(conn: "asyncpg.Connection[Any]") -> None:
    # Nothing of ours outlives a transaction, so a clean connection needs no round trip.
    if conn.is_in_transaction():
        await conn.execute("ROLLBACK")


_decode = json.JSONDecoder().decode
_decode_at = json.JSONDecoder().raw_decode
#: What the server's binary form of jsonb starts with, before the text.
_JSONB_FORM = b"\x01"


@dataclass(frozen=True, slots=True)
class Document:
    """A JSON value that must not be mistaken for an array of the server."""

    value: Any


def _dump(value: Any) -> bytes:
    if isinstance(value, Document):
        value = value.value
    return to_json(value, inf_nan_mode="constants")


def _load(data: bytes) -> Any:
    return _decode(data.decode())


def _dump_jsonb(value: Any) -> bytes:
    return _JSONB_FORM + _dump(value)


def _load_jsonb(data: bytes) -> Any:
    # The server writes it anew, without a blank at either end: what looks for them takes longer than reading.
    return _decode_at(data[1:].decode())[0]


@asynccontextmanager
async def explained(dsn: str) -> AsyncIterator[None]:
    """Turn what goes wrong while connecting into one clear sentence; the password never appears in it."""
    where = _where(dsn)
    try:
        yield
    except asyncpg.InvalidCatalogNameError as error:
        raise SurroundingsError(f"The database server at {where} has no such database.") from error
    except (asyncpg.InvalidPasswordError, asyncpg.InvalidAuthorizationSpecificationError) as error:
        raise SurroundingsError(f"The database at {where} refuses the user name or the password.") from error
    except asyncpg.TooManyConnectionsError as error:
        raise SurroundingsError(f"The database at {where} has no connection left for us.") from error
    except asyncpg.CannotConnectNowError as error:
        raise SurroundingsError(f"The database at {where} is starting or stopping; try again shortly.") from error
    except (asyncpg.exceptions.ClientConfigurationError, ValueError) as error:
        raise SurroundingsError(f"The database URL is not valid: {type(error).__name__}.") from error
    except (OSError, TimeoutError, asyncpg.PostgresConnectionError) as error:
        raise SurroundingsError(f"The database at {where} cannot be reached.") from error


def _where(dsn: str) -> str:
    try:
        parts = urlsplit(dsn)
        where = f"{parts.hostname or 'localhost'}:{parts.port or 5432}{parts.path}"
    except ValueError:
        return "the configured address"
    return where
