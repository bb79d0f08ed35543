"""Correlation cases: whose account is this? The list, and one case after the other with its candidates."""

from collections.abc import Mapping
from uuid import UUID

from starlette.responses import Response
from starlette.routing import Route

from worker.console.comparing import beside
from worker.console.desk import Desk, Visit
from worker.console.doors import ActResult
from worker.console.pages.people import the_one
from worker.console.query import BadQuery, Query, address
from worker.console.views import CaseDetail, CaseFilter
from worker.domain.errors import InvalidRequest

LIST = "/correlation/cases"
#: Answers beside the candidates.
NONE, NOBODY, NEW, OTHER = "none", "nobody", "new", "other"


def routes(desk: Desk) -> list[Route]:
    return [
        Route(LIST, desk.signed_in(list_cases)),
        Route(f"{LIST}/{{id}}", desk.signed_in(show)),
        Route(f"{LIST}/{{id}}/decide", desk.signed_in(decide), methods=["POST"]),
        Route(f"{LIST}/{{id}}/undo", desk.signed_in(undo), methods=["POST"]),
    ]


async def list_cases(visit: Visit) -> Response:
    query = visit.query.only("status", "connector_id", "q", "last", "older", "newer")
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
        last=await _last(visit),
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
        last=await _last(visit),
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
    return visit.done(result, default=address(f"{LIST}/{onward}" if onward else LIST, {**kept, "last": str(case_id)}))


async def undo(visit: Visit) -> Response:
    """Take an answer back, and show the case: it is open again, or stands as it was decided."""
    form = Query({name: values[0] for name, values in visit.form.items()})
    case_id = visit.id("id")
    result = await visit.acts.undo_case(visit.principal, case_id=case_id)
    return visit.done(result, default=address(f"{LIST}/{case_id}", _kept(form)))


async def _answer(visit: Visit, form: Query, case_id: UUID) -> ActResult:
    choice, notes = form.text("choice", longest=2000), visit.said("notes")
    if choice is None:
        raise BadQuery("Choose an answer first.")
    if choice == NONE:
        return await visit.acts.reject_case(visit.principal, case_id=case_id, notes=notes)
    if choice == NOBODY:
        return await visit.acts.nobodys_case(visit.principal, case_id=case_id, notes=notes)
    if choice in {NEW, OTHER}:
        return await _another(visit, choice, case_id, notes)
    kind, _, value = choice.partition(":")
    identity_id = Query({"identity": value}).uuid("identity") if kind == "identity" else None
    uid = value if kind == "account" else None
    if identity_id is None and uid is None:
        raise BadQuery("This is no answer to the question.")
    return await visit.acts.confirm_case(
        visit.principal, case_id=case_id, identity_id=identity_id, uid=uid, notes=notes
    )


async def _another(visit: Visit, choice: str, case_id: UUID, notes: str | None) -> ActResult:
    """Somebody or something that the case does not name."""
    if choice == NEW:
        external_id, user_name = visit.said("external_id", longest=256), visit.said("user_name", longest=256)
        if external_id is None or user_name is None:
            raise InvalidRequest("Give the new person an external id and a user name.")
        return await visit.acts.new_person_of_case(
            visit.principal, case_id=case_id, external_id=external_id, user_name=user_name, notes=notes
        )
    if visit.said("other", longest=2000) is None:
        raise InvalidRequest("Say who or which account it is.")
    is_account = (await _case(visit)).row.subject_kind == "account"
    return await visit.acts.reassign_case(
        visit.principal,
        case_id=case_id,
        identity_id=await the_one(visit, "other") if is_account else None,
        uid=None if is_account else visit.said("other", longest=2000),
        notes=notes,
    )


def _kept(query: Query) -> dict[str, str | None]:
    """The filters of the list that the person works through."""
    return {name: query.text(name) for name in ("connector_id", "q")}


def _open(kept: Mapping[str, str | None]) -> CaseFilter:
    return CaseFilter(
        connector_id=Query({"connector_id": kept["connector_id"] or ""}).uuid("connector_id"), q=kept["q"]
    )


async def _last(visit: Visit) -> CaseDetail | None:
    """The case that the person has just decided, where that can be taken back."""
    last = visit.query.uuid("last")
    found = await visit.reads.case(visit.tenant_id, case_id=last) if last else None
    return found if found and found.row.status == "decided" and found.final is None else None


async def _case(visit: Visit) -> CaseDetail:
    detail: CaseDetail = visit.found(await visit.reads.case(visit.tenant_id, case_id=visit.id("id")), what="case")
    return detail
