"""What is wrong with a schedule is said by field."""

from datetime import time
from typing import Any
from uuid import UUID

import pytest

from worker.domain.schedule import Blackout, Frequency, Schedule
from worker.schedule import check_schedule

ID = UUID("01900000-0000-7000-8000-00000000000b")


def schedule(frequency: str, **fields: Any) -> Schedule:
    return Schedule(ID, ID, Frequency(frequency), **fields)


def cron(expression: str) -> Schedule:
    return schedule("cron", cron_expression=expression)


@pytest.mark.parametrize(
    ("given_", "mistakes"),
    [
        pytest.param(schedule("hourly"), {}, id="nothing needed"),
        pytest.param(schedule("daily"), {"hour_of_day": "is needed for daily"}, id="no hour"),
        pytest.param(
            schedule("weekly", hour_of_day=24, day_of_week=7),
            {"hour_of_day": "must be from 0 to 23", "day_of_week": "must be from 0 to 6"},
            id="out of range",
        ),
        pytest.param(
            schedule("monthly", hour_of_day=1, day_of_month=0), {"day_of_month": "must be from 1 to 31"}, id="day zero"
        ),
        pytest.param(
            schedule("hourly", jitter_seconds=-1), {"jitter_seconds": "must be from 0 to 86400"}, id="negative jitter"
        ),
        pytest.param(
            schedule("hourly", timezone="Europe/Berln"),
            {"timezone": "there is no such time zone; did you mean Europe/Berlin?"},
            id="misspelt zone",
        ),
        pytest.param(
            schedule("hourly", timezone="../../etc/passwd"), {"timezone": "there is no such time zone"}, id="path"
        ),
        pytest.param(schedule("hourly", timezone=""), {"timezone": "there is no such time zone"}, id="no zone"),
        pytest.param(schedule("cron"), {"cron_expression": "is needed for cron"}, id="no expression"),
        pytest.param(cron("*/5 * * * 1-5"), {}, id="cron"),
        pytest.param(cron("0 0 * * FRI"), {}, id="cron by name"),
        pytest.param(cron("@hourly"), {}, id="cron nickname"),
        pytest.param(
            cron("* * * * * *"),
            {"cron_expression": "must have five fields: minute, hour, day of month, month, day of week"},
            id="cron with seconds",
        ),
        pytest.param(
            cron("R * * * *"),
            {"cron_expression": "must not leave a time to chance: every daemon has to come to the same times"},
            id="cron at random",
        ),
        pytest.param(
            cron("H(0-5) * * * *"),
            {"cron_expression": "must not leave a time to chance: every daemon has to come to the same times"},
            id="cron hashed",
        ),
        pytest.param(
            cron("0 0 31 2 *"),
            {"cron_expression": "never occurs: there is no such date"},
            id="thirty-first of february",
        ),
        pytest.param(
            cron("61 * * * *"),
            {"cron_expression": "is not a cron expression: [61 * * * *] is not acceptable, out of range"},
            id="minute 61",
        ),
        pytest.param(
            cron("0 " * 101), {"cron_expression": "must have at most 200 characters"}, id="an endless expression"
        ),
        pytest.param(schedule("hourly", blackouts=(Blackout(time(8), time(7, 59)),)), {}, id="a minute is left"),
        pytest.param(
            schedule("hourly", blackouts=(Blackout(time(8), time(20)), Blackout(time(20), time(8)))),
            {"blackouts": "must leave some time of the week in which a run can begin"},
            id="always in a black-out",
        ),
        pytest.param(
            schedule("hourly", blackouts=(Blackout(time(8), time(20), frozenset({7})),)),
            {"blackouts": "must name days from 0 (Sunday) to 6, at least one"},
            id="an eighth day",
        ),
        pytest.param(
            schedule("hourly", blackouts=(Blackout(time(8), time(9)),) * 21),
            {"blackouts": "there can be at most 20"},
            id="too many black-outs",
        ),
    ],
)
def test_mistakes_of_a_schedule(given_: Schedule, mistakes: dict[str, str]) -> None:
    assert dict(check_schedule(given_)) == mistakes
