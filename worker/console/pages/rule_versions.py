"""Versions of a target's rules: what differs between two, one put in force again, the way back."""

from starlette.responses import Response
from starlette.routing import Route

from worker.console import rule_forms, words
from worker.console.desk import Desk, Question, Visit
from worker.console.pages.hooks import seen as seen_version
from worker.console.pages.numbered import PAGED, cursors_of, newest_of
from worker.console.pages.rules import BASE, LIST, frame, the_rules
from worker.console.views import RuleDifference, RulesView
from worker.domain.errors import NotFound

_MOST = 1_000_000


def routes(desk: Desk) -> list[Route]:
    return [
        Route(f"{BASE}/versions", desk.signed_in(list_versions)),
        Route(f"{BASE}/versions/{{number:int}}/activate", desk.signed_in(ask_activate)),
        Route(f"{BASE}/versions/{{number:int}}/activate", desk.signed_in(activate), methods=["POST"]),
        Route(f"{BASE}/back", desk.signed_in(ask_back)),
        Route(f"{BASE}/back", desk.signed_in(go_back), methods=["POST"]),
    ]


async def list_versions(visit: Visit) -> Response:
    query = visit.query.only("before", "after", *PAGED)
    view = await the_rules(visit, newest=newest_of(query))
    before, after = query.number("before", least=0, most=_MOST), query.number("after", least=0, most=_MOST)
    changes = None
    if before is not None and after is not None:
        changes = rule_forms.differences(await _difference(visit, view, before, after))
    return await visit.render(
        "rule_versions.html",
        **frame(view, tab="versions"),
        before=before,
        after=after,
        changes=changes,
        cursors=cursors_of(view.versions, latest=view.latest),
    )


async def ask_activate(visit: Visit) -> Response:
    """The question before a version is in force, with what differs."""
    number = visit.request.path_params["number"]
    view = await the_rules(visit)
    return await visit.ask(await _question(visit, view, number, way=f"versions/{number}/activate"))


async def activate(visit: Visit) -> Response:
    connector_id = visit.id("id")
    result = await visit.rules.activate_rules(
        visit.principal,
        connector_id=connector_id,
        version=visit.request.path_params["number"],
        seen=seen_version(visit),
    )
    return visit.done(result, default=f"{LIST}/{connector_id}/versions")


async def ask_back(visit: Visit) -> Response:
    """The question before what was in force before is so again."""
    view = await the_rules(visit)
    if view.back_to is None:
        raise NotFound(f"Nothing but the shipped rules was ever in force at {view.connector.name}.")
    return await visit.ask(await _question(visit, view, view.back_to, way="back"))


async def go_back(visit: Visit) -> Response:
    connector_id = visit.id("id")
    result = await visit.rules.roll_back_rules(visit.principal, connector_id=connector_id, seen=seen_version(visit))
    return visit.done(result, default=f"{LIST}/{connector_id}/versions")


async def _question(visit: Visit, view: RulesView, number: int, *, way: str) -> Question:
    changes = rule_forms.differences(await _difference(visit, view, view.active, number))
    name, now = rule_forms.version_name(number), rule_forms.version_name(view.active)
    return Question(
        title=f"Put {name} in force at {view.connector.name}?",
        effect=f"{words.count(len(changes), 'thing differs', 'things differ')} from {now}. Accounts that nobody owns "
        "are looked at again; links that were made stay, and so does what people decided.",
        body=[f"{each.name}: {each.before} becomes {each.after}" for each in changes[:8] if each.name],
        action=f"{LIST}/{view.connector.id}/{way}",
        fields=[("seen", str(view.active))],
        button=f"Put {name} in force",
        keep=f"Keep {now}",
    )


async def _difference(visit: Visit, view: RulesView, before: int, after: int) -> tuple[RuleDifference, ...]:
    found: tuple[RuleDifference, ...] = visit.found(
        await visit.rules.rules_difference(visit.principal, connector_id=view.connector.id, before=before, after=after),
        what="version",
    )
    return found
