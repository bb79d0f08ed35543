"""Processes and their leases: one row each; an expired row is an expired lease for all that its process held."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from worker.store.pool import Connection
from worker.store.sql import Record, load

queries = load("workers")


@dataclass(frozen=True, slots=True)
class Expired:
    """Whose lease ran out, the first ones of them; in how many seconds the next will unless it is renewed.

    ``has_older``: there is somebody, dead or alive, who does not note what it claims: a process of an older version.
    """

    owners: list[UUID]
    next_in_s: float | None = None
    has_older: bool = False


async def register(
    conn: Connection, worker_id: UUID, *, host: str, pid: int, version: str, roles: Sequence[str], lease_s: float
) -> None:
    """Take a lease under a fresh id."""
    await queries.register.run(
        conn, id=worker_id, host=host, pid=pid, version=version, roles=list(roles), lease_s=lease_s
    )


async def beat(conn: Connection, worker_id: UUID, *, lease_s: float, is_draining: bool) -> bool:
    """Extend the lease; False when it had run out, then the process must start anew under another id."""
    return bool(await queries.beat.run(conn, id=worker_id, lease_s=lease_s, is_draining=is_draining))


async def leave(conn: Connection, worker_id: UUID) -> None:
    """Give the lease back; call it only when nothing is held any more."""
    await queries.leave.run(conn, id=worker_id)


async def expired(conn: Connection) -> Expired:
    """Who is to be looked after, and when there may be somebody next."""
    rows = await queries.to_look_after.rows(conn)
    return Expired(
        owners=[row["id"] for row in rows if row["left_s"] <= 0],
        next_in_s=next((row["left_s"] for row in rows if row["left_s"] > 0), None),
        has_older=not all(row["all_noted"] for row in rows),
    )


async def all_noted(conn: Connection) -> bool:
    """Whether all claims are noted and all that lives is counted: no process of the version before runs."""
    return bool(await queries.all_noted.value(conn))


async def alive(conn: Connection) -> list[Record]:
    """Rows of the processes at work."""
    return await queries.alive.rows(conn)


async def tenants(conn: Connection) -> list[Record]:
    """Every tenant: id and name."""
    return await queries.tenants.rows(conn)
