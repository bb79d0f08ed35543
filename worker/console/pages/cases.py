"""Correlation cases: whose account is this? The list, one case with its candidates, confirm and reject."""

from starlette.responses import Response
from starlette.routing import Route

from worker.console import words
from worker.console.desk import Desk, Question, Visit
from worker.console.query import Query
from worker.console.views import CaseDetail, CaseFilter

LIST = "/correlation/cases"


def routes(desk: Desk) -> list[Route]:
    return [
        Route(LIST, desk.signed_in(list_cases)),
        Route(f"{LIST}/{{id}}", desk.signed_in(show)),
        Route(f"{LIST}/{{id}}/confirm", desk.signed_in(ask_confirm)),
        Route(f"{LIST}/{{id}}/confirm", desk.signed_in(confirm), methods=["POST"]),
        Route(f"{LIST}/{{id}}/reject", desk.signed_in(ask_reject)),
        Route(f"{LIST}/{{id}}/reject", desk.signed_in(reject), methods=["POST"]),
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
    return await visit.render("case.html", detail=await _case(visit))


async def ask_confirm(visit: Visit) -> Response:
    detail = await _case(visit)
    identity_id, uid = visit.query.uuid("identity_id"), visit.query.text("uid")
    chosen = next((c for c in detail.candidates if c.identity_id == identity_id and c.uid == uid), None)
    chosen = visit.found(chosen, what="candidate")
    fields = [("identity_id", str(identity_id) if identity_id else None), ("uid", uid)]
    row = detail.row
    return await visit.ask(
        Question(
            title=f"Is {row.subject} the same as {' · '.join(filter(None, (chosen.label, chosen.detail)))}?",
            effect=f"They are linked in {row.connector_name}"
            + (", and the waiting operation goes on with this account." if row.operation_id else "."),
            body=[f"Confidence {words.percent(chosen.confidence)}; {words.count(row.candidates, 'candidate')}."],
            action=f"{LIST}/{row.id}/confirm",
            fields=[(name, value) for name, value in fields if value],
            button="Yes, link them",
            keep="Not sure",
        )
    )


async def confirm(visit: Visit) -> Response:
    form = Query({name: values[0] for name, values in visit.form.items()})
    result = await visit.acts.confirm_case(
        visit.principal,
        case_id=visit.id("id"),
        identity_id=form.uuid("identity_id"),
        uid=form.text("uid"),
        notes=visit.said("notes"),
    )
    return visit.done(result, default=LIST)


async def ask_reject(visit: Visit) -> Response:
    row = (await _case(visit)).row
    return await visit.ask(
        Question(
            title=f"Is it none of the {row.candidates} candidates?"
            if row.candidates > 1
            else f"Is {row.best_label or 'the candidate'} somebody else’s?",
            effect="The waiting operation creates a new account."
            if row.operation_id
            else "The account stays without owner.",
            body=["The answer is kept; the same candidates are not asked about again."],
            action=f"{LIST}/{row.id}/reject",
            button="None of them",
            keep="Not sure",
        )
    )


async def reject(visit: Visit) -> Response:
    result = await visit.acts.reject_case(visit.principal, case_id=visit.id("id"), notes=visit.said("notes"))
    return visit.done(result, default=LIST)


async def _case(visit: Visit) -> CaseDetail:
    detail: CaseDetail = visit.found(await visit.reads.case(visit.tenant_id, case_id=visit.id("id")), what="case")
    return detail
