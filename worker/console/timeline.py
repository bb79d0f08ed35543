"""The life of one operation as points on a line, with the time between them. Pure."""

from dataclasses import dataclass, replace
from datetime import datetime
from itertools import groupby

from worker.console.views import AttemptView, OperationDetail
from worker.console.words import ORIGIN_WORDS, WAIT_WORDS, cause_of, span
from worker.domain.operation import OperationStatus


@dataclass(frozen=True, slots=True)
class Point:
    """One point; ``shape`` is the icon of the status, ``family`` its colours, ``gap`` the time until the next point."""

    shape: str
    family: str
    title: str
    at: datetime | None
    text: str = ""
    gap: str = ""
    is_future: bool = False


def timeline(detail: OperationDetail, *, now: datetime) -> tuple[Point, ...]:
    """Points from the beginning to the last known one, then what is expected next (dashed)."""
    row = detail.row
    points = [Point("pending", "gray", "Accepted", row.created_at, f"asked for by {ORIGIN_WORDS[row.origin]}")]
    points += [_tries(list(group)) for _, group in groupby(detail.attempts, key=_sameness)]
    end = _end(detail)
    if end:
        points.append(end)
    points += _ahead(detail, now=now)
    return _with_gaps(points)


def _sameness(attempt: AttemptView) -> tuple[bool, bool, str | None, int]:
    stands_alone = attempt.success or attempt.completed_at is None
    number = attempt.attempt_number if stands_alone else -1
    return attempt.success, attempt.has_parked, attempt.error_code, number


def _tries(attempts: list[AttemptView]) -> Point:
    first, last = attempts[0], attempts[-1]
    name = (
        f"Attempt {first.attempt_number}" if first is last else f"Attempts {first.attempt_number}–{last.attempt_number}"
    )
    took = span(last.duration_ms / 1000) if last.duration_ms is not None else ""
    if last.completed_at is None:
        return Point("in_progress", "blue", f"{name} is running", last.started_at, last.worker or "")
    if last.success:
        return Point("completed", "green", f"{name} worked", last.started_at, f"took {took}" if took else "")
    if last.has_parked:
        return Point("awaiting_system", "purple", f"{name} could not go on", last.started_at, last.error_message or "")
    same = ", all the same" if first is not last else ""
    return Point(
        "failed",
        "red",
        f"{name}: {cause_of(last.error_code).title.lower()}{same}",
        last.started_at,
        last.error_message or "",
    )


def _end(detail: OperationDetail) -> Point | None:
    row = detail.row
    match row.status:
        case OperationStatus.COMPLETED:
            skipped = detail.details.get("skipped")
            return Point("completed", "green", "Completed", detail.completed_at or row.updated_at, str(skipped or ""))
        case OperationStatus.DEAD_LETTER:
            return Point("dead_letter", "amber", "Dead letter", row.updated_at, "no more tries by itself")
        case OperationStatus.RESOLVED:
            text = f"by {detail.resolved_by}" if detail.resolved_by else ""
            return Point("resolved", "teal", "Resolved", detail.resolved_at or row.updated_at, text)
        case OperationStatus.CANCELLED:
            return Point("cancelled", "muted", "Cancelled", detail.completed_at or row.updated_at)
        case OperationStatus.AWAITING_SYSTEM:
            why = WAIT_WORDS[row.wait_reason] if row.wait_reason else ""
            return Point("awaiting_system", "purple", "Waits", row.updated_at, why)
        case _:
            return None


def _ahead(detail: OperationDetail, *, now: datetime) -> list[Point]:
    row = detail.row
    if row.status is OperationStatus.FAILED and row.next_retry_at:
        title = f"Attempt {row.retry_count + 1} of {row.max_retries + 1}"
        return [Point("pending", "gray", title, max(row.next_retry_at, now), is_future=True)]
    if row.status is OperationStatus.PENDING:
        waits = f"after {detail.lane_ahead} of the same account" if detail.lane_ahead else "as soon as a worker is free"
        return [Point("in_progress", "blue", f"Attempt {len(detail.attempts) + 1}", None, waits, is_future=True)]
    return []


def _with_gaps(points: list[Point]) -> tuple[Point, ...]:
    spaced = []
    for point, following in zip(points, [*points[1:], None], strict=True):
        known = following is not None and point.at is not None and following.at is not None
        gap = span(following.at - point.at) if known and following and following.at and point.at else ""
        spaced.append(replace(point, gap=gap))
    return tuple(spaced)
