"""Views of what the safeguard holds."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

from worker.console import ApprovalPage, HeldChange, HoldView
from worker.domain.operation import Origin
from worker.store import listings_approvals
from worker.store.pool import Connection
from worker.store.sql import Record

_STATUS = {"open": "pending"}
_KIND = {"import": "import", "reconciliation": "run", "sync": "run"}
#: A run whose approval is not given within this time fails.
EXPIRES_AFTER = timedelta(days=7)
_SHOWN = 100
_DECIDED_SHOWN = 20


async def page(conn: Connection, tenant_id: UUID, *, needs_second: bool) -> ApprovalPage:
    """What waits, and what was decided last."""
    return ApprovalPage(
        pending=await views(conn, tenant_id, is_decided=False, limit=_SHOWN, needs_second=needs_second),
        decided=await views(conn, tenant_id, is_decided=True, limit=_DECIDED_SHOWN),
        as_of=datetime.now(UTC),
    )


async def views(
    conn: Connection, tenant_id: UUID, *, is_decided: bool, limit: int, needs_second: bool = False
) -> tuple[HoldView, ...]:
    """Holds, the newest first."""
    rows = await listings_approvals.page(conn, tenant_id, is_decided=is_decided, limit=limit)
    return tuple(view_of(row, needs_second=needs_second) for row in rows)


async def hold(conn: Connection, tenant_id: UUID, *, hold_id: UUID, needs_second: bool = False) -> HoldView | None:
    """One of them."""
    rows = await listings_approvals.page(conn, tenant_id, approval_id=hold_id, limit=1)
    return view_of(rows[0], needs_second=needs_second) if rows else None


def view_of(row: Record, *, needs_second: bool) -> HoldView:
    """A hold as the pages show it."""
    kind = _KIND.get(row["run_kind"] or "", "batch")
    return HoldView(
        id=row["id"],
        connector_id=row["connector_id"],
        connector_name=row["connector_name"] or "deleted connector",
        kind=kind,
        status=_STATUS.get(row["status"], row["status"]),
        reason=row["reason"],
        requested_at=row["created_at"],
        removals=row["held"],
        allowed=row["threshold"] or 0,
        accounts=row["accounts"],
        used=row["used"],
        run_id=row["run_id"],
        origin=Origin.SOURCE if kind == "import" else Origin.RECON if kind == "run" else Origin.EVENT,
        requested_by=row["requested_by"],
        requested_by_id=row["requested_by_id"],
        needs_second_person=needs_second,
        expires_at=row["created_at"] + EXPIRES_AFTER if row["run_id"] is not None else None,
        sample=tuple(
            HeldChange(each.get("who") or each.get("uid") or "somebody", each["what"], detail=each.get("uid") or "")
            for each in row["sample"]
        ),
        decided_by=row["decided_by_name"],
        decided_at=row["decided_at"],
        notes=row["notes"],
    )
