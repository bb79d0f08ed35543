"""Lists of runs, and the report of one."""

from collections import Counter
from dataclasses import dataclass, field
from uuid import UUID

from worker.domain.run import Run
from worker.store.listings import custom_plans
from worker.store.pool import Connection
from worker.store.sql import Record, load

queries = load("listings_runs")


@dataclass(frozen=True, slots=True)
class Report:
    """What a run found and did; ``errors`` are (message, how often), the commonest first.

    ``groups`` are the causes that many findings have in common, as the run noted them.
    """

    by_type: dict[str, int]
    by_resolution: dict[str, int]
    by_action: dict[str, int]
    by_result: dict[str, int]
    top_attributes: tuple[tuple[str, int], ...]
    errors: tuple[tuple[str, int], ...]
    duration_ms: int | None = None
    accounts_per_second: float | None = None
    api_calls: int | None = None
    groups: list[dict[str, object]] = field(default_factory=list)


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


async def report(conn: Connection, run: Run) -> Report:
    """Sum a run up, also while it goes on."""
    where = {"tenant_id": run.tenant_id, "run_id": run.id}
    by_type: Counter[str] = Counter()
    by_resolution: Counter[str] = Counter()
    by_action: Counter[str] = Counter()
    by_result: Counter[str] = Counter()
    for row in await queries.findings.rows(conn, connector_id=run.connector_id, **where):
        by_type[row["discrepancy_type"]] += row["n"]
        by_resolution[row["resolution_status"]] += row["n"]
    for row in await queries.actions.rows(conn, **where):
        by_action[row["action_type"]] += row["n"]
        by_result[row["result"]] += row["n"]
    attributes = await queries.attributes.rows(conn, connector_id=run.connector_id, **where)
    errors = await queries.errors.rows(conn, **where)
    seconds = duration(run)
    return Report(
        by_type=dict(by_type),
        by_resolution=dict(by_resolution),
        by_action=dict(by_action),
        by_result=dict(by_result),
        top_attributes=tuple((row["name"], row["n"]) for row in attributes),
        errors=tuple((row["message"], row["n"]) for row in errors),
        duration_ms=round(seconds * 1000) if seconds is not None else None,
        accounts_per_second=run.accounts_processed / seconds if seconds else None,
        api_calls=run.statistics.get("api_calls"),
        groups=run.statistics.get("groups", []),
    )


def duration(run: Run) -> float | None:
    """Seconds from start to end; None before the end."""
    if run.started_at is None or run.completed_at is None:
        return None
    return max((run.completed_at - run.started_at).total_seconds(), 0.0)
