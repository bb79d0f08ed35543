"""How we stand with the database server: who we are there, what we could do, how it keeps what it is told."""

from dataclasses import dataclass
from datetime import datetime

from worker.store.pool import Connection
from worker.store.sql import load

queries = load("standing")


@dataclass(frozen=True, slots=True)
class Standing:
    """The role of a connection; ``owned`` counts what of our schema belongs to it. ``now`` is the server's clock.

    ``lossy``: settings that are off, with which a power cut loses what was acknowledged.
    """

    role: str
    is_superuser: bool
    bypasses_rls: bool
    owned: int
    server_version: int
    lossy: tuple[str, ...]
    is_standby: bool
    now: datetime


async def standing(conn: Connection) -> Standing:
    """Ask the server."""
    row = await queries.standing.row(conn)
    if row is None:
        raise LookupError("whoever is connected is a role")
    return Standing(**{**dict(row), "lossy": tuple(row["lossy"])})


def refusal(found: Standing) -> str | None:
    """Why a daemon must not work there, or None when it may."""
    if found.is_standby:
        return "This server is a read-only standby: give the daemon the primary, or all servers in one URL."
    if found.is_superuser or found.bypasses_rls:
        return (
            f"The role {found.role} is not bound by row-level security, which keeps tenants apart: "
            "connect as one that has neither SUPERUSER nor BYPASSRLS."
        )
    return None


def cautions(found: Standing) -> tuple[str, ...]:
    """What a daemon says when it starts there all the same."""
    said = []
    if found.lossy:
        said.append(f"The server has {', '.join(found.lossy)} off: a power cut loses what was acknowledged.")
    if found.owned:
        said.append(
            f"The role {found.role} owns {found.owned} objects of the schema: it can change more than it should."
        )
    return tuple(said)
