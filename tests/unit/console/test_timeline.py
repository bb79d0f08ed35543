from dataclasses import replace
from datetime import timedelta

import pytest

from tests.e2e.fakes import sample
from worker.console.timeline import timeline
from worker.domain.operation import OperationStatus


def _detail(status: OperationStatus):
    return sample.operation_detail(next(o for o in sample.OPERATIONS if o.status is status))


def _titles(detail) -> list[str]:
    return [point.title for point in timeline(detail, now=sample.NOW)]


@pytest.mark.parametrize(
    ("status", "last"),
    [
        (OperationStatus.PENDING, "Attempt 1"),
        (OperationStatus.IN_PROGRESS, "Attempt 1 is running"),
        (OperationStatus.COMPLETED, "Completed"),
        (OperationStatus.FAILED, "Attempt 5 of 11"),
        (OperationStatus.DEAD_LETTER, "Dead letter"),
        (OperationStatus.AWAITING_SYSTEM, "Waits"),
        (OperationStatus.RESOLVED, "Resolved"),
        (OperationStatus.CANCELLED, "Cancelled"),
    ],
)
def test_a_line_ends_where_the_operation_stands(status, last):
    titles = _titles(_detail(status))

    assert titles[0] == "Accepted"
    assert titles[-1] == last


def test_equal_failures_are_folded_into_one_point():
    assert "Attempts 1–4: target did not answer in time, all the same" in _titles(_detail(OperationStatus.FAILED))


def test_other_failures_stay_apart():
    detail = _detail(OperationStatus.FAILED)
    first = replace(detail.attempts[0], error_code="target_busy")
    titles = _titles(replace(detail, attempts=(first, *detail.attempts[1:])))

    assert titles[1].startswith("Attempt 1: target asks us to slow down")
    assert titles[2].startswith("Attempts 2–4")


def test_what_is_to_come_is_marked_and_never_in_the_past():
    detail = _detail(OperationStatus.FAILED)
    late = replace(detail, row=replace(detail.row, next_retry_at=sample.NOW - timedelta(seconds=9)))
    point = timeline(late, now=sample.NOW)[-1]

    assert point.is_future
    assert point.at == sample.NOW


def test_the_time_between_points_is_told():
    points = timeline(_detail(OperationStatus.COMPLETED), now=sample.NOW)

    assert all(point.gap for point in points[:-1])
    assert points[-1].gap == ""
