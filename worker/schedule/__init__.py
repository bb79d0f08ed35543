"""When something is to happen again."""

from worker.schedule.calendar import Decision, check_schedule, decide, jitter_of, next_occurrence, upcoming
from worker.schedule.ticker import Ticked, Ticker

__all__ = [
    "Decision",
    "Ticked",
    "Ticker",
    "check_schedule",
    "decide",
    "jitter_of",
    "next_occurrence",
    "upcoming",
]
