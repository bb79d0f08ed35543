"""Differences of one connector by what made them, and one approval for all that have one cause."""

from starlette.responses import Response
from starlette.routing import Route

from worker.console import words
from worker.console.desk import Desk, Question, Visit
from worker.console.query import BadQuery, Query
from worker.console.views import ChosenCauses

#: Groups approved together.
MOST = 20
#: From so many accounts on their number must be typed.
MANY = 100
TAKE_OVER = "take_over"
WAYS = (("correct", "Write the wanted value to the target"), (TAKE_OVER, "Take the target’s value over to the person"))


def routes(desk: Desk) -> list[Route]:
    base = "/connectors/{id}/reconciliation/causes"
    return [
        Route(base, desk.signed_in(show)),
        Route(f"{base}/approve", desk.signed_in(ask_approve)),
        Route(f"{base}/approve", desk.signed_in(approve), methods=["POST"]),
        Route(f"{base}/repairs/{{repair}}/cancel", desk.signed_in(ask_cancel)),
        Route(f"{base}/repairs/{{repair}}/cancel", desk.signed_in(cancel), methods=["POST"]),
    ]


async def show(visit: Visit) -> Response:
    run_id = visit.query.only("run_id").uuid("run_id")
    view = await visit.causes.causes(visit.tenant_id, connector_id=visit.id("id"), run_id=run_id)
    return await visit.render("causes.html", view=visit.found(view, what="connector"))


async def ask_approve(visit: Visit) -> Response:
    groups = _groups(visit.request.query_params.getlist("group"))
    run_id = visit.query.uuid("run_id")
    found = await visit.causes.chosen_causes(visit.tenant_id, connector_id=visit.id("id"), groups=groups, run_id=run_id)
    chosen: ChosenCauses = visit.found(found, what="connector")
    if not chosen.total:
        raise BadQuery(_why_nothing(chosen))
    accounts = words.count(chosen.total, "account")
    body = [f"{row.attribute}: {row.words}" for row in chosen.rows]
    if chosen.mixed:
        body.append(f"{words.count(chosen.mixed, 'account')} stay as they are: something else differs there, too.")
    fields = [("group", row.id) for row in chosen.rows] + [("expect", str(chosen.total))]
    return await visit.ask(
        Question(
            title=f"Repair {accounts} of {chosen.connector.name}?",
            effect="Each is read again before it is written, and left alone if it has changed. Removals are counted.",
            body=body,
            action=visit.request.url.path,
            fields=[*fields, *([("run_id", str(run_id))] if run_id else [])],
            button=f"Repair {words.number(chosen.total)}",
            keep="Leave them",
            choices=("how", "What is done", WAYS),
            type_number=chosen.total if chosen.total > MANY else None,
        )
    )


async def approve(visit: Visit) -> Response:
    form = Query({name: values[0] for name, values in visit.form.items()})
    expect = form.number("expect", least=1, most=10**9) or 0
    typed = "".join(c for c in visit.said("typed") or "" if c.isdigit())
    if expect > MANY and typed != str(expect):
        raise BadQuery(f"Nothing was done: type {expect} to go on.")
    connector_id = visit.id("id")
    result = await visit.causes.approve_causes(
        visit.principal,
        connector_id=connector_id,
        groups=_groups(visit.form.get("group", [])),
        takes_over=form.word("how", [way for way, _ in WAYS]) == TAKE_OVER,
        run_id=form.uuid("run_id"),
        expect=expect,
    )
    return visit.done(result, default=f"/connectors/{connector_id}/reconciliation/causes")


async def ask_cancel(visit: Visit) -> Response:
    view = await visit.causes.causes(visit.tenant_id, connector_id=visit.id("id"))
    repairs = visit.found(view, what="connector").repairs
    repair = visit.found(next((each for each in repairs if each.id == visit.id("repair")), None), what="approval")
    return await visit.ask(
        Question(
            title=f"Stop after {words.number(repair.done)} of {words.count(repair.total, 'account')}?",
            effect="What is queued already is carried out. The rest stays as it is.",
            action=visit.request.url.path,
            button="Stop here",
            keep="Go on",
        )
    )


async def cancel(visit: Visit) -> Response:
    connector_id = visit.id("id")
    result = await visit.causes.cancel_causes(visit.principal, connector_id=connector_id, repair_id=visit.id("repair"))
    return visit.done(result, default=f"/connectors/{connector_id}/reconciliation/causes")


def _groups(chosen: list[str]) -> tuple[str, ...]:
    groups = tuple(dict.fromkeys(chosen))
    if not 1 <= len(groups) <= MOST:
        raise BadQuery(f"Choose between 1 and {MOST}.")
    return groups


def _why_nothing(chosen: ChosenCauses) -> str:
    if not chosen.rows:
        return "These differences are settled already; somebody was faster."
    if chosen.mixed:
        return "At every one of these accounts something else differs, too: choose that as well."
    return "Nothing of this is open any more."
