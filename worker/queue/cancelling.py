"""Cancelling operations: nobody goes on waiting for a decision about what is cancelled."""

from collections.abc import Sequence
from uuid import UUID

from worker.store import conflicts, operations
from worker.store.operations import Fence
from worker.store.pool import Connection

#: What is said of one that a person asked to cancel, when it would be tried again.
ASKED = "Cancelled by a person while it ran."


async def cancel(
    conn: Connection,
    tenant_id: UUID,
    fences: Sequence[Fence],
    *,
    notes: str,
    by: UUID | None = None,
    owner: UUID | None = None,
) -> list[UUID]:
    """Cancel as ``operations.cancel`` does; whatever those that are cancelled were in conflict with goes on.

    It belongs to the same targets: who cancels asks for them.
    """
    if not fences:
        return []
    done = await operations.cancel(conn, tenant_id, fences, notes=notes, by=by, owner=owner)
    await conflicts.close(conn, tenant_id, done, notes=notes)
    return done


async def cancel_asked(conn: Connection, tenant_id: UUID, again: Sequence[Fence]) -> None:
    """Of those that would be tried again, cancel what a person asked to cancel while it ran."""
    if not again:
        return
    asked = await asked_to_cancel(conn, tenant_id, [fence.id for fence in again])
    await cancel(conn, tenant_id, [fence for fence in again if fence.id in asked], notes=ASKED)


async def asked_to_cancel(conn: Connection, tenant_id: UUID, ids: Sequence[UUID]) -> set[UUID]:
    """Which of these somebody has asked to cancel."""
    rows = await operations.queries.cancel_requested.rows(conn, tenant_id=tenant_id, ids=list(ids))
    return {row["id"] for row in rows}
