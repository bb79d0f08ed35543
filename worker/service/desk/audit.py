"""Views of the audit."""

from datetime import UTC, datetime
from uuid import UUID

from worker.console import AuditFilter, AuditPage, AuditRow
from worker.service.desk.slices import cut, read
from worker.store import listings_audit
from worker.store.pool import Connection
from worker.store.sql import Record


async def page(conn: Connection, tenant_id: UUID, *, where: AuditFilter) -> AuditPage:
    """One slice of the chain, the newest first."""
    rows = await listings_audit.page(
        conn,
        tenant_id,
        actor=where.actor,
        action=where.action,
        object_type=where.object_type,
        object_id=where.object_id,
        before=read(where.older, int),
        after=read(where.newer, int) if where.older is None else None,
        limit=where.limit + 1,
    )
    shown, cursors = cut(rows, where, place=lambda row: row["n"])
    return AuditPage(rows=tuple(_row(row) for row in shown), as_of=datetime.now(UTC), cursors=cursors)


async def entries_of(
    conn: Connection, tenant_id: UUID, *, object_type: str, object_id: str, limit: int = 20
) -> tuple[AuditRow, ...]:
    """The latest entries about one object."""
    rows = await listings_audit.page(conn, tenant_id, object_type=object_type, object_id=object_id, limit=limit)
    return tuple(_row(row) for row in rows)


def _row(row: Record) -> AuditRow:
    return AuditRow(
        n=row["n"],
        at=row["at"],
        actor=row["actor"] or str(row["actor_id"]),
        actor_kind=row["actor_kind"] or "system",
        action=row["action"],
        object_type=row["object_type"],
        object_id=row["object_id"],
        details=row["details"],
    )
