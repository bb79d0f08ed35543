"""Views of what the safeguard holds."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

from worker.console import ApprovalPage, HeldChange, HoldView
from worker.safeguard import DEFAULT_LIMITS
from worker.store import listings_approvals
from worker.store.pool import Connection
from worker.store.sql import Record

_STATUS = {"open": "pending"}
_KIND = {"incomplete_source": "source", "incomplete_target": "target", "growth": "growth"}
_SHOWN = 100
_DECIDED_SHOWN = 20


@dataclass(frozen=True, slots=True)
class Rules:
    """How approvals are decided here: by a second person or not, and within how many days."""

    needs_second: bool = False
    days: int = DEFAULT_LIMITS.approval_days


async def page(conn: Connection, tenant_id: UUID, *, rules: Rules) -> ApprovalPage:
    """What waits, and what was decided last."""
    return ApprovalPage(
        pending=await views(conn, tenant_id, is_decided=False, limit=_SHOWN, rules=rules),
        decided=await views(conn, tenant_id, is_decided=True, limit=_DECIDED_SHOWN, rules=rules),
        as_of=datetime.now(UTC),
    )


async def views(
    conn: Connection, tenant_id: UUID, *, is_decided: bool, limit: int, rules: Rules | None = None
) -> tuple[HoldView, ...]:
    """Holds, the newest first."""
    rows = await listings_approvals.page(conn, tenant_id, is_decided=is_decided, limit=limit)
    return tuple(view_of(row, rules=rules or Rules()) for row in rows)


async def hold(conn: Connection, tenant_id: UUID, *, hold_id: UUID, rules: Rules) -> HoldView | None:
    """One of them."""
    rows = await listings_approvals.page(conn, tenant_id, approval_id=hold_id, limit=1)
    return view_of(rows[0], rules=rules) if rows else None


def view_of(row: Record, *, rules: Rules) -> HoldView:
    """A hold as the pages show it."""
    return HoldView(
        id=row["id"],
        connector_id=row["connector_id"],
        connector_name=row["connector_name"] or "deleted connector",
        kind=_KIND.get(row["kind"], "removals"),
        status=_STATUS.get(row["status"], row["status"]),
        reason=row["reason"],
        requested_at=row["created_at"],
        removals=row["held"],
        allowed=row["threshold"] or 0,
        accounts=row["accounts"],
        used=row["used"],
        version=row["version"],
        run_id=row["run_id"],
        is_import=row["run_kind"] == "import",
        requested_by=row["requested_by"],
        requested_by_id=row["requested_by_id"],
        needs_second_person=rules.needs_second,
        expires_at=row["asked_at"] + timedelta(days=rules.days),
        sample=tuple(
            HeldChange(each.get("who") or each.get("uid") or "somebody", each["what"], detail=each.get("uid") or "")
            for each in row["sample"]
        ),
        decided_by=row["decided_by_name"],
        decided_at=row["decided_at"],
        notes=row["notes"],
    )
