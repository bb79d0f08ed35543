"""ConsoleSchedules over a sample: one that runs, one whose last occurrence was skipped, one that is off."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any
from uuid import UUID

from tests.e2e.fakes import sample
from tests.e2e.fakes.sample import NOW, ago
from worker.console import views as v
from worker.console.doors import ActResult, Principal

SKIPPED = "Another run of this connector is paused since 2026-03-09 22:15 UTC (safeguard)."
FIELDS = {
    "frequency": "weekly",
    "hour_of_day": "2",
    "day_of_week": "0",
    "timezone": "Europe/Berlin",
    "mode": "full",
    "missed_run_policy": "one",
    "jitter_seconds": "300",
    "blackouts": "Mon,Tue,Wed,Thu,Fri 08:00-18:00",
    "enabled": "true",
}


def planned(n: int, **fields: Any) -> v.PlannedRun:
    at = NOW + timedelta(days=n)
    return v.PlannedRun(starts_at=at, local=f"{at:%a %Y-%m-%d} 02:00:00 CET", fire_at=at, **fields)


PLANNED = (planned(1), planned(2, is_in_blackout=True, passed=3), planned(3), planned(4), planned(5))
STARTED = v.OccurrenceRow(fire_at=ago(hours=20), run_id=sample.RUNS[1].id, run_status="completed")
MISSED = v.OccurrenceRow(
    fire_at=ago(hours=44), message=SKIPPED, run_id=sample.RUNS[2].id, run_status="paused", passed=2
)


def row(connector: v.ConnectorBrief, *, last: v.OccurrenceRow | None, enabled: bool = True) -> v.ScheduleRow:
    return v.ScheduleRow(
        connector=connector,
        when="every Sunday at 02:00 Europe/Berlin",
        mode="full" if enabled else "delta",
        enabled=enabled,
        starts_at=PLANNED[0].starts_at if enabled else None,
        local=PLANNED[0].local if enabled else None,
        version=4,
        last=last,
    )


ROWS = (row(sample.LDAP, last=STARTED), row(sample.SQL, last=MISSED), row(sample.CSV, last=None, enabled=False))


@dataclass
class FakeSchedules:
    """What was asked for is noted in ``done``; ``beaten``: somebody else was faster."""

    rows: dict[UUID, v.ScheduleRow] = field(default_factory=lambda: {each.connector.id: each for each in ROWS})
    done: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    beaten: bool = False

    async def schedules(self, tenant_id: UUID) -> tuple[v.ScheduleRow, ...]:
        return tuple(self.rows.values())

    async def schedule(self, tenant_id: UUID, *, connector_id: UUID) -> v.ScheduleView | None:
        brief = next((each for each in sample.CONNECTORS if each.id == connector_id), None)
        if brief is None:
            return None
        found = self.rows.get(connector_id)
        return v.ScheduleView(
            connector=brief,
            fields=FIELDS
            if found
            else {"frequency": "daily", "hour_of_day": "2", "timezone": "UTC", "enabled": "true"},
            zones=("Europe/Berlin", "Europe/Paris", "UTC"),
            row=found,
            ahead=v.ScheduleAhead(planned=PLANNED) if found and found.enabled else v.ScheduleAhead(),
            past=(STARTED, MISSED) if found else (),
        )

    async def look_ahead(
        self, principal: Principal, *, connector_id: UUID, fields: Mapping[str, str]
    ) -> v.ScheduleAhead:
        if fields["frequency"] == "cron" and not fields["cron_expression"]:
            return v.ScheduleAhead(mistakes={"cron_expression": "is needed for cron"})
        hour = int(fields["hour_of_day"] or 0)
        return v.ScheduleAhead(planned=tuple(replace(each, local=f"at {hour:02d}:00") for each in PLANNED))

    async def save_schedule(
        self, principal: Principal, *, connector_id: UUID, fields: Mapping[str, str], seen: int | None
    ) -> ActResult:
        if self.beaten:
            return ActResult("Somebody else changed this meanwhile: it is at version 5, you saw 4.", ok=False)
        return self._note("save", "The schedule is saved.", seen=seen, **fields)

    async def switch_schedule(
        self, principal: Principal, *, connector_id: UUID, on: bool, seen: int | None
    ) -> ActResult:
        self.rows[connector_id] = replace(self.rows[connector_id], enabled=on, starts_at=None, local=None)
        return self._note("switch", "The schedule is on." if on else "The schedule is off.", on=on, seen=seen)

    async def delete_schedule(self, principal: Principal, *, connector_id: UUID, seen: int | None) -> ActResult:
        del self.rows[connector_id]
        return self._note("delete", "The schedule is deleted. Its runs stay.", seen=seen)

    async def run_schedule(self, principal: Principal, *, connector_id: UUID) -> ActResult:
        return self._note("run", "The run starts.")

    def _note(self, verb: str, message: str, **what: Any) -> ActResult:
        self.done.append((verb, what))
        return ActResult(message)
