"""Reconciliation of all connectors: how findings came and went, and the runs that found them."""

from uuid import UUID

from starlette.responses import Response
from starlette.routing import Route

from worker.console.desk import Desk, Visit
from worker.console.views import ScheduleRow

PATH = "/connectors/reconciliation"
DAYS = {"14": 14, "30": 30, "90": 90, "365": 365}
_PLANNED = 5


def routes(desk: Desk) -> list[Route]:
    return [Route(PATH, desk.signed_in(show))]


async def show(visit: Visit) -> Response:
    query = visit.query.only("connector_id", "days")
    days, connector_id = query.word("days", DAYS) or "30", query.uuid("connector_id")
    view = await visit.reads.trend(visit.tenant_id, connector_id=connector_id, days=DAYS[days])
    return await visit.render(
        "trend.html",
        view=visit.found(view, what="connector"),
        planned=await _planned(visit, connector_id),
        days=days,
        spans=tuple(DAYS),
        path=PATH,
    )


async def _planned(visit: Visit, connector_id: UUID | None) -> list[ScheduleRow]:
    """What starts next by itself, the soonest first."""
    rows = await visit.schedules.schedules(visit.tenant_id)
    wanted = [row for row in rows if row.starts_at and row.enabled and connector_id in {None, row.connector.id}]
    return wanted[:_PLANNED]
