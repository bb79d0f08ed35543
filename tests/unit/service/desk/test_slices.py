"""Cursors of lists that are read newest first."""

from typing import Any
from uuid import UUID

import pytest

from worker.console import Cursors, Slice
from worker.domain.errors import InvalidRequest
from worker.service.desk.changes import changed
from worker.service.desk.slices import cut, ends_of, read


def rows(*numbers: int) -> Any:
    return [{"id": number} for number in numbers]


@pytest.mark.parametrize(
    ("found", "part", "shown", "cursors"),
    [
        pytest.param(rows(5, 4), Slice(limit=2), [5, 4], Cursors(), id="all there is"),
        pytest.param(rows(5, 4, 3), Slice(limit=2), [5, 4], Cursors(older="4"), id="first of several"),
        pytest.param(
            rows(3, 2, 1), Slice(older="4", limit=2), [3, 2], Cursors(older="2", newer="3"), id="in the middle"
        ),
        pytest.param(rows(1), Slice(older="2", limit=2), [1], Cursors(newer="1"), id="the last"),
        pytest.param(
            rows(6, 5, 4), Slice(newer="3", limit=2), [5, 4], Cursors(older="4", newer="5"), id="back, more before"
        ),
        pytest.param(rows(5, 4), Slice(newer="3", limit=2), [5, 4], Cursors(older="4"), id="back at the first"),
        pytest.param(rows(), Slice(older="1", limit=2), [], Cursors(), id="nothing"),
    ],
)
def test_a_slice_knows_its_neighbours(found: Any, part: Slice, shown: list[int], cursors: Cursors) -> None:
    kept, neighbours = cut(found, part)

    assert [row["id"] for row in kept] == shown
    assert neighbours == cursors


def test_older_outranks_newer_and_one_row_is_spare() -> None:
    ends = ends_of(Slice(older=str(UUID(int=1)), newer=str(UUID(int=2)), limit=10))

    assert (ends.before, ends.after, ends.limit) == (UUID(int=1), None, 11)


def test_a_cursor_of_somebody_else_is_refused() -> None:
    with pytest.raises(InvalidRequest):
        read("not-an-id", UUID)


@pytest.mark.parametrize(
    ("before", "after", "topics"),
    [
        pytest.param({"live": "1", "dead": "0"}, {"live": "1", "dead": "0"}, [], id="nothing"),
        pytest.param({"live": "1", "dead": "0"}, {"live": "2", "dead": "1"}, ["operations"], id="one topic once"),
        pytest.param({"runs": "a", "cases": "1"}, {"runs": "b", "cases": "2"}, ["runs", "cases"], id="several topics"),
    ],
)
def test_changed_signs_name_their_topics(before: dict[str, str], after: dict[str, str], topics: list[str]) -> None:
    assert changed(before, after) == topics
