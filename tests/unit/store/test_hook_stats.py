import pytest
from hypothesis import given
from hypothesis import strategies as st

from worker.store.hook_stats import BUCKETS, FIRST_US, bucket_of, percentile


@pytest.mark.parametrize(
    ("duration_us", "bucket"),
    [
        (-1, 0),
        (0, 0),
        (64, 0),
        (65, 1),
        (128, 1),
        (129, 2),
        (256, 2),
        (64 << 14, 14),
        ((64 << 14) + 1, 15),
        (10**9, 15),
    ],
)
def test_each_bucket_is_for_twice_as_long_as_the_one_before(duration_us: int, bucket: int) -> None:
    assert bucket_of(duration_us) == bucket


def test_without_calls_there_is_no_percentile() -> None:
    assert percentile([0] * BUCKETS, 0.5) is None


@given(st.lists(st.integers(1, FIRST_US << (BUCKETS - 1)), min_size=1, max_size=200), st.sampled_from([0.5, 0.99]))
def test_a_percentile_is_true_within_its_bucket(durations: list[int], share: float) -> None:
    histogram = [0] * BUCKETS
    for each in durations:
        histogram[bucket_of(each)] += 1

    found = percentile(histogram, share)

    exact = next(each for place, each in enumerate(sorted(durations), 1) if place >= share * len(durations))
    assert found is not None
    assert exact / 2 - FIRST_US <= found <= max(exact * 2, FIRST_US)
