"""The demo's hook in the sandbox."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import pytest
import structlog

from worker.domain.hook import HookContext, HookScript, Patch, Reject
from worker.hooks import HookExecutor
from worker.service.demo.organisation import generate
from worker.service.demo.targets import HOOK_FUNCTIONS, HOOK_NAME, HOOK_SOURCE, SCIM

SCRIPT = HookScript(HOOK_SOURCE, name=HOOK_NAME)


@pytest.fixture
async def executor() -> AsyncIterator[HookExecutor]:
    async with HookExecutor(workers=1, log=structlog.get_logger()) as executor:
        yield executor


def context(identity: dict[str, Any]) -> dict[str, Any]:
    now = datetime(2026, 1, 1, tzinfo=UTC)
    return HookContext("before_create", "user", now, identity=identity, params=SCIM.hook_params).as_dict()


async def test_script_has_no_mistake(executor: HookExecutor) -> None:
    found = await executor.validate(HOOK_SOURCE)

    assert found.ok
    assert found.functions == HOOK_FUNCTIONS
    assert found.diagnostics == ()


async def test_logins_and_addresses_are_those_the_organisation_expects(executor: HookExecutor) -> None:
    """Every one of five thousand, so that nobody's account is made under another name than planned."""
    people = generate().employees
    rows = [{name: value or None for name, value in one.as_row().items()} for one in people]
    results = await executor.execute_batch(SCRIPT, "before_create", [context(row) for row in rows])
    made = [result.decision for result in results if not isinstance(result, Exception)]

    assert made == [Patch(set={"userName": one.login, "emails.work": one.mail}) for one in people]


async def test_operation_without_an_employee_is_left_alone(executor: HookExecutor) -> None:
    result = await executor.execute(SCRIPT, "before_update", context({}))

    assert result.decision == Patch()


async def test_employee_without_a_family_name_is_refused(executor: HookExecutor) -> None:
    result = await executor.execute(SCRIPT, "before_create", context({"given_name": "Ada", "family_name": None}))

    assert isinstance(result.decision, Reject)
    assert "family name" in result.decision.reason
