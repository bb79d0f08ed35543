"""Wherever claims go on, nothing that is ready is left out for longer than until the next look from the front."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from worker.domain.operation import Operation, OperationType
from worker.queue.marks import BACK_BY, BACK_EVERY_S, FRONT_SHARE, MOST, Marks
from worker.store.ranges import FRONT, Range

START = datetime(2026, 5, 4, tzinfo=UTC)


def ready(priority: int, second: float, number: int = 0, **fields: int) -> Operation:
    return Operation(
        UUID(int=number), UUID(int=1), UUID(int=2), UUID(int=3), OperationType.UPDATE, "user", {},
        priority=priority, ready_at=START + timedelta(seconds=second), **fields,
    )  # fmt: skip


def held_by(ranges: list[Range], op: Operation) -> list[int]:
    """The numbers of the ranges that an operation lies in."""
    place = (-op.priority, op.ready_at, op.id)
    return [n for n, each in enumerate(ranges) if place > each.start and -op.priority <= each.up_to]


def looked(now: float = 10.0) -> Marks:
    marks = Marks()
    marks.looked_from_front(now, took_s=0.0)
    return marks


def test_the_first_look_is_from_the_front() -> None:
    assert Marks().ranges(0.0) == [FRONT]


def test_what_was_claimed_lies_before_the_mark_and_all_else_in_one_range() -> None:
    marks = looked()
    marks.passed([ready(5, 1, 1), ready(0, 3, 2), ready(0, 7, 3)], is_all=False)

    ranges = marks.ranges(10.5)

    assert [held_by(ranges, op) for op in (ready(5, 1, 1), ready(0, 3, 2), ready(0, 7, 3))] == [[], [], []]
    others = [ready(100, 0), ready(5, 2), ready(3, 0), ready(0, 7, 4), ready(0, 8), ready(-3, 0)]
    assert [len(held_by(ranges, op)) for op in others] == [1] * len(others)


def test_a_claim_that_was_stopped_by_its_limit_puts_the_mark_where_it_stopped() -> None:
    """It had looked behind the mark, and what it did not take lies there still."""
    marks = looked()
    marks.passed([ready(0, 50)], is_all=True)
    marks.passed([ready(0, 20)], is_all=False)

    assert held_by(marks.ranges(10.5), ready(0, 30)) == [0 + len(marks.ranges(10.5)) - 1]


def test_a_claim_that_found_all_of_a_look_back_leaves_the_mark_ahead() -> None:
    marks = looked()
    marks.passed([ready(0, 50)], is_all=True)
    marks.passed([ready(0, 49)], is_all=True)

    assert held_by(marks.ranges(10.5), ready(0, 49.5)) == []


def test_what_was_tried_before_moves_no_mark() -> None:
    marks = looked()
    marks.passed([ready(0, 50, retry_count=1), ready(0, 60, crashed_leases=1)], is_all=False)

    assert held_by(marks.ranges(10.5), ready(0, 1)) == [0]


def test_what_committed_late_is_found_by_the_look_back() -> None:
    marks = Marks()
    marks.looked_from_front(10.0, took_s=60.0)
    marks.passed([ready(0, 50)], is_all=True)
    late = ready(0, 50 - BACK_BY.total_seconds() / 2)

    assert held_by(marks.ranges(10.0 + BACK_EVERY_S / 2), late) == []
    assert held_by(marks.ranges(10.0 + BACK_EVERY_S), late) != []


def test_a_look_from_the_front_that_was_dear_is_rare() -> None:
    marks = Marks()
    marks.looked_from_front(10.0, took_s=1.0)

    assert not marks.is_front_due(10.0 + 1.0 / FRONT_SHARE - 1)
    assert marks.is_front_due(10.0 + 1.0 / FRONT_SHARE)


@given(
    claimed=st.lists(st.tuples(st.integers(-50, 100), st.floats(0, 100), st.integers(1, 9)), max_size=40),
    is_all=st.booleans(),
    other=st.tuples(st.integers(-100, 120), st.floats(0, 200), st.integers(1, 9)),
)
def test_whatever_was_claimed_the_ranges_overlap_nowhere_and_leave_out_only_what_lies_before_a_mark(
    claimed: list[tuple[int, float, int]], is_all: bool, other: tuple[int, float, int]
) -> None:
    marks = looked()
    found = [ready(*each) for each in claimed]
    marks.passed(found, is_all=is_all)
    ranges = marks.ranges(10.5)
    op = ready(*other)

    inside = held_by(ranges, op)

    assert len(ranges) <= 2 * MOST + 1
    assert len(inside) <= 1
    alike = [(each.ready_at, each.id) for each in found if each.priority == op.priority]
    if not alike or (op.ready_at, op.id) > max(alike):
        assert len(inside) == 1
    assert inside or op.priority in {each.priority for each in found}


def test_what_was_claimed_without_a_look_is_passed_and_the_next_look_begins_behind_it() -> None:
    """Who became ready while nobody looked may stand a little behind what was claimed."""
    marks = looked()
    marks.ranges(10.0 + BACK_EVERY_S)
    last = 10.0 + BACK_EVERY_S + BACK_EVERY_S / 2
    marks.looked_from_front(last, took_s=0.0)
    marks.went_by([ready(0, 50)])

    back = BACK_BY.total_seconds()
    ranges = marks.ranges(last)
    assert [len(held_by(ranges, ready(0, at))) for at in (50 - back / 2, 50 - 2 * back)] == [1, 0]
