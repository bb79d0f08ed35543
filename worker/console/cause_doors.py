"""What the console needs for differences with one cause: what there is, and one approval for all of them.

Reads take the tenant and return None when there is no such connector. Acts are as those of ``doors``: refusals are
results, in words.
"""

from typing import Protocol
from uuid import UUID

from worker.console import views
from worker.console.doors import ActResult, Principal


class ConsoleCauses(Protocol):
    """Every read and verb of the page of causes."""

    async def causes(
        self, tenant_id: UUID, *, connector_id: UUID, run_id: UUID | None = None
    ) -> views.CausesView | None:
        """The groups of open mismatches (of one run, where named), the largest first; and the latest approvals."""

    async def chosen_causes(
        self, tenant_id: UUID, *, connector_id: UUID, groups: tuple[str, ...], run_id: UUID | None
    ) -> views.ChosenCauses | None:
        """What an approval of these groups would repair; groups that are no more are left out."""

    async def approve_causes(
        self,
        principal: Principal,
        *,
        connector_id: UUID,
        groups: tuple[str, ...],
        takes_over: bool,
        run_id: UUID | None,
        expect: int,
    ) -> ActResult:
        """Repair what these groups explain alone, no more than ``expect``: the target, or what people have."""

    async def cancel_causes(self, principal: Principal, *, connector_id: UUID, repair_id: UUID) -> ActResult:
        """Leave the rest of an approval as it is."""
