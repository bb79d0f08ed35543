"""What the console needs for hooks: reads, trials, acts.

Reads take the tenant, as those of ``doors`` do. Trials take the person, run in the sandbox and write nothing; what
could not be tried says so in its ``refused``. Acts are as those of ``doors``: refusals are results, in words.
"""

from typing import Any, Protocol
from uuid import UUID

from worker.console import views
from worker.console.doors import ActResult, Principal


class ConsoleHooks(Protocol):
    """Every read, trial and verb of the pages of hooks. A ``source`` of None means a stored version, or the active."""

    async def hooks(self, tenant_id: UUID, *, where: views.HookFilter) -> views.HookPage: ...
    async def hook(
        self, tenant_id: UUID, *, hook_id: UUID, version: int | None = None, newest: int | None = None
    ) -> views.HookDetail | None:
        """One hook, with the source of a version; None when there is no such hook or version.

        Its versions are listed from ``newest`` on downwards, from the last one without it.
        """

    async def difference(self, tenant_id: UUID, *, hook_id: UUID, before: int, after: int) -> str | None:
        """A unified diff of two versions; empty when nothing differs, None when one of them is not there."""

    async def validate(self, principal: Principal, *, source: str, kind: str = "hook") -> views.SourceCheck: ...
    async def trial(
        self,
        principal: Principal,
        *,
        hook_id: UUID,
        function: str,
        context: dict[str, Any],
        version: int | None = None,
        source: str | None = None,
    ) -> views.TrialView: ...
    async def trial_on_sample(
        self,
        principal: Principal,
        *,
        hook_id: UUID,
        function: str,
        connector_id: UUID,
        identity_id: UUID,
        version: int | None = None,
        source: str | None = None,
    ) -> views.TrialView:
        """Try a script on a person's account, as an operation would with all hooks of the connector."""

    async def run_tests(
        self, principal: Principal, *, hook_id: UUID, version: int | None = None, source: str | None = None
    ) -> views.TestRunView: ...
    async def replay(
        self, principal: Principal, *, hook_id: UUID, version: int | None = None, source: str | None = None
    ) -> views.ReplayView: ...

    async def create_hook(self, principal: Principal, *, name: str, kind: str, description: str) -> ActResult:
        """Make a hook or library without a script; ``link`` leads to it."""

    async def describe_hook(
        self, principal: Principal, *, hook_id: UUID, name: str, description: str, seen: int | None
    ) -> ActResult: ...
    async def delete_hook(self, principal: Principal, *, hook_id: UUID, seen: int | None) -> ActResult: ...
    async def resume_hook(self, principal: Principal, *, hook_id: UUID) -> ActResult: ...
    async def save_version(
        self, principal: Principal, *, hook_id: UUID, source: str, note: str, seen: int | None
    ) -> ActResult:
        """Store a draft; ``link`` leads to it."""

    async def activate_version(
        self, principal: Principal, *, hook_id: UUID, version: int, force: bool, seen: int | None
    ) -> ActResult:
        """Run the saved tests, and make a version the active one; also back to an earlier one."""

    async def save_test(
        self,
        principal: Principal,
        *,
        hook_id: UUID,
        name: str,
        function: str,
        context: dict[str, Any],
        expected: Any,
        test_id: UUID | None = None,
        seen: int | None = None,
    ) -> ActResult:
        """Save a test, or write another one in the place of ``test_id``."""

    async def delete_test(
        self, principal: Principal, *, hook_id: UUID, test_id: UUID, seen: int | None = None
    ) -> ActResult: ...
    async def bind(
        self,
        principal: Principal,
        *,
        hook_id: UUID,
        fields: dict[str, Any],
        binding_id: UUID | None = None,
        seen: int | None = None,
    ) -> ActResult:
        """Bind a hook, or write another binding in the place of ``binding_id``; ``fields`` are those of the API."""

    async def unbind(self, principal: Principal, *, hook_id: UUID, binding_id: UUID, seen: int | None) -> ActResult: ...
