"""When something is to happen again: a schedule as stored."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID


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


@dataclass(frozen=True, slots=True)
class Schedule:
    """A schedule of one connector or pipeline.

    ``day_of_week`` counts from 0 = Sunday, ``day_of_month`` 31 means the last day of a shorter month, ``timezone`` is
    a name of the IANA database; ``cron_expression`` has five fields.
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
    enabled: bool = True
    last_run_at: datetime | None = None
    next_run_at: datetime | None = None
    version: int = 1
