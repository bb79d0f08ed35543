"""What everybody is planned with at each target, so that nobody is forgotten whom planning had to pass over.

A target has a row while nobody was passed over there (``plan_items.remove`` takes it away). Where there is none, or
one of another basis, everybody is asked for again, page by page.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

from worker.domain.filter_syntax import Filter
from worker.domain.operation import Origin
from worker.store import filters, plan_items
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


async def ask_next(conn: Connection, *, tenant_id: UUID, limit: int, scopes: Mapping[UUID, Filter | None]) -> None:
    """Ask for the next ``limit`` people, for the targets that are furthest behind.

    For one target alone those of them whom it concerns: in its scope, or with an account there. ``scopes`` has the
    scope of each target that can be read. Rows of targets are written after those of people, in the order of planners.
    """
    rows = await queries.unfinished.rows(conn, tenant_id=tenant_id)
    if not rows:
        return
    after = rows[0]["asked_to"]
    page = [row for row in rows if row["asked_to"] == after]
    if len(page) == 1 and page[0]["connector_id"] in scopes:
        last = await _ask_concerned(conn, tenant_id, page[0]["connector_id"], scopes, after=after, limit=limit)
    else:
        last = await plan_items.ask_after(conn, tenant_id=tenant_id, after=after, origin=Origin.MAPPING, limit=limit)
    await queries.advance.run(
        conn,
        tenant_id=tenant_id,
        ids=[row["connector_id"] for row in page],
        bases=[row["basis"] for row in page],
        after=after,
        next=last,
    )


async def _ask_concerned(
    conn: Connection,
    tenant_id: UUID,
    connector_id: UUID,
    scopes: Mapping[UUID, Filter | None],
    *,
    after: UUID,
    limit: int,
) -> UUID | None:
    """Where to go on, or None when these were the last."""
    found = await filters.concerned(
        conn, tenant_id=tenant_id, connector_id=connector_id, scope=scopes[connector_id], after=after, limit=limit
    )
    await plan_items.ask_these(conn, tenant_id=tenant_id, identity_ids=found.ids, origin=Origin.MAPPING)
    return found.last if found.looked_at == limit else None
