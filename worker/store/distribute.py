"""Spreads tenants over the nodes of a Citus cluster: their tables by tenant, what all tenants share onto every node.

The statements call functions that only such a server has, and cannot be prepared elsewhere, which is why they stand
here and not in a file of named queries.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import asyncpg

from worker.domain.errors import SurroundingsError
from worker.store import server
from worker.store.pool import Connection, explained

#: Whatever else is spread lies beside the rows of the same tenant in this table.
ANCHOR = "operations"
#: Moving rows keeps everybody out for as long as it takes: a larger database is filled after it was spread.
LARGEST_BYTES = 1 << 30
#: For one table, with its partitions and what it holds.
_PATIENCE_S = 600.0

_TABLES = """
SELECT c.relname AS name, EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attname = 'tenant_id'
    AND NOT a.attisdropped) AS is_of_tenants
FROM pg_class c
WHERE c.relnamespace = current_schema()::regnamespace
  AND c.relkind IN ('r', 'p') AND NOT c.relispartition
ORDER BY c.relname
"""
_BYTES = """
SELECT coalesce(sum(pg_total_relation_size(c.oid)), 0)::bigint FROM pg_class c
WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind = 'r'
"""
_SPREAD = """
SELECT c.relname AS name FROM pg_dist_partition d JOIN pg_class c ON c.oid = d.logicalrelid
WHERE c.relnamespace = current_schema()::regnamespace AND NOT c.relispartition
"""
_NODES = "SELECT count(*) FROM pg_dist_node WHERE shouldhaveshards AND isactive"
_AT_WORK = "SELECT count(*) FROM workers WHERE expires_at > db_now()"


@dataclass(frozen=True, slots=True)
class Layout:
    """What is there before anything is moved. ``tables``: by name, whether its rows are of tenants."""

    tables: Mapping[str, bool]
    spread: frozenset[str]
    size_bytes: int
    at_work: int
    nodes: int


@dataclass(frozen=True, slots=True)
class Distributed:
    """What was done: tables spread by tenant, tables copied to every node; how many were so before."""

    by_tenant: tuple[str, ...]
    everywhere: tuple[str, ...]
    already: int
    nodes: int


def refusal(layout: Layout) -> str | None:
    """Why nothing may be moved now; None when it may, or when nothing is left to be moved."""
    if layout.tables.keys() <= layout.spread:
        return None
    if layout.at_work:
        return f"{layout.at_work} daemons are at work: stop them all, tables move while nobody writes."
    if layout.size_bytes > LARGEST_BYTES:
        return (
            f"The database holds {layout.size_bytes >> 20} MiB, and up to {LARGEST_BYTES >> 20} MiB are moved: "
            "migrate and distribute an empty database, then copy the rows into it."
        )
    return None


def by_tenant(layout: Layout) -> tuple[str, ...]:
    """The tables to be spread, the one first that all others are laid beside."""
    left = [name for name, is_of_tenants in layout.tables.items() if is_of_tenants and name not in layout.spread]
    return tuple(sorted(left, key=lambda name: (name != ANCHOR, name)))


def everywhere(layout: Layout) -> tuple[str, ...]:
    """The tables to be copied to every node: small ones that rows of tenants are joined with."""
    return tuple(
        sorted(name for name, is_of_tenants in layout.tables.items() if not is_of_tenants and name not in layout.spread)
    )


async def distribute(owner_dsn: str) -> Distributed:
    """Spread what is not spread yet; harmless when repeated, and goes on where it was interrupted.

    Raises SurroundingsError where the server is none of a cluster, daemons are at work, or there is too much to move.
    """
    async with explained(owner_dsn):
        if not (await server.look(owner_dsn, application="provisiond migrate")).is_distributed:
            raise SurroundingsError(
                "This database has no Citus extension: CREATE EXTENSION citus on its coordinator, as a superuser."
            )
        conn = await server.plain(owner_dsn, application="provisiond migrate")
    try:
        layout = await _layout(conn)
        reason = refusal(layout)
        if reason is not None:
            raise SurroundingsError(reason)
        await _spread(conn, by_tenant(layout), everywhere(layout))
        already = len(layout.spread & layout.tables.keys())
        return Distributed(by_tenant(layout), everywhere(layout), already, layout.nodes)
    except asyncpg.InsufficientPrivilegeError as error:
        raise SurroundingsError(f"The cluster refuses the role that owns the schema: {error}.") from error
    finally:
        await conn.close()


async def _layout(conn: Connection) -> Layout:
    return Layout(
        tables={row["name"]: row["is_of_tenants"] for row in await conn.fetch(_TABLES)},
        spread=frozenset(row["name"] for row in await conn.fetch(_SPREAD)),
        size_bytes=await conn.fetchval(_BYTES),
        at_work=await conn.fetchval(_AT_WORK),
        nodes=await conn.fetchval(_NODES),
    )


async def _spread(conn: Connection, of_tenants: Sequence[str], of_all: Sequence[str]) -> None:
    """A transaction a table: what is done stays done. What statements ask first has to be there first."""
    # Statements say db_now() on every node.
    await conn.execute("SELECT create_distributed_function('db_now()')", timeout=_PATIENCE_S)
    for name in of_all:
        await conn.execute("SELECT create_reference_table($1::text::regclass)", name, timeout=_PATIENCE_S)
    for name in of_tenants:
        beside = "default" if name == ANCHOR else ANCHOR
        await conn.execute(
            "SELECT create_distributed_table($1::text::regclass, 'tenant_id', colocate_with => $2::text)",
            name,
            beside,
            timeout=_PATIENCE_S,
        )
