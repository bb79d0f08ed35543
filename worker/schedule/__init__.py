"""When something is to happen again."""

from worker.schedule.blackouts import blackout_of, blackout_text
from worker.schedule.calendar import next_occurrence
from worker.schedule.changes import GIVEN_UP, Change, change_of
from worker.schedule.checks import check_schedule
from worker.schedule.decisions import Planned, begin_of, foresee
from worker.schedule.ticker import Ticked, Ticker
from worker.schedule.zones import zone_names, zone_of

__all__ = [
    "GIVEN_UP",
    "Change",
    "Planned",
    "Ticked",
    "Ticker",
    "begin_of",
    "blackout_of",
    "blackout_text",
    "change_of",
    "check_schedule",
    "foresee",
    "next_occurrence",
    "zone_names",
    "zone_of",
]
