"""Reconciliation of one connector: its runs, starting one, one run with its report."""

from starlette.responses import Response
from starlette.routing import Route

from worker.console import findings
from worker.console.desk import Desk, Question, Visit
from worker.console.query import BadQuery
from worker.console.views import Slice

#: The ways to start a run: mode, dry run.
STARTS: dict[str, tuple[str, bool]] = {
    "full": ("full", False),
    "delta": ("delta", False),
    "dry-run": ("full", True),
}

#: What a run has changed, as far as its page shows it; a page of its own shows all.
CHANGES = 5

START_EFFECTS = {
    "full": "Lists every account of the target, records what differs, and repairs what the connector's policy allows.",
    "delta": "Looks only at what changed since the last run.",
    "dry-run": "Lists every account of the target and shows what a full run would do. Nothing is changed.",
}

IMPORT_EFFECTS = {
    "full": "Reads every row of the source and takes over what has changed; the accounts follow.",
    "delta": "A source is read as a whole each time: this is refused.",
    "dry-run": "Reads every row of the source and shows who would change. Nothing is changed.",
}

RUN_VERBS: dict[str, tuple[str, str]] = {
    "cancel": ("Cancel", "It stops where it is. What it has found stays; repairs already queued go on."),
    "pause": ("Pause", "It stops at the end of this page and keeps its place."),
    "resume": ("Resume", "It goes on from its last checkpoint."),
}


def routes(desk: Desk) -> list[Route]:
    base = "/connectors/{id}/reconciliation"
    return [
        Route(base, desk.signed_in(list_runs)),
        Route(f"{base}/start/{{way}}", desk.signed_in(ask_start)),
        Route(f"{base}/start/{{way}}", desk.signed_in(start), methods=["POST"]),
        Route(f"{base}/runs/{{run}}", desk.signed_in(show_run)),
        Route(f"{base}/runs/{{run}}/{{verb}}", desk.signed_in(ask_run)),
        Route(f"{base}/runs/{{run}}/{{verb}}", desk.signed_in(act_run), methods=["POST"]),
    ]


async def list_runs(visit: Visit) -> Response:
    query = visit.query.only("older", "newer")
    part = Slice(older=query.text("older"), newer=query.text("newer"))
    view = await visit.reads.reconciliation(visit.tenant_id, connector_id=visit.id("id"), part=part)
    return await visit.render("reconciliation.html", view=visit.found(view, what="connector"))


async def ask_start(visit: Visit) -> Response:
    way = _one_of(visit, "way", STARTS)
    view = await visit.reads.reconciliation(visit.tenant_id, connector_id=visit.id("id"), part=Slice(limit=1))
    view = visit.found(view, what="connector")
    is_import = not view.connector.is_target
    kind = "import" if is_import else f"{way} run"
    name = "dry run" if way == "dry-run" else kind
    running = f"A run is {view.live.status} already; a second one is refused." if view.live else None
    return await visit.ask(
        Question(
            title=f"Start {'an' if name == 'import' else 'a'} {name} of {view.connector.name}?",
            effect=(IMPORT_EFFECTS if is_import else START_EFFECTS)[way],
            body=[running] if running else [],
            action=f"/connectors/{view.connector.id}/reconciliation/start/{way}",
            fields=[("follow", "true")],
            button=f"Start the {name}",
            keep="Not now",
        )
    )


async def start(visit: Visit) -> Response:
    connector_id = visit.id("id")
    mode, dry_run = STARTS[_one_of(visit, "way", STARTS)]
    result = await visit.acts.start_run(visit.principal, connector_id=connector_id, mode=mode, dry_run=dry_run)
    return visit.done(result, default=f"/connectors/{connector_id}/reconciliation")


async def show_run(visit: Visit) -> Response:
    detail = await visit.reads.run(visit.tenant_id, connector_id=visit.id("id"), run_id=visit.id("run"))
    detail = visit.found(detail, what="run")
    changes = await visit.repairs.actions(
        visit.tenant_id, connector_id=visit.id("id"), part=Slice(limit=CHANGES), run_id=visit.id("run")
    )
    return await visit.render("run.html", detail=detail, changes=changes)


async def ask_run(visit: Visit) -> Response:
    label, effect = RUN_VERBS[_one_of(visit, "verb", RUN_VERBS)]
    detail = await visit.reads.run(visit.tenant_id, connector_id=visit.id("id"), run_id=visit.id("run"))
    row = visit.found(detail, what="run").row
    name = findings.run_name(row).lower()
    return await visit.ask(
        Question(
            title=f"{label} the {name} of {row.connector_name}?",
            effect=effect,
            body=[f"It is {findings.run_status(row)[1].lower()} now."],
            action=visit.request.url.path,
            button=f"{label} the run",
            keep="Keep it",
            is_danger=label == "Cancel",
        )
    )


async def act_run(visit: Visit) -> Response:
    verb, connector_id, run_id = _one_of(visit, "verb", RUN_VERBS), visit.id("id"), visit.id("run")
    act = {"cancel": visit.acts.cancel_run, "pause": visit.acts.pause_run, "resume": visit.acts.resume_run}[verb]
    result = await act(visit.principal, connector_id=connector_id, run_id=run_id)
    return visit.done(result, default=f"/connectors/{connector_id}/reconciliation/runs/{run_id}")


def _one_of(visit: Visit, name: str, allowed: dict[str, tuple[str, str]] | dict[str, tuple[str, bool]]) -> str:
    word = str(visit.request.path_params[name])
    if word not in allowed:
        raise BadQuery(f"“{word[:30]}” is nothing that can be done here.")
    return word
