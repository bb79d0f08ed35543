"""When a schedule occurs next.

Two kinds of schedules, and what a clock change means to them:

- *Fixed local times* (daily, weekly, monthly, and cron with chosen hours) occur once for each local date they name. A
  time that the clock jumps over occurs at the first instant after the jump; one that the clock shows twice occurs the
  first time only.
- *Intervals* (hourly, and cron whose hour is every hour) follow real time: they go on through the hour that is shown
  twice, and have nothing to do in the hour that is jumped over.

Croniter is asked about naive local times only: given a zone, it fires twice where a clock is set back.
All instants that come in and go out are aware datetimes; those that go out are UTC.
"""

from calendar import monthrange
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta, tzinfo

from croniter import croniter

from worker.domain.schedule import Frequency, Schedule
from worker.schedule.zones import first_change, offset, zone_of

#: 29 February happens at least this often, also around 2100.
_YEARS_BETWEEN = 8


def next_occurrence(schedule: Schedule, *, after: datetime) -> datetime:
    """The first occurrence later than ``after``. The schedule must be without mistakes (``check_schedule``)."""
    zone = zone_of(schedule.timezone)
    if schedule.frequency is Frequency.HOURLY:
        return after.astimezone(UTC).replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)
    if _is_interval(schedule):
        return _next_of_interval(schedule.cron_expression or "", zone, after.astimezone(UTC))
    start = after.astimezone(zone).replace(tzinfo=None)
    instants = (_instant(naive, zone) for naive in _local_times(schedule, start))
    return next(at for at in instants if at is not None and at > after)


def cron_times(expression: str, start: datetime) -> Iterator[datetime]:
    """The naive times of an expression behind ``start``, rising. Raises CroniterError."""
    times = croniter(expression, start, ret_type=datetime, max_years_between_matches=_YEARS_BETWEEN)
    while True:
        yield times.get_next()


def _is_interval(schedule: Schedule) -> bool:
    """Whether this is a cron expression whose hour is every hour."""
    if schedule.frequency is not Frequency.CRON:
        return False
    fields, _ = croniter.expand(schedule.cron_expression or "")
    return fields[1] == ["*"]


def _next_of_interval(expression: str, zone: tzinfo, after: datetime) -> datetime:
    """Real time is a row of stretches of one offset each; in a stretch, local time is UTC and the offset."""
    start, inclusive = after, False
    while True:
        ahead = offset(start, zone)
        naive = start.replace(tzinfo=None) + ahead
        # Croniter looks strictly behind its start; a stretch begins with its first instant.
        local = next(cron_times(expression, naive - timedelta(seconds=1) if inclusive else naive))
        found = (local - ahead).replace(tzinfo=UTC)
        change = first_change(start, found, zone)
        if change is None:
            return found
        start, inclusive = change, True


def _local_times(schedule: Schedule, start: datetime) -> Iterator[datetime]:
    """The naive local times that the schedule names, from the day of ``start`` on, rising."""
    if schedule.frequency is Frequency.CRON:
        # One step back, because croniter looks strictly behind its start.
        yield from cron_times(schedule.cron_expression or "", start - timedelta(minutes=1))
        return
    hour = schedule.hour_of_day or 0
    days = (start.date() + timedelta(days=number) for number in range((date.max - start.date()).days))
    yield from (datetime(day.year, day.month, day.day, hour) for day in days if _is_named(schedule, day))  # noqa: DTZ001 - local times are naive here


def _is_named(schedule: Schedule, day: date) -> bool:
    if schedule.frequency is Frequency.WEEKLY:
        return day.isoweekday() % 7 == schedule.day_of_week
    if schedule.frequency is Frequency.MONTHLY:
        return day.day == min(schedule.day_of_month or 1, monthrange(day.year, day.month)[1])
    return True


def _instant(naive: datetime, zone: tzinfo) -> datetime | None:
    """The instant of a local time: the first of two, the end of the gap for none; None on a day that is left out.

    (When a place moves across the date line it leaves out a day, as Samoa did with 30 December 2011.)
    """
    early, late = (naive.replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in (1, 0))
    if late.astimezone(zone).replace(tzinfo=None) == naive:
        return late
    change = first_change(early - timedelta(seconds=1), late, zone)
    if change is None:
        return late
    last_day = (change - timedelta(seconds=1)).astimezone(zone).date()
    return None if last_day < naive.date() < change.astimezone(zone).date() else change
