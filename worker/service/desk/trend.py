"""The view of all reconciliation: findings by day, and runs."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

from worker import recon
from worker.console import TrendDay, TrendView
from worker.service.desk.briefs import briefs
from worker.service.desk.recon import run_row
from worker.store import listings_runs
from worker.store.pool import Connection

_LATEST = 20


async def view(conn: Connection, tenant_id: UUID, *, connector_id: UUID | None, days: int) -> TrendView | None:
    """The last so many days, of one connector or of all."""
    known = await briefs(conn, tenant_id)
    if connector_id is not None and connector_id not in known:
        return None
    now = datetime.now(UTC)
    today = now.date()
    points = await recon.trend_of(
        conn,
        tenant_id=tenant_id,
        connector_id=connector_id,
        from_day=today - timedelta(days=days - 1),
        to_day=today,
        today=today,
    )
    latest = await listings_runs.page(conn, tenant_id, connector_id=connector_id, limit=_LATEST)
    live = await listings_runs.page(conn, tenant_id, connector_id=connector_id, only_live=True, limit=_LATEST)
    return TrendView(
        days=tuple(
            TrendDay(date=each.date, detected=each.detected, open=each.open, missed=each.missed) for each in points
        ),
        live=tuple(run_row(row) for row in live),
        latest=tuple(run_row(row) for row in latest),
        connectors=tuple(known.values()),
        as_of=now,
        connector_id=connector_id,
    )
