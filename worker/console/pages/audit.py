"""Audit: who did what, newest first."""

from starlette.responses import Response
from starlette.routing import Route

from worker.console.desk import Desk, Visit
from worker.console.views import AuditFilter

FILTERS = ("actor", "action", "object_type", "object_id")


def routes(desk: Desk) -> list[Route]:
    return [Route("/audit", desk.signed_in(list_entries))]


async def list_entries(visit: Visit) -> Response:
    query = visit.query.only(*FILTERS, "older", "newer")
    kept = {name: query.text(name) for name in FILTERS}
    where = AuditFilter(
        actor=kept["actor"],
        action=kept["action"],
        object_type=kept["object_type"],
        object_id=kept["object_id"],
        older=query.text("older"),
        newer=query.text("newer"),
    )
    page = await visit.reads.audit(visit.tenant_id, where=where)
    return await visit.render("audit.html", page=page, where=where, kept=kept, path="/audit")
