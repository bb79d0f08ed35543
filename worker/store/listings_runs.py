"""Lists of runs with the names that people know the things by."""

from uuid import UUID

from worker.domain.run import Run
from worker.store.listings import custom_plans
from worker.store.pool import Connection
from worker.store.sql import Record, load

queries = load("listings_runs")


async def page(
    conn: Connection,
    tenant_id: UUID,
    *,
    connector_id: UUID | None = None,
    run_id: UUID | None = None,
    only_live: bool = False,
    before: UUID | None = None,
    after: UUID | None = None,
    limit: int,
) -> list[Record]:
    """Runs, the newest first: a row with ``connector_name``, ``created_by_name`` and when something last moved."""
    await custom_plans(conn)
    return await queries.page.rows(
        conn,
        tenant_id=tenant_id,
        connector_id=connector_id,
        id=run_id,
        only_live=only_live,
        before=before,
        after=after,
        limit=limit,
    )


async def last_of_each(conn: Connection, tenant_id: UUID) -> dict[UUID, Record]:
    """The latest run of each connector, by connector."""
    rows = await queries.last_of_each.rows(conn, tenant_id=tenant_id)
    return {row["connector_id"]: row for row in rows}


async def errors(conn: Connection, tenant_id: UUID, *, run_id: UUID) -> list[tuple[str, int]]:
    """Why actions of a run failed, and how often, the commonest first."""
    rows = await queries.errors.rows(conn, tenant_id=tenant_id, run_id=run_id)
    return [(row["message"], row["n"]) for row in rows]


def duration(run: Run) -> float | None:
    """Seconds from start to end; None before the end."""
    if run.started_at is None or run.completed_at is None:
        return None
    return max((run.completed_at - run.started_at).total_seconds(), 0.0)
