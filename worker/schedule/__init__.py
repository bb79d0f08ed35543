"""When something is to happen again."""

from worker.schedule.blackouts import blackout_of, blackout_text
from worker.schedule.calendar import next_occurrence
from worker.schedule.checks import check_schedule
from worker.schedule.decisions import Planned, foresee
from worker.schedule.ticker import Ticked, Ticker

__all__ = [
    "Planned",
    "Ticked",
    "Ticker",
    "blackout_of",
    "blackout_text",
    "check_schedule",
    "foresee",
    "next_occurrence",
]
