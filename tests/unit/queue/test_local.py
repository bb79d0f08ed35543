import pytest
from hypothesis import given
from hypothesis import strategies as st

from worker.queue.local import AHEAD_S, MOST_HELD, Target


@pytest.mark.parametrize(
    ("slots", "pace", "ahead"),
    [
        pytest.param(8, AHEAD_S, 8, id="half a second each"),
        pytest.param(8, 20.0, 8, id="slow"),
        pytest.param(8, 0.01, 400, id="quick"),
        pytest.param(8, 0.0001, MOST_HELD, id="at once"),
        pytest.param(1, 0.1, 5, id="one slot"),
        pytest.param(0, 0.1, 0, id="closed"),
        pytest.param(600, 1.0, 600, id="very many slots"),
    ],
)
def test_claimed_ahead_is_what_the_slots_work_off_in_half_a_second(slots: int, pace: float, ahead: int) -> None:
    assert Target(slots=slots, pace=pace).ahead == ahead


@given(slots=st.integers(1, 64), took=st.lists(st.floats(0.0, 120.0), max_size=60))
def test_whatever_it_learns_a_target_holds_one_for_each_slot_and_not_too_many(slots: int, took: list[float]) -> None:
    target = Target(slots=slots)
    for seconds in took:
        target.note(seconds)

    assert slots <= target.ahead <= MOST_HELD


def test_a_target_that_gets_slower_soon_has_less_claimed_ahead() -> None:
    target = Target(slots=4)
    for _ in range(100):
        target.note(0.002)
    quick = target.ahead
    for _ in range(5):
        target.note(5.0)

    assert quick > 900
    assert target.ahead == 4
