"""How long a run waits for a target that is away."""

from datetime import UTC, datetime, timedelta

import pytest

from worker.domain.away import FIRST_WAIT, GIVEN_UP_AFTER, LONGEST_WAIT, Away, is_away
from worker.domain.errors import AccessRefused, LeaseLost, ListingChanged, TargetBusy, TargetUnavailable

NOW = datetime(2026, 3, 1, 3, tzinfo=UTC)


def test_it_looks_again_ever_more_seldom_and_gives_up_in_the_end():
    away, now, waits = Away.after({}, processed=40, now=NOW), NOW, []
    while (again := away.again_at(now)) is not None:
        waits.append(again - now)
        now = again
        away = Away.after(away.kept(), processed=40, now=now)

    assert waits[0] == FIRST_WAIT
    assert waits == sorted(waits)
    assert set(waits[6:]) == {LONGEST_WAIT}
    assert GIVEN_UP_AFTER <= now - NOW <= GIVEN_UP_AFTER + LONGEST_WAIT


def test_who_has_come_further_since_waits_as_for_the_first_time():
    tired = Away(NOW - GIVEN_UP_AFTER, 90, processed=40)

    assert Away.after(tired.kept(), processed=60, now=NOW) == Away(NOW, 1, 60)
    assert tired.again_at(NOW) is None


def test_it_does_not_look_before_the_target_asked_for():
    away = Away(NOW, 1, 0)

    assert away.again_at(NOW, asked=timedelta(minutes=40)) == NOW + timedelta(minutes=40)
    assert away.again_at(NOW, asked=timedelta(seconds=1)) == NOW + FIRST_WAIT


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        pytest.param(TargetUnavailable(), True, id="refuses connections"),
        pytest.param(TargetBusy(), True, id="busy"),
        pytest.param(ListingChanged(), False, id="its list changed"),
        pytest.param(LeaseLost(), False, id="ours is lost"),
        pytest.param(AccessRefused(), False, id="says no"),
    ],
)
def test_only_what_may_pass_is_waited_for(error, expected):
    assert is_away(error) is expected
