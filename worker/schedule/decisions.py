"""When the run of an occurrence begins, and what a due occurrence leads to.

An occurrence in a black-out is moved to its end. The jitter comes on top: the same on every daemon, never more than
half of the time to the next occurrence, and left out where it would lead into a black-out. So occurrences begin in
their order. Those that come while one waits for its beginning go with it.
"""

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from worker.domain.schedule import MissedRunPolicy, Schedule
from worker.schedule.blackouts import end_of_blackout
from worker.schedule.calendar import next_occurrence
from worker.schedule.zones import zone_of

#: An occurrence that is looked at later than this behind its beginning was missed.
GRACE = timedelta(minutes=5)
#: How many occurrences are counted; of more it is only known that there were at least so many.
MOST_COUNTED = 100


@dataclass(frozen=True, slots=True)
class Wait:
    """Its run does not begin yet."""

    until: datetime


@dataclass(frozen=True, slots=True)
class Fire:
    """Its run begins now. ``passed`` later occurrences go with it, and ``next_at`` is the one behind them."""

    next_at: datetime
    passed: int = 0


@dataclass(frozen=True, slots=True)
class Miss:
    """Nobody looked in time, and missed runs are skipped; the rest is as in ``Fire``."""

    next_at: datetime
    passed: int = 0


@dataclass(frozen=True, slots=True)
class Planned:
    """An occurrence to come: when the clock says so, when its run begins, how many later ones go with it."""

    fire_at: datetime
    starts_at: datetime
    is_in_blackout: bool
    passed: int = 0


def decide(schedule: Schedule, *, due_at: datetime, now: datetime) -> Wait | Fire | Miss:
    """What to do at ``now`` about the occurrence of ``due_at``. The schedule must be without mistakes.

    Of occurrences that nobody looked at in time, all together are one run with *one*, and none with *skip*; one that
    is not late, or that still waits for its beginning, is not among them.
    """
    begins = begin_of(schedule, fire_at=due_at)
    if begins > now:
        return Wait(begins)
    allowed = _out_of_blackouts(schedule, now)
    if allowed > now:
        return Wait(allowed)
    is_skipped = now - begins > GRACE and schedule.missed_run_policy is MissedRunPolicy.SKIP
    # What begins exactly so long ago is not late yet.
    than = now - GRACE - timedelta.resolution if is_skipped else now
    next_at = _first_beginning_later(schedule, than=than, after=due_at)
    passed = _count(schedule, after=due_at, before=next_at)
    return Miss(next_at, passed) if is_skipped else Fire(next_at, passed)


def begin_of(schedule: Schedule, *, fire_at: datetime) -> datetime:
    """When the run of an occurrence begins: moved out of black-outs, and spread by the jitter."""
    base = _out_of_blackouts(schedule, fire_at)
    begins = base + jitter_of(schedule, base=base)
    return begins if _out_of_blackouts(schedule, begins) == begins else base


def jitter_of(schedule: Schedule, *, base: datetime) -> timedelta:
    """How much later than ``base`` a run begins; every daemon computes the same."""
    if schedule.jitter_seconds == 0:
        return timedelta(0)
    room = int((next_occurrence(schedule, after=base) - base).total_seconds()) // 2
    seed = hashlib.sha256(schedule.connector_id.bytes + base.astimezone(UTC).isoformat().encode()).digest()
    return timedelta(seconds=int.from_bytes(seed[:8], "big") % (min(schedule.jitter_seconds, room) + 1))


def foresee(schedule: Schedule, *, after: datetime, n: int = 5) -> list[Planned]:
    """The next ``n`` runs, as they begin when daemons look in time."""
    found: list[Planned] = []
    fire_at = next_occurrence(schedule, after=after)
    while len(found) < n:
        begins = begin_of(schedule, fire_at=fire_at)
        next_at = _first_beginning_later(schedule, than=begins, after=fire_at)
        passed = _count(schedule, after=fire_at, before=next_at)
        is_moved = _out_of_blackouts(schedule, fire_at) > fire_at
        found.append(Planned(fire_at, begins, is_moved, passed))
        fire_at = next_at
    return found


def _out_of_blackouts(schedule: Schedule, at: datetime) -> datetime:
    return end_of_blackout(at, blackouts=schedule.blackouts, zone=zone_of(schedule.timezone))


def _first_beginning_later(schedule: Schedule, *, than: datetime, after: datetime) -> datetime:
    """The first occurrence behind ``after`` whose run begins later than ``than``, however many lie between.

    Runs begin in the order of their occurrences, so it is found by halving.
    """
    found = next_occurrence(schedule, after=after)
    if begin_of(schedule, fire_at=found) > than:
        return found
    low, high = int(after.timestamp()), int(than.timestamp()) + 1
    while high - low > 1:
        middle = (low + high) // 2
        probe = next_occurrence(schedule, after=datetime.fromtimestamp(middle, UTC))
        is_later = begin_of(schedule, fire_at=probe) > than
        low, high = (low, middle) if is_later else (middle, high)
    return next_occurrence(schedule, after=datetime.fromtimestamp(high, UTC))


def _count(schedule: Schedule, *, after: datetime, before: datetime) -> int:
    """How many occurrences are between two, up to ``MOST_COUNTED``."""
    n = 0
    while n < MOST_COUNTED and (after := next_occurrence(schedule, after=after)) < before:
        n += 1
    return n
