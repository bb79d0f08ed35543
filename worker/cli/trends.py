"""``provisiond recon trend``."""

import argparse
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

from worker import recon
from worker.cli.arguments import day_of
from worker.cli.context import Desk, acting
from worker.cli.output import say_json, table
from worker.domain.errors import InvalidRequest
from worker.recon import Point
from worker.store.tenant import tenant

USUAL_DAYS, MOST_DAYS = 30, 731
_BAR = 30

COLUMNS = {
    "day": "day (UTC)",
    "new": "new",
    "missed": "unseen by deltas",
    "open": "open",
    "bar": "",
    "kinds": "open, by kind",
}


def trend(options: argparse.Namespace) -> int:
    """Findings by day."""
    today = datetime.now(UTC).date()
    first, last = days_of(options, today=today)

    async def act(desk: Desk) -> int:
        connector = await desk.connector(options.connector) if options.connector else None
        connector_id = connector.id if connector else None
        async with tenant(desk.house.pool, desk.tenant_id) as conn:
            points = await recon.trend_of(
                conn, tenant_id=desk.tenant_id, connector_id=connector_id, from_day=first, to_day=last, today=today
            )
        if options.json:
            told = [_point(each) for each in points]
            say_json({"from": first, "to": last, "connector_id": connector_id, "data_points": told})
        else:
            _draw(points)
        return 0

    return acting(options, act)


def days_of(options: argparse.Namespace, *, today: date) -> tuple[date, date]:
    """The first and the last day that are asked for; raises InvalidRequest."""
    if options.from_day and options.days is not None:
        raise InvalidRequest("Give --from or --days, not both.")
    last = day_of(options.to_day) if options.to_day else today
    days = USUAL_DAYS if options.days is None else options.days
    if options.from_day:
        first = day_of(options.from_day)
        days = (last - first).days + 1
    if not 1 <= days <= MOST_DAYS:
        raise InvalidRequest(f"Ask for 1 to {MOST_DAYS} days, the first not behind the last.")
    return last - timedelta(days=days - 1), last


def _point(found: Point) -> dict[str, Any]:
    """A day as the API tells it."""
    return {
        "date": found.date,
        "total": sum(found.detected.values()),
        "by_type": dict(found.detected),
        "open": sum(found.open.values()),
        "open_by_type": dict(found.open),
        "missed_by_deltas": found.missed,
    }


def _draw(points: Sequence[Point]) -> None:
    """A line a day: how many were new, how many were open, of which kinds, and that as a bar."""
    most = max((sum(each.open.values()) for each in points), default=0)
    rows = [
        {
            "day": each.date,
            "new": sum(each.detected.values()),
            "missed": each.missed or "",
            "open": sum(each.open.values()),
            "bar": "█" * (-(-sum(each.open.values()) * _BAR // most) if most else 0),
            "kinds": ", ".join(f"{n} {kind}" for kind, n in each.open.items() if n),
        }
        for each in points
    ]
    table(rows, COLUMNS)
