"""Versions of a hook: what changed between two, which ran when, and making one the active one."""

from starlette.responses import Response
from starlette.routing import Route

from worker.console import hook_words, words
from worker.console.desk import Desk, Question, Visit
from worker.console.pages.hooks import LIST, seen, the_hook
from worker.console.pages.numbered import PAGED, cursors_of, newest_of
from worker.console.views import HookDetail, HookVersionRow, TestRunView
from worker.domain.errors import NotFound

MOST_SHOWN = 5


def routes(desk: Desk) -> list[Route]:
    return [
        Route(f"{LIST}/{{id}}/versions", desk.signed_in(list_versions)),
        Route(f"{LIST}/{{id}}/versions/{{number:int}}/activate", desk.signed_in(ask_activate)),
        Route(f"{LIST}/{{id}}/versions/{{number:int}}/activate", desk.signed_in(activate), methods=["POST"]),
    ]


async def list_versions(visit: Visit) -> Response:
    query = visit.query.only("before", "after", *PAGED)
    detail = await the_hook(visit, newest=newest_of(query))
    before, after = query.number("before", least=1, most=10**6), query.number("after", least=1, most=10**6)
    lines = None
    if before is not None and after is not None:
        text = await visit.hooks.difference(visit.tenant_id, hook_id=detail.row.id, before=before, after=after)
        lines = hook_words.diff_lines(visit.found(text, what="version") if text is None else text)
    return await visit.render(
        "hook_versions.html",
        detail=detail,
        tab="versions",
        before=before,
        after=after,
        lines=lines,
        cursors=cursors_of(detail.versions, latest=detail.row.latest_version or 0),
    )


async def ask_activate(visit: Visit) -> Response:
    """The question before a version runs, after its saved tests have: those that fail are shown."""
    detail = await the_hook(visit, newest=visit.request.path_params["number"])
    version = _version(visit, detail)
    tested = await visit.hooks.run_tests(visit.principal, hook_id=detail.row.id, version=version.version)
    return await visit.ask(question(detail, version, tested))


def question(detail: HookDetail, version: HookVersionRow, tested: TestRunView) -> Question:
    """What is asked before this version becomes the active one."""
    row, failed = detail.row, tested.failed
    verb = "Go back to" if version.was_active else "Activate"
    return Question(
        title=f"{verb} version {version.version} of {row.name}?",
        effect=_effect(detail),
        body=_tested(tested),
        action=f"{LIST}/{row.id}/versions/{version.version}/activate",
        fields=[("seen", str(row.version))],
        button=f"{verb} version {version.version}",
        keep=f"Keep version {row.active_version}" if row.active_version else "Not yet",
        consent=("force", f"Activate it although {_fail(failed)}") if failed else None,
        is_danger=bool(failed),
    )


def _effect(detail: HookDetail) -> str:
    if detail.row.kind == "library":
        return "Scripts that are saved from now on load it; versions that exist keep the library they were saved with."
    if not detail.bindings:
        return "It is bound to no connector yet; it runs once it is."
    places = sorted({each.connector_name for each in detail.bindings if each.enabled})
    where = ", ".join(places) if places else "no connector, since its bindings are off"
    return f"From now on it runs for operations of {where}. Those that were tried before keep their version."


def _tested(tested: TestRunView) -> list[str]:
    if tested.refused:
        return [f"Its saved tests could not run: {tested.refused}"]
    if not tested.tests:
        return []
    wrong = [each for each in tested.tests if each.mismatches]
    told = [f"{words.count(len(tested.tests) - len(wrong), 'saved test')} of {len(tested.tests)} pass."]
    return told + [f"{each.name}: {each.mismatches[0]}" for each in wrong[:MOST_SHOWN]]


def _fail(failed: int) -> str:
    return f"{words.count(failed, 'saved test')} {'fails' if failed == 1 else 'fail'}"


async def activate(visit: Visit) -> Response:
    detail = await the_hook(visit, newest=visit.request.path_params["number"])
    result = await visit.hooks.activate_version(
        visit.principal,
        hook_id=detail.row.id,
        version=_version(visit, detail).version,
        force=visit.said("force") == "true",
        seen=seen(visit),
    )
    return visit.done(result, default=f"{LIST}/{detail.row.id}/versions")


def _version(visit: Visit, detail: HookDetail) -> HookVersionRow:
    number = visit.request.path_params["number"]
    for version in detail.versions:
        if version.version == number:
            return version
    raise NotFound(f"{detail.row.name} has no version {number}.")
