"""What answers at a database URL: PostgreSQL itself or a pooler before it, one server or a distributed one.

A pooler that lends its server connections for one transaction each is found out by its process ids: the one it gave us
when we connected is not that of the server that answers. Behind it nothing may outlive a transaction, so no statement
is kept prepared, and what a connection would be set to once is set at the start of each transaction.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

import asyncpg

from worker.domain.errors import SurroundingsError

CONNECT_TIMEOUT_S = 10.0
STATEMENT_TIMEOUT_S = 30.0
IDLE_IN_TRANSACTION_S = 60.0
#: How often two connections are compared before a pooler is taken for one that keeps them apart.
_COMPARISONS = 5

_FACTS = """
SELECT pg_backend_pid() AS pid, pg_is_in_recovery() AS is_standby,
    EXISTS (SELECT FROM pg_extension WHERE extname = 'citus') AS is_distributed
"""


class Pooler(StrEnum):
    """What is between us and the server, as configured."""

    AUTO = "auto"
    NONE = "none"
    TRANSACTION = "transaction"


@dataclass(frozen=True, slots=True)
class Server:
    """What was found at the other end."""

    is_pooled: bool = False
    is_distributed: bool = False
    is_standby: bool = False


@dataclass(frozen=True, slots=True)
class Manners:
    """How to talk to a server.

    ``startup`` goes with the connection, ``opening`` is what every transaction begins with, ``kept_plans`` the
    ``plan_cache_mode`` of whoever wants a statement planned once. ``commits_alone``: no other node can refuse a commit.
    """

    statement_cache: int = 100
    startup: Mapping[str, str] = field(default_factory=dict)
    opening: str = ""
    kept_plans: str = "force_generic_plan"
    commits_alone: bool = True


def manners(server: Server) -> Manners:
    """Generic plans but on a distributed server, whose planner cannot make them of a claim; every wait bounded."""
    plans = "auto" if server.is_distributed else "force_generic_plan"
    wanted = {
        "plan_cache_mode": plans,
        "statement_timeout": f"{STATEMENT_TIMEOUT_S:.0f}s",
        "idle_in_transaction_session_timeout": f"{IDLE_IN_TRANSACTION_S:.0f}s",
    }
    passed_on = "; SET LOCAL citus.propagate_set_commands = 'local'" if server.is_distributed else ""
    if not server.is_pooled:
        return Manners(startup=wanted, opening=passed_on, kept_plans=plans, commits_alone=not server.is_distributed)
    local = "".join(f"; SET LOCAL {name} = '{value}'" for name, value in wanted.items())
    return Manners(
        statement_cache=0, opening=local + passed_on, kept_plans=plans, commits_alone=not server.is_distributed
    )


async def look(dsn: str, *, pooler: Pooler = Pooler.AUTO, application: str = "provisiond") -> Server:
    """Ask what answers there, over a connection that is closed again.

    Raises SurroundingsError where a pooler allows no transactions, and what connecting raises.
    """
    conn = await plain(dsn, application=application)
    try:
        facts = await _facts(conn)
        is_pooled = pooler is Pooler.TRANSACTION or (pooler is Pooler.AUTO and facts["pid"] != conn.get_server_pid())
        return Server(is_pooled, facts["is_distributed"], facts["is_standby"])
    finally:
        await conn.close(timeout=2)


async def shares_servers(dsn: str) -> bool:
    """Whether a pooler lends a server connection for a transaction only, so that two of ours meet on one.

    False is a guess: on a busy pooler they may have missed each other.
    """
    first = await plain(dsn, application="provisiond")
    try:
        second = await plain(dsn, application="provisiond")
        try:
            for _ in range(_COMPARISONS):
                if (await _facts(first))["pid"] == (await _facts(second))["pid"]:
                    return True
        finally:
            await second.close(timeout=2)
    finally:
        await first.close(timeout=2)
    return False


async def plain(dsn: str, *, application: str) -> "asyncpg.Connection[Any]":
    """A connection that asks for nothing a pooler would refuse or lose: no settings, nothing kept prepared."""
    return await asyncpg.connect(
        dsn,
        timeout=CONNECT_TIMEOUT_S,
        command_timeout=STATEMENT_TIMEOUT_S,
        statement_cache_size=0,
        server_settings={"application_name": application},
    )


async def _facts(conn: "asyncpg.Connection[Any]") -> Any:
    try:
        await conn.execute("BEGIN")
        row = await conn.fetchrow(_FACTS)
        await conn.execute("COMMIT")
    except asyncpg.exceptions.ConnectionDoesNotExistError as error:
        if "statement pooling" not in str(error):  # a pooler has nothing but its words
            raise
        raise SurroundingsError(
            "The pooler before the database allows no transactions: set its pool_mode to transaction."
        ) from error
    if row is None:
        raise LookupError("a statement without a condition has a row")
    return row
