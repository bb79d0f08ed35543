"""Findings by day: how many were found, and how many were open at its end. Every day has a point, with or without any.

A day that nobody looked at is as the one before it was left; today is as it is now.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from uuid import UUID

from worker.domain.discrepancy import DiscrepancyType
from worker.store import trend as stored
from worker.store.pool import Connection

Counts = Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Point:
    """One day, in UTC; ``missed`` of what was found, no delta had seen."""

    date: date
    detected: Counts = field(default_factory=dict)
    open: Counts = field(default_factory=dict)
    missed: int = 0


async def trend_of(
    conn: Connection, *, tenant_id: UUID, connector_id: UUID | None, from_day: date, to_day: date, today: date
) -> list[Point]:
    """Points from one day to another, both included, in the caller's tenant transaction."""
    found = await stored.detected(
        conn, tenant_id=tenant_id, connector_id=connector_id, from_day=from_day, to_day=to_day
    )
    looked = await stored.open_by_day(
        conn, tenant_id=tenant_id, connector_id=connector_id, from_day=from_day, to_day=to_day
    )
    now = None
    if from_day <= today <= to_day:
        now = await stored.open_now(conn, tenant_id=tenant_id, connector_id=connector_id)
    made = points(from_day, to_day, found=found, looked=looked, today=today, now=now)
    missed = await stored.missed(conn, tenant_id=tenant_id, connector_id=connector_id, from_day=from_day, to_day=to_day)
    return [replace(each, missed=missed.get(each.date, 0)) for each in made]


def points(
    from_day: date,
    to_day: date,
    *,
    found: Mapping[date, Counts],
    looked: Iterable[tuple[UUID, date, Counts]],
    today: date,
    now: Counts | None = None,
) -> list[Point]:
    """The same, of what is known: pure. ``looked`` are days of connectors, ``now`` what is open today."""
    by_day: dict[date, dict[UUID, Counts]] = {}
    left: dict[UUID, tuple[date, Counts]] = {}
    for connector, day, counts in looked:
        if day < from_day:
            left[connector] = max(left.get(connector, (day, counts)), (day, counts), key=lambda each: each[0])
        else:
            by_day.setdefault(day, {})[connector] = counts
    known = {connector: counts for connector, (_, counts) in left.items()}
    made = []
    for day in _days(from_day, to_day):
        known |= by_day.get(day, {})
        is_open = now if day == today and now is not None else _sum(known.values())
        made.append(Point(day, _full(found.get(day, {})), _full(is_open if day <= today else {})))
    return made


def _days(from_day: date, to_day: date) -> Iterable[date]:
    return (from_day + timedelta(days=n) for n in range((to_day - from_day).days + 1))


def _sum(several: Iterable[Counts]) -> Counts:
    total: dict[str, int] = {}
    for counts in several:
        for kind, n in counts.items():
            total[kind] = total.get(kind, 0) + n
    return total


def _full(counts: Counts) -> Counts:
    return {str(kind): counts.get(str(kind), 0) for kind in DiscrepancyType}
