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

import difflib
import hashlib
import re
from calendar import monthrange
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from croniter import CroniterBadDateError, CroniterError, croniter

from worker.domain.schedule import Frequency, MissedRunPolicy, Schedule

#: An occurrence that is handled later than this was missed.
GRACE = timedelta(minutes=5)
MAX_JITTER_S = 24 * 3600
#: 29 February happens at least this often, also around 2100.
_YEARS_BETWEEN = 8
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


@dataclass(frozen=True, slots=True)
class Decision:
    """What a due occurrence leads to: a run for ``fire_at`` (None: no run), and when the schedule is due again."""

    fire_at: datetime | None
    next_at: datetime
    is_missed: bool


def next_occurrence(schedule: Schedule, *, after: datetime) -> datetime:
    """The first occurrence later than ``after``. The schedule must be without mistakes (``check_schedule``)."""
    zone = _zone(schedule.timezone)
    if schedule.frequency is Frequency.HOURLY:
        return after.astimezone(UTC).replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)
    if _is_interval(schedule):
        return _next_of_interval(schedule.cron_expression or "", zone, after.astimezone(UTC))
    start = after.astimezone(zone).replace(tzinfo=None)
    instants = (_instant(naive, zone) for naive in _local_times(schedule, start))
    return next(at for at in instants if at is not None and at > after)


def upcoming(schedule: Schedule, *, after: datetime, n: int = 5) -> list[datetime]:
    """The next ``n`` occurrences, rising."""
    found: list[datetime] = []
    while len(found) < n:
        found.append(next_occurrence(schedule, after=found[-1] if found else after))
    return found


def decide(schedule: Schedule, *, due_at: datetime, now: datetime) -> Decision:
    """What to do about an occurrence at ``due_at`` that is handled at ``now``, by the policy for missed runs.

    With *one*, all that was missed is one run, for the first occurrence. With *skip*, only an occurrence of the last
    five minutes still runs.
    """
    next_at = next_occurrence(schedule, after=max(now, due_at))
    is_missed = now - due_at > GRACE
    if not schedule.enabled:
        return Decision(None, next_at, is_missed)
    if not is_missed or schedule.missed_run_policy is MissedRunPolicy.ONE:
        return Decision(due_at.astimezone(UTC), next_at, is_missed)
    latest = next_occurrence(schedule, after=now - GRACE)
    return Decision(latest if latest <= now else None, next_at, is_missed)


def jitter_of(schedule: Schedule, *, fire_at: datetime) -> timedelta:
    """How much later than ``fire_at`` the run starts; every daemon computes the same."""
    if schedule.jitter_seconds == 0:
        return timedelta(0)
    seed = hashlib.sha256(schedule.id.bytes + fire_at.astimezone(UTC).isoformat().encode()).digest()
    return timedelta(seconds=int.from_bytes(seed[:8], "big") % (schedule.jitter_seconds + 1))


def check_schedule(schedule: Schedule) -> tuple[tuple[str, str], ...]:
    """Every mistake as (field, what is wrong)."""
    needed = _NEEDED[schedule.frequency]
    found = [(name, f"is needed for {schedule.frequency}") for name in needed if getattr(schedule, name) is None]
    for name, (low, high) in _RANGES.items():
        value = getattr(schedule, name)
        if value is not None and not low <= value <= high:
            found.append((name, f"must be from {low} to {high}"))
    if not _is_zone(schedule.timezone):
        near = difflib.get_close_matches(schedule.timezone, available_timezones(), n=1)
        found.append(("timezone", "there is no such time zone" + (f"; did you mean {near[0]}?" if near else "")))
    if schedule.frequency is Frequency.CRON and schedule.cron_expression is not None:
        found += [("cron_expression", text) for text in _check_cron(schedule.cron_expression)]
    return tuple(found)


def _check_cron(expression: str) -> list[str]:
    if len(expression.split()) != 5 and expression.strip() not in _NICKNAMES:
        return ["must have five fields: minute, hour, day of month, month, day of week"]
    if _CHANCE.search(expression):
        return ["must not leave a time to chance: every daemon has to come to the same times"]
    try:
        next(_cron_times(expression, _SOME_DAY))
    except CroniterBadDateError:
        return ["never occurs: there is no such date"]
    except CroniterError as error:
        return [f"is not a cron expression: {error}"]
    return []


def _is_zone(name: str) -> bool:
    try:
        _zone(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return False
    return True


def _zone(name: str) -> tzinfo:
    return UTC if name == "UTC" else ZoneInfo(name)


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
        offset = _offset(start, zone)
        naive = start.replace(tzinfo=None) + offset
        # Croniter looks strictly behind its start; a stretch begins with its first instant.
        local = next(_cron_times(expression, naive - timedelta(seconds=1) if inclusive else naive))
        found = (local - offset).replace(tzinfo=UTC)
        change = _first_change(start, found, zone)
        if change is None:
            return found
        start, inclusive = change, True


def _local_times(schedule: Schedule, start: datetime) -> Iterator[datetime]:
    """The naive local times that the schedule names, from the day of ``start`` on, rising."""
    if schedule.frequency is Frequency.CRON:
        # One step back, because croniter looks strictly behind its start.
        yield from _cron_times(schedule.cron_expression or "", start - timedelta(minutes=1))
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


def _cron_times(expression: str, start: datetime) -> Iterator[datetime]:
    times = croniter(expression, start, ret_type=datetime, max_years_between_matches=_YEARS_BETWEEN)
    while True:
        yield times.get_next()


def _instant(naive: datetime, zone: tzinfo) -> datetime | None:
    """The instant of a local time: the first of two, the end of the gap for none; None on a day that is left out.

    (When a place moves across the date line it leaves out a day, as Samoa did with 30 December 2011.)
    """
    early, late = (naive.replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in (1, 0))
    if late.astimezone(zone).replace(tzinfo=None) == naive:
        return late
    change = _first_change(early - timedelta(seconds=1), late, zone)
    if change is None:
        return late
    last_day = (change - timedelta(seconds=1)).astimezone(zone).date()
    return None if last_day < naive.date() < change.astimezone(zone).date() else change


def _first_change(start: datetime, end: datetime, zone: tzinfo) -> datetime | None:
    """The first instant in (start, end] with another offset than the one before it, to the second."""
    step = timedelta(hours=6)
    while start < end:
        stop = min(start + step, end)
        if _offset(stop, zone) != _offset(start, zone):
            return _bisect(start, stop, zone)
        start = stop
    return None


def _bisect(start: datetime, end: datetime, zone: tzinfo) -> datetime:
    low, high, before = int(start.timestamp()), int(end.timestamp()), _offset(start, zone)
    while high - low > 1:
        middle = (low + high) // 2
        is_before = _offset(datetime.fromtimestamp(middle, UTC), zone) == before
        low, high = (middle, high) if is_before else (low, middle)
    return datetime.fromtimestamp(high, UTC)


def _offset(at: datetime, zone: tzinfo) -> timedelta:
    return at.astimezone(zone).utcoffset() or timedelta(0)
