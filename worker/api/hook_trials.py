"""Trying hooks over HTTP: saved tests, tests on a context, replays. Nothing is written to a target."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query, Response

from worker.actions import House, hook_scripts, hook_trials
from worker.actions import hook_tests as acts
from worker.actions.hook_trials import Sample, Script
from worker.api.schemas.hook_trials import (
    HookTrialBody,
    Replay,
    ReplayBody,
    RunTestsBody,
    SavedTest,
    SavedTestList,
    TestBody,
    TestRun,
    Trial,
    rehearsed_of,
    replay_of,
    run_of,
    saved_test_of,
    trial_of,
)
from worker.domain.errors import NotFound
from worker.security import Principal, Role
from worker.store import hook_tests
from worker.store.tenant import tenant
from worker.web import Auth, SeenVersion, etag_of, needs

Limit = Annotated[int, Query(ge=1, le=100)]
Offset = Annotated[int, Query(ge=0, le=100_000)]


def build(house: House, auth: Auth) -> APIRouter:
    """The routes under /api/hooks/{hook_id} that try scripts."""
    router = APIRouter(prefix="/api/hooks/{hook_id}", tags=["hooks"])
    viewer, operator, admin = needs(auth, Role.VIEWER), needs(auth, Role.OPERATOR), needs(auth, Role.ADMIN)
    _add_trials(router, house, operator=operator)
    _add_reads(router, house, viewer=viewer)
    _add_acts(router, house, admin=admin)
    return router


def _add_trials(router: APIRouter, house: House, *, operator: Principal) -> None:
    @router.post("/test", response_model=Trial, summary="Run one function; nothing is written")
    async def try_hook(hook_id: UUID, body: HookTrialBody, who: Principal = operator) -> Trial:
        script = Script(hook_id, version=body.version, source=body.source)
        if body.sample is not None:
            sample = Sample(body.sample.connector_id, body.sample.identity_id)
            found = await hook_trials.rehearse(house, who, script, function=body.function, sample=sample)
            return rehearsed_of(found, hook_id=hook_id, function=body.function)
        context = body.context or {}
        said = await hook_trials.attempt(
            house, who, script, function=body.function, context=context, budget_ms=body.budget_ms
        )
        return trial_of(said, attributes=context.get("attributes"))

    @router.post("/replay", response_model=Replay, summary="Give recorded calls to a script; what ends otherwise")
    async def replay(hook_id: UUID, body: ReplayBody | None = None, who: Principal = operator) -> Replay:
        asked = body or ReplayBody()
        script = Script(hook_id, version=asked.version, source=asked.source)
        return replay_of(await hook_trials.replay(house, who, script, last=asked.last))

    @router.post("/tests/run", response_model=TestRun, summary="Run the saved tests; nothing is written")
    async def run_tests(hook_id: UUID, body: RunTestsBody | None = None, who: Principal = operator) -> TestRun:
        asked = body or RunTestsBody()
        script = Script(hook_id, version=asked.version, source=asked.source)
        return run_of(await hook_trials.run_tests(house, who, script))


def _add_reads(router: APIRouter, house: House, *, viewer: Principal) -> None:
    @router.get("/tests", response_model=SavedTestList, summary="List the saved tests by name")
    async def list_tests(
        hook_id: UUID, who: Principal = viewer, limit: Limit = 20, offset: Offset = 0
    ) -> SavedTestList:
        async with tenant(house.pool, who.tenant_id) as conn:
            await hook_scripts.the_hook(conn, who.tenant_id, hook_id)
            where = {"tenant_id": who.tenant_id, "hook_id": hook_id}
            rows = await hook_tests.page(conn, **where, limit=limit, offset=offset)
            total = await hook_tests.count(conn, **where)
        return SavedTestList(tests=[saved_test_of(row) for row in rows], total=total, limit=limit, offset=offset)

    @router.get("/tests/{test_id}", response_model=SavedTest, summary="One saved test; its ETag is for If-Match")
    async def get_test(hook_id: UUID, test_id: UUID, response: Response, who: Principal = viewer) -> SavedTest:
        return await _get(house, who, hook_id, test_id, response)


def _add_acts(router: APIRouter, house: House, *, admin: Principal) -> None:
    @router.post("/tests", response_model=SavedTest, status_code=201, summary="Save a test")
    async def add_test(hook_id: UUID, body: TestBody, response: Response, who: Principal = admin) -> SavedTest:
        made = await acts.add(house, who, hook_id=hook_id, **_said(body))
        return await _get(house, who, hook_id, made, response)

    @router.put("/tests/{test_id}", response_model=SavedTest, summary="Write another test in its place")
    async def change_test(
        *, hook_id: UUID, test_id: UUID, body: TestBody, response: Response, seen: SeenVersion, who: Principal = admin
    ) -> SavedTest:
        await acts.change(house, who, hook_id=hook_id, test_id=test_id, seen=seen, **_said(body))
        return await _get(house, who, hook_id, test_id, response)

    @router.delete("/tests/{test_id}", status_code=204, summary="Delete a saved test")
    async def delete_test(hook_id: UUID, test_id: UUID, seen: SeenVersion, who: Principal = admin) -> None:
        await acts.remove(house, who, hook_id=hook_id, test_id=test_id, seen=seen)


def _said(body: TestBody) -> dict[str, Any]:
    return {"name": body.name, "function": body.function, "context": body.context, "expected": body.expected}


async def _get(house: House, who: Principal, hook_id: UUID, test_id: UUID, response: Response) -> SavedTest:
    async with tenant(house.pool, who.tenant_id) as conn:
        rows = await hook_tests.page(conn, tenant_id=who.tenant_id, hook_id=hook_id, test_id=test_id)
    if not rows:
        raise NotFound(f"This hook has no test {test_id}.")
    response.headers["ETag"] = etag_of(hook_tests.from_row(rows[0]).etag)
    return saved_test_of(rows[0])
