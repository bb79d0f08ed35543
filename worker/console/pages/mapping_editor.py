"""A mapping's editor: rules as a document, checked while one writes; trials on people; saving the next version."""

from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from worker.console import mapping_words
from worker.console.desk import Desk, Visit
from worker.console.pages.people import the_person
from worker.console.query import BadQuery, Query
from worker.console.views import MappingCheck, MappingTrial, MappingView, ScopeCheck
from worker.mapping import TRANSFORMS

BASE = "/connectors/{id}/mappings"
FIELDS = ("note", "person", "sample", "seed", "sources_may_be_new")
SAMPLES = (5, 10, 20, 50)
#: The parts of a rule, for whoever writes one.
PARTS = {
    "target": "attribute of the account",
    "source": "attribute of the person that the value is",
    "constant": "a value that is the same for everybody",
    "expression": "Starlark that computes the value",
    "transforms": "what is done to the value, in this order",
    "required": "without a value the account is not written",
    "multi_valued": "the attribute has several values",
    "case_sensitive": "false: values that differ in their case are the same",
    "secret": "the value is never shown",
    "on": "create, update, or both",
    "direction": "outbound, inbound or both",
}


@dataclass(frozen=True, slots=True)
class Draft:
    """What stands in the form; ``document`` None: the version that is shown."""

    document: str | None
    said: dict[str, str]


@dataclass(frozen=True, slots=True)
class ScopeDraft:
    """A scope as it stands in the form, and what was found about it."""

    text: str
    found: ScopeCheck | None = None


def routes(desk: Desk) -> list[Route]:
    return [
        Route(BASE, desk.signed_in(show)),
        Route(BASE, desk.signed_in(work), methods=["POST"]),
        Route(f"{BASE}/check", desk.signed_in(check), methods=["POST"]),
        Route(f"{BASE}/completions", desk.signed_in(completions)),
    ]


async def show(visit: Visit) -> Response:
    version = visit.query.only("version").number("version", least=1, most=1_000_000)
    return await editor_page(visit, await the_mapping(visit, version=version), Draft(None, {}))


async def work(visit: Visit) -> Response:
    """What a button of the editor asks for: check, try or save."""
    shown = Query({"shown": visit.said("shown") or ""}).number("shown", least=1, most=1_000_000)
    draft = Draft(visit.script("source"), {name: visit.said(name) or "" for name in FIELDS})
    match visit.said("do"):
        case "save":
            return await _save(visit, draft, shown=shown)
        case "check":
            answer: MappingCheck | MappingTrial = await _check(visit)
        case "try":
            answer = await _try(visit, draft)
        case _:
            raise BadQuery("Check, try or save the rules.")
    if visit.is_part:
        return await visit.render("parts/mapping_answer.html", **_answered(draft.document or "", answer))
    return await editor_page(visit, await the_mapping(visit, version=shown), draft, answer=answer)


async def check(visit: Visit) -> Response:
    """What is wrong with a document, for the editor's margin."""
    found = await _check(visit)
    answer = {"ok": found.ok, "refused": found.refused, "diagnostics": mapping_words.places(found)}
    return JSONResponse(answer, headers={"Cache-Control": "no-store"})


async def completions(visit: Visit) -> Response:
    """What the editor offers while one writes: parts of a rule, attributes of both sides, transforms."""
    return JSONResponse(offers(await the_mapping(visit)), headers={"Cache-Control": "private, max-age=60"})


async def the_mapping(visit: Visit, *, version: int | None = None, newest: int | None = None) -> MappingView:
    """The mapping of the path with this version of its rules, or the page that says there is none."""
    found = await visit.mappings.mapping(visit.principal, connector_id=visit.id("id"), version=version, newest=newest)
    view: MappingView = visit.found(found, what="target" if version is None else "target or version of its mapping")
    return view


def offers(view: MappingView) -> list[dict[str, str]]:
    """Everything that may stand in a rule: ``key`` is what is typed, ``insert`` what stands then."""
    found = [_offer(name, doc) for name, doc in PARTS.items()]
    found += [_offer(name, "attribute of people") for name in ("user_name", "external_id", *view.sources)]
    found += [_offer(each.name, f"attribute of the target, {each.type}") for each in view.attributes]
    return found + [_offer(f"{name}:" if each.argument else name, each.help) for name, each in TRANSFORMS.items()]


def _offer(name: str, doc: str) -> dict[str, str]:
    return {"key": name, "insert": name, "detail": doc, "doc": doc}


async def _check(visit: Visit) -> MappingCheck:
    return await visit.mappings.check_mapping(
        visit.principal, connector_id=visit.id("id"), document=visit.script("source")
    )


async def _save(visit: Visit, draft: Draft, *, shown: int | None) -> Response:
    """Store the next version; what was written stays in the editor when that is refused."""
    connector_id = visit.id("id")
    result = await visit.mappings.save_mapping(
        visit.principal,
        connector_id=connector_id,
        document=draft.document or "",
        note=draft.said["note"],
        sources_may_be_new=draft.said["sources_may_be_new"] == "true",
    )
    if result.ok:
        return visit.done(result, default=f"/connectors/{connector_id}/mappings")
    found = await _check(visit)
    return await editor_page(
        visit,
        await the_mapping(visit, version=shown),
        draft,
        answer=found if found.mistakes else None,
        trouble=result.message,
    )


async def _try(visit: Visit, draft: Draft) -> MappingTrial:
    """What the draft would do to a person, or to a sample of those in scope."""
    query = Query(draft.said)
    chosen: tuple[UUID, ...] = ()
    if wanted := query.text("person"):
        person = await the_person(visit, wanted)
        if isinstance(person, str):
            return MappingTrial(refused=person)
        chosen = (person.id,)
    return await visit.mappings.try_mapping(
        visit.principal,
        connector_id=visit.id("id"),
        document=draft.document,
        identity_ids=chosen,
        sample=query.number("sample", least=1, most=SAMPLES[-1]) or SAMPLES[0],
        seed=query.number("seed", least=0, most=2**31) or 0,
    )


async def editor_page(
    visit: Visit,
    view: MappingView,
    draft: Draft,
    *,
    answer: MappingCheck | MappingTrial | None = None,
    trouble: str | None = None,
    scoped: ScopeDraft | None = None,
) -> Response:
    """The editor with what stands in its forms, and what was answered to that."""
    document = draft.document
    if document is None:
        document = view.document if view.version else mapping_words.starter(view)
    answered = _answered(document, answer)
    ruled = {each.target.casefold() for each in answered["rules"] or ()}
    return await visit.render(
        "mapping.html",
        code=409 if trouble else 200,
        **frame(view, tab="rules"),
        **answered,
        document=document,
        ruled=ruled,
        ours=[each for each in view.attributes if each.is_required or each.name.casefold() in ruled],
        others=[each for each in view.attributes if not each.is_required and each.name.casefold() not in ruled],
        shown=next((each for each in view.versions if each.version == view.version), None),
        said={**dict.fromkeys(FIELDS, ""), **draft.said},
        samples=SAMPLES,
        transforms=TRANSFORMS,
        trouble=trouble,
        scoped=scoped or ScopeDraft(view.scope or ""),
    )


def _is_newest(view: MappingView) -> bool:
    return not view.versions or view.versions[0].version == view.latest


def _answered(document: str, answer: MappingCheck | MappingTrial | None) -> dict[str, Any]:
    return {
        "rules": mapping_words.rules_of(document),
        "checked": answer if isinstance(answer, MappingCheck) else None,
        "tried": answer if isinstance(answer, MappingTrial) else None,
    }


def frame(view: MappingView, *, tab: str) -> dict[str, Any]:
    """What the head of every page of a mapping is made of."""
    ordered = sorted(view.attributes, key=lambda each: (not each.is_required, not each.is_writable, each.name))
    return {
        "view": replace(view, attributes=tuple(ordered)),
        "tab": tab,
        "base": f"/connectors/{view.connector_id}/mappings",
        "brief": {"id": view.connector_id, "name": view.connector_name, "is_target": True},
        "back_to": mapping_words.before_this(view) if _is_newest(view) else None,
    }
