"""What the console needs for repairs: what they would change, what they have changed, taking them back, policies.

Reads return None when there is no such connector. Acts are as those of ``doors``: refusals are results, in words.
"""

from collections.abc import AsyncIterator, Mapping
from typing import Protocol
from uuid import UUID

from worker.console import views
from worker.console.doors import ActResult, Principal


class ConsoleRepairs(Protocol):
    """Every read and verb around the repair of findings."""

    async def previews(
        self,
        principal: Principal,
        *,
        connector_id: UUID,
        ids: tuple[UUID, ...],
        action: str | None = None,
        direction: str | None = None,
        identity_id: UUID | None = None,
    ) -> tuple[views.RepairPreview, ...]:
        """What each repair would change, at most 100; nothing is written. Raises NotFound, InvalidRequest."""

    async def actions(
        self,
        tenant_id: UUID,
        *,
        connector_id: UUID,
        part: views.Slice,
        finding_id: UUID | None = None,
        run_id: UUID | None = None,
    ) -> views.ActionPage:
        """What was done about one finding, or by one run, or proposed by a dry one."""

    async def export(
        self, tenant_id: UUID, *, connector_id: UUID, where: views.DiscrepancyFilter, kind: str
    ) -> AsyncIterator[str] | None:
        """Every finding of a filter (which knows no search) as text of a file; ``kind`` is csv or jsonl."""

    async def undo(self, principal: Principal, *, connector_id: UUID, finding_id: UUID) -> ActResult:
        """Take back what settled a finding, and open it again."""

    async def policy(self, tenant_id: UUID, *, connector_id: UUID) -> views.PolicyView | None:
        """What a target repairs by itself."""

    async def change_policy(
        self, principal: Principal, *, connector_id: UUID, policy: Mapping[str, str | None], seen: int
    ) -> ActResult:
        """Say it anew; ``seen`` is the version that the person was shown."""
