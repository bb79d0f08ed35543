"""Correlation cases: whose account is this? The list, and one case after the other with its candidates."""

from collections.abc import Mapping
from uuid import UUID

from starlette.responses import Response
from starlette.routing import Route

from worker.console.comparing import beside
from worker.console.desk import Desk, Visit
from worker.console.doors import ActResult
from worker.console.query import BadQuery, Query, address
from worker.console.views import CaseDetail, CaseFilter

LIST = "/correlation/cases"
#: The answer that it is none of the candidates.
NONE = "none"


def routes(desk: Desk) -> list[Route]:
    return [
        Route(LIST, desk.signed_in(list_cases)),
        Route(f"{LIST}/{{id}}", desk.signed_in(show)),
        Route(f"{LIST}/{{id}}/decide", desk.signed_in(decide), methods=["POST"]),
    ]


async def list_cases(visit: Visit) -> Response:
    query = visit.query.only("status", "connector_id", "q", "older", "newer")
    status = query.word("status", ("open", "decided", "any")) or "open"
    where = CaseFilter(
        status=None if status == "any" else status,
        connector_id=query.uuid("connector_id"),
        q=query.text("q"),
        older=query.text("older"),
        newer=query.text("newer"),
    )
    return await visit.render(
        "cases.html",
        page=await visit.reads.cases(visit.tenant_id, where=where),
        where=where,
        path=LIST,
        kept={name: query.text(name) for name in ("connector_id", "q")},
        connectors=await visit.reads.connector_names(visit.tenant_id),
    )


async def show(visit: Visit) -> Response:
    detail = await _case(visit)
    kept = _kept(visit.query)
    return await visit.render(
        "case.html",
        detail=detail,
        tables=beside(detail),
        near=await visit.reads.near_cases(visit.tenant_id, case_id=detail.row.id, where=_open(kept)),
        kept=kept,
    )


async def decide(visit: Visit) -> Response:
    """Carry the chosen answer out, and go on to the next open case of the same list."""
    form = Query({name: values[0] for name, values in visit.form.items()})
    case_id, kept = visit.id("id"), _kept(form)
    near = await visit.reads.near_cases(visit.tenant_id, case_id=case_id, where=_open(kept))
    result = await _answer(visit, form, case_id)
    onward = near.following or near.before
    if not result.ok:
        return visit.done(result, default=address(f"{LIST}/{case_id}", kept))
    return visit.done(result, default=address(f"{LIST}/{onward}" if onward else LIST, kept))


async def _answer(visit: Visit, form: Query, case_id: UUID) -> ActResult:
    choice, notes = form.text("choice", longest=2000), visit.said("notes")
    if choice is None:
        raise BadQuery("Choose an answer first.")
    if choice == NONE:
        return await visit.acts.reject_case(visit.principal, case_id=case_id, notes=notes)
    kind, _, value = choice.partition(":")
    identity_id = Query({"identity": value}).uuid("identity") if kind == "identity" else None
    uid = value if kind == "account" else None
    if identity_id is None and uid is None:
        raise BadQuery("This is no answer to the question.")
    return await visit.acts.confirm_case(
        visit.principal, case_id=case_id, identity_id=identity_id, uid=uid, notes=notes
    )


def _kept(query: Query) -> dict[str, str | None]:
    """The filters of the list that the person works through."""
    return {name: query.text(name) for name in ("connector_id", "q")}


def _open(kept: Mapping[str, str | None]) -> CaseFilter:
    return CaseFilter(
        connector_id=Query({"connector_id": kept["connector_id"] or ""}).uuid("connector_id"), q=kept["q"]
    )


async def _case(visit: Visit) -> CaseDetail:
    detail: CaseDetail = visit.found(await visit.reads.case(visit.tenant_id, case_id=visit.id("id")), what="case")
    return detail
