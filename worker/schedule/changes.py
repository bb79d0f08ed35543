"""What a change of a schedule does to the occurrence that is next."""

from dataclasses import dataclass
from datetime import datetime

from worker.domain.schedule import Schedule, SkipReason
from worker.schedule.calendar import next_occurrence

GIVEN_UP = {
    SkipReason.CHANGED: "The schedule was changed before its run began.",
    SkipReason.DISABLED: "The schedule was switched off before its run began.",
}
_TIMES = ("frequency", "day_of_week", "day_of_month", "hour_of_day", "cron_expression", "timezone")


@dataclass(frozen=True, slots=True)
class Change:
    """When the schedule is due next (None: it is off), and why an occurrence that was due is given up, if it is."""

    next_run_at: datetime | None
    given_up: SkipReason | None = None


def change_of(stored: Schedule | None, wanted: Schedule, *, now: datetime, last: datetime | None) -> Change:
    """``last`` is the latest occurrence that was decided about: nothing up to there occurs again.

    An occurrence that is due, and waits for its jitter or for the end of a black-out, stays due as long as the times
    are the same; whatever else was changed counts for it at once.
    """
    due_at = stored.next_run_at if stored and stored.enabled else None
    is_due = due_at is not None and due_at <= now
    if not wanted.enabled:
        return Change(None, SkipReason.DISABLED if is_due else None)
    if stored and due_at and all(getattr(stored, name) == getattr(wanted, name) for name in _TIMES):
        return Change(due_at)
    next_at = next_occurrence(wanted, after=max(now, last) if last else now)
    return Change(next_at, SkipReason.CHANGED if is_due else None)
