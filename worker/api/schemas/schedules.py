"""Schedules on the wire."""

from datetime import datetime, time
from typing import Any, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from worker.actions.schedules import MOST_FORESEEN, Wanted
from worker.domain.run import RunMode
from worker.domain.schedule import EVERY_DAY, Frequency, MissedRunPolicy
from worker.domain.schedule import Blackout as StoredBlackout
from worker.schedule import Planned, begin_of, check_schedule, zone_of
from worker.store import schedules
from worker.store.sql import Record

CLOCK = r"^([01]\d|2[0-3]):[0-5]\d$"


class Blackout(BaseModel):
    """Local times between which nothing begins; an end that is not later than the start is on the next day.

    ``weekdays`` are the days on which it starts, 0 = Sunday.
    """

    model_config = ConfigDict(extra="forbid")

    starts: str = Field(pattern=CLOCK, examples=["22:00"])
    ends: str = Field(pattern=CLOCK, examples=["06:00"])
    weekdays: list[int] = Field(default=sorted(EVERY_DAY), max_length=7)

    def as_stored(self) -> StoredBlackout:
        return StoredBlackout(time.fromisoformat(self.starts), time.fromisoformat(self.ends), frozenset(self.weekdays))


class ScheduleBody(BaseModel):
    """A schedule to store. Which of the times are needed depends on the frequency."""

    model_config = ConfigDict(extra="forbid")

    frequency: Frequency
    mode: RunMode = RunMode.FULL
    day_of_week: int | None = Field(default=None, description="0 to 6, 0 = Sunday")
    day_of_month: int | None = Field(default=None, description="1 to 31; the last day of a shorter month")
    hour_of_day: int | None = Field(default=None, description="0 to 23")
    cron_expression: str | None = Field(default=None, max_length=1000)
    timezone: str = Field(default="UTC", max_length=100)
    missed_run_policy: MissedRunPolicy = MissedRunPolicy.ONE
    jitter_seconds: int = 0
    blackouts: list[Blackout] = Field(default=[], max_length=100)
    enabled: bool = True

    def as_wanted(self) -> Wanted:
        blackouts = tuple(each.as_stored() for each in self.blackouts)
        fields = {name: getattr(self, name) for name in ScheduleBody.model_fields}
        return Wanted(**{**fields, "blackouts": blackouts})


class SchedulePreviewBody(ScheduleBody):
    """A schedule to look ahead with; with the connector, its jitter is known."""

    connector_id: UUID | None = None
    n: int = Field(default=5, ge=1, le=MOST_FORESEEN)

    def as_wanted(self) -> Wanted:
        return ScheduleBody.as_wanted(self)


class PlannedOccurrence(BaseModel):
    """``fire_at`` is when the clock says so, ``starts_at`` when the run begins; ``passed`` later ones go with it."""

    fire_at: datetime
    starts_at: datetime
    local: str
    is_in_blackout: bool
    passed: int


class Preview(BaseModel):
    occurrences: list[PlannedOccurrence]


class Occurrence(BaseModel):
    """What became of an occurrence; of a skipped one ``run_id`` is the run that stood in the way."""

    fire_at: datetime
    decided_at: datetime
    outcome: Literal["started", "skipped"]
    reason: str | None
    message: str | None
    run_id: UUID | None
    run_status: str | None
    passed: int


class OccurrenceList(BaseModel):
    occurrences: list[Occurrence]
    total: int
    limit: int
    offset: int


class Schedule(BaseModel):
    """``next_run_at`` is the next occurrence, ``next_starts_at`` when its run begins, jitter and black-outs counted.

    ``warning``, of a single one: why it does not do what people expect of it.
    """

    id: UUID
    connector_id: UUID
    connector_name: str
    mode: str
    frequency: str
    day_of_week: int | None
    day_of_month: int | None
    hour_of_day: int | None
    cron_expression: str | None
    timezone: str
    missed_run_policy: str
    jitter_seconds: int
    blackouts: list[dict[str, Any]]
    enabled: bool
    last_run_at: datetime | None
    next_run_at: datetime | None
    next_starts_at: datetime | None
    last_occurrence: Occurrence | None
    warning: str | None = None
    version: int
    created_at: datetime
    updated_at: datetime


class ScheduleList(BaseModel):
    schedules: list[Schedule]
    total: int
    limit: int
    offset: int


def schedule_of(row: Record) -> Schedule:
    """A row of ``schedules.page`` as the API shows it."""
    stored = schedules.from_row(row)
    is_sound = stored.next_run_at is not None and not check_schedule(stored)
    begins = begin_of(stored, fire_at=stored.next_run_at) if stored.next_run_at and is_sound else None
    last = {name.removeprefix("last_"): row[name] for name in _LAST} if row["last_fire_at"] else None
    fields = {name: row[name] for name in Schedule.model_fields if name in row.keys()}  # noqa: SIM118 - a record
    return Schedule(**fields, next_starts_at=begins, last_occurrence=occurrence_of(last) if last else None)


_LAST = (
    "last_fire_at",
    "last_decided_at",
    "last_reason",
    "last_message",
    "last_run_id",
    "last_run_status",
    "last_passed",
)


def occurrence_of(row: Any) -> Occurrence:
    """A row of ``schedules.occurrences``."""
    return Occurrence(
        fire_at=row["fire_at"],
        decided_at=row["decided_at"],
        outcome="skipped" if row["reason"] else "started",
        reason=row["reason"],
        message=row["message"],
        run_id=row["run_id"],
        run_status=row["run_status"],
        passed=row["passed"],
    )


def planned_of(planned: Planned, *, timezone: str) -> PlannedOccurrence:
    """An occurrence to come, with what the wall shows when its run begins."""
    return PlannedOccurrence(
        fire_at=planned.fire_at,
        starts_at=planned.starts_at,
        local=planned.starts_at.astimezone(zone_of(timezone)).isoformat(),
        is_in_blackout=planned.is_in_blackout,
        passed=planned.passed,
    )
