"""The console's hooks: reads, trials in the sandbox, and verbs answered in words."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from uuid import UUID

from worker.actions import House, bindings, hook_scripts, hook_tests, hook_trials, hook_versions, hooks
from worker.actions.bindings import Wanted
from worker.actions.hook_trials import Sample, Script
from worker.console import (
    ActResult,
    HookDetail,
    HookFilter,
    HookPage,
    ReplayView,
    SourceCheck,
    TestOutcome,
    TestRunView,
    TrialView,
)
from worker.console import Principal as Person
from worker.domain.errors import InvalidRequest, NotFound, RequestError, SettingsError
from worker.domain.hook import FailurePolicy, HookPhase, Permission
from worker.domain.operation import OperationType
from worker.domain.script_changes import unified
from worker.service.desk import hook_views
from worker.service.desk.saying import principal_of, said
from worker.store.tenant import tenant

_REPLAYED = 50


class Hooks:
    """What pages of hooks read, try and do, over this house."""

    def __init__(self, house: House) -> None:
        self._house = house

    async def hooks(self, tenant_id: UUID, *, where: HookFilter) -> HookPage:
        box = self._house.scripts
        async with tenant(self._house.pool, tenant_id) as conn:
            found = await hook_views.page(conn, tenant_id, where=where)
        return replace(found, missing=box.status.missing if box else ())

    async def hook(
        self, tenant_id: UUID, *, hook_id: UUID, version: int | None = None, newest: int | None = None
    ) -> HookDetail | None:
        async with tenant(self._house.pool, tenant_id) as conn:
            return await hook_views.detail(conn, tenant_id, hook_id=hook_id, version=version, newest=newest)

    async def difference(self, tenant_id: UUID, *, hook_id: UUID, before: int, after: int) -> str | None:
        async with tenant(self._house.pool, tenant_id) as conn:
            try:
                old, new = [await hook_scripts.the_version(conn, tenant_id, hook_id, each) for each in (before, after)]
            except NotFound:
                return None
        return unified(old["source"], new["source"], names=(f"version {before}", f"version {after}"))

    async def validate(self, principal: Person, *, source: str, kind: str = "hook") -> SourceCheck:
        try:
            checked = await hook_trials.validate(
                self._house, principal_of(principal), source, is_library=kind == "library"
            )
        except RequestError as error:
            return SourceCheck(ok=False, refused=str(error))
        found = checked.validation
        return SourceCheck(ok=found.ok, functions=found.functions, loads=found.loads, diagnostics=found.diagnostics)

    async def trial(
        self,
        principal: Person,
        *,
        hook_id: UUID,
        function: str,
        context: dict[str, Any],
        version: int | None = None,
        source: str | None = None,
    ) -> TrialView:
        script = Script(hook_id, version=version, source=source)
        try:
            answer = await hook_trials.attempt(
                self._house, principal_of(principal), script, function=function, context=context
            )
        except RequestError as error:
            return TrialView(ok=False, refused=str(error))
        return hook_views.trial_view(answer, attributes=context.get("attributes"))

    async def trial_on_sample(
        self,
        principal: Person,
        *,
        hook_id: UUID,
        function: str,
        connector_id: UUID,
        identity_id: UUID,
        version: int | None = None,
        source: str | None = None,
    ) -> TrialView:
        script, sample = Script(hook_id, version=version, source=source), Sample(connector_id, identity_id)
        try:
            found = await hook_trials.rehearse(
                self._house, principal_of(principal), script, function=function, sample=sample
            )
        except (RequestError, SettingsError) as error:
            return TrialView(ok=False, refused=str(error))
        return hook_views.rehearsed_view(found, hook_id=hook_id, function=function)

    async def run_tests(
        self, principal: Person, *, hook_id: UUID, version: int | None = None, source: str | None = None
    ) -> TestRunView:
        script = Script(hook_id, version=version, source=source)
        try:
            tried = await hook_trials.run_tests(self._house, principal_of(principal), script)
        except RequestError as error:
            return TestRunView(refused=str(error))
        return TestRunView(
            tests=tuple(
                TestOutcome(
                    id=each.test.id, name=each.test.name, function=each.test.function, mismatches=each.mismatches
                )
                for each in tried
            )
        )

    async def replay(
        self, principal: Person, *, hook_id: UUID, version: int | None = None, source: str | None = None
    ) -> ReplayView:
        script = Script(hook_id, version=version, source=source)
        try:
            found = await hook_trials.replay(self._house, principal_of(principal), script, last=_REPLAYED)
        except RequestError as error:
            return ReplayView(refused=str(error))
        changed = tuple(hook_views.replayed_row(each) for each in found if each.is_changed)
        return ReplayView(replayed=len(found), changed=changed)

    async def create_hook(self, principal: Person, *, name: str, kind: str, description: str) -> ActResult:
        async def act() -> ActResult:
            made = await hooks.create(
                self._house, principal_of(principal), name=name, kind=kind, description=description
            )
            return ActResult(f"{name.strip()} was made; write its script.", link=f"/hooks/{made}")

        return await said(act)

    async def describe_hook(
        self, principal: Person, *, hook_id: UUID, name: str, description: str, seen: int | None
    ) -> ActResult:
        async def act() -> ActResult:
            await hooks.describe(
                self._house, principal_of(principal), hook_id=hook_id, name=name, description=description, seen=seen
            )
            return ActResult("Saved.")

        return await said(act)

    async def delete_hook(self, principal: Person, *, hook_id: UUID, seen: int | None) -> ActResult:
        async def act() -> ActResult:
            await hooks.delete(self._house, principal_of(principal), hook_id=hook_id, seen=seen)
            return ActResult("The hook was deleted with its versions and tests.", link="/hooks")

        return await said(act)

    async def resume_hook(self, principal: Person, *, hook_id: UUID) -> ActResult:
        async def act() -> ActResult:
            await hooks.resume(self._house, principal_of(principal), hook_id=hook_id)
            return ActResult("The hook runs again.")

        return await said(act)

    async def save_version(
        self, principal: Person, *, hook_id: UUID, source: str, note: str, seen: int | None
    ) -> ActResult:
        async def act() -> ActResult:
            number, _ = await hook_versions.add(
                self._house, principal_of(principal), hook_id=hook_id, source=source, note=note, seen=seen
            )
            return ActResult(
                f"Saved as version {number}; it runs once it is activated.", link=f"/hooks/{hook_id}?version={number}"
            )

        return await said(act)

    async def activate_version(
        self, principal: Person, *, hook_id: UUID, version: int, force: bool, seen: int | None
    ) -> ActResult:
        async def act() -> ActResult:
            done = await hook_versions.activate(
                self._house, principal_of(principal), hook_id=hook_id, version=version, force=force, seen=seen
            )
            failed = sum(1 for each in done.tests if each.mismatches)
            passed = f" {len(done.tests) - failed} of {len(done.tests)} saved tests pass." if done.tests else ""
            return ActResult(f"Version {version} is active.{passed}", link=f"/hooks/{hook_id}")

        return await said(act)

    async def save_test(
        self,
        principal: Person,
        *,
        hook_id: UUID,
        name: str,
        function: str,
        context: dict[str, Any],
        expected: Any,
        test_id: UUID | None = None,
        seen: int | None = None,
    ) -> ActResult:
        test = {"name": name, "function": function, "context": context, "expected": expected}

        async def act() -> ActResult:
            who = principal_of(principal)
            if test_id is None:
                await hook_tests.add(self._house, who, hook_id=hook_id, **test)
            else:
                await hook_tests.change(self._house, who, hook_id=hook_id, test_id=test_id, seen=seen, **test)
            return ActResult(f"The test {name.strip()} is saved; it runs before a version is activated.")

        return await said(act)

    async def delete_test(
        self, principal: Person, *, hook_id: UUID, test_id: UUID, seen: int | None = None
    ) -> ActResult:
        async def act() -> ActResult:
            await hook_tests.remove(self._house, principal_of(principal), hook_id=hook_id, test_id=test_id, seen=seen)
            return ActResult("The test was deleted.")

        return await said(act)

    async def bind(
        self,
        principal: Person,
        *,
        hook_id: UUID,
        fields: dict[str, Any],
        binding_id: UUID | None = None,
        seen: int | None = None,
    ) -> ActResult:
        async def act() -> ActResult:
            who, wanted = principal_of(principal), _wanted(fields)
            if binding_id is None:
                await bindings.add(self._house, who, wanted, hook_id=hook_id)
            else:
                await bindings.change(self._house, who, wanted, hook_id=hook_id, binding_id=binding_id, seen=seen)
            return ActResult("The hook is bound." if wanted.enabled else "Saved; the hook does not run there for now.")

        return await said(act)

    async def unbind(self, principal: Person, *, hook_id: UUID, binding_id: UUID, seen: int | None) -> ActResult:
        async def act() -> ActResult:
            await bindings.remove(
                self._house, principal_of(principal), hook_id=hook_id, binding_id=binding_id, seen=seen
            )
            return ActResult("The hook does not run there any more.")

        return await said(act)


def _wanted(fields: Mapping[str, Any]) -> Wanted:
    """A binding from the fields of a form. Raises InvalidRequest."""
    try:
        return Wanted(
            connector_id=UUID(str(fields["connector_id"])),
            phase=HookPhase(fields["phase"]),
            object_class=fields.get("object_class") or None,
            operation_types=tuple(OperationType(each) for each in fields.get("operation_types", OperationType)),
            position=int(fields.get("position") or 0),
            on_error=FailurePolicy(fields["on_error"]) if fields.get("on_error") else None,
            budget_ms=int(fields["budget_ms"]) if fields.get("budget_ms") else None,
            enabled=bool(fields.get("enabled", True)),
            params=fields.get("params") or {},
            permissions=tuple(Permission(each) for each in fields.get("permissions", ())),
        )
    except (KeyError, ValueError) as error:
        raise InvalidRequest(f"This is no binding: {error}.") from error
