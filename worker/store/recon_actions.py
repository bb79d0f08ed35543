"""The record of remediation: what runs proposed or did, and what people decided. Rows are only ever added."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from worker.domain.discrepancy import RepairAction, RepairDirection
from worker.domain.ids import uuid7
from worker.store.pool import Connection
from worker.store.sql import Record, load

queries = load("recon_actions")


@dataclass(frozen=True, slots=True)
class NewAction:
    """One action; ``result`` is proposed, queued, success, failure or dropped.

    ``action`` is a repair action, or a word for what people do to findings (ignore, undo). ``details`` holds
    before_state, after_state and error_message.
    """

    discrepancy_id: UUID | None
    action: RepairAction | str
    direction: RepairDirection
    result: str
    operation_id: UUID | None = None
    details: dict[str, Any] = field(default_factory=dict)


async def record(
    conn: Connection,
    *,
    tenant_id: UUID,
    connector_id: UUID,
    actions: Sequence[NewAction],
    by: UUID,
    run_id: UUID | None = None,
    dry_run: bool = False,
) -> None:
    """Write actions in one statement."""
    if actions:
        await queries.record.run(
            conn,
            tenant_id=tenant_id,
            connector_id=connector_id,
            run_id=run_id,
            dry_run=dry_run,
            performed_by=by,
            ids=[uuid7() for _ in actions],
            discrepancy_ids=[each.discrepancy_id for each in actions],
            action_types=[str(each.action) for each in actions],
            directions=[str(each.direction) for each in actions],
            results=[each.result for each in actions],
            operation_ids=[each.operation_id for each in actions],
            details=[each.details for each in actions],
        )


async def page(
    conn: Connection,
    *,
    tenant_id: UUID,
    connector_id: UUID,
    run_id: UUID | None = None,
    discrepancy_id: UUID | None = None,
    action_type: str | None = None,
    result: str | None = None,
    dry_run: bool | None = None,
    limit: int = 20,
    offset: int = 0,
) -> tuple[list[Record], int]:
    """Rows, the newest first, and how many there are in all."""
    where = {
        "tenant_id": tenant_id,
        "connector_id": connector_id,
        "run_id": run_id,
        "discrepancy_id": discrepancy_id,
        "action_type": action_type,
        "result": result,
        "dry_run": dry_run,
    }
    rows = await queries.page.rows(conn, limit=limit, offset=offset, **where)
    return rows, int(await queries.count.value(conn, **where))


async def last_of(conn: Connection, *, tenant_id: UUID, discrepancy_ids: Sequence[UUID]) -> dict[UUID, Record]:
    """The newest real action on each finding."""
    rows = await queries.last_of.rows(conn, tenant_id=tenant_id, discrepancy_ids=list(discrepancy_ids))
    return {row["discrepancy_id"]: row for row in rows}


async def summary(conn: Connection, *, tenant_id: UUID, run_id: UUID) -> list[Record]:
    """(action_type, result, n) of one run."""
    return await queries.summary.rows(conn, tenant_id=tenant_id, run_id=run_id)
