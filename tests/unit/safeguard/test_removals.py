import pytest
from hypothesis import given
from hypothesis import strategies as st

from worker.safeguard import COUNT_ACCOUNTS_UP_TO, FEWEST_REMOVALS, admitted, threshold


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
    assert threshold(COUNT_ACCOUNTS_UP_TO) == threshold(COUNT_ACCOUNTS_UP_TO * 100)
    assert threshold(COUNT_ACCOUNTS_UP_TO - 20) < threshold(COUNT_ACCOUNTS_UP_TO)


@given(st.lists(st.integers(0, 400), max_size=20), st.integers(0, 20_000))
def test_however_removals_are_cut_into_batches_no_more_than_the_threshold_pass(batches: list[int], size: int) -> None:
    limit, used = threshold(size), 0
    for wanted in batches:
        used += admitted(wanted, used=used, limit=limit)

    assert used == min(sum(batches), limit)
    assert limit >= FEWEST_REMOVALS


def test_nothing_passes_when_the_limit_shrank_below_what_was_used() -> None:
    assert admitted(5, used=300, limit=250) == 0
