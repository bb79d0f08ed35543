"""Rules tried before they count: on all that is settled (back-tests), and on one account at once."""

from starlette.responses import Response
from starlette.routing import Route

from worker.console.desk import Desk, Visit
from worker.console.pages.rules import BASE, LIST, Draft, frame, saved, the_rules, whose_of
from worker.console.rule_doors import SavedRules
from worker.console.views import BacktestView, WhoseView


def routes(desk: Desk) -> list[Route]:
    return [
        Route(f"{BASE}/versions/{{number:int}}/backtest", desk.signed_in(start), methods=["POST"]),
        Route(f"{BASE}/backtests/{{test}}", desk.signed_in(show)),
        Route(f"{BASE}/backtests/{{test}}/save", desk.signed_in(save), methods=["POST"]),
        Route(f"{BASE}/backtests/{{test}}/stop", desk.signed_in(stop), methods=["POST"]),
        Route(f"{BASE}/try", desk.signed_in(ask_whose)),
        Route(f"{BASE}/try", desk.signed_in(answer_whose), methods=["POST"]),
    ]


async def start(visit: Visit) -> Response:
    """Have a stored version tried, and go to where that is shown."""
    connector_id = visit.id("id")
    result = await visit.rules.start_backtest(
        visit.principal, connector_id=connector_id, version=visit.request.path_params["number"]
    )
    return visit.done(result, default=f"{LIST}/{connector_id}/versions")


async def show(visit: Visit) -> Response:
    return await _page(visit, await _the_backtest(visit))


async def save(visit: Visit) -> Response:
    """Store exactly what was tried; the page asks for a word where people's decisions are contradicted."""
    test = await _the_backtest(visit)
    draft = Draft(test.document, visit.said("note") or "", True, visit.said("acknowledged") == "true")
    result = await saved(visit, draft)
    if result.ok:
        return visit.done(result, default=f"{LIST}/{visit.id('id')}")
    return await _page(visit, test, note=draft.note, refused=result)


async def stop(visit: Visit) -> Response:
    connector_id, test = visit.id("id"), visit.id("test")
    result = await visit.rules.cancel_backtest(visit.principal, connector_id=connector_id, backtest_id=test)
    return visit.done(result, default=f"{LIST}/{connector_id}/backtests/{test}")


async def ask_whose(visit: Visit) -> Response:
    return await _whose_page(visit, None)


async def answer_whose(visit: Visit) -> Response:
    """Whose an account would be; what was asked stays in the form, and nothing is written."""
    uid, text = visit.said("uid", longest=2000), visit.script("attributes")
    return await _whose_page(visit, await whose_of(visit, uid, text), uid=uid or "", text=text)


async def _page(visit: Visit, test: BacktestView, *, note: str = "", refused: SavedRules | None = None) -> Response:
    view = await the_rules(visit)
    return await visit.render(
        "rule_backtest.html",
        code=409 if refused else 200,
        **frame(view, tab="versions"),
        test=test,
        note=note,
        refused=refused,
        must_acknowledge=bool(test.new_contradictions or (refused and refused.contradicts)),
    )


async def _whose_page(visit: Visit, found: WhoseView | None, *, uid: str = "", text: str = "") -> Response:
    view = await the_rules(visit)
    return await visit.render("rule_try.html", **frame(view, tab="try"), found=found, uid=uid, text=text)


async def _the_backtest(visit: Visit) -> BacktestView:
    found = await visit.rules.backtest(visit.principal, connector_id=visit.id("id"), backtest_id=visit.id("test"))
    test: BacktestView = visit.found(found, what="back-test")
    return test
