from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from worker.connectors.breaker import FAILURES_TO_OPEN, PROBE_EVERY, Breaker
from worker.domain.connector import BreakerState

NOW = datetime(2026, 11, 22, 6, 0, tzinfo=UTC)
LIMIT = 8


def opened() -> Breaker:
    breaker = Breaker()
    for _ in range(FAILURES_TO_OPEN):
        breaker = breaker.on_system_failure(NOW)
    return breaker


def half_open() -> Breaker:
    return opened().on_probe(NOW + PROBE_EVERY, succeeded=True)


def test_closed_breaker_lets_the_whole_limit_through():
    assert Breaker().allowed(LIMIT) == LIMIT


def test_five_failures_in_a_row_open_it():
    breaker = opened()

    assert breaker == Breaker(BreakerState.OPEN, failures=FAILURES_TO_OPEN, opened_at=NOW, probe_at=NOW + PROBE_EVERY)
    assert breaker.allowed(LIMIT) == 0


def test_success_between_failures_starts_the_count_again():
    breaker = Breaker()
    for _ in range(3):
        for _ in range(FAILURES_TO_OPEN - 1):
            breaker = breaker.on_system_failure(NOW)
        breaker = breaker.on_success(LIMIT)

    assert breaker == Breaker()


def test_success_of_a_healthy_target_changes_nothing_to_write():
    breaker = Breaker()

    assert breaker.on_success(LIMIT) is breaker


def test_late_answers_while_open_change_nothing():
    breaker = opened()

    assert breaker.on_success(LIMIT) is breaker
    assert breaker.on_system_failure(NOW) is breaker


@pytest.mark.parametrize(
    ("after", "is_due"),
    [
        pytest.param(timedelta(0), False, id="just opened"),
        pytest.param(PROBE_EVERY - timedelta(seconds=1), False, id="a second early"),
        pytest.param(PROBE_EVERY, True, id="on time"),
        pytest.param(timedelta(days=3), True, id="long overdue"),
    ],
)
def test_probe_is_due_every_thirty_seconds(after, is_due):
    assert opened().is_probe_due(NOW + after) is is_due


def test_claimed_probe_is_not_due_for_anybody_else():
    later = NOW + PROBE_EVERY
    claimed = opened().claim_probe(later)

    assert not claimed.is_probe_due(later)
    assert claimed.is_probe_due(later + PROBE_EVERY)


def test_probe_is_never_due_while_calls_go():
    assert not Breaker().is_probe_due(NOW)
    assert not half_open().is_probe_due(NOW + timedelta(days=1))


def test_failed_probe_waits_for_the_next():
    later = NOW + PROBE_EVERY
    breaker = opened().on_probe(later, succeeded=False)

    assert breaker.state is BreakerState.OPEN
    assert breaker.opened_at == NOW
    assert breaker.probe_at == later + PROBE_EVERY


def test_return_doubles_the_calls_with_each_round():
    breaker = half_open()
    rounds = []
    while breaker.state is BreakerState.HALF_OPEN:
        rounds.append(breaker.allowed(LIMIT))
        for _ in range(rounds[-1]):
            breaker = breaker.on_success(LIMIT)

    assert rounds == [1, 2, 4]
    assert breaker == Breaker()


def test_failure_on_return_opens_it_again_and_keeps_when_it_began():
    later = NOW + PROBE_EVERY
    breaker = half_open().on_success(LIMIT).on_system_failure(later)

    assert breaker.state is BreakerState.OPEN
    assert breaker.opened_at == NOW
    assert breaker.probe_at == later + PROBE_EVERY
    assert breaker.ramp == 1


def test_probe_result_that_comes_after_the_return_is_ignored():
    breaker = half_open()

    assert breaker.on_probe(NOW, succeeded=False) is breaker


@given(
    st.lists(st.sampled_from(["success", "failure", "probe ok", "probe failed", "claim"]), max_size=60),
    st.integers(1, 64),
)
def test_never_more_than_the_limit_and_always_a_way_back(moves, limit):
    breaker, now = Breaker(), NOW
    for move in moves:
        now += timedelta(seconds=7)
        match move:
            case "success":
                breaker = breaker.on_success(limit)
            case "failure":
                breaker = breaker.on_system_failure(now)
            case "claim":
                breaker = breaker.claim_probe(now) if breaker.is_probe_due(now) else breaker
            case _:
                breaker = breaker.on_probe(now, succeeded=move == "probe ok")
        assert 0 <= breaker.allowed(limit) <= limit
        assert (breaker.allowed(limit) == 0) == (breaker.state is BreakerState.OPEN)

    if breaker.state is BreakerState.OPEN:
        assert breaker.is_probe_due(now + PROBE_EVERY)
        breaker = breaker.on_probe(now + PROBE_EVERY, succeeded=True)
    for _ in range(limit):
        breaker = breaker.on_success(limit)
    assert breaker == Breaker()
