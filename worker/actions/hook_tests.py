"""What people do with the saved tests of a hook: write, change, delete."""

import json
from typing import Any
from uuid import UUID

from worker.actions.hook_scripts import the_hook
from worker.actions.hook_trials import check_function
from worker.actions.house import Act, House, acting, refuse_unstorable
from worker.domain.errors import InvalidRequest, NotFound, Outdated, WrongState
from worker.domain.hook_trials import check_expected
from worker.security import Principal, Role
from worker.store import hook_tests
from worker.store.hook_tests import MAX_TESTS, SavedTest

MAX_BYTES = 64 * 1024


async def add(
    house: House,
    principal: Principal,
    *,
    hook_id: UUID,
    name: str,
    function: str,
    context: dict[str, Any],
    expected: Any,
) -> UUID:
    """Save a test; its id. Raises NotFound, InvalidRequest, and WrongState for a name that the hook has already."""
    test = _test(name, function, context, expected)
    async with acting(house, principal, Role.ADMIN) as act:
        hook = await _tested(act, hook_id)
        if await hook_tests.count(act.conn, tenant_id=act.tenant_id, hook_id=hook_id) >= MAX_TESTS:
            raise WrongState(f"A hook has at most {MAX_TESTS} tests.")
        if not await hook_tests.insert(act.conn, test, tenant_id=act.tenant_id, hook_id=hook_id, created_by=act.by):
            raise _taken(test.name)
        act.note("hook.test_add", "hook", hook_id, name=hook["name"], test=test.name)
    return test.id


async def change(
    house: House,
    principal: Principal,
    *,
    hook_id: UUID,
    test_id: UUID,
    name: str,
    function: str,
    context: dict[str, Any],
    expected: Any,
    seen: int | None = None,
) -> None:
    """Write another test in its place; ``seen``: the ``etag`` of what was seen. Raises as ``add``, and Outdated."""
    test = _test(name, function, context, expected, test_id=test_id)
    async with acting(house, principal, Role.ADMIN) as act:
        hook = await _tested(act, hook_id)
        _refuse_changed(await _stored(act, hook_id, test_id), seen=seen)
        if not await hook_tests.replace(act.conn, test, tenant_id=act.tenant_id, hook_id=hook_id):
            raise _taken(test.name)
        act.note("hook.test_change", "hook", hook_id, name=hook["name"], test=test.name)


async def remove(house: House, principal: Principal, *, hook_id: UUID, test_id: UUID, seen: int | None = None) -> None:
    """Delete a test. Raises NotFound, Outdated."""
    async with acting(house, principal, Role.ADMIN) as act:
        hook = await the_hook(act.conn, act.tenant_id, hook_id, lock=True)
        _refuse_changed(await _stored(act, hook_id, test_id), seen=seen)
        await hook_tests.delete(act.conn, tenant_id=act.tenant_id, hook_id=hook_id, test_id=test_id)
        act.note("hook.test_remove", "hook", hook_id, name=hook["name"], test_id=test_id)


async def _tested(act: Act, hook_id: UUID) -> Any:
    """The hook, which nobody else changes meanwhile."""
    hook = await the_hook(act.conn, act.tenant_id, hook_id, lock=True)
    if hook["kind"] == "library":
        raise InvalidRequest("A library is tested by the tests of a hook that loads it.")
    return hook


async def _stored(act: Act, hook_id: UUID, test_id: UUID) -> SavedTest:
    found = await hook_tests.page(act.conn, tenant_id=act.tenant_id, hook_id=hook_id, test_id=test_id)
    if not found:
        raise NotFound(f"This hook has no test {test_id}.")
    return hook_tests.from_row(found[0])


def _refuse_changed(test: SavedTest, *, seen: int | None) -> None:
    if seen is not None and seen != test.etag:
        raise Outdated(f"Somebody else changed the test {test.name} meanwhile. Read it again.")


def _test(
    name: str, function: str, context: dict[str, Any], expected: Any, *, test_id: UUID | None = None
) -> SavedTest:
    check_function(function)
    refuse_unstorable("name", name)
    refuse_unstorable("context", context)
    refuse_unstorable("expectation", expected)
    named = name.strip()
    if not named or len(named) > 100:
        raise InvalidRequest("A test has a name of 1 to 100 characters.")
    if len(json.dumps([context, expected])) > MAX_BYTES:
        raise InvalidRequest(f"Context and expectation of a test are larger than {MAX_BYTES // 1024} KiB together.")
    test = SavedTest(named, function, context, check_expected(expected))
    return test if test_id is None else SavedTest(test.name, test.function, test.context, test.expected, test_id)


def _taken(name: str) -> WrongState:
    return WrongState(f"The hook has a test called {name} already; choose another name.")
