"""Black-outs: times on the wall between which a schedule begins nothing.

Whether an instant is in a black-out is what the clock on the wall says then, so a black-out that the clock jumps over
is short or not there at all, and one that the clock shows twice is there twice. An occurrence in a black-out is moved
to its end, and what else falls into it goes with it: one run.
"""

import re
from collections.abc import Sequence
from datetime import datetime, time, timedelta, tzinfo

from worker.domain.errors import InvalidRequest
from worker.domain.schedule import EVERY_DAY, Blackout
from worker.schedule.zones import first_change

MOST = 20
DAYS = ("Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat")
_DAY = timedelta(days=1)
_WEEK_MINUTES = 7 * 24 * 60
_CLOCK = r"\d{1,2}:\d\d"
#: "Mon-Fri 22:00-06:00"; without days it is every day
_WRITTEN = re.compile(rf"(?:([a-z,\s-]+?)\s+)?({_CLOCK})\s*-\s*({_CLOCK})", re.IGNORECASE)


def end_of_blackout(at: datetime, *, blackouts: Sequence[Blackout], zone: tzinfo) -> datetime:
    """The first instant from ``at`` on that is in none of them; ``at`` itself when it is in none.

    They must leave some time of the week (``leaves_time``).
    """
    while blackouts:
        naive = at.astimezone(zone).replace(tzinfo=None)
        ends = _end(naive, blackouts)
        if ends is None:
            break
        later = at + (ends - naive)
        # Where the clock changes meanwhile, it is asked again.
        at = first_change(at, later, zone) or later
    return at


def leaves_time(blackouts: Sequence[Blackout]) -> bool:
    """Whether there is a minute of the week in none of them."""
    taken = bytearray(_WEEK_MINUTES)
    for blackout in blackouts:
        minutes = int(_length(blackout).total_seconds()) // 60
        for day in blackout.weekdays:
            first = day * 24 * 60 + blackout.starts.hour * 60 + blackout.starts.minute
            for minute in range(first, first + minutes):
                taken[minute % _WEEK_MINUTES] = 1
    return not all(taken)


def blackout_of(text: str) -> Blackout:
    """A black-out as people write it: ``22:00-06:00``, ``Mon-Fri 08:00-18:00``, ``Sat,Sun 00:00-24:00``.

    Raises InvalidRequest.
    """
    found = _WRITTEN.fullmatch(text.strip())
    if found is None:
        raise InvalidRequest(f"“{text[:60]}” is no black-out: write 22:00-06:00 or Mon-Fri 08:00-18:00.")
    days, starts, ends = found.groups()
    return Blackout(_time(starts), _time("00:00" if ends == "24:00" else ends), _weekdays(days))


def blackout_text(blackout: Blackout) -> str:
    """The same the other way round."""
    times = f"{blackout.starts:%H:%M}-{blackout.ends:%H:%M}"
    if blackout.weekdays == EVERY_DAY:
        return times
    return f"{','.join(DAYS[day] for day in sorted(blackout.weekdays, key=lambda day: (day - 1) % 7))} {times}"


def _end(naive: datetime, blackouts: Sequence[Blackout]) -> datetime | None:
    """When the black-outs that this time is in are over; None when it is in none."""
    ends = None
    for blackout in blackouts:
        for day in (naive.date(), naive.date() - _DAY):
            starts = datetime.combine(day, blackout.starts)
            over = starts + _length(blackout)
            if starts <= naive < over and day.isoweekday() % 7 in blackout.weekdays:
                ends = max(ends or over, over)
    return ends


def _length(blackout: Blackout) -> timedelta:
    minutes = [each.hour * 60 + each.minute for each in (blackout.starts, blackout.ends)]
    return timedelta(minutes=(minutes[1] - minutes[0]) % (24 * 60) or 24 * 60)


def _time(text: str) -> time:
    hour, minute = map(int, text.split(":"))
    try:
        return time(hour, minute)
    except ValueError:
        raise InvalidRequest(f"{text} is no time of a day.") from None


def _weekdays(text: str | None) -> frozenset[int]:
    if text is None:
        return EVERY_DAY
    found: set[int] = set()
    for part in re.split(r"[,\s]+", text.strip()):
        first, _, last = part.partition("-")
        start, stop = _weekday(first), _weekday(last or first)
        found |= {day % 7 for day in range(start, stop + (7 if stop < start else 0) + 1)}
    return frozenset(found)


def _weekday(text: str) -> int:
    short = text[:3].capitalize()
    if short not in DAYS:
        raise InvalidRequest(f"“{text}” is no day: write {', '.join((*DAYS[1:], DAYS[0]))}.")
    return DAYS.index(short)
