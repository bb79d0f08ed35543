"""Every zone with a clock change from 1990 to 2037, against a walk over the clock on the wall, minute by minute."""

from collections.abc import Iterator
from datetime import UTC, datetime, time, timedelta
from itertools import pairwise
from uuid import UUID
from zoneinfo import ZoneInfo, available_timezones

from worker.domain.schedule import Frequency, Schedule
from worker.schedule import next_occurrence

ID = UUID("01900000-0000-7000-8000-00000000000b")
MINUTE = timedelta(minutes=1)
FIRST, LAST = datetime(1990, 1, 1, tzinfo=UTC), datetime(2038, 1, 1, tzinfo=UTC)
#: The walk begins so long before a clock change, and ends so long behind it.
AROUND = timedelta(hours=30)
#: When, from which offset, to which.
Change = tuple[datetime, timedelta | None, timedelta | None]
#: Instants, and what the clock on the wall shows.
Walk = list[tuple[datetime, datetime]]

FIXED = {
    "30 2 * * *": (time(2, 30),),
    "0 0 * * *": (time(0),),
    "45 1 * * *": (time(1, 45),),
    "30 23 * * *": (time(23, 30),),
    "0 */6 * * *": tuple(time(hour) for hour in (0, 6, 12, 18)),
}


def test_occurrences_at_every_clock_change_are_those_of_a_walk_over_the_wall() -> None:
    """Fixed local times fire once for their date, intervals follow real time; no deviation in any zone."""
    wrong, looked = [], 0
    for name, changed_at in kinds_of_changes():
        walk = walk_around(ZoneInfo(name), changed_at)
        near = walk[len(walk) // 2 - 300 : len(walk) // 2 + 300]
        truth = {expression: (walk, once_a_date(walk, times)) for expression, times in FIXED.items()}
        truth["*/30 * * * *"] = (near, [at for at, now in near[1:] if now.minute in {0, 30}])
        for expression, (part, expected) in truth.items():
            found = found_by_us(expression, name, start=part[0][0], end=part[-1][0])
            if found != expected:
                wrong.append((name, expression, sorted(set(found) ^ set(expected))))
        looked += 1

    assert looked > 500
    assert wrong == []


def kinds_of_changes() -> Iterator[tuple[str, datetime]]:
    """Of each zone the first change of a kind: from what offset to what, at what time of the day.

    Zones that never differed in these years are one.
    """
    zones: dict[tuple[Change, ...], str] = {}
    for name in sorted(available_timezones()):
        zones.setdefault(tuple(changes(ZoneInfo(name))), name)
    for found, name in zones.items():
        kinds: dict[object, datetime] = {}
        for at, before, after in found:
            kinds.setdefault((before, after, (at - MINUTE).astimezone(ZoneInfo(name)).time()), at)
        yield from ((name, at) for at in kinds.values())


def changes(zone: ZoneInfo) -> Iterator[Change]:
    """Clock changes, looked for week by week and found by halving."""
    at, before = FIRST, FIRST.astimezone(zone).utcoffset()
    while at < LAST:
        at += timedelta(weeks=1)
        if (after := at.astimezone(zone).utcoffset()) != before:
            low, high = at - timedelta(weeks=1), at
            while high - low > MINUTE:
                middle = low + (high - low) // MINUTE // 2 * MINUTE
                low, high = (middle, high) if middle.astimezone(zone).utcoffset() == before else (low, middle)
            yield high, before, after
            before = after


def walk_around(zone: ZoneInfo, changed_at: datetime) -> Walk:
    minutes = [changed_at - AROUND + minute * MINUTE for minute in range(2 * AROUND // MINUTE)]
    return [(each, each.astimezone(zone).replace(tzinfo=None)) for each in minutes]


def once_a_date(walk: Walk, times: tuple[time, ...]) -> list[datetime]:
    """What is to be: a time fires when the wall first shows it or something later, but once for its date.

    Of a date that is not shown at all nothing fires.
    """
    fired: set[datetime] = set()
    found: list[datetime] = []
    for (_, before), (at, now) in pairwise(walk):
        if now - before == MINUTE and now.time() not in times:
            continue
        days = {now.date() - timedelta(days=day) for day in range(3)}
        shown = {named for day in days for each in times if before < (named := datetime.combine(day, each)) <= now}
        new = {named for named in shown - fired if not before.date() < named.date() < now.date()}
        found += [at] if new else []
        fired |= new
    return found


def found_by_us(expression: str, name: str, *, start: datetime, end: datetime) -> list[datetime]:
    schedule = Schedule(ID, ID, Frequency.CRON, cron_expression=expression, timezone=name)
    found, at = [], start
    while (at := next_occurrence(schedule, after=at)) <= end:
        found.append(at)
    return found
