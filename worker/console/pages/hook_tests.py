"""Saved tests of a hook: the list, running them, writing and deleting one."""

import json
from typing import Any

from starlette.responses import Response
from starlette.routing import Route

from worker.console.desk import Desk, Question, Visit
from worker.console.doors import ActResult
from worker.console.pages.hook_editor import read_object
from worker.console.pages.hooks import LIST, seen, the_hook
from worker.console.query import Query
from worker.console.views import HookDetail, HookTestRow, TestRunView
from worker.domain.errors import InvalidRequest, NotFound
from worker.sandbox import FUNCTIONS

FIELDS = ("name", "function", "context", "expected")
EMPTY = {
    "id": "",
    "seen": "",
    "name": "",
    "function": "before_create",
    "context": '{\n  "identity": {}\n}',
    "expected": '{\n  "set": {}\n}',
}


def routes(desk: Desk) -> list[Route]:
    return [
        Route(f"{LIST}/{{id}}/tests", desk.signed_in(list_tests)),
        Route(f"{LIST}/{{id}}/tests", desk.signed_in(work), methods=["POST"]),
        Route(f"{LIST}/{{id}}/tests/{{test}}", desk.signed_in(edit)),
        Route(f"{LIST}/{{id}}/tests/{{test}}/delete", desk.signed_in(ask_delete)),
        Route(f"{LIST}/{{id}}/tests/{{test}}/delete", desk.signed_in(delete), methods=["POST"]),
    ]


async def list_tests(visit: Visit) -> Response:
    return await _page(visit, await the_hook(visit), EMPTY)


async def edit(visit: Visit) -> Response:
    detail = await the_hook(visit)
    return await _page(visit, detail, _written(_test(visit, detail)))


async def work(visit: Visit) -> Response:
    """Run all tests, or save the one that was written."""
    detail = await the_hook(visit)
    if visit.said("do") == "run":
        version = detail.row.active_version or detail.row.latest_version
        ran = await visit.hooks.run_tests(visit.principal, hook_id=detail.row.id, version=version)
        return await _page(visit, detail, EMPTY, ran=ran)
    said = {name: visit.said(name, longest=100_000) or "" for name in FIELDS}
    said |= {name: visit.said(name) or "" for name in ("id", "seen")}
    result = await _save(visit, detail, said)
    if not result.ok:
        return await _page(visit, detail, said, trouble=result.message)
    return visit.done(result, default=f"{LIST}/{detail.row.id}/tests")


async def _save(visit: Visit, detail: HookDetail, said: dict[str, str]) -> ActResult:
    try:
        context = read_object(said["context"], what="context")
        expected = read_object(said["expected"], what="expected answer") if said["expected"] else None
    except InvalidRequest as error:
        return ActResult(str(error), ok=False)
    return await visit.hooks.save_test(
        visit.principal,
        hook_id=detail.row.id,
        name=said["name"],
        function=said["function"],
        context=context,
        expected=expected,
        test_id=Query(said).uuid("id"),
        seen=seen(visit),
    )


async def ask_delete(visit: Visit) -> Response:
    detail = await the_hook(visit)
    test = _test(visit, detail)
    return await visit.ask(
        Question(
            title=f"Delete the test {test.name}?",
            effect="It no longer runs before a version is activated.",
            action=visit.request.url.path,
            fields=[("seen", str(test.etag))],
            button="Delete the test",
            keep="Keep it",
            is_danger=True,
        )
    )


async def delete(visit: Visit) -> Response:
    detail = await the_hook(visit)
    test = _test(visit, detail)
    result = await visit.hooks.delete_test(visit.principal, hook_id=detail.row.id, test_id=test.id, seen=seen(visit))
    return visit.done(result, default=f"{LIST}/{detail.row.id}/tests")


async def _page(
    visit: Visit,
    detail: HookDetail,
    said: dict[str, str],
    *,
    ran: TestRunView | None = None,
    trouble: str | None = None,
) -> Response:
    return await visit.render(
        "hook_tests.html",
        code=409 if trouble else 200,
        detail=detail,
        tab="tests",
        said=said,
        ran=ran,
        outcomes={each.id: each for each in ran.tests} if ran else {},
        functions=FUNCTIONS,
        trouble=trouble,
    )


def _test(visit: Visit, detail: HookDetail) -> HookTestRow:
    wanted = visit.id("test")
    for test in detail.tests:
        if test.id == wanted:
            return test
    raise NotFound("There is no such test. Somebody may have deleted it.")


def _written(test: HookTestRow) -> dict[str, str]:
    def as_text(value: Any) -> str:
        return json.dumps(value, indent=2, ensure_ascii=False)

    texts = {"context": as_text(test.context), "expected": as_text(test.expected)}
    return {"id": str(test.id), "seen": str(test.etag), "name": test.name, "function": test.function, **texts}
