"""Reconciliation of all connectors: how findings came and went, and the runs that found them."""

from starlette.responses import Response
from starlette.routing import Route

from worker.console.desk import Desk, Visit

PATH = "/connectors/reconciliation"
DAYS = {"14": 14, "30": 30, "90": 90, "365": 365}


def routes(desk: Desk) -> list[Route]:
    return [Route(PATH, desk.signed_in(show))]


async def show(visit: Visit) -> Response:
    query = visit.query.only("connector_id", "days")
    days = query.word("days", DAYS) or "30"
    view = await visit.reads.trend(visit.tenant_id, connector_id=query.uuid("connector_id"), days=DAYS[days])
    return await visit.render(
        "trend.html", view=visit.found(view, what="connector"), days=days, spans=tuple(DAYS), path=PATH
    )
