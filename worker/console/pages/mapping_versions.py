"""Versions of a mapping: what differs between two, what one would do to everybody, making one the active one."""

from datetime import UTC, datetime

from starlette.responses import Response
from starlette.routing import Route

from worker.console import mapping_words, words
from worker.console.desk import Desk, Question, Visit
from worker.console.doors import ActResult
from worker.console.pages.mapping_editor import BASE, frame, the_mapping
from worker.console.pages.numbered import PAGED, cursors_of, newest_of
from worker.console.query import Query
from worker.console.views import MappingRuleChange, MappingVersionRow, MappingView
from worker.domain.errors import NotFound

#: From so many removals on their number must be typed.
MANY = 100


def routes(desk: Desk) -> list[Route]:
    return [
        Route(f"{BASE}/versions", desk.signed_in(list_versions)),
        Route(f"{BASE}/versions/{{number:int}}/dry-run", desk.signed_in(start), methods=["POST"]),
        Route(f"{BASE}/versions/{{number:int}}/activate", desk.signed_in(ask_activate)),
        Route(f"{BASE}/versions/{{number:int}}/activate", desk.signed_in(activate), methods=["POST"]),
        Route(f"{BASE}/back", desk.signed_in(ask_back)),
        Route(f"{BASE}/back", desk.signed_in(go_back), methods=["POST"]),
        Route(f"{BASE}/dry-runs/{{run}}", desk.signed_in(show_dry_run)),
        Route(f"{BASE}/dry-runs/{{run}}/stop", desk.signed_in(stop), methods=["POST"]),
    ]


async def list_versions(visit: Visit) -> Response:
    query = visit.query.only("before", "after", *PAGED)
    view = await the_mapping(visit, newest=newest_of(query))
    before, after = query.number("before", least=1, most=10**6), query.number("after", least=1, most=10**6)
    changes = None
    if before is not None and after is not None:
        changes = mapping_words.difference_of(await _difference(visit, view, before, after))
    return await visit.render(
        "mapping_versions.html",
        **frame(view, tab="versions"),
        before=before,
        after=after,
        changes=changes,
        cursors=cursors_of(view.versions, latest=view.latest),
    )


async def start(visit: Visit) -> Response:
    """Have it counted what a version would do, and go to where the count is shown."""
    connector_id = visit.id("id")
    result = await visit.mappings.start_dry_run(
        visit.principal, connector_id=connector_id, version=visit.request.path_params["number"]
    )
    return visit.done(result, default=f"/connectors/{connector_id}/mappings/versions")


async def show_dry_run(visit: Visit) -> Response:
    view = await the_mapping(visit)
    run = await visit.mappings.dry_run(visit.principal, connector_id=view.connector_id, dry_run_id=visit.id("run"))
    return await visit.render(
        "mapping_dry_run.html", **frame(view, tab="versions"), run=visit.found(run, what="dry run")
    )


async def stop(visit: Visit) -> Response:
    connector_id, run = visit.id("id"), visit.id("run")
    result = await visit.mappings.cancel_dry_run(visit.principal, connector_id=connector_id, dry_run_id=run)
    return visit.done(result, default=f"/connectors/{connector_id}/mappings/dry-runs/{run}")


async def ask_activate(visit: Visit) -> Response:
    """The question before a version counts, with its rules that differ and what its dry run found."""
    view = await the_mapping(visit, newest=visit.request.path_params["number"])
    version = _version(visit, view)
    changes = await _difference(visit, view, view.active, version.version) if view.active else ()
    way = f"versions/{version.version}/activate"
    return await visit.ask(question(view, version, changes, way=way, now=datetime.now(UTC)))


def question(
    view: MappingView,
    version: MappingVersionRow,
    changes: tuple[MappingRuleChange, ...],
    *,
    way: str,
    now: datetime,
) -> Question:
    """What is asked before this version becomes the active one; ``way`` is where the answer goes."""
    run = mapping_words.latest_count(view, version.version)
    verb = "Go back to" if version.activated_at else "Activate"
    removals = (run.removals or 0) if run else 0
    return Question(
        title=f"{verb} version {version.version} of the mapping of {view.connector_name}?",
        effect=_effect(view, changes),
        body=mapping_words.consequences(run, now=now),
        action=f"/connectors/{view.connector_id}/mappings/{way}",
        fields=[("seen", str(view.active)), ("removals", str(removals))],
        button=f"{verb} version {version.version}",
        keep=f"Keep version {view.active}" if view.active else "Not yet",
        type_number=removals if removals > MANY else None,
        is_danger=bool(removals),
    )


async def activate(visit: Visit) -> Response:
    connector_id = visit.id("id")
    result = _not_typed(visit) or await visit.mappings.activate_mapping(
        visit.principal, connector_id=connector_id, version=visit.request.path_params["number"], seen=_seen(visit)
    )
    return visit.done(result, default=f"/connectors/{connector_id}/mappings/versions")


async def ask_back(visit: Visit) -> Response:
    """The question before the version counts again that did so before."""
    view = await the_mapping(visit)
    earlier = mapping_words.before_this(view)
    if earlier is None:
        raise NotFound(f"No other version of the mapping of {view.connector_name} was ever active.")
    changes = await _difference(visit, view, view.active, earlier.version)
    return await visit.ask(question(view, earlier, changes, way="back", now=datetime.now(UTC)))


async def go_back(visit: Visit) -> Response:
    connector_id = visit.id("id")
    result = _not_typed(visit) or await visit.mappings.roll_back_mapping(
        visit.principal, connector_id=connector_id, seen=_seen(visit)
    )
    return visit.done(result, default=f"/connectors/{connector_id}/mappings/versions")


def _effect(view: MappingView, changes: tuple[MappingRuleChange, ...]) -> str:
    differ = f"{words.count(len(changes), 'rule differs', 'rules differ')} from version {view.active}. "
    again = "Everybody whom the target concerns is planned again."
    return (differ if view.active else "") + again


def _not_typed(visit: Visit) -> ActResult | None:
    """The refusal where many removals were to be confirmed with their number, and were not."""
    removals = Query({"removals": visit.said("removals") or ""}).number("removals", least=0, most=2**62) or 0
    typed = "".join(c for c in visit.said("typed") or "" if c.isdigit())
    if removals <= MANY or typed == str(removals):
        return None
    return ActResult(f"Nothing was done: type {removals} to activate it.", ok=False)


async def _difference(visit: Visit, view: MappingView, before: int, after: int) -> tuple[MappingRuleChange, ...]:
    found: tuple[MappingRuleChange, ...] = visit.found(
        await visit.mappings.mapping_difference(
            visit.principal, connector_id=view.connector_id, before=before, after=after
        ),
        what="version",
    )
    return found


def _version(visit: Visit, view: MappingView) -> MappingVersionRow:
    number = visit.request.path_params["number"]
    for version in view.versions:
        if version.version == number:
            return version
    raise NotFound(f"The mapping of {view.connector_name} has no version {number}.")


def _seen(visit: Visit) -> int | None:
    """The version that was active when the person was asked."""
    return Query({"seen": visit.said("seen") or ""}).number("seen", least=0, most=2**62)
