"""What the console needs for schedules: reads, a look ahead, acts.

Reads take the tenant, as those of ``doors`` do. Acts are as those of ``doors``: refusals are results, in words.
``fields`` are the texts of the form, by the names of a schedule's fields; ``blackouts`` has one on each line.
"""

from collections.abc import Mapping
from typing import Protocol
from uuid import UUID

from worker.console import views
from worker.console.doors import ActResult, Principal


class ConsoleSchedules(Protocol):
    """Every read and verb of the pages of schedules."""

    async def schedules(self, tenant_id: UUID) -> tuple[views.ScheduleRow, ...]:
        """Every schedule, the next to run first."""

    async def schedule(self, tenant_id: UUID, *, connector_id: UUID) -> views.ScheduleView | None:
        """A connector's schedule, or its lack of one; None when there is no such connector."""

    async def look_ahead(
        self, principal: Principal, *, connector_id: UUID, fields: Mapping[str, str]
    ) -> views.ScheduleAhead:
        """The next runs of a schedule that is not saved, or what is wrong with it."""

    async def save_schedule(
        self, principal: Principal, *, connector_id: UUID, fields: Mapping[str, str], seen: int | None
    ) -> ActResult: ...
    async def switch_schedule(
        self, principal: Principal, *, connector_id: UUID, on: bool, seen: int | None
    ) -> ActResult: ...
    async def delete_schedule(self, principal: Principal, *, connector_id: UUID, seen: int | None) -> ActResult: ...
    async def run_schedule(self, principal: Principal, *, connector_id: UUID) -> ActResult: ...
