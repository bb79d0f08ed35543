from datetime import timedelta
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from worker.domain.retry import BASE, CAP, JITTER, backoff


class Middle(Random):
    """A source of randomness that always draws the middle, so that a delay shows without its jitter."""

    def uniform(self, a: float, b: float) -> float:
        return (a + b) / 2


@pytest.mark.parametrize(
    ("retry_count", "seconds"),
    [
        pytest.param(0, 30, id="after the first try"),
        pytest.param(1, 60, id="after the first retry"),
        pytest.param(2, 120, id="doubles"),
        pytest.param(6, 1920, id="last below the cap"),
        pytest.param(7, 3600, id="first at the cap"),
        pytest.param(50, 3600, id="stays at the cap"),
        pytest.param(10**9, 3600, id="no overflow"),
        pytest.param(-1, 30, id="never below the base"),
    ],
)
def test_delay_doubles_from_thirty_seconds_to_an_hour(retry_count: int, seconds: int) -> None:
    assert backoff(retry_count, rng=Middle()) == timedelta(seconds=seconds)


@pytest.mark.parametrize(
    ("asked", "given_"),
    [
        pytest.param(timedelta(seconds=7), timedelta(seconds=7), id="what the target asked for"),
        pytest.param(timedelta(days=2), CAP, id="at most an hour"),
        pytest.param(timedelta(seconds=-5), timedelta(0), id="a time gone by means now"),
    ],
)
def test_retry_after_wins(asked: timedelta, given_: timedelta) -> None:
    assert backoff(9, rng=Random(1), retry_after=asked) == given_


@given(retry_count=st.integers(0, 60), seed=st.integers())
def test_jitter_stays_within_a_quarter_of_the_capped_delay(retry_count: int, seed: int) -> None:
    middle = BASE * min(2**retry_count, CAP // BASE)

    assert middle * (1 - JITTER) <= backoff(retry_count, rng=Random(seed)) <= middle * (1 + JITTER)


def test_delays_of_operations_that_failed_together_are_spread() -> None:
    rng = Random(7)

    assert len({backoff(3, rng=rng) for _ in range(100)}) > 90
