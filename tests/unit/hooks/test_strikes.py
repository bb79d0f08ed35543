import pytest

from worker.hooks.strikes import DEADLINE, KILL, WINDOW_S, Strikes


def test_five_kills_within_a_minute_suspend_until_lifted() -> None:
    strikes = Strikes()
    answers = [strikes.add("a", KILL, now=float(second)) for second in range(5)]

    assert answers == [False, False, False, False, True]
    assert strikes.is_suspended("a")
    assert strikes.suspended == {"a"}
    assert not strikes.is_suspended("b")
    assert strikes.lift("a")
    assert not strikes.is_suspended("a")
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

    assert strikes.is_suspended("a") is is_suspended


def test_suspending_is_told_once() -> None:
    strikes = Strikes()
    answers = [strikes.add("a", KILL, now=1.0) for _ in range(10)]

    assert answers.count(True) == 1


def test_a_suspended_script_stays_so_however_long_it_is_quiet() -> None:
    strikes = Strikes()
    for _ in range(5):
        strikes.add("a", KILL, now=0.0)
    strikes.add("b", KILL, now=1000.0)

    assert strikes.is_suspended("a")
