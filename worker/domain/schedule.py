"""When something is to happen again: a schedule as stored, and what becomes of its occurrences."""

from dataclasses import dataclass
from datetime import datetime, time
from enum import StrEnum
from uuid import UUID

EVERY_DAY = frozenset(range(7))


class Frequency(StrEnum):
    HOURLY = "hourly"
    DAILY = "daily"
    WEEKLY = "weekly"
    MONTHLY = "monthly"
    CRON = "cron"


class MissedRunPolicy(StrEnum):
    """What becomes of occurrences that passed while no daemon ran: nothing, or one run for all of them."""

    SKIP = "skip"
    ONE = "one"


class SkipReason(StrEnum):
    """Why an occurrence began no run."""

    OVERLAP = "overlap"
    MISSED = "missed"
    CLOSED = "connector_closed"
    CHANGED = "changed"
    DISABLED = "disabled"
    INVALID = "invalid"


@dataclass(frozen=True, slots=True)
class Blackout:
    """Times on the wall between which nothing begins: from ``starts`` to before ``ends``.

    An end that is not later than the start is on the next day, so equal times are a whole day. ``weekdays`` are the
    days on which it starts, 0 = Sunday.
    """

    starts: time
    ends: time
    weekdays: frozenset[int] = EVERY_DAY


@dataclass(frozen=True, slots=True)
class Schedule:
    """A schedule of one connector or pipeline.

    ``day_of_week`` counts from 0 = Sunday, ``day_of_month`` 31 means the last day of a shorter month, ``timezone`` is
    a name of the IANA database; ``cron_expression`` has five fields. ``next_run_at`` is the next occurrence, not yet
    moved by jitter and black-outs; None while the schedule is off.
    """

    id: UUID
    connector_id: UUID
    frequency: Frequency
    mode: str = "full"
    day_of_week: int | None = None
    day_of_month: int | None = None
    hour_of_day: int | None = None
    cron_expression: str | None = None
    timezone: str = "UTC"
    missed_run_policy: MissedRunPolicy = MissedRunPolicy.ONE
    jitter_seconds: int = 0
    blackouts: tuple[Blackout, ...] = ()
    enabled: bool = True
    last_run_at: datetime | None = None
    next_run_at: datetime | None = None
    version: int = 1


@dataclass(frozen=True, slots=True)
class PastOccurrence:
    """What became of an occurrence: the run it started, or why it started none.

    ``run_id`` is the run that began or, of one that was skipped, the run that stood in the way. ``passed``: how many
    later occurrences went with it.
    """

    fire_at: datetime
    decided_at: datetime
    run_id: UUID | None = None
    reason: SkipReason | None = None
    message: str | None = None
    passed: int = 0

    @property
    def is_started(self) -> bool:
        return self.reason is None
