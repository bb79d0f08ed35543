import pytest
from hypothesis import given
from hypothesis import strategies as st

from worker.queue.local import AHEAD_S, CHAIN_S, MOST_HELD, Target


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


@pytest.mark.parametrize(
    ("found", "limit", "later", "lanes", "may"),
    [
        pytest.param(3, 9, 0.0, 4, True, id="all there was, and a slot for each"),
        pytest.param(0, 9, 0.0, 4, True, id="nothing there was"),
        pytest.param(9, 9, 0.0, 4, False, id="perhaps there is more"),
        pytest.param(3, 9, 0.0, 5, False, id="more lanes than slots"),
        pytest.param(3, 9, CHAIN_S, 4, False, id="a while ago"),
    ],
)
def test_lanes_go_on_without_a_look_while_nothing_else_waits_and_slots_are_free(
    found: int, limit: int, later: float, lanes: int, may: bool
) -> None:
    target = Target(slots=4)
    target.looked(7.0, found=found, limit=limit)

    assert target.may_chain(7.0 + later, lanes=lanes) is may


def test_lanes_wait_for_a_look_at_a_target_that_somebody_could_not_look_at() -> None:
    target = Target(slots=4)
    target.looked(7.0, found=0, limit=9)
    target.is_settled = True
    target.looked_not()

    assert not target.may_chain(7.0, lanes=1)
    assert not target.is_settled
