"""What nobody approved in time is rejected, and what nobody needs to approve any more is closed; both in the audit."""

from dataclasses import dataclass
from uuid import UUID

import structlog

from worker.actions.house import House
from worker.domain.errors import WrongState
from worker.planning import Decided, expire_approval
from worker.security import Entry, record
from worker.store import principals, safeguard, workers
from worker.store.sql import Record
from worker.store.tenant import tenant

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Expired:
    """Counts of one round."""

    approvals: int = 0
    cancelled: int = 0


class Expiry:
    """Looks through the open approvals of every tenant; harmless when several daemons do it at once."""

    def __init__(self, house: House) -> None:
        self._house = house

    async def run_once(self) -> Expired:
        """One round: each approval in a transaction of its own, with its line in the audit."""
        async with self._house.pool.acquire() as conn:
            tenants = [row["id"] for row in await workers.tenants(conn)]
        done: list[Decided] = []
        for tenant_id in tenants:
            async with tenant(self._house.pool, tenant_id) as conn:
                due = await safeguard.due(conn, tenant_id=tenant_id, days=self._days)
            done += [each for row in due if (each := await self._expire(tenant_id, row)) is not None]
        return Expired(len(done), sum(each.cancelled for each in done))

    @property
    def _days(self) -> int:
        return self._house.acceptance.limits.approval_days

    async def _expire(self, tenant_id: UUID, row: Record) -> Decided | None:
        """None when somebody decided it, or added to it, meanwhile."""
        notes = (
            "Nothing waits for it any more." if row["is_idle"] else f"Nobody decided it within {_days_of(self._days)}."
        )
        try:
            async with tenant(self._house.pool, tenant_id) as conn:
                by = await principals.ensure(conn, tenant_id, kind="system", name="safeguard")
                done = await expire_approval(
                    conn, tenant_id, row["id"], by=by, seen=row["version"], notes=notes, is_late=not row["is_idle"]
                )
                details = {"connector_id": done.connector_id, "cancelled": done.cancelled, "notes": notes}
                entry = Entry(by, "approval.expire", "approval", str(row["id"]), details)
                await record(conn, tenant_id, [entry])
        except WrongState:
            return None
        log.warning("approval.expired", tenant_id=str(tenant_id), approval_id=str(row["id"]), cancelled=done.cancelled)
        return done


def _days_of(number: int) -> str:
    return "a day" if number == 1 else f"{number} days"
