"""When runs begin, and what a due occurrence leads to."""

from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from itertools import pairwise
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from worker.domain.schedule import Blackout, Frequency, MissedRunPolicy, Schedule
from worker.schedule import foresee
from worker.schedule.calendar import next_occurrence
from worker.schedule.decisions import MOST_COUNTED, Fire, Miss, Wait, begin_of, decide, jitter_of

ID = UUID("01900000-0000-7000-8000-00000000000b")
NOON = datetime(2026, 3, 10, 12, 0, tzinfo=UTC)
LUNCH = Blackout(time(12), time(14, 30))


def schedule(frequency: str, **fields: Any) -> Schedule:
    return Schedule(ID, ID, Frequency(frequency), **fields)


def at(text: str) -> datetime:
    return datetime.combine(NOON, time.fromisoformat(text), UTC)


@pytest.mark.parametrize(
    ("policy", "now", "expected"),
    [
        pytest.param("one", "11:59:59", Wait(NOON), id="not yet"),
        pytest.param("one", "12:00", Fire(at("13:00")), id="on time"),
        pytest.param("skip", "12:05", Fire(at("13:00")), id="within the grace"),
        pytest.param("one", "12:06", Fire(at("13:00")), id="missed, one run"),
        pytest.param("one", "19:30", Fire(at("20:00"), passed=7), id="many missed, one run"),
        pytest.param("skip", "12:06", Miss(at("13:00")), id="missed, skipped"),
        pytest.param("skip", "19:30", Miss(at("20:00"), passed=7), id="many missed, skipped"),
        pytest.param("skip", "19:05", Miss(at("19:00"), passed=6), id="the latest is not late yet"),
    ],
)
def test_missed_runs(policy: str, now: str, expected: Wait | Fire | Miss) -> None:
    given_ = schedule("hourly", missed_run_policy=MissedRunPolicy(policy))

    assert decide(given_, due_at=NOON, now=at(now)) == expected


@pytest.mark.parametrize("policy", list(MissedRunPolicy))
def test_centuries_of_missed_runs_are_one_decision(policy: MissedRunPolicy) -> None:
    """A clock that is far ahead for a moment starts no storm."""
    given_ = schedule("cron", cron_expression="* * * * *", missed_run_policy=policy)
    made = decide(given_, due_at=NOON, now=datetime(2226, 1, 1, 0, 0, 30, tzinfo=UTC))

    kind, next_at = (Fire, "00:01") if policy is MissedRunPolicy.ONE else (Miss, "23:56")
    assert isinstance(made, kind)
    assert (f"{made.next_at:%H:%M}", made.passed) == (next_at, MOST_COUNTED)


def test_jitter_is_no_lateness() -> None:
    given_ = schedule("daily", hour_of_day=12, jitter_seconds=7200, missed_run_policy=MissedRunPolicy.SKIP)
    begins = begin_of(given_, fire_at=NOON)

    assert begins - NOON > timedelta(minutes=5)
    assert decide(given_, due_at=NOON, now=begins - timedelta(seconds=1)) == Wait(begins)
    assert decide(given_, due_at=NOON, now=begins) == Fire(NOON + timedelta(days=1))


def test_what_still_waits_for_its_beginning_is_not_missed() -> None:
    """Down for days and back between an occurrence and the beginning of its run: that one is due next."""
    given_ = schedule("daily", hour_of_day=12, jitter_seconds=7200, missed_run_policy=MissedRunPolicy.SKIP)
    back = begin_of(given_, fire_at=NOON) - timedelta(minutes=1)

    assert decide(given_, due_at=NOON - timedelta(days=3), now=back) == Miss(NOON, passed=2)


def test_jitter_is_the_same_everywhere_and_differs_by_occurrence() -> None:
    given_ = schedule("hourly", jitter_seconds=300)
    delays = [jitter_of(given_, base=NOON + timedelta(hours=hour)) for hour in range(24)]

    assert delays[0] == jitter_of(replace(given_, id=UUID(int=1)), base=NOON.astimezone(ZoneInfo("Asia/Tokyo")))
    assert len(set(delays)) > 12
    assert all(timedelta(0) <= delay <= timedelta(seconds=300) for delay in delays)
    assert jitter_of(schedule("hourly"), base=NOON) == timedelta(0)


def test_jitter_leaves_half_of_the_time_to_the_next_occurrence() -> None:
    given_ = schedule("hourly", jitter_seconds=86_400)
    delays = [jitter_of(given_, base=NOON + timedelta(hours=hour)) for hour in range(48)]

    assert timedelta(minutes=20) < max(delays) <= timedelta(minutes=30)


def test_occurrences_in_a_blackout_are_one_run_at_its_end() -> None:
    given_ = schedule("hourly", blackouts=(LUNCH,))

    assert decide(given_, due_at=NOON, now=NOON) == Wait(at("14:30"))
    assert decide(given_, due_at=NOON, now=at("14:30")) == Fire(at("15:00"), passed=2)


def test_no_run_begins_in_a_blackout_however_late_it_is() -> None:
    given_ = schedule("daily", hour_of_day=3, blackouts=(LUNCH,))

    assert decide(given_, due_at=at("03:00"), now=at("13:00")) == Wait(at("14:30"))
    assert decide(given_, due_at=at("03:00"), now=at("14:30")) == Fire(at("03:00") + timedelta(days=1))


def test_jitter_that_would_lead_into_a_blackout_is_left_out() -> None:
    given_ = schedule("daily", hour_of_day=11, jitter_seconds=7200)
    free = begin_of(given_, fire_at=at("11:00"))
    dark = replace(given_, blackouts=(Blackout(time(11, 1), time(14)),))

    assert free > at("11:01")
    assert begin_of(dark, fire_at=at("11:00")) == at("11:00")


def test_jitter_spreads_what_a_blackout_held_back() -> None:
    given_ = schedule("hourly", blackouts=(LUNCH,), jitter_seconds=600)
    begins = [begin_of(given_, fire_at=at(text)) for text in ("12:00", "13:00", "14:00")]

    assert len(set(begins)) == 1
    assert at("14:30") <= begins[0] <= at("14:40")


def test_next_runs_are_foreseen_with_what_goes_with_them() -> None:
    given_ = schedule("hourly", blackouts=(LUNCH,))
    found = foresee(given_, after=at("10:30"), n=3)

    assert [(each.fire_at, each.starts_at, each.is_in_blackout, each.passed) for each in found] == [
        (at("11:00"), at("11:00"), False, 0),
        (at("12:00"), at("14:30"), True, 2),
        (at("15:00"), at("15:00"), False, 0),
    ]


ANY = st.builds(
    lambda hours, minutes, zone, jitter, policy, dark: schedule(
        "cron",
        cron_expression=f"{minutes} {hours} * * *",
        timezone=zone,
        jitter_seconds=jitter,
        missed_run_policy=policy,
        blackouts=dark,
    ),
    st.sampled_from(["*", "*/6", "2,3", "0"]),
    st.sampled_from(["0", "30", "*/20"]),
    st.sampled_from(["UTC", "Europe/Berlin", "Australia/Lord_Howe", "America/Havana", "Asia/Beirut"]),
    st.sampled_from([0, 90, 3600, 86_400]),
    st.sampled_from(list(MissedRunPolicy)),
    st.sampled_from([(), (LUNCH,), (Blackout(time(23), time(3, 15)), Blackout(time(5), time(6), frozenset({0, 6})))]),
)


@settings(max_examples=60, deadline=None)
@given(ANY, st.integers(1_774_400_000, 1_775_200_000))
def test_runs_begin_in_the_order_of_their_occurrences(given_: Schedule, second: int) -> None:
    found = [next_occurrence(given_, after=datetime.fromtimestamp(second, UTC))]
    for _ in range(8):
        found.append(next_occurrence(given_, after=found[-1]))
    begins = [begin_of(given_, fire_at=each) for each in found]

    assert all(begin >= fire_at for fire_at, begin in zip(found, begins, strict=True))
    assert all(one <= two for one, two in pairwise(begins))


@settings(max_examples=60, deadline=None)
@given(ANY, st.integers(1_774_400_000, 1_775_200_000), st.integers(0, 200_000))
def test_each_occurrence_is_decided_once_and_those_that_pass_are_counted(
    given_: Schedule, second: int, late: int
) -> None:
    """Against all occurrences in a row: whoever looked late goes on behind what it decided, and loses none."""
    due_at = next_occurrence(given_, after=datetime.fromtimestamp(second, UTC))
    now = due_at + timedelta(seconds=late)
    made = decide(given_, due_at=due_at, now=now)
    if isinstance(made, Wait):
        assert made.until > now
        return
    between = []
    while (due_at := next_occurrence(given_, after=due_at)) < made.next_at:
        between.append(due_at)

    assert made.next_at == due_at
    assert made.passed == min(len(between), MOST_COUNTED)
    limit = now if isinstance(made, Fire) else now - timedelta(minutes=5)
    assert all(begin_of(given_, fire_at=each) <= limit for each in between)
    assert begin_of(given_, fire_at=made.next_at) >= limit
