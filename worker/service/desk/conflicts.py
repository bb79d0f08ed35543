"""Views of conflicts."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from worker.console import ConflictDetail, ConflictFilter, ConflictPage, ConflictRow, ConflictSide
from worker.domain.conflict import ACTIVE, ConflictOutcome, ConflictStatus, ConflictStrategy, ConflictType
from worker.domain.operation import OperationStatus, OperationType, Origin
from worker.domain.redaction import shown
from worker.service.desk.slices import cut, ends_of
from worker.store import conflicts, operations
from worker.store.conflicts import ConflictQuery
from worker.store.pool import Connection
from worker.store.sql import Record


async def page(conn: Connection, tenant_id: UUID, *, where: ConflictFilter) -> ConflictPage:
    """One slice of the conflicts."""
    ends = ends_of(where)
    query = ConflictQuery(status=where.status, connector_id=where.connector_id)
    rows = await conflicts.page(conn, tenant_id, where=query, before=ends.before, after=ends.after, limit=ends.limit)
    kept, cursors = cut(rows, where)
    return ConflictPage(
        rows=tuple(_row(row) for row in kept),
        by_status=await conflicts.counts(conn, tenant_id, where=query),
        as_of=datetime.now(UTC),
        cursors=cursors,
    )


async def detail(conn: Connection, tenant_id: UUID, *, conflict_id: UUID) -> ConflictDetail | None:
    """One conflict with its operations, wherever they are by now."""
    row = await conflicts.get(conn, tenant_id, conflict_id)
    if row is None:
        return None
    names = frozenset(row["affected_attributes"])
    ids = (row["operation_id_a"], row["operation_id_b"])
    sides = [await operations.find(conn, tenant_id, id_) if id_ is not None else None for id_ in ids]
    bases = await conflicts.bases(conn, tenant_id, [row["account_id"]])
    known = bases.get(row["account_id"], {})
    return ConflictDetail(
        row=_row(row),
        older=_side(sides[0], names),
        newer=_side(sides[1], names),
        at_target=shown({name: known.get(name) for name in names if name != ACTIVE}),
    )


def _row(row: Record) -> ConflictRow:
    return ConflictRow(
        id=row["id"],
        connector_id=row["connector_id"],
        connector_name=row["connector_name"] or "deleted connector",
        subject=row["subject_name"] or "an account without a name",
        conflict_type=ConflictType(row["conflict_type"]),
        affected=tuple(row["affected_attributes"]),
        status=ConflictStatus(row["status"]),
        strategy=ConflictStrategy(row["strategy"]),
        older_id=row["operation_id_a"],
        newer_id=row["operation_id_b"],
        found_at=row["created_at"],
        outcome=ConflictOutcome(row["outcome"]) if row["outcome"] else None,
        identity_id=row["identity_id"],
        resolved_at=row["resolved_at"],
        resolved_by=row["resolved_by_name"],
        notes=row["notes"],
    )


def _side(row: Record | None, names: frozenset[str]) -> ConflictSide | None:
    if row is None:
        return None
    payload: dict[str, Any] = row["payload"]
    values = {name: value for name, value in payload.get("attributes", {}).items() if name in names}
    if ACTIVE in names and ACTIVE in payload:
        values[ACTIVE] = payload[ACTIVE]
    return ConflictSide(
        id=row["id"],
        status=OperationStatus(row["status"]),
        operation_type=OperationType(row["operation_type"]),
        origin=Origin(row["origin"]),
        accepted_at=row["created_at"],
        values=shown(values),
    )
