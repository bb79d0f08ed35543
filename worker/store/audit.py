"""The audit's rows; ``worker.security`` makes and checks the chain."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from worker.store.pool import Connection
from worker.store.sql import Record, load

queries = load("audit")


@dataclass(frozen=True, slots=True)
class Row:
    """One entry with its place in the chain."""

    n: int
    actor_id: UUID
    action: str
    object_type: str
    object_id: str
    details: dict[str, Any]
    prev_hash: bytes
    hash: bytes


async def head(conn: Connection, tenant_id: UUID, *, genesis: bytes) -> tuple[int, bytes, datetime]:
    """Lock the end of the chain: its number, its hash, and the time now."""
    row = await queries.head.row(conn, tenant_id=tenant_id, genesis=genesis)
    if row is None:
        raise LookupError("the audit has no end")
    return row["n"], row["hash"], row["at"]


async def append(conn: Connection, tenant_id: UUID, *, at: datetime, rows: Sequence[Row]) -> None:
    """Write entries behind the locked end, and the new end."""
    await queries.append.run(
        conn,
        tenant_id=tenant_id,
        at=at,
        ns=[r.n for r in rows],
        actor_ids=[r.actor_id for r in rows],
        actions=[r.action for r in rows],
        object_types=[r.object_type for r in rows],
        object_ids=[r.object_id for r in rows],
        details=[r.details for r in rows],
        prev_hashes=[r.prev_hash for r in rows],
        hashes=[r.hash for r in rows],
        last_n=rows[-1].n,
        last_hash=rows[-1].hash,
    )


async def entries(conn: Connection, tenant_id: UUID, *, after: int, limit: int = 1000) -> list[Record]:
    """Entries behind a number, in order."""
    return await queries.entries.rows(conn, tenant_id=tenant_id, after=after, limit=limit)


async def end(conn: Connection, tenant_id: UUID) -> Record | None:
    """(n, hash) of the last entry as the head has it."""
    return await queries.end.row(conn, tenant_id=tenant_id)
