"""Schedules, the runs to come, and what became of occurrences."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from worker.console.views.shared import ConnectorBrief


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedRun:
    """A run to come; ``local`` is what the wall of the schedule's zone shows then, ``passed`` more go with it."""

    starts_at: datetime
    local: str
    fire_at: datetime
    is_in_blackout: bool = False
    passed: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class OccurrenceRow:
    """What became of an occurrence: its run or, with a ``message``, why there was none (and what stood in the way)."""

    fire_at: datetime
    message: str | None = None
    run_id: UUID | None = None
    run_status: str | None = None
    passed: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class ScheduleRow:
    """One schedule; ``when`` is in words, ``starts_at`` when its next run begins."""

    connector: ConnectorBrief
    when: str
    mode: str
    enabled: bool
    starts_at: datetime | None
    local: str | None
    version: int
    last: OccurrenceRow | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ScheduleAhead:
    """The next runs, or what is wrong, by field."""

    planned: tuple[PlannedRun, ...] = ()
    mistakes: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class ScheduleView:
    """The page of one connector's schedule; ``fields`` are what its form begins with, ``row`` None: it has none.

    ``warning``: why the stored one does not do what people expect of it.
    """

    connector: ConnectorBrief
    fields: Mapping[str, str]
    zones: tuple[str, ...]
    row: ScheduleRow | None = None
    warning: str | None = None
    ahead: ScheduleAhead = ScheduleAhead()
    past: tuple[OccurrenceRow, ...] = ()
