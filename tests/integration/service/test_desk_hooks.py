"""What the console reads of hooks, tries with them and does to them."""

from collections.abc import AsyncIterator
from dataclasses import replace
from uuid import UUID, uuid4

import pytest
import structlog

from tests.integration.actions.conftest import Works, pool, table, works
from worker.console import HookFilter
from worker.hooks import HookExecutor
from worker.security import Principal
from worker.service.desk import Hooks

__all__ = ["pool", "table", "works"]

SOURCE = 'def before_create(ctx):\n    return {"set": {"login": text.slug(ctx["identity"]["given_name"])}}\n'
KIM = {"identity": {"given_name": "Kim"}, "attributes": {"login": "k"}}


@pytest.fixture
async def desk(works: Works) -> AsyncIterator[Hooks]:
    async with HookExecutor(workers=1, log=structlog.get_logger()) as scripts:
        yield Hooks(replace(works.house, scripts=scripts))


@pytest.fixture
def admin(works: Works) -> Principal:
    return replace(works.operator, roles=frozenset({"admin"}))


async def made(desk: Hooks, admin: Principal) -> UUID:
    """A hook with an active version and a test."""
    done = await desk.create_hook(admin, name="names", kind="hook", description="")
    assert done.ok
    assert done.link is not None
    hook_id = UUID(done.link.rpartition("/")[2])
    test = {"name": "kim", "function": "before_create", "context": KIM, "expected": {"set": {"login": "kim"}}}
    for act in (
        desk.save_version(admin, hook_id=hook_id, source=SOURCE, note="First.", seen=None),
        desk.save_test(admin, hook_id=hook_id, **test),
        desk.activate_version(admin, hook_id=hook_id, version=1, force=False, seen=None),
    ):
        assert (await act).ok
    return hook_id


async def test_a_page_shows_all_of_a_hook(desk: Hooks, works: Works, admin: Principal) -> None:
    hook_id = await made(desk, admin)
    fields = {"connector_id": str(works.connector.id), "phase": "before", "operation_types": ["create"]}
    bound = await desk.bind(admin, hook_id=hook_id, fields=fields)
    again = await desk.save_version(admin, hook_id=hook_id, source=SOURCE + "# more\n", note="", seen=None)

    listed = await desk.hooks(works.tenant_id, where=HookFilter(q="name"))
    active = await desk.hook(works.tenant_id, hook_id=hook_id)
    draft = await desk.hook(works.tenant_id, hook_id=hook_id, version=2)

    assert (bound.ok, again.link) == (True, f"/hooks/{hook_id}?version=2")
    assert ([row.id for row in listed.rows], listed.total) == ([hook_id], 1)
    assert active is not None
    assert draft is not None
    assert (active.shown, active.source, draft.shown) == (1, SOURCE, 2)
    assert [(each.version, each.is_active, each.note) for each in active.versions] == [
        (2, False, ""),
        (1, True, "First."),
    ]
    assert [each.connector_name for each in active.bindings] == [works.connector.name]
    assert ([each.name for each in active.tests], [each.version for each in active.activations]) == (["kim"], [1])
    assert await desk.hook(works.tenant_id, hook_id=hook_id, version=9) is None
    assert await desk.hook(uuid4(), hook_id=hook_id) is None
    difference = await desk.difference(works.tenant_id, hook_id=hook_id, before=1, after=2)
    assert difference is not None
    assert "+# more" in difference


async def test_all_versions_are_reached_page_by_page(desk: Hooks, works: Works, admin: Principal) -> None:
    hook_id = await made(desk, admin)
    await works.rows(
        "INSERT INTO hook_versions (tenant_id, hook_id, version, source, sha, note, functions)"
        " SELECT tenant_id, hook_id, n, source, sha, '', functions FROM hook_versions, generate_series(2, 60) n"
        " WHERE hook_id = $1 RETURNING 1",
        hook_id,
    )

    first = await desk.hook(works.tenant_id, hook_id=hook_id)
    second = await desk.hook(works.tenant_id, hook_id=hook_id, newest=10)

    assert first is not None
    assert second is not None
    assert [first.versions[at].version for at in (0, -1)] == [60, 11]
    assert [each.version for each in second.versions] == list(range(10, 0, -1))


async def test_trials_answer_and_say_why_they_cannot(desk: Hooks, works: Works, admin: Principal) -> None:
    hook_id = await made(desk, admin)
    wrong = SOURCE.replace("text.slug", "nothing")

    well = await desk.trial(admin, hook_id=hook_id, function="before_create", context=KIM)
    badly = await desk.trial(admin, hook_id=hook_id, function="before_create", context={"identity": {}})
    never = await desk.trial(admin, hook_id=hook_id, function="before_rain", context={})
    [person] = await works.hire(("Kim", "Berg", "k.berg@example.org"), is_planned=False)
    sample = await desk.trial_on_sample(
        admin, hook_id=hook_id, function="before_create", connector_id=works.connector.id, identity_id=person
    )
    nobody = await desk.trial_on_sample(
        admin, hook_id=hook_id, function="before_create", connector_id=works.connector.id, identity_id=uuid4()
    )
    tests = await desk.run_tests(admin, hook_id=hook_id, source=SOURCE.replace("text.slug", "text.title_name"))
    check = await desk.validate(admin, source=wrong)
    replayed = await desk.replay(admin, hook_id=hook_id)

    [change] = well.changes
    assert (well.ok, change.name, change.before, change.after) == (True, "login", "k", "kim")
    assert badly.failure is not None
    assert (badly.ok, badly.failure.hook_class, badly.failure.line) == (False, "hook.script", 2)
    assert never.refused is not None
    assert [(each.name, each.before, each.after) for each in sample.changes] == [("login", "k.berg", "kim")]
    assert (sample.ends, nobody.ok, nobody.refused is None) == (None, False, False)
    assert (tests.failed, tests.tests[0].mismatches) == (1, ('set.login is "Kim", expected "kim"',))
    assert (check.ok, check.refused, len(check.diagnostics) > 0) == (False, None, True)
    assert (replayed.replayed, replayed.changed, replayed.refused) == (0, (), None)


async def test_what_cannot_be_done_is_said(desk: Hooks, works: Works, admin: Principal) -> None:
    hook_id = await made(desk, admin)
    viewer = works.viewer

    refused = [
        await desk.create_hook(admin, name="names", kind="hook", description=""),
        await desk.create_hook(viewer, name="other", kind="hook", description=""),
        await desk.save_version(admin, hook_id=hook_id, source="def f(:\n", note="", seen=None),
        await desk.save_version(admin, hook_id=hook_id, source=SOURCE, note="", seen=1),
        await desk.bind(admin, hook_id=hook_id, fields={"phase": "during"}),
        await desk.resume_hook(admin, hook_id=hook_id),
        await desk.delete_hook(admin, hook_id=uuid4(), seen=None),
    ]
    deleted = await desk.delete_hook(admin, hook_id=hook_id, seen=None)

    assert [each.ok for each in refused] == [False] * len(refused)
    assert all(each.message for each in refused)
    assert deleted.ok
