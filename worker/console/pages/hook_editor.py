"""The script of a hook: an editor, checks and trials of what stands in it, and its next version.

The page works as a plain form: every button sends the script along and gets the page back with the answer. Where there
is script, only the answer is fetched, and the script is checked while it is written.
"""

import functools
import json
from dataclasses import asdict, dataclass
from typing import Any
from uuid import UUID

from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from worker.console import hook_words
from worker.console.desk import Desk, Visit
from worker.console.pages.hooks import LIST, seen, the_hook
from worker.console.pages.people import the_person
from worker.console.query import BadQuery, Query
from worker.console.views import (
    HookDetail,
    ReplayView,
    SourceCheck,
    TestRunView,
    TrialView,
)
from worker.domain.errors import InvalidRequest
from worker.sandbox import FUNCTIONS, context_fields, reference

FIELDS = ("note", "function", "connector_id", "person", "context")


@dataclass(frozen=True, slots=True)
class Draft:
    """What stands in the form; ``source`` None: the version that is shown."""

    source: str | None
    said: dict[str, str]


def routes(desk: Desk) -> list[Route]:
    return [
        Route(f"{LIST}/check", desk.signed_in(check), methods=["POST"]),
        Route(f"{LIST}/completions", desk.signed_in(completions)),
        Route(f"{LIST}/functions", desk.signed_in(functions)),
        Route(f"{LIST}/{{id}}", desk.signed_in(show)),
        Route(f"{LIST}/{{id}}", desk.signed_in(work), methods=["POST"]),
    ]


async def show(visit: Visit) -> Response:
    query = visit.query.only("version", "test")
    detail = await the_hook(visit, version=query.number("version", least=1, most=1_000_000))
    test = next((each for each in detail.tests if each.id == query.uuid("test")), None)
    given = {"function": test.function, "context": json.dumps(test.context, indent=2)} if test else {}
    return await _page(visit, detail, Draft(None, given))


async def work(visit: Visit) -> Response:
    """What a button of the editor asks for: check, try, tests, replay or save."""
    detail = await the_hook(visit)
    draft = Draft(visit.script("source"), {name: visit.said(name, longest=100_000) or "" for name in FIELDS})
    wanted = visit.said("do") or ""
    if wanted == "save":
        return await _save(visit, detail, draft)
    return await _page(visit, detail, draft, answer=(wanted, await _answer(visit, detail, draft, wanted)))


async def _answer(
    visit: Visit, detail: HookDetail, draft: Draft, wanted: str
) -> SourceCheck | TrialView | TestRunView | ReplayView:
    who, hook_id, source = visit.principal, detail.row.id, draft.source
    match wanted:
        case "check":
            return await visit.hooks.validate(who, source=source or "", kind=detail.row.kind)
        case "try":
            try:
                return await _try(visit, hook_id, draft)
            except InvalidRequest as error:  # the page comes back with what was written
                return TrialView(ok=False, refused=str(error))
        case "tests":
            return await visit.hooks.run_tests(who, hook_id=hook_id, source=source)
        case "replay":
            return await visit.hooks.replay(who, hook_id=hook_id, source=source)
        case _:
            raise BadQuery("Check, try, test, replay or save the script.")


async def _page(
    visit: Visit, detail: HookDetail, draft: Draft, *, answer: tuple[str, Any] | None = None, trouble: str | None = None
) -> Response:
    version = next((each for each in detail.versions if each.version == detail.shown), None)
    own = version.functions if version else ()
    return await visit.render(
        "parts/hook_answer.html" if visit.is_part and answer else "hook.html",
        code=409 if trouble else 200,
        detail=detail,
        tab="script",
        version=version,
        source=_shown(detail) if draft.source is None else draft.source,
        said={**dict.fromkeys(FIELDS, ""), "function": (own or FUNCTIONS)[0], **draft.said},
        functions=FUNCTIONS,
        connectors=[brief for brief in await visit.reads.connector_names(visit.tenant_id) if brief.is_target],
        answer=answer,
        trouble=trouble,
        seen=(None if trouble else seen(visit)) or detail.row.version,
    )


def _shown(detail: HookDetail) -> str:
    return detail.source if detail.shown is not None else hook_words.STARTERS.get(detail.row.kind, "")


async def _save(visit: Visit, detail: HookDetail, draft: Draft) -> Response:
    """Store the next version; what was written stays in the editor when that is refused."""
    source = draft.source or ""
    result = await visit.hooks.save_version(
        visit.principal, hook_id=detail.row.id, source=source, note=draft.said["note"], seen=seen(visit)
    )
    if result.ok:
        return visit.done(result, default=result.link or f"{LIST}/{detail.row.id}")
    found = await visit.hooks.validate(visit.principal, source=source, kind=detail.row.kind)
    return await _page(visit, detail, draft, answer=None if found.ok else ("check", found), trouble=result.message)


async def _try(visit: Visit, hook_id: UUID, draft: Draft) -> TrialView:
    """Run a function on a context of one's own, or on a person's account at a connector."""
    function, query = draft.said["function"], Query(draft.said)
    if function not in FUNCTIONS:
        return TrialView(ok=False, refused="Choose which function is to run.")
    if draft.said["context"]:
        return await visit.hooks.trial(
            visit.principal,
            hook_id=hook_id,
            function=function,
            context=read_object(draft.said["context"], what="context"),
            source=draft.source,
        )
    connector_id = query.uuid("connector_id")
    if connector_id is None:
        return TrialView(ok=False, refused="Choose a connector, or give a context of your own.")
    person = await the_person(visit, query.text("person"))
    if isinstance(person, str):
        return TrialView(ok=False, refused=person)
    return await visit.hooks.trial_on_sample(
        visit.principal,
        hook_id=hook_id,
        function=function,
        connector_id=connector_id,
        identity_id=person.id,
        source=draft.source,
    )


def read_object(text: str, *, what: str) -> dict[str, Any]:
    """A JSON object that a person wrote. Raises InvalidRequest naming the place of a mistake."""
    try:
        found = json.loads(text)
    except ValueError as error:
        raise InvalidRequest(f"The {what} is not JSON: {error}.") from error
    if not isinstance(found, dict):
        raise InvalidRequest(f"The {what} must be a JSON object, in braces.")
    return found


async def check(visit: Visit) -> Response:
    """What is known about a source without running it, for the editor's margin."""
    kind = "library" if visit.said("kind") == "library" else "hook"
    found = await visit.hooks.validate(visit.principal, source=visit.script("source"), kind=kind)
    return JSONResponse(asdict(found), headers={"Cache-Control": "no-store"})


async def completions(visit: Visit) -> Response:
    """What the editor offers while one writes."""
    return JSONResponse(offers(), headers={"Cache-Control": "private, max-age=3600"})


async def functions(visit: Visit) -> Response:
    """The reference of all that a script can call and read."""
    visit.query.only()
    groups: dict[str, list[Any]] = {}
    for entry in reference():
        groups.setdefault(entry["group"] or entry["kind"], []).append(entry)
    return await visit.render("hook_functions.html", groups=groups, fields=context_fields())


@functools.cache
def offers() -> list[dict[str, str]]:
    """Every function and field: ``key`` is what is typed with dots between its parts, ``insert`` what stands then."""
    found = [
        {
            "key": entry["name"],
            "insert": entry["name"],
            "detail": entry["signature"],
            "doc": entry["summary"].replace("`", ""),
        }
        for entry in reference()
    ]
    found += [
        {
            "key": f"ctx.{entry['name']}",
            "insert": "ctx" + "".join(f'["{part}"]' for part in entry["name"].split(".")),
            "detail": entry["type"],
            "doc": entry["doc"],
        }
        for entry in context_fields()
    ]
    return found + [
        {"key": name, "insert": f"def {name}(ctx):\n    ", "detail": "function of the hook", "doc": ""}
        for name in FUNCTIONS
    ]
