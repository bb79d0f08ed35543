"""What everybody is planned with at each target, so that nobody is forgotten whom planning had to pass over.

A target has a row while nobody was passed over there (``plan_items.remove`` takes it away). Where there is none, or
one of another basis, everybody is asked for again, page by page.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

from worker.domain.operation import Origin
from worker.store import plan_items
from worker.store.pool import Connection
from worker.store.sql import load

queries = load("planned_targets")


@dataclass(frozen=True, slots=True)
class PlannedTarget:
    """What a target is planned with; ``is_behind``: not everybody was asked for yet."""

    connector_id: UUID
    basis: int
    is_behind: bool


async def known(conn: Connection, *, tenant_id: UUID) -> list[PlannedTarget]:
    rows = await queries.known.rows(conn, tenant_id=tenant_id)
    return [PlannedTarget(row["connector_id"], row["basis"], row["is_behind"]) for row in rows]


async def begin(conn: Connection, *, tenant_id: UUID, bases: Mapping[UUID, int]) -> None:
    """Have everybody planned at these targets with a basis that is new there."""
    await queries.begin.run(
        conn, tenant_id=tenant_id, ids=list(bases), bases=list(bases.values()), first=plan_items.FIRST
    )


async def ask_next(conn: Connection, *, tenant_id: UUID, limit: int) -> None:
    """Ask for the next ``limit`` people, for the targets that are furthest behind.

    The rows of targets are written after those of people, in the order of planners.
    """
    rows = await queries.unfinished.rows(conn, tenant_id=tenant_id)
    if not rows:
        return
    after = rows[0]["asked_to"]
    page = [row for row in rows if row["asked_to"] == after]
    last = await plan_items.ask_after(conn, tenant_id=tenant_id, after=after, origin=Origin.MAPPING, limit=limit)
    await queries.advance.run(
        conn,
        tenant_id=tenant_id,
        ids=[row["connector_id"] for row in page],
        bases=[row["basis"] for row in page],
        after=after,
        next=last,
    )
