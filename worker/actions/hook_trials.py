"""Trying scripts in the sandbox: on a context, on what is saved as tests. Nothing is written and nothing is sent."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from worker.actions.hook_scripts import check, script_of, the_hook
from worker.actions.house import House
from worker.domain.errors import HookError, InvalidRequest, WrongState
from worker.domain.hook import HookResult, HookScript
from worker.domain.hook_trials import answer_of, differences, failure_of, trial_context
from worker.hooks import dry_seed
from worker.sandbox import FUNCTIONS
from worker.security import Principal, Role, require
from worker.store import hook_tests
from worker.store.hook_tests import SavedTest
from worker.store.tenant import tenant


@dataclass(frozen=True, slots=True)
class Script:
    """Which script is tried: a stored version (None: the active one), or a source that is not stored."""

    hook_id: UUID | None = None
    version: int | None = None
    source: str | None = None


@dataclass(frozen=True, slots=True)
class Tried:
    """A saved test, what the script answered to it, and what of that is not as expected, in sentences."""

    test: SavedTest
    said: HookResult | HookError
    mismatches: tuple[str, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """As the API tells of it."""
        return {
            "id": str(self.test.id),
            "name": self.test.name,
            "function": self.test.function,
            "ok": not self.mismatches,
            "mismatches": list(self.mismatches),
            "expected": self.test.expected,
            "answer": answer_of(self.said),
            "failure": failure_of(self.said) if isinstance(self.said, HookError) else None,
        }


async def attempt(
    house: House,
    principal: Principal,
    script: Script,
    *,
    function: str,
    context: dict[str, Any],
    budget_ms: int | None = None,
) -> HookResult | HookError:
    """Run one function of a script on a context; how it fails is its answer. Raises NotFound, InvalidRequest."""
    require(principal.roles, Role.OPERATOR)
    runs = await chosen(house, principal, script)
    check_function(function)
    [said] = await house.box.execute_batch(
        runs, function, [trial_context(function, context)], budget_ms=budget_ms, seeds=[dry_seed(function)]
    )
    return said


async def run_tests(house: House, principal: Principal, script: Script) -> list[Tried]:
    """Run the saved tests of a hook against a version of it or a source; by name. Raises NotFound, InvalidRequest."""
    require(principal.roles, Role.OPERATOR)
    if script.hook_id is None:
        raise InvalidRequest("Saved tests are those of a hook.")
    runs = await chosen(house, principal, script)
    async with tenant(house.pool, principal.tenant_id) as conn:
        tests = await hook_tests.everyone(conn, tenant_id=principal.tenant_id, hook_id=script.hook_id)
    return await run_saved(house, runs, tests)


async def run_saved(house: House, script: HookScript, tests: Sequence[SavedTest]) -> list[Tried]:
    """What a script answers to saved tests, in their order."""
    of_function: dict[str, list[SavedTest]] = defaultdict(list)
    for test in tests:
        of_function[test.function].append(test)
    tried: dict[UUID, Tried] = {}
    for function, group in of_function.items():
        contexts = [trial_context(function, test.context) for test in group]
        seeds = [dry_seed(test.name) for test in group]
        answers = await house.box.execute_batch(script, function, contexts, seeds=seeds)
        for test, said in zip(group, answers, strict=True):
            tried[test.id] = Tried(test, said, tuple(differences(test.expected, answer_of(said))))
    return [tried[test.id] for test in tests]


async def chosen(house: House, principal: Principal, script: Script) -> HookScript:
    """The script that is meant. Raises NotFound, and WrongState for a hook without an active version."""
    if script.source is not None:
        return await _draft(house, principal, script.source, script.hook_id)
    if script.hook_id is None:
        raise InvalidRequest("Say which script: a stored version, or a source.")
    async with tenant(house.pool, principal.tenant_id) as conn:
        hook = await the_hook(conn, principal.tenant_id, script.hook_id)
        version = script.version if script.version is not None else hook["active_version"]
        if version is None:
            raise WrongState(f"{hook['name']} has no active version; say which version, or send a source.")
        return await script_of(conn, principal.tenant_id, hook, version)


def check_function(function: str) -> None:
    """Raise InvalidRequest for what no script is called by."""
    if function not in FUNCTIONS:
        raise InvalidRequest(f"Nothing calls {function[:60]}; there are {', '.join(FUNCTIONS)}.")


async def _draft(house: House, principal: Principal, source: str, hook_id: UUID | None) -> HookScript:
    name = "draft"
    if hook_id is not None:
        async with tenant(house.pool, principal.tenant_id) as conn:
            name = (await the_hook(conn, principal.tenant_id, hook_id))["name"]
    checked = await check(house, principal.tenant_id, source)
    return HookScript(source, name=name, version=0, libraries=checked.libraries, tenant_id=principal.tenant_id)
