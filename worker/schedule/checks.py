"""What is wrong with a schedule, by field."""

import re
from datetime import datetime

from croniter import CroniterBadDateError, CroniterError

from worker.domain.schedule import Frequency, Schedule
from worker.schedule import blackouts
from worker.schedule.calendar import cron_times
from worker.schedule.zones import is_zone, similar_zone

MAX_JITTER_S = 24 * 3600
LONGEST_CRON = 200
_NICKNAMES = frozenset({"@hourly", "@daily", "@midnight", "@weekly", "@monthly", "@yearly", "@annually"})
#: R (random) and H (hashed) in a field.
_CHANCE = re.compile(r"(^|[\s,])[rh]($|[\s,(/])", re.IGNORECASE)
_SOME_DAY = datetime(2024, 1, 1)  # noqa: DTZ001 - local times are naive here
_NEEDED = {
    Frequency.HOURLY: (),
    Frequency.DAILY: ("hour_of_day",),
    Frequency.WEEKLY: ("day_of_week", "hour_of_day"),
    Frequency.MONTHLY: ("day_of_month", "hour_of_day"),
    Frequency.CRON: ("cron_expression",),
}
_RANGES = {"hour_of_day": (0, 23), "day_of_week": (0, 6), "day_of_month": (1, 31), "jitter_seconds": (0, MAX_JITTER_S)}


def check_schedule(schedule: Schedule) -> tuple[tuple[str, str], ...]:
    """Every mistake as (field, what is wrong)."""
    needed = _NEEDED[schedule.frequency]
    found = [(name, f"is needed for {schedule.frequency}") for name in needed if getattr(schedule, name) is None]
    for name, (low, high) in _RANGES.items():
        value = getattr(schedule, name)
        if value is not None and not low <= value <= high:
            found.append((name, f"must be from {low} to {high}"))
    if not is_zone(schedule.timezone):
        near = similar_zone(schedule.timezone)
        found.append(("timezone", "there is no such time zone" + (f"; did you mean {near}?" if near else "")))
    if schedule.frequency is Frequency.CRON and schedule.cron_expression is not None:
        found += [("cron_expression", text) for text in _check_cron(schedule.cron_expression)]
    found += [("blackouts", text) for text in _check_blackouts(schedule)]
    return tuple(found)


def _check_cron(expression: str) -> list[str]:
    if len(expression) > LONGEST_CRON:
        return [f"must have at most {LONGEST_CRON} characters"]
    if len(expression.split()) != 5 and expression.strip() not in _NICKNAMES:
        return ["must have five fields: minute, hour, day of month, month, day of week"]
    if _CHANCE.search(expression):
        return ["must not leave a time to chance: every daemon has to come to the same times"]
    try:
        next(cron_times(expression, _SOME_DAY))
    except CroniterBadDateError:
        return ["never occurs: there is no such date"]
    except CroniterError as error:
        return [f"is not a cron expression: {error}"]
    return []


def _check_blackouts(schedule: Schedule) -> list[str]:
    found = []
    if len(schedule.blackouts) > blackouts.MOST:
        found.append(f"there can be at most {blackouts.MOST}")
    if any(not each.weekdays or not each.weekdays <= set(range(7)) for each in schedule.blackouts):
        found.append("must name days from 0 (Sunday) to 6, at least one")
    elif not blackouts.leaves_time(schedule.blackouts):
        found.append("must leave some time of the week in which a run can begin")
    return found
