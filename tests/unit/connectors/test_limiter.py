import pytest
from hypothesis import given
from hypothesis import strategies as st

from worker.connectors.limiter import TokenBucket


def call(bucket, now):
    """The moment a call that asks at ``now`` may go, and the bucket after it."""
    return now + bucket.delay(now), bucket.take(now)


def test_first_call_goes_at_once():
    assert TokenBucket.full(2.0, now=100.0).delay(100.0) == 0


def test_calls_that_ask_together_go_one_after_the_other():
    bucket, moments = TokenBucket.full(2.0, now=0.0), []
    for _ in range(4):
        moment, bucket = call(bucket, 0.0)
        moments.append(moment)

    assert moments == [0.0, 0.5, 1.0, 1.5]


def test_pause_earns_a_short_burst_only():
    bucket = TokenBucket.full(100.0, now=0.0)

    assert bucket.burst == 10
    assert bucket.delay(3600.0) == 0
    moments = []
    for _ in range(12):
        moment, bucket = call(bucket, 3600.0)
        moments.append(round(moment - 3600.0, 6))
    assert moments == [0.0] * 10 + [0.01, 0.02]


def test_clock_that_stands_still_gives_nothing_away():
    bucket = TokenBucket.full(1.0, now=10.0).take(10.0)

    assert bucket.delay(10.0) == bucket.delay(9.0) == 1.0


@given(
    st.floats(0.1, 1000),
    st.lists(st.floats(0, 5), min_size=1, max_size=80),
)
def test_no_window_ever_holds_more_than_rate_and_burst(rate, pauses):
    bucket, now, moments = TokenBucket.full(rate, now=0.0), 0.0, []
    for pause in pauses:
        now += pause
        moment, bucket = call(bucket, now)
        moments.append(moment)

    assert moments == sorted(moments)
    for start, first in enumerate(moments):
        for count, last in enumerate(moments[start:], start=1):
            assert count <= bucket.burst + (last - first) * rate + 1e-6


@pytest.mark.parametrize("rate", [0.5, 3.0, 250.0])
def test_long_run_keeps_the_rate(rate):
    bucket, last = TokenBucket.full(rate, now=0.0), 0.0
    for _ in range(1000):
        last, bucket = call(bucket, 0.0)

    assert last == pytest.approx((1000 - bucket.burst) / rate)


def test_another_rate_keeps_what_was_promised():
    bucket = TokenBucket.full(1.0, now=0.0)
    for _ in range(3):
        bucket = bucket.take(0.0)

    assert bucket.at_rate(2.0, now=0.0).delay(0.0) == pytest.approx(1.5)


def test_newcomer_beside_others_has_nothing_saved_up():
    assert TokenBucket.full(100.0, now=0.0).at_rate(50.0, now=0.0, is_empty=True).delay(0.0) == pytest.approx(0.02)
