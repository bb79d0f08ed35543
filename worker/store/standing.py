"""How we stand with the database server: who we are there, what we could do, how it keeps what it is told."""

from dataclasses import dataclass
from datetime import datetime

from worker.store.pool import Connection
from worker.store.sql import load

queries = load("standing")


@dataclass(frozen=True, slots=True)
class Standing:
    """The role of a connection; ``owned`` counts what of our schema belongs to it. ``now`` is the server's clock."""

    role: str
    is_superuser: bool
    bypasses_rls: bool
    owned: int
    server_version: int
    is_durable: bool
    now: datetime


async def standing(conn: Connection) -> Standing:
    """Ask the server."""
    row = await queries.standing.row(conn)
    if row is None:
        raise LookupError("whoever is connected is a role")
    return Standing(**dict(row))
