"""ConsoleCauses over a sample: a large group, a mixed one, and an approval under way."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from tests.e2e.fakes import sample
from worker.console import views as v
from worker.console.doors import ActResult, Principal

REPAIR = v.CauseRepairRow(
    id=sample.uid(9, 7),
    words=("department: in other letters", "title: there is none"),
    takes_over=False,
    status="running",
    total=512,
    succeeded=200,
    failed=1,
    skipped=3,
    is_held=True,
    created_at=sample.ago(minutes=3),
)


class FakeCauses:
    """What acts were asked for is in ``done``."""

    def __init__(self) -> None:
        self.done: list[tuple[str, dict[str, Any]]] = []

    async def causes(self, tenant_id: UUID, *, connector_id: UUID, run_id: UUID | None = None) -> v.CausesView | None:
        brief = next((c for c in sample.CONNECTORS if c.id == connector_id), None)
        if brief is None:
            return None
        return v.CausesView(
            connector=brief, rows=sample.CAUSES, repairs=(REPAIR,), as_of=datetime.now(UTC), run_id=run_id
        )

    async def chosen_causes(
        self, tenant_id: UUID, *, connector_id: UUID, groups: tuple[str, ...], run_id: UUID | None
    ) -> v.ChosenCauses | None:
        rows = tuple(row for row in sample.CAUSES if row.id in groups)
        total = sum(row.alone for row in rows)
        return v.ChosenCauses(
            connector=sample.LDAP, rows=rows, total=total, mixed=sum(row.count for row in rows) - total
        )

    async def approve_causes(self, principal: Principal, **wanted: Any) -> ActResult:
        self.done.append(("approve_causes", wanted))
        return ActResult(f"{wanted['expect']} are being repaired.")

    async def cancel_causes(self, principal: Principal, *, connector_id: UUID, repair_id: UUID) -> ActResult:
        self.done.append(("cancel_causes", {"repair_id": repair_id}))
        return ActResult("Stopped; 200 were repaired.")
