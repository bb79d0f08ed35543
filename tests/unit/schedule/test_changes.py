"""A schedule that is changed while it is due."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from worker.domain.schedule import Frequency, Schedule, SkipReason
from worker.schedule import Change, change_of

ID = UUID("01900000-0000-7000-8000-00000000000b")
THREE = datetime(2026, 3, 10, 3, tzinfo=UTC)
DAILY = Schedule(ID, ID, Frequency.DAILY, hour_of_day=3, next_run_at=THREE)
OFF = replace(DAILY, enabled=False, next_run_at=None)
DAY = timedelta(days=1)


@pytest.mark.parametrize(
    ("stored", "changes", "now", "expected"),
    [
        pytest.param(None, {}, THREE - DAY / 2, Change(THREE), id="a new one"),
        pytest.param(None, {"enabled": False}, THREE, Change(None), id="a new one that is off"),
        pytest.param(DAILY, {"hour_of_day": 5}, THREE - DAY / 24, Change(THREE + DAY / 12), id="other times"),
        pytest.param(DAILY, {"mode": "delta"}, THREE - DAY / 24, Change(THREE), id="another mode"),
        pytest.param(DAILY, {"jitter_seconds": 60}, THREE + DAY / 24, Change(THREE), id="due, and stays due"),
        pytest.param(
            DAILY,
            {"hour_of_day": 5},
            THREE + DAY / 24,
            Change(THREE + DAY / 12, SkipReason.CHANGED),
            id="due, and given up for other times",
        ),
        pytest.param(DAILY, {"enabled": False}, THREE - DAY / 24, Change(None), id="switched off"),
        pytest.param(DAILY, {"enabled": False}, THREE, Change(None, SkipReason.DISABLED), id="switched off while due"),
        pytest.param(
            replace(DAILY, enabled=False, next_run_at=None),
            {"enabled": True},
            THREE,
            Change(THREE + DAY),
            id="on again",
        ),
    ],
)
def test_changes(stored: Schedule | None, changes: dict[str, Any], now: datetime, expected: Change) -> None:
    wanted = replace(stored or DAILY, **changes)

    assert change_of(stored, wanted, now=now, last=None) == expected


def test_what_was_decided_does_not_occur_again_after_a_change() -> None:
    """Also when the database's clock has been set back meanwhile."""
    found = change_of(DAILY, replace(DAILY, hour_of_day=4), now=THREE - DAY, last=THREE + DAY / 12)

    assert found.next_run_at == THREE + DAY + DAY / 24
