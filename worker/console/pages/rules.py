"""The rules of correlation: every target's, and the editor of one with checks while one writes."""

from dataclasses import dataclass
from typing import Any

from starlette.responses import Response
from starlette.routing import Route

from worker.console import rule_forms
from worker.console.desk import Desk, Visit
from worker.console.pages.hooks import seen as seen_version
from worker.console.query import BadQuery
from worker.console.rule_doors import SavedRules
from worker.console.views import RulesCheck, RulesView, WhoseView
from worker.domain.errors import InvalidRequest

LIST = "/correlation/rules"
BASE = f"{LIST}/{{id}}"
MOST_RULES = 50


@dataclass(frozen=True, slots=True)
class Draft:
    """What stands in the form; ``document`` None: the version that is shown."""

    document: dict[str, Any] | None = None
    note: str = ""
    sources_may_be_new: bool = False
    acknowledged: bool = False

    @classmethod
    def of(cls, visit: Visit) -> "Draft":
        return cls(
            rule_forms.document_of(visit.form),
            visit.said("note") or "",
            visit.said("sources_may_be_new") == "true",
            visit.said("acknowledged") == "true",
        )


@dataclass(frozen=True, slots=True)
class Answered:
    """What was answered to a draft; ``whose`` to the question ``uid`` and ``attributes`` about an account."""

    check: RulesCheck | None = None
    trouble: str | None = None
    contradicts: int = 0
    whose: WhoseView | None = None
    uid: str = ""
    attributes: str = ""


def routes(desk: Desk) -> list[Route]:
    return [
        Route(LIST, desk.signed_in(list_rules)),
        Route(BASE, desk.signed_in(show)),
        Route(BASE, desk.signed_in(work), methods=["POST"]),
        Route(f"{BASE}/check", desk.signed_in(check), methods=["POST"]),
        Route(f"{BASE}/refine", desk.signed_in(refine), methods=["POST"]),
        Route(f"{BASE}/spot-check", desk.signed_in(spot_check), methods=["POST"]),
    ]


async def list_rules(visit: Visit) -> Response:
    return await visit.render("rules.html", rows=await visit.rules.rule_sets(visit.tenant_id))


async def show(visit: Visit) -> Response:
    """The editor with a version, or with what a back-test tried."""
    query = visit.query.only("version", "backtest")
    view = await the_rules(visit, version=query.number("version", least=0, most=1_000_000))
    draft = Draft()
    if backtest_id := query.uuid("backtest"):
        found = await visit.rules.backtest(visit.principal, connector_id=view.connector.id, backtest_id=backtest_id)
        draft = Draft(visit.found(found, what="back-test").document)
    return await editor_page(visit, view, draft)


async def work(visit: Visit) -> Response:
    """What a button of the editor asks for: another rule, one less, check, back-test or save."""
    draft, do = Draft.of(visit), visit.said("do") or ""
    match do.partition("-"):
        case ["save", "", ""]:
            return await _save(visit, draft)
        case ["backtest", "", ""]:
            return await _backtest(visit, draft)
        case ["check", "", ""]:
            return await _again(visit, draft, Answered(await _check(visit, draft)))
        case ["try", "", ""]:
            return await _again(visit, draft, await _tried(visit, draft))
        case ["add", "", ""]:
            return await _again(visit, _with_another(draft))
        case ["drop", "-", number] if number.isdecimal():
            return await _again(visit, _without(draft, int(number)))
        case _:
            raise BadQuery("Check, try or save the rules.")


async def check(visit: Visit) -> Response:
    """What is wrong with the form as it stands, for beside it."""
    return await visit.render("parts/rule_verdict.html", answered=Answered(await _check(visit, Draft.of(visit))))


async def refine(visit: Visit) -> Response:
    connector_id = visit.id("id")
    result = await visit.rules.refine(
        visit.principal, connector_id=connector_id, by_data=visit.said("learn_from") == "data"
    )
    return visit.done(result, default=f"{LIST}/{connector_id}")


async def spot_check(visit: Visit) -> Response:
    connector_id = visit.id("id")
    result = await visit.rules.spot_check(visit.principal, connector_id=connector_id, count=20)
    return visit.done(result, default=f"{LIST}/{connector_id}")


async def the_rules(visit: Visit, *, version: int | None = None, newest: int | None = None) -> RulesView:
    """The rules of the path's target, or the page that says there are none."""
    found = await visit.rules.rules(visit.principal, connector_id=visit.id("id"), version=version, newest=newest)
    view: RulesView = visit.found(found, what="target" if version is None else "target or version of its rules")
    return view


async def editor_page(
    visit: Visit, view: RulesView, draft: Draft, *, answered: Answered | None = None, code: int = 200
) -> Response:
    """The editor with what stands in its form, and what was answered to that."""
    document = view.document if draft.document is None else draft.document
    return await visit.render(
        "rule_set.html",
        code=code,
        **frame(view, tab="rules"),
        document=rule_forms.filled(document),
        draft=draft,
        answered=answered,
        most_rules=MOST_RULES,
    )


def frame(view: RulesView, *, tab: str) -> dict[str, Any]:
    """What the head of every page of a target's rules is made of."""
    return {"view": view, "tab": tab, "base": f"{LIST}/{view.connector.id}", "brief": view.connector}


async def saved(visit: Visit, draft: Draft) -> SavedRules:
    """Store a draft as the next version."""
    return await visit.rules.save_rules(
        visit.principal,
        connector_id=visit.id("id"),
        document=draft.document or {},
        note=draft.note,
        seen=seen_version(visit),
        acknowledged=draft.acknowledged,
        sources_may_be_new=draft.sources_may_be_new,
    )


async def _save(visit: Visit, draft: Draft) -> Response:
    """Store the next version; what was written stays in the form when that is refused."""
    result = await saved(visit, draft)
    if result.ok:
        return visit.done(result, default=f"{LIST}/{visit.id('id')}")
    found = await _check(visit, draft)
    answered = Answered(None if found.ok else found, f"Not saved. {result.message}", result.contradicts)
    return await _again(visit, draft, answered, code=409)


async def _backtest(visit: Visit, draft: Draft) -> Response:
    """Have the draft tried, and go to where that is shown."""
    connector_id = visit.id("id")
    result = await visit.rules.start_backtest(
        visit.principal,
        connector_id=connector_id,
        document=draft.document,
        sources_may_be_new=draft.sources_may_be_new,
    )
    if result.ok:
        return visit.done(result, default=f"{LIST}/{connector_id}/versions")
    found = await _check(visit, draft)
    answered = Answered(None if found.ok else found, f"Not tried. {result.message}")
    return await _again(visit, draft, answered, code=409)


async def _tried(visit: Visit, draft: Draft) -> Answered:
    """Whose an account would be by the draft; what was asked stays in the form, and nothing is written."""
    uid, text = visit.said("try_uid", longest=2000), visit.script("try_attributes")
    found = await whose_of(visit, uid, text, draft)
    return Answered(whose=found, uid=uid or "", attributes=text)


async def whose_of(visit: Visit, uid: str | None, text: str, draft: Draft | None = None) -> WhoseView:
    """Whose an account would be, or why nobody can say."""
    try:
        attributes = rule_forms.attributes_of(text)
    except InvalidRequest as error:
        return WhoseView(refused=str(error))
    if not attributes and uid is None:
        return WhoseView(refused="Give attributes, or the uid of an account.")
    try:
        return await visit.rules.whose(
            visit.principal,
            connector_id=visit.id("id"),
            attributes=attributes,
            uid=uid,
            document=(draft.document or {}) if draft else None,
            sources_may_be_new=draft.sources_may_be_new if draft else False,
        )
    except InvalidRequest as error:
        return WhoseView(refused=str(error))


async def _check(visit: Visit, draft: Draft) -> RulesCheck:
    return await visit.rules.check_rules(
        visit.principal,
        connector_id=visit.id("id"),
        document=draft.document or {},
        sources_may_be_new=draft.sources_may_be_new,
    )


async def _again(visit: Visit, draft: Draft, answered: Answered | None = None, *, code: int = 200) -> Response:
    return await editor_page(visit, await the_rules(visit), draft, answered=answered, code=code)


def _with_another(draft: Draft) -> Draft:
    document = draft.document or {}
    rules = [*document.get("rules", []), rule_forms.NEW_RULE][:MOST_RULES]
    return Draft({**document, "rules": rules}, draft.note, draft.sources_may_be_new)


def _without(draft: Draft, number: int) -> Draft:
    document = draft.document or {}
    rules = [rule for at, rule in enumerate(document.get("rules", [])) if at != number]
    return Draft({**document, "rules": rules}, draft.note, draft.sources_may_be_new)
