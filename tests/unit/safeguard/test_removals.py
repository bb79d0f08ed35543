import pytest
from hypothesis import given
from hypothesis import strategies as st

from worker.safeguard import DEFAULT_LIMITS, SafeguardLimits, admitted, threshold


@pytest.mark.parametrize(
    ("accounts", "allowed"),
    [
        pytest.param(0, 10, id="an empty target"),
        pytest.param(200, 10, id="where 5 % is the least"),
        pytest.param(239, 11, id="5 % is rounded down"),
        pytest.param(5_000, 250, id="5 %"),
        pytest.param(10_000, 500, id="where 5 % is the most"),
        pytest.param(1_000_000, 500, id="a large target"),
    ],
)
def test_threshold_is_five_percent_between_ten_and_five_hundred(accounts: int, allowed: int) -> None:
    assert threshold(accounts) == allowed


def test_counting_more_accounts_would_not_raise_the_threshold() -> None:
    most = DEFAULT_LIMITS.count_up_to
    assert threshold(most) == threshold(most * 100)
    assert threshold(most - 25) < threshold(most)


@pytest.mark.parametrize(
    ("limits", "allowed"),
    [
        pytest.param(SafeguardLimits(percent=10.0), 100, id="another share"),
        pytest.param(SafeguardLimits(floor=60), 60, id="another floor"),
        pytest.param(SafeguardLimits(cap=20), 20, id="another cap"),
        pytest.param(SafeguardLimits(percent=0.0, floor=0), 0, id="nothing without a person"),
    ],
)
def test_what_an_operator_sets_holds(limits: SafeguardLimits, allowed: int) -> None:
    assert threshold(1_000, limits) == allowed


@given(st.integers(0, 50), st.floats(0, 100, allow_nan=False), st.integers(50, 2_000), st.integers(0, 10**6))
def test_counting_up_to_the_last_account_that_matters_is_enough(
    floor: int, percent: float, cap: int, accounts: int
) -> None:
    limits = SafeguardLimits(floor=floor, percent=percent, cap=cap)

    assert threshold(min(accounts, limits.count_up_to), limits) == threshold(accounts, limits)


@given(st.lists(st.integers(0, 400), max_size=20), st.integers(0, 20_000))
def test_however_removals_are_cut_into_batches_no_more_than_the_threshold_pass(batches: list[int], size: int) -> None:
    limit, used = threshold(size), 0
    for wanted in batches:
        used += admitted(wanted, used=used, limit=limit)

    assert used == min(sum(batches), limit)
    assert limit >= DEFAULT_LIMITS.floor


def test_nothing_passes_when_the_limit_shrank_below_what_was_used() -> None:
    assert admitted(5, used=300, limit=250) == 0
