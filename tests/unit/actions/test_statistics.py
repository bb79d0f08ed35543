"""What a share surely is at least."""

import pytest

from worker.actions.statistics import lower_bound


@pytest.mark.parametrize(
    ("right", "total", "low"),
    [
        pytest.param(3, 3, 0.44, id="three of three say little"),
        pytest.param(500, 500, 0.992, id="five hundred say much"),
        pytest.param(0, 5, 0.0, id="never right"),
        pytest.param(1, 2, 0.095, id="one of two"),
    ],
)
def test_a_share_of_few_is_told_with_care(right: int, total: int, low: float) -> None:
    assert lower_bound(right, total) == pytest.approx(low, abs=0.005)
