import pytest

from worker.hooks.strikes import DEADLINE, KILL, REST_S, SETTLE_S, WINDOW_S, Strikes


def test_five_kills_within_a_minute_suspend_until_lifted() -> None:
    strikes = Strikes()
    answers = [strikes.add("a", KILL, now=float(second)) for second in range(5)]

    assert answers == [False, False, False, False, True]
    assert strikes.is_suspended("a", now=5.0)
    assert strikes.suspended(now=5.0) == {"a"}
    assert not strikes.is_suspended("b", now=5.0)
    assert strikes.lift("a")
    assert not strikes.is_suspended("a", now=5.0)
    assert not strikes.lift("a")
    assert not strikes.add("a", KILL, now=5.0)


def test_kills_spread_over_more_than_a_minute_are_forgotten() -> None:
    strikes = Strikes()

    assert not any(strikes.add("a", KILL, now=second * WINDOW_S / 4) for second in range(50))


@pytest.mark.parametrize(("deadlines", "is_suspended"), [(49, False), (50, True)])
def test_deadlines_count_a_tenth(deadlines: int, is_suspended: bool) -> None:
    strikes = Strikes()
    for _ in range(deadlines):
        strikes.add("a", DEADLINE, now=1.0)

    assert strikes.is_suspended("a", now=1.0) is is_suspended


def test_suspending_is_told_once() -> None:
    strikes = Strikes()
    answers = [strikes.add("a", KILL, now=1.0) for _ in range(14)]

    assert answers.count(True) == 1


def test_a_rest_ends_by_itself_with_a_clean_record() -> None:
    strikes = Strikes()
    for _ in range(5):
        strikes.add("a", KILL, now=0.0)

    assert strikes.is_suspended("a", now=REST_S - 1)
    assert not strikes.is_suspended("a", now=REST_S)
    assert strikes.suspended(now=REST_S) == frozenset()
    assert not strikes.add("a", KILL, now=REST_S)


def test_a_rest_of_which_others_know_ends_soon_and_is_never_made_longer() -> None:
    strikes = Strikes()
    for _ in range(5):
        strikes.add("a", KILL, now=0.0)
    strikes.settle("a", now=1.0)
    strikes.settle("a", now=5.0)
    strikes.settle("b", now=5.0)

    assert strikes.is_suspended("a", now=SETTLE_S)
    assert not strikes.is_suspended("a", now=1.0 + SETTLE_S)
    assert not strikes.is_suspended("b", now=5.0)
