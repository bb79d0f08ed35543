"""Conflicts: the list, one with both sides, and the question what is to become of them."""

from starlette.responses import Response
from starlette.routing import Route

from worker.console import words
from worker.console.desk import Desk, Question, Visit
from worker.console.views import ConflictDetail, ConflictFilter
from worker.domain.conflict import ConflictOutcome, ConflictStatus
from worker.domain.errors import InvalidRequest

LIST = "/connectors/conflicts"


def routes(desk: Desk) -> list[Route]:
    return [
        Route(LIST, desk.signed_in(list_conflicts)),
        Route(f"{LIST}/{{id}}", desk.signed_in(show)),
        Route(f"{LIST}/{{id}}/resolve", desk.signed_in(ask_resolve)),
        Route(f"{LIST}/{{id}}/resolve", desk.signed_in(resolve), methods=["POST"]),
    ]


async def list_conflicts(visit: Visit) -> Response:
    query = visit.query.only("status", "connector_id", "older", "newer")
    status = query.word("status", ("pending", "resolved", "any")) or "pending"
    where = ConflictFilter(
        status=None if status == "any" else ConflictStatus(status),
        connector_id=query.uuid("connector_id"),
        older=query.text("older"),
        newer=query.text("newer"),
    )
    return await visit.render(
        "conflicts.html",
        page=await visit.reads.conflicts(visit.tenant_id, where=where),
        where=where,
        status=status,
        path=LIST,
        kept={"connector_id": query.text("connector_id")},
        connectors=await visit.reads.connector_names(visit.tenant_id),
    )


async def show(visit: Visit) -> Response:
    return await visit.render("conflict.html", detail=await _conflict(visit))


async def ask_resolve(visit: Visit) -> Response:
    detail = await _conflict(visit)
    row = detail.row
    against_target = row.newer_id is None
    outcomes = words.OUTCOMES_AT_TARGET if against_target else words.OUTCOMES_OF_TWO
    return await visit.ask(
        Question(
            title=f"What is to become of this conflict about {', '.join(row.affected) or row.subject}?",
            effect="The operation goes on or is cancelled at once."
            if against_target
            else "What gives way is cancelled with this reason; what is in no dispute is sent all the same.",
            action=f"{LIST}/{row.id}/resolve",
            choices=("outcome", "Decision", tuple((each.value, text) for each, text in outcomes.items())),
            notes="Why?",
            button="Decide",
            keep="Not sure",
        )
    )


async def resolve(visit: Visit) -> Response:
    said = visit.said("outcome")
    if said not in set(map(str, ConflictOutcome)):
        raise InvalidRequest("Choose what is to become of the conflict.")
    result = await visit.acts.resolve_conflict(
        visit.principal, conflict_id=visit.id("id"), outcome=ConflictOutcome(said), notes=visit.said("notes")
    )
    return visit.done(result, default=LIST)


async def _conflict(visit: Visit) -> ConflictDetail:
    found = await visit.reads.conflict(visit.tenant_id, conflict_id=visit.id("id"))
    detail: ConflictDetail = visit.found(found, what="conflict")
    return detail
