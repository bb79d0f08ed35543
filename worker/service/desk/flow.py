"""What flowed in the last 24 hours, and numbers that take long to count. Remembered, so that pages stay quick.

An hour that ended some minutes ago does not change any more, so each is counted once; the present one every time.
"""

import time
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from worker.console import HourCount
from worker.store import listings_targets
from worker.store.pool import Connection

HOURS = 24
#: Later than this nothing is written any more that ended in an hour.
SETTLED_AFTER = timedelta(minutes=5)
KEPT_S = 15.0
_AN_HOUR = timedelta(hours=1)


@dataclass(slots=True)
class Hour:
    """One hour: completed by connector, failed tries, and those that were given up."""

    completed: Counter[UUID] = field(default_factory=Counter)
    failed: int = 0
    dead: int = 0


@dataclass(frozen=True, slots=True)
class Day:
    """The last 24 hours, the oldest first."""

    hours: tuple[tuple[datetime, Hour], ...]

    @property
    def completed(self) -> Counter[UUID]:
        """What completed, by connector."""
        return sum((hour.completed for _, hour in self.hours), Counter[UUID]())

    @property
    def dead(self) -> int:
        """What was given up."""
        return sum(hour.dead for _, hour in self.hours)

    @property
    def success_rate(self) -> float | None:
        """Completed of what completed or was given up, 0..1; None when nothing ended."""
        completed = self.completed.total()
        return completed / (completed + self.dead) if completed + self.dead else None

    def as_counts(self) -> tuple[HourCount, ...]:
        return tuple(HourCount(at, hour.completed.total(), hour.failed) for at, hour in self.hours)


class Flow:
    """Counts hours once."""

    def __init__(self) -> None:
        self._settled: dict[tuple[UUID, datetime], Hour] = {}

    async def day(self, conn: Connection, tenant_id: UUID, *, now: datetime | None = None) -> Day:
        """The last 24 hours of a tenant."""
        now = now or datetime.now(UTC)
        this_hour = now.replace(minute=0, second=0, microsecond=0)
        hours = [this_hour - n * _AN_HOUR for n in range(HOURS - 1, -1, -1)]
        known = {at: self._settled[tenant_id, at] for at in hours if (tenant_id, at) in self._settled}
        missing = [at for at in hours if at not in known]
        if missing:
            known |= await _count(conn, tenant_id, missing)
        self._keep(tenant_id, known, now)
        return Day(tuple((at, known[at]) for at in hours))

    def _keep(self, tenant_id: UUID, known: dict[datetime, Hour], now: datetime) -> None:
        kept = {(tenant_id, at): hour for at, hour in known.items() if at + _AN_HOUR + SETTLED_AFTER <= now}
        self._settled = {key: hour for key, hour in self._settled.items() if key[0] != tenant_id} | kept


class Remembered:
    """Answers that are kept for a moment, by question and tenant."""

    def __init__(self, *, seconds: float = KEPT_S) -> None:
        self._seconds = seconds
        self._answers: dict[tuple[str, UUID], tuple[float, Any]] = {}

    async def ask(
        self, conn: Connection, tenant_id: UUID, question: Callable[[Connection, UUID], Awaitable[Any]]
    ) -> Any:
        """The answer, at most so many seconds old."""
        key = (question.__name__, tenant_id)
        known = self._answers.get(key)
        if known is not None and time.monotonic() - known[0] < self._seconds:
            return known[1]
        answer = await question(conn, tenant_id)
        self._answers[key] = (time.monotonic(), answer)
        return answer


async def _count(conn: Connection, tenant_id: UUID, hours: list[datetime]) -> dict[datetime, Hour]:
    since, until = min(hours), max(hours) + _AN_HOUR
    found = {at: Hour() for at in hours}
    completed = await listings_targets.completed(conn, tenant_id, since=since, until=until)
    for (connector_id, at), n in completed.items():
        if at in found:
            found[at].completed[connector_id] += n
    failed = await listings_targets.failed(conn, tenant_id, since=since, until=until)
    for at, (n, dead) in failed.items():
        if at in found:
            found[at].failed, found[at].dead = n, dead
    return found
