"""What earlier runs of a connector tell, and the end of one that waits for nobody any more."""

from dataclasses import dataclass
from uuid import UUID

from worker.domain.run import Run
from worker.store import due_work, runs
from worker.store.pool import Connection
from worker.store.runs import from_row
from worker.store.sql import load

queries = load("run_history")


@dataclass(frozen=True, slots=True)
class Ranges:
    """How many ranges a listing has, how many of them are listed, and on how many somebody works."""

    total: int
    done: int
    at_work: int


@dataclass(frozen=True, slots=True)
class Listed:
    """The pages of a run, and how many of them came in the last so many seconds, a minute at most.

    ``ranges``: where its listing is divided.
    """

    pages: int = 0
    recent: int = 0
    seconds: float = 0.0
    ranges: Ranges | None = None


async def last_goods(conn: Connection, run: Run, *, limit: int) -> list[Run]:
    """The last completed runs before this one, the latest first: of the same kind, mode and connector, no dry runs."""
    rows = await queries.last_goods.rows(
        conn,
        tenant_id=run.tenant_id,
        connector_id=run.connector_id,
        kind=str(run.kind),
        mode=str(run.mode),
        before=run.id,
        limit=limit,
    )
    return [from_row(row) for row in rows]


async def fail_unapproved(
    conn: Connection, *, tenant_id: UUID, run_id: UUID, approval_id: UUID, error_message: str
) -> bool:
    """End a run that waits for an approval which nobody gave; False when it does not wait for it any more."""
    row = await queries.fail_unapproved.row(
        conn, tenant_id=tenant_id, id=run_id, approval_id=approval_id, error_message=error_message
    )
    if row is None:
        return False
    await due_work.forget(conn, tenant_id, due_work.Kind.RUN, run_id)
    await runs.queries.drop_checkpoints.run(conn, tenant_id=tenant_id, id=run_id)
    return True


async def listed(conn: Connection, *, tenant_id: UUID, run_id: UUID) -> Listed:
    """How far the listing of a run that is under way is."""
    row = await queries.listed.row(conn, tenant_id=tenant_id, id=run_id)
    if row is None:
        return Listed()
    parts = await queries.ranges.row(conn, tenant_id=tenant_id, id=run_id)
    ranges = Ranges(parts["total"], parts["done"], parts["at_work"]) if parts and parts["total"] else None
    return Listed(row["pages"], row["recent"], row["seconds"], ranges)
