"""What a run has changed, or a dry one would change, one by one with both values."""

from starlette.responses import Response
from starlette.routing import Route

from worker.console.desk import Desk, Visit
from worker.console.views import Slice


def routes(desk: Desk) -> list[Route]:
    return [Route("/connectors/{id}/reconciliation/runs/{run}/changes", desk.signed_in(show))]


async def show(visit: Visit) -> Response:
    query = visit.query.only("older", "newer")
    connector_id, run_id = visit.id("id"), visit.id("run")
    detail = await visit.reads.run(visit.tenant_id, connector_id=connector_id, run_id=run_id)
    part = Slice(older=query.text("older"), newer=query.text("newer"))
    page = await visit.repairs.actions(visit.tenant_id, connector_id=connector_id, part=part, run_id=run_id)
    return await visit.render(
        "run_changes.html", detail=visit.found(detail, what="run"), page=page, path=visit.request.url.path
    )
