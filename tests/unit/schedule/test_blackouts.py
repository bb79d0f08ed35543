"""Times in which nothing begins, on the wall of the schedule's zone."""

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from worker.domain.errors import InvalidRequest
from worker.domain.schedule import EVERY_DAY, Blackout
from worker.schedule import blackout_of, blackout_text
from worker.schedule.blackouts import end_of_blackout, leaves_time

NIGHT = Blackout(time(22), time(6))
WORK = Blackout(time(8), time(18), frozenset({1, 2, 3, 4, 5}))
WEEKEND = Blackout(time(0), time(0), frozenset({6, 0}))


@pytest.mark.parametrize(
    ("blackouts", "zone", "at", "expected"),
    [
        pytest.param((), "UTC", "2026-03-10T12:00+00:00", None, id="none"),
        pytest.param((NIGHT,), "UTC", "2026-03-10T22:00+00:00", "2026-03-11T06:00+00:00", id="its first instant"),
        pytest.param((NIGHT,), "UTC", "2026-03-10T05:59:59.9+00:00", "2026-03-10T06:00+00:00", id="its last instant"),
        pytest.param((NIGHT,), "UTC", "2026-03-10T06:00+00:00", None, id="its end"),
        pytest.param((WORK,), "UTC", "2026-03-14T12:00+00:00", None, id="not on a saturday"),
        pytest.param((WEEKEND,), "UTC", "2026-03-14T00:00+00:00", "2026-03-16T00:00+00:00", id="whole days"),
        pytest.param((NIGHT, WORK), "UTC", "2026-03-10T07:59+00:00", None, id="between two"),
        pytest.param(
            (NIGHT, Blackout(time(6), time(7))), "UTC", "2026-03-10T23:00+00:00", "2026-03-11T07:00+00:00", id="joined"
        ),
        pytest.param((WORK,), "Asia/Kolkata", "2026-03-10T03:00+00:00", "2026-03-10T12:30+00:00", id="in a zone"),
        pytest.param(
            (Blackout(time(23), time(2), frozenset({6})),),
            "UTC",
            "2026-03-15T01:00+00:00",
            "2026-03-15T02:00+00:00",
            id="of the day on which it starts",
        ),
        pytest.param(
            (Blackout(time(1), time(2, 30)),),
            "Europe/Berlin",
            "2026-03-29T01:30+01:00",
            "2026-03-29T03:00+02:00",
            id="its end is jumped over",
        ),
        pytest.param(
            (Blackout(time(2), time(3)),),
            "Europe/Berlin",
            "2026-03-29T03:00+02:00",
            None,
            id="all of it is jumped over",
        ),
        pytest.param(
            (Blackout(time(2), time(3)),),
            "Europe/Berlin",
            "2026-10-25T02:10+02:00",
            "2026-10-25T03:00+01:00",
            id="twice without a gap",
        ),
        pytest.param(
            (Blackout(time(2, 15), time(2, 30)),),
            "Europe/Berlin",
            "2026-10-25T02:20+01:00",
            "2026-10-25T02:30+01:00",
            id="its second time",
        ),
    ],
)
def test_end_of_a_blackout(blackouts: tuple[Blackout, ...], zone: str, at: str, expected: str | None) -> None:
    given_ = datetime.fromisoformat(at)
    found = end_of_blackout(given_, blackouts=blackouts, zone=ZoneInfo(zone))

    assert found == (given_ if expected is None else datetime.fromisoformat(expected))


TIMES = st.builds(lambda minutes: time(minutes // 60, minutes % 60), st.integers(0, 24 * 4 - 1).map(lambda n: 15 * n))
BLACKOUTS = st.lists(
    st.builds(Blackout, TIMES, TIMES, st.frozensets(st.integers(0, 6), min_size=1)), min_size=1, max_size=3
)


def is_dark(naive: datetime, blackouts: list[Blackout]) -> bool:
    """The truth for one minute on the wall, by counting the minutes of each black-out."""
    for each in blackouts:
        minute, day = each.starts, naive.date()
        first = datetime.combine(day, minute)
        for begins in (first, first - timedelta(days=1)):
            minutes = (naive - begins) // timedelta(minutes=1)
            long = (each.ends.hour * 60 + each.ends.minute - minute.hour * 60 - minute.minute) % 1440 or 1440
            if 0 <= minutes < long and begins.isoweekday() % 7 in each.weekdays:
                return True
    return False


@settings(max_examples=60, deadline=None)
@given(
    BLACKOUTS,
    st.sampled_from(["UTC", "Europe/Berlin", "Australia/Lord_Howe", "America/Havana", "Asia/Beirut"]),
    st.sampled_from([datetime(2026, month, 27, tzinfo=UTC) for month in (3, 10)]),
    st.integers(0, 3 * 24 * 4),
)
def test_end_of_a_blackout_is_where_a_walk_comes_out(
    blackouts: list[Blackout], zone: str, start: datetime, quarter: int
) -> None:
    at = start + timedelta(minutes=15 * quarter)
    if not leaves_time(blackouts):
        return
    walk = at
    while is_dark(walk.astimezone(ZoneInfo(zone)).replace(tzinfo=None), blackouts):
        walk += timedelta(minutes=15)

    assert end_of_blackout(at, blackouts=blackouts, zone=ZoneInfo(zone)) == walk


@pytest.mark.parametrize(
    ("text", "expected", "told"),
    [
        pytest.param("22:00-06:00", NIGHT, None, id="every day"),
        pytest.param(" 22:00 - 6:00 ", NIGHT, "22:00-06:00", id="spaced"),
        pytest.param("Mon-Fri 08:00-18:00", WORK, "Mon,Tue,Wed,Thu,Fri 08:00-18:00", id="a row of days"),
        pytest.param("sat, sunday 00:00-24:00", WEEKEND, "Sat,Sun 00:00-00:00", id="whole days"),
        pytest.param(
            "Sat-Mon 01:00-02:00",
            Blackout(time(1), time(2), frozenset({6, 0, 1})),
            "Mon,Sat,Sun 01:00-02:00",
            id="over the end of a week",
        ),
    ],
)
def test_blackouts_are_written_as_people_do(text: str, expected: Blackout, told: str | None) -> None:
    assert blackout_of(text) == expected
    assert blackout_text(expected) == (told or text)
    assert blackout_of(blackout_text(expected)) == expected


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param("at night", "“at night” is no black-out: write 22:00-06:00 or Mon-Fri 08:00-18:00.", id="words"),
        pytest.param("25:00-06:00", "25:00 is no time of a day.", id="no time"),
        pytest.param("Mon-Fry 08:00-18:00", "“Fry” is no day: write Mon, Tue, Wed, Thu, Fri, Sat, Sun.", id="no day"),
        pytest.param("", "“” is no black-out: write 22:00-06:00 or Mon-Fri 08:00-18:00.", id="nothing"),
    ],
)
def test_what_is_no_blackout_is_said(text: str, message: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        blackout_of(text)

    assert str(refused.value) == message


def test_days_are_all_of_the_week_unless_named() -> None:
    assert NIGHT.weekdays == EVERY_DAY
