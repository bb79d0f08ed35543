"""Schedules: all of them, and one connector's with its editor, its next runs and what became of the last ones."""

from starlette.responses import Response
from starlette.routing import Route

from worker.console.desk import Desk, Question, Visit
from worker.console.pages.hooks import seen as seen_version
from worker.console.query import BadQuery
from worker.console.views import ScheduleAhead, ScheduleView

LIST = "/schedules"
FIELDS = (
    "frequency",
    "hour_of_day",
    "day_of_week",
    "day_of_month",
    "cron_expression",
    "timezone",
    "mode",
    "missed_run_policy",
    "jitter_seconds",
    "blackouts",
    "enabled",
)
#: What is asked before each verb: label, effect, whether it takes something away.
VERBS = {
    "enable": ("Switch on", "Runs start by themselves again, from the next occurrence on.", False),
    "disable": ("Switch off", "Nothing starts by itself until somebody switches it on. A run under way goes on.", True),
    "delete": (
        "Delete",
        "Nothing starts by itself any more, and what became of its occurrences is forgotten. Its runs stay.",
        True,
    ),
    "run": ("Run now", "Starts now what the schedule would start. Its times stay as they are.", False),
}


def routes(desk: Desk) -> list[Route]:
    base = "/connectors/{id}/reconciliation/schedule"
    return [
        Route(LIST, desk.signed_in(list_schedules)),
        Route(base, desk.signed_in(edit)),
        Route(base, desk.signed_in(save), methods=["POST"]),
        Route(f"{base}/preview", desk.signed_in(preview), methods=["POST"]),
        Route(f"{base}/{{verb}}", desk.signed_in(ask)),
        Route(f"{base}/{{verb}}", desk.signed_in(act), methods=["POST"]),
    ]


async def list_schedules(visit: Visit) -> Response:
    rows = await visit.schedules.schedules(visit.tenant_id)
    known = {row.connector.id for row in rows}
    names = await visit.reads.connector_names(visit.tenant_id)
    without = [brief for brief in names if brief.id not in known]
    return await visit.render("schedules.html", rows=rows, without=without)


async def edit(visit: Visit) -> Response:
    view = await _view(visit)
    return await _form(visit, view, {**dict.fromkeys(FIELDS, ""), **view.fields}, view.ahead)


async def preview(visit: Visit) -> Response:
    """The same page with the runs that would come; with script, its part is put into the page that is there."""
    view, said = await _view(visit), _said(visit)
    ahead = await visit.schedules.look_ahead(visit.principal, connector_id=view.connector.id, fields=said)
    return await _form(visit, view, said, ahead, is_draft=True)


async def save(visit: Visit) -> Response:
    """Store what was said; it stays in the form when it is refused."""
    view, said = await _view(visit), _said(visit)
    result = await visit.schedules.save_schedule(
        visit.principal, connector_id=view.connector.id, fields=said, seen=seen_version(visit)
    )
    if result.ok:
        return visit.done(result, default=_base(view))
    ahead = await visit.schedules.look_ahead(visit.principal, connector_id=view.connector.id, fields=said)
    return await _form(visit, view, said, ahead, trouble=result.message, is_draft=True)


async def ask(visit: Visit) -> Response:
    label, effect, is_danger = VERBS[_verb(visit)]
    view = await _view(visit)
    row = visit.found(view.row, what="schedule")
    return await visit.ask(
        Question(
            title=f"{label}: the schedule of {view.connector.name}?",
            effect=effect,
            body=[f"It runs {row.when}."],
            action=visit.request.url.path,
            fields=[("seen", str(row.version))],
            button=label,
            keep="Leave it as it is",
            is_danger=is_danger,
        )
    )


async def act(visit: Visit) -> Response:
    verb, connector_id = _verb(visit), visit.id("id")
    who, seen = visit.principal, seen_version(visit)
    match verb:
        case "run":
            result = await visit.schedules.run_schedule(who, connector_id=connector_id)
        case "delete":
            result = await visit.schedules.delete_schedule(who, connector_id=connector_id, seen=seen)
        case _:
            on = verb == "enable"
            result = await visit.schedules.switch_schedule(who, connector_id=connector_id, on=on, seen=seen)
    return visit.done(result, default=LIST)


async def _view(visit: Visit) -> ScheduleView:
    found = await visit.schedules.schedule(visit.tenant_id, connector_id=visit.id("id"))
    view: ScheduleView = visit.found(found, what="connector")
    return view


async def _form(
    visit: Visit,
    view: ScheduleView,
    said: dict[str, str],
    ahead: ScheduleAhead,
    *,
    trouble: str | None = None,
    is_draft: bool = False,
) -> Response:
    seen = visit.said("seen") if visit.request.method == "POST" else None
    return await visit.render(
        "schedule.html",
        code=409 if trouble else 200,
        view=view,
        brief=view.connector,
        said=said,
        ahead=ahead,
        trouble=trouble,
        is_draft=is_draft,
        seen=seen or (str(view.row.version) if view.row else "0"),
        base=_base(view),
    )


def _said(visit: Visit) -> dict[str, str]:
    return {name: visit.script(name).strip()[:4000] for name in FIELDS}


def _verb(visit: Visit) -> str:
    word = str(visit.request.path_params["verb"])
    if word not in VERBS:
        raise BadQuery(f"“{word[:30]}” is nothing that can be done here.")
    return word


def _base(view: ScheduleView) -> str:
    return f"/connectors/{view.connector.id}/reconciliation/schedule"
