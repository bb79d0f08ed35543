"""Who has an account at a target: the scope beside its mapping, counted while one writes, and changed."""

from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from worker.console import mapping_words
from worker.console.desk import Desk, Question, Visit
from worker.console.pages.mapping_editor import BASE, Draft, ScopeDraft, editor_page, the_mapping
from worker.console.query import BadQuery, Query
from worker.console.views import ScopeCheck


def routes(desk: Desk) -> list[Route]:
    return [
        Route(f"{BASE}/scope", desk.signed_in(work), methods=["POST"]),
        Route(f"{BASE}/scope/check", desk.signed_in(check), methods=["POST"]),
    ]


async def work(visit: Visit) -> Response:
    """What a button asks for: count a scope, ask before it is changed, change it."""
    connector_id, scope = visit.id("id"), _written(visit)
    match visit.said("do"):
        case "change":
            result = await visit.mappings.change_scope(
                visit.principal,
                connector_id=connector_id,
                scope=scope,
                seen=Query({"seen": visit.said("seen") or ""}).number("seen", least=0, most=2**62),
                sources_may_be_new=visit.said("sources_may_be_new") == "true",
            )
            return visit.done(result, default=f"/connectors/{connector_id}/mappings")
        case "count" | "save" as wanted:
            found = await _count(visit)
        case _:
            raise BadQuery("Count the scope, or save it.")
    view = await the_mapping(visit)
    if wanted == "count" or found.refused:
        return await editor_page(visit, view, Draft(None, {}), scoped=ScopeDraft(scope, found))
    return await visit.ask(
        Question(
            title=f"Change who has an account at {view.connector_name}?",
            effect="Everybody whom it concerns is planned again; removals count towards the safeguard.",
            body=[
                mapping_words.scope_sentence(found),
                f"Now: {view.scope or 'everybody'}",
                f"Then: {scope or 'everybody'}",
            ],
            action=visit.request.url.path,
            fields=[("do", "change"), ("scope", scope), ("seen", str(view.connector_version))],
            consent=("sources_may_be_new", f"{found.doubt} Take it all the same.") if found.doubt else None,
            button="Change the scope",
            keep="Keep it",
            is_danger=found.people < found.now,
        )
    )


async def check(visit: Visit) -> Response:
    """Whom the scope takes in that stands in the form, for the line below it."""
    found = await _count(visit)
    told = found.refused or " ".join(filter(None, (mapping_words.scope_sentence(found), found.doubt)))
    answer = {"ok": not found.refused and not found.doubt, "told": told, "diagnostics": []}
    return JSONResponse(answer, headers={"Cache-Control": "no-store"})


async def _count(visit: Visit) -> ScopeCheck:
    return await visit.mappings.count_scope(visit.principal, connector_id=visit.id("id"), scope=_written(visit))


def _written(visit: Visit) -> str:
    return (visit.said("scope", longest=20_000) or "").strip()
