from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from itertools import pairwise
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from worker.domain.schedule import Frequency, Schedule
from worker.schedule.calendar import next_occurrence

ID = UUID("01900000-0000-7000-8000-00000000000b")


def schedule(frequency: str, **fields: Any) -> Schedule:
    return Schedule(ID, ID, Frequency(frequency), **fields)


def cron(expression: str, zone: str = "UTC") -> Schedule:
    return schedule("cron", cron_expression=expression, timezone=zone)


def upcoming(given_: Schedule, *, after: datetime, n: int) -> list[datetime]:
    found: list[datetime] = []
    while len(found) < n:
        found.append(next_occurrence(given_, after=found[-1] if found else after))
    return found


def local(text: str, zone: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone))


@pytest.mark.parametrize(
    ("given_", "after", "expected"),
    [
        pytest.param(schedule("hourly"), "2026-03-10T12:00:00", "2026-03-10T13:00:00", id="hourly, strictly later"),
        pytest.param(schedule("hourly"), "2026-03-10T12:59:59.9", "2026-03-10T13:00:00", id="hourly"),
        pytest.param(schedule("daily", hour_of_day=13), "2026-03-10T12:00:00", "2026-03-10T13:00:00", id="today"),
        pytest.param(schedule("daily", hour_of_day=12), "2026-03-10T12:00:00", "2026-03-11T12:00:00", id="tomorrow"),
        pytest.param(
            schedule("daily", hour_of_day=2, timezone="Asia/Kolkata"),
            "2026-03-10T12:00:00",
            "2026-03-10T20:30:00",
            id="daily in a zone of half hours",
        ),
        pytest.param(
            schedule("weekly", day_of_week=0, hour_of_day=3), "2026-03-10T12:00:00", "2026-03-15T03:00:00", id="sunday"
        ),
        pytest.param(
            schedule("weekly", day_of_week=2, hour_of_day=3),
            "2026-03-10T12:00:00",
            "2026-03-17T03:00:00",
            id="tuesday, gone for today",
        ),
        pytest.param(
            schedule("monthly", day_of_month=31, hour_of_day=0),
            "2026-02-01T00:00:00",
            "2026-02-28T00:00:00",
            id="last day of a short month",
        ),
        pytest.param(
            schedule("monthly", day_of_month=29, hour_of_day=0),
            "2028-02-01T00:00:00",
            "2028-02-29T00:00:00",
            id="leap day",
        ),
        pytest.param(
            schedule("monthly", day_of_month=30, hour_of_day=5),
            "2026-01-30T05:00:00",
            "2026-02-28T05:00:00",
            id="thirtieth in february",
        ),
        pytest.param(
            schedule("monthly", day_of_month=1, hour_of_day=0, timezone="Pacific/Auckland"),
            "2026-12-31T12:00:00",
            "2027-01-31T11:00:00",
            id="month of the zone, not of UTC",
        ),
        pytest.param(cron("*/15 * * * *"), "2026-03-10T12:00:30", "2026-03-10T12:15:00", id="cron"),
        pytest.param(cron("0 6 * * 1-5"), "2026-03-13T12:00:00", "2026-03-16T06:00:00", id="cron on working days"),
        pytest.param(cron("0 0 * * 7"), "2026-03-10T12:00:00", "2026-03-15T00:00:00", id="cron sunday as 7"),
        pytest.param(cron("0 0 29 2 *"), "2096-03-01T00:00:00", "2104-02-29T00:00:00", id="cron leap day over 2100"),
        pytest.param(cron("0 0 L * *"), "2026-02-01T00:00:00", "2026-02-28T00:00:00", id="cron last day"),
        pytest.param(cron("@daily"), "2026-03-10T12:00:00", "2026-03-11T00:00:00", id="cron nickname"),
        pytest.param(
            cron("0 9 * * *", "America/New_York"), "2026-03-10T12:00:00", "2026-03-10T13:00:00", id="cron in a zone"
        ),
        pytest.param(cron("0 12 * * *"), "2026-03-10T12:00:00", "2026-03-11T12:00:00", id="cron, strictly later"),
    ],
)
def test_next_occurrence(given_: Schedule, after: str, expected: str) -> None:
    found = next_occurrence(given_, after=datetime.fromisoformat(after).replace(tzinfo=UTC))

    assert found == datetime.fromisoformat(expected).replace(tzinfo=UTC)
    assert found.tzinfo is UTC


@pytest.mark.parametrize(
    ("given_", "after", "expected"),
    [
        pytest.param(
            cron("30 2 * * *", "Europe/Berlin"),
            "2026-03-28T03:00+01:00",
            ["2026-03-29T03:00+02:00", "2026-03-30T02:30+02:00"],
            id="in the gap: the first instant after it",
        ),
        pytest.param(
            cron("0,30 2 * * *", "Europe/Berlin"),
            "2026-03-28T03:00+01:00",
            ["2026-03-29T03:00+02:00", "2026-03-30T02:00+02:00"],
            id="two times in one gap are one occurrence",
        ),
        pytest.param(
            cron("30 2 * * *", "Europe/Berlin"),
            "2026-10-24T03:00+02:00",
            ["2026-10-25T02:30+02:00", "2026-10-26T02:30+01:00"],
            id="shown twice: the first time only",
        ),
        pytest.param(
            schedule("daily", hour_of_day=2, timezone="Australia/Lord_Howe"),
            "2026-10-03T12:00+10:30",
            ["2026-10-04T02:30+11:00", "2026-10-05T02:00+11:00"],
            id="gap of half an hour",
        ),
        pytest.param(
            cron("45 1 * * *", "Australia/Lord_Howe"),
            "2026-04-04T12:00+11:00",
            ["2026-04-05T01:45+11:00", "2026-04-06T01:45+10:30"],
            id="half an hour shown twice",
        ),
        pytest.param(
            schedule("daily", hour_of_day=0, timezone="America/Havana"),
            "2026-03-07T12:00-05:00",
            ["2026-03-08T01:00-04:00", "2026-03-09T00:00-04:00"],
            id="midnight does not exist",
        ),
        pytest.param(
            schedule("daily", hour_of_day=0, timezone="America/Havana"),
            "2026-10-31T12:00-04:00",
            ["2026-11-01T00:00-04:00", "2026-11-02T00:00-05:00"],
            id="midnight twice",
        ),
        pytest.param(
            schedule("daily", hour_of_day=23, timezone="America/Nuuk"),
            "2026-03-27T23:30-02:00",
            ["2026-03-29T00:00-01:00", "2026-03-29T23:00-01:00"],
            id="gap at the end of a day",
        ),
        pytest.param(
            schedule("daily", hour_of_day=2, timezone="Pacific/Apia"),
            "2011-12-28T12:00-10:00",
            ["2011-12-29T02:00-10:00", "2011-12-31T02:00+14:00"],
            id="a day that was left out",
        ),
        pytest.param(
            cron("0 0 * * *", "America/Sao_Paulo"),
            "2018-11-03T12:00-03:00",
            ["2018-11-04T01:00-02:00", "2018-11-05T00:00-02:00"],
            id="a day that begins at one",
        ),
        pytest.param(
            cron("30 23 * * *", "America/Sao_Paulo"),
            "2019-02-16T12:00-02:00",
            ["2019-02-16T23:30-02:00", "2019-02-17T23:30-03:00"],
            id="the last hour of a day twice",
        ),
        pytest.param(
            schedule("weekly", day_of_week=0, hour_of_day=0, timezone="Asia/Beirut"),
            "2026-03-25T12:00+02:00",
            ["2026-03-29T01:00+03:00", "2026-04-05T00:00+03:00"],
            id="weekly at a midnight that does not exist",
        ),
        pytest.param(
            cron("0 */6 * * *", "Europe/Berlin"),
            "2026-03-28T23:00+01:00",
            ["2026-03-29T00:00+01:00", "2026-03-29T06:00+02:00", "2026-03-29T12:00+02:00"],
            id="every six hours are local times",
        ),
        pytest.param(
            cron("*/30 * * * *", "Europe/Berlin"),
            "2026-03-29T01:00+01:00",
            ["2026-03-29T01:30+01:00", "2026-03-29T03:00+02:00", "2026-03-29T03:30+02:00"],
            id="interval: nothing in the gap",
        ),
        pytest.param(
            cron("*/30 * * * *", "Europe/Berlin"),
            "2026-10-25T02:30+02:00",
            ["2026-10-25T02:00+01:00", "2026-10-25T02:30+01:00", "2026-10-25T03:00+01:00"],
            id="interval: goes on through the repeated hour",
        ),
        pytest.param(
            cron("15 * * * 1", "Europe/Berlin"),
            "2026-03-23T23:30+01:00",
            ["2026-03-30T00:15+02:00", "2026-03-30T01:15+02:00"],
            id="interval on mondays over a change",
        ),
        pytest.param(
            schedule("hourly", timezone="Europe/Berlin"),
            "2026-10-25T01:30+02:00",
            ["2026-10-25T02:00+02:00", "2026-10-25T02:00+01:00", "2026-10-25T03:00+01:00"],
            id="hourly follows real time",
        ),
    ],
)
def test_clock_changes(given_: Schedule, after: str, expected: list[str]) -> None:
    found = upcoming(given_, after=datetime.fromisoformat(after), n=len(expected))

    assert found == [datetime.fromisoformat(text) for text in expected]


Transition = tuple[str, datetime]


@cache
def transitions() -> tuple[Transition, ...]:
    """Every kind of clock change of 2020-2027: one for each pair of offsets and time on the wall."""
    found: dict[tuple[timedelta | None, timedelta | None, time], Transition] = {}
    # the closest two changes of one zone are those around a Ramadan, five weeks apart
    looks = [datetime(2020, 1, 1, tzinfo=UTC) + timedelta(weeks=4 * month) for month in range(8 * 13)]
    for name in sorted(available_timezones()):
        zone = ZoneInfo(name)
        offsets = [look.astimezone(zone).utcoffset() for look in looks]
        for (low, before), (high, after) in pairwise(zip(looks, offsets, strict=True)):
            if before != after:
                moment = moment_of_change(low, high, zone)
                wall = (moment - timedelta(seconds=1)).astimezone(zone).time()
                found.setdefault((before, after, wall), (name, moment))
    return tuple(found.values())


def moment_of_change(low: datetime, high: datetime, zone: ZoneInfo) -> datetime:
    first, last, before = int(low.timestamp()), int(high.timestamp()), low.astimezone(zone).utcoffset()
    while last - first > 1:
        middle = (first + last) // 2
        is_before = datetime.fromtimestamp(middle, zone).utcoffset() == before
        first, last = (middle, last) if is_before else (first, middle)
    return datetime.fromtimestamp(last, UTC)


@cache
def shown(zone: ZoneInfo, change: datetime) -> list[tuple[datetime, datetime]]:
    """Each quarter of an hour around a clock change and its own instant, with what a clock on the wall shows then."""
    whole = change.replace(minute=change.minute // 15 * 15)
    quarters = {whole + timedelta(minutes=15 * quarter) for quarter in range(-4 * 40, 4 * 40)}
    return [(at, at.astimezone(zone).replace(tzinfo=None)) for at in sorted({*quarters, change})]


def wanted(zone: ZoneInfo, change: datetime, times: tuple[time, ...]) -> set[datetime]:
    """The truth, by looking at the wall: the first instant that shows a time or, if none does, a later one."""
    wall = shown(zone, change)
    days = {naive.date() for _, naive in wall}
    named = [datetime.combine(day, one) for day in days for one in times]
    first, last = wall[0][1], wall[-1][1]
    first_at = {naive: at for at, naive in reversed(wall)}
    return {
        first_at.get(name) or next(at for at, naive in wall if naive > name)
        for name in named
        if first < name < last - timedelta(hours=3)
    }


@pytest.mark.parametrize(
    ("expression", "times"),
    [
        pytest.param("30 2 * * *", (time(2, 30),), id="half past two"),
        pytest.param("0 0 * * *", (time(0, 0),), id="midnight"),
        pytest.param("45 1 * * *", (time(1, 45),), id="quarter to two"),
        pytest.param("0 23 * * *", (time(23, 0),), id="eleven at night"),
        pytest.param("0 */6 * * *", tuple(time(hour) for hour in (0, 6, 12, 18)), id="every six hours"),
    ],
)
def test_fixed_local_times_occur_once_for_each_date_at_every_clock_change(
    expression: str, times: tuple[time, ...]
) -> None:
    wrong = []
    for name, moment in transitions():
        zone = ZoneInfo(name)
        truth = wanted(zone, moment, times)
        start, end = min(truth) - timedelta(seconds=1), max(truth)
        given_ = cron(expression, name)
        found = []
        while not found or found[-1] < end:
            found.append(next_occurrence(given_, after=found[-1] if found else start))
        if set(found) != truth:
            wrong.append((name, moment, sorted(truth ^ set(found))))

    assert len(transitions()) > 50
    assert wrong == []


def test_intervals_follow_real_time_at_every_clock_change() -> None:
    given_ = "*/30 * * * *"
    wrong = []
    for name, moment in transitions():
        zone = ZoneInfo(name)
        start = moment - timedelta(hours=2)
        truth = [
            at
            for at, naive in shown(zone, moment)
            if naive.minute in {0, 30} and start < at <= start + timedelta(hours=5)
        ]
        if upcoming(cron(given_, name), after=start, n=len(truth)) != truth:
            wrong.append((name, moment))

    assert wrong == []


ZONES = sorted(available_timezones())
ANY = st.one_of(
    st.builds(lambda zone: schedule("hourly", timezone=zone), st.sampled_from(ZONES)),
    st.builds(
        lambda zone, hour: schedule("daily", hour_of_day=hour, timezone=zone),
        st.sampled_from(ZONES),
        st.integers(0, 23),
    ),
    st.builds(
        lambda zone, hour, day: schedule("weekly", hour_of_day=hour, day_of_week=day, timezone=zone),
        st.sampled_from(ZONES),
        st.integers(0, 23),
        st.integers(0, 6),
    ),
    st.builds(
        lambda zone, hour, day: schedule("monthly", hour_of_day=hour, day_of_month=day, timezone=zone),
        st.sampled_from(ZONES),
        st.integers(0, 23),
        st.integers(1, 31),
    ),
    st.builds(
        cron, st.sampled_from(["*/7 * * * *", "5 4 * * *", "0 0 1 * *", "*/20 1-3 * * 6"]), st.sampled_from(ZONES)
    ),
)


@settings(max_examples=150, deadline=None)
@given(ANY, st.integers(946_684_800, 2_524_608_000))
def test_occurrences_rise_and_no_later_start_finds_an_earlier_one(given_: Schedule, second: int) -> None:
    after = datetime.fromtimestamp(second, UTC)
    found = upcoming(given_, after=after, n=3)

    assert all(one < two for one, two in pairwise([after, *found]))
    assert next_occurrence(given_, after=found[0] - timedelta(microseconds=1)) == found[0]
    assert next_occurrence(given_, after=after + (found[0] - after) / 2) == found[0]


def test_date_of_the_zone_counts() -> None:
    """At 23:00 UTC it is the next day in Berlin already."""
    given_ = schedule("weekly", day_of_week=3, hour_of_day=0, timezone="Europe/Berlin")
    found = next_occurrence(given_, after=local("2026-07-14T12:00", "Europe/Berlin"))

    assert found.astimezone(ZoneInfo("Europe/Berlin")).date() == date(2026, 7, 15)
