"""Trying scripts in the sandbox: on a context, on what is saved as tests, on calls of before.

Nothing is written and nothing is sent. What is tried is nobody's hook: a script that kills its sandbox here rests in
this process, and is not stopped on all daemons.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from worker.actions.hook_scripts import Checked, check, script_of, the_hook
from worker.actions.house import House
from worker.domain.errors import ConnectorError, HookError, InvalidRequest, WrongState
from worker.domain.hook import HookPhase, HookResult, HookScript
from worker.domain.hook_trials import answer_of, differences, failure_of, trial_context
from worker.domain.operation import OperationType
from worker.domain.redaction import shown
from worker.execution import Draft, HookPreviews, HooksPreview
from worker.hooks import dry_seed
from worker.sandbox import FUNCTIONS
from worker.security import Principal, Role, require
from worker.store import hook_records, hook_tests
from worker.store.hook_records import Recorded
from worker.store.hook_tests import SavedTest
from worker.store.tenant import tenant

#: What a source is called that is looked at as a library: no name that one could be loaded by.
_AS_LIBRARY = "this library"


@dataclass(frozen=True, slots=True)
class Script:
    """Which script is tried: a stored version (None: the active one), or a source that is not stored."""

    hook_id: UUID | None = None
    version: int | None = None
    source: str | None = None


@dataclass(frozen=True, slots=True)
class Sample:
    """Whose account at which connector a script is tried on."""

    connector_id: UUID
    identity_id: UUID


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


@dataclass(frozen=True, slots=True)
class Replayed:
    """A call of before: what the version of then answers to its context now, and what the tried script answers."""

    call: Recorded
    before: HookResult | HookError
    after: HookResult | HookError

    @property
    def is_changed(self) -> bool:
        """Whether the two decide differently; how failures are worded does not matter."""
        return _decided(self.before) != _decided(self.after)


async def validate(house: House, principal: Principal, source: str, *, is_library: bool = False) -> Checked:
    """Look at a source in the sandbox. Raises InvalidRequest for libraries that cannot be loaded."""
    require(principal.roles, Role.OPERATOR)
    return await check(house, principal.tenant_id, source, library=_AS_LIBRARY if is_library else None)


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


def told(found: HooksPreview, *, hook_id: UUID, function: str) -> tuple[dict[str, Any], HookResult | HookError] | None:
    """What a function of a hook was told in a rehearsal, with marks for secrets, and its answer; None: not asked."""
    events = {"before_create", "before_update"} if function == "transform" else {function}
    asked = [call for call in found.calls if call.hook_id == hook_id and call.context.event in events]
    if not asked:
        return None
    context = asked[-1].context.as_dict()
    for part in ("identity", "attributes", "current"):
        context[part] = shown(context[part]) if context[part] is not None else None
    return context, asked[-1].said


async def rehearse(
    house: House, principal: Principal, script: Script, *, function: str, sample: Sample
) -> HooksPreview:
    """Run all hooks of a connector for one person as an operation would, this script in the place of its hook's.

    Of secrets there are marks. Raises NotFound, InvalidRequest, WrongState for a target that cannot be opened.
    """
    require(principal.roles, Role.OPERATOR)
    if script.hook_id is None:
        raise InvalidRequest("Say which hook the script is of.")
    phase, kind = _occasion(function)
    draft = Draft(replace(await chosen(house, principal, script), id=script.hook_id), phase)
    previews = HookPreviews(house.pool, house.targets, house.box, vault=house.vault)
    try:
        return await previews.preview(
            principal.tenant_id,
            connector_id=sample.connector_id,
            identity_id=sample.identity_id,
            operation_type=kind,
            draft=draft,
            actor_id=principal.id,
        )
    except ConnectorError as error:
        raise WrongState(f"The target cannot be opened: {error}") from error


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
    runs = _nobodys(script)
    of_function: dict[str, list[SavedTest]] = defaultdict(list)
    for test in tests:
        of_function[test.function].append(test)
    tried: dict[UUID, Tried] = {}
    for function, group in of_function.items():
        contexts = [trial_context(function, test.context) for test in group]
        seeds = [dry_seed(test.name) for test in group]
        answers = await house.box.execute_batch(runs, function, contexts, seeds=seeds)
        for test, said in zip(group, answers, strict=True):
            tried[test.id] = Tried(test, said, tuple(differences(test.expected, answer_of(said))))
    return [tried[test.id] for test in tests]


async def replay(house: House, principal: Principal, script: Script, *, last: int) -> list[Replayed]:
    """Give the contexts of the last recorded calls of a hook to a version or source, and to the version of then.

    Both draw the same random values, so what differs is the script's doing. The newest first. Raises NotFound,
    InvalidRequest, WrongState.
    """
    require(principal.roles, Role.OPERATOR)
    if script.hook_id is None:
        raise InvalidRequest("Recorded calls are those of a hook.")
    runs = await chosen(house, principal, script)
    async with tenant(house.pool, principal.tenant_id) as conn:
        hook = await the_hook(conn, principal.tenant_id, script.hook_id)
        calls = await hook_records.recent(conn, tenant_id=principal.tenant_id, hook_id=script.hook_id, limit=last)
        numbers = sorted({call.version for call in calls})
        then = {each: _nobodys(await script_of(conn, principal.tenant_id, hook, each)) for each in numbers}
    before = await _answers(house, [(then[call.version], call) for call in calls])
    after = await _answers(house, [(runs, call) for call in calls])
    return [Replayed(call, *said) for call, *said in zip(calls, before, after, strict=True)]


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
        return _nobodys(await script_of(conn, principal.tenant_id, hook, version))


def check_function(function: str) -> None:
    """Raise InvalidRequest for what no script is called by."""
    if function not in FUNCTIONS:
        raise InvalidRequest(f"Nothing calls {function[:60]}; there are {', '.join(FUNCTIONS)}.")


def _occasion(function: str) -> tuple[HookPhase, OperationType | None]:
    """When a function runs; no type of operation: made, or changed where it is there."""
    check_function(function)
    if function == "transform":
        return HookPhase.BEFORE, None
    phase, _, kind = function.partition("_")
    if function in {"on_error", "correlate"}:
        raise InvalidRequest(f"{function} is tried on a context; a person's account does not lead to it.")
    return HookPhase(phase), OperationType(kind)


async def _draft(house: House, principal: Principal, source: str, hook_id: UUID | None) -> HookScript:
    name = "draft"
    if hook_id is not None:
        async with tenant(house.pool, principal.tenant_id) as conn:
            name = (await the_hook(conn, principal.tenant_id, hook_id))["name"]
    checked = await check(house, principal.tenant_id, source)
    return HookScript(source, name=name, version=0, libraries=checked.libraries, tenant_id=principal.tenant_id)


async def _answers(house: House, asked: Sequence[tuple[HookScript, Recorded]]) -> list[HookResult | HookError]:
    """What each script answers to its call's context, in their order; those of one script and function together."""
    groups: dict[tuple[str, str], list[int]] = defaultdict(list)
    for place, (script, call) in enumerate(asked):
        groups[script.sha, call.function].append(place)
    said: dict[int, HookResult | HookError] = {}
    for (_, function), places in groups.items():
        calls = [asked[place][1] for place in places]
        seeds = [dry_seed(str(call.context.get("operation_id"))) for call in calls]
        contexts = [call.context for call in calls]
        answers = await house.box.execute_batch(asked[places[0]][0], function, contexts, seeds=seeds)
        said |= dict(zip(places, answers, strict=True))
    return [said[place] for place in range(len(asked))]


def _decided(said: HookResult | HookError) -> dict[str, Any]:
    return {"error": said.hook_class} if isinstance(said, HookError) else answer_of(said)


def _nobodys(script: HookScript) -> HookScript:
    return replace(script, id=None)
