"""Discrepancies as files, for people who have signed in: those of the list as it is filtered, or of one run."""

from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from worker.console.desk import Desk, Visit
from worker.console.pages.discrepancies import read_filter
from worker.console.query import BadQuery

MEDIA = {"csv": "text/csv; charset=utf-8", "jsonl": "application/x-ndjson"}


def routes(desk: Desk) -> list[Route]:
    return [Route("/connectors/{id}/reconciliation/export", desk.signed_in(export))]


async def export(visit: Visit) -> Response:
    query = visit.query.only("format", "type", "status", "attribute_name", "run_id")
    kind = query.word("format", MEDIA)
    if kind is None:
        raise BadQuery("A file is csv or jsonl.")
    where = read_filter(query)
    lines = await visit.repairs.export(visit.tenant_id, connector_id=visit.id("id"), where=where, kind=kind)
    name = f"run-{where.run_id}" if where.run_id else "discrepancies"
    disposition = {"Content-Disposition": f'attachment; filename="{name}.{kind}"'}
    return StreamingResponse(visit.found(lines, what="connector"), media_type=MEDIA[kind], headers=disposition)
