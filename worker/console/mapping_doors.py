"""What the console needs for mappings: reads, trials, acts.

Reads take the tenant, as those of ``doors`` do. Trials take the person and write nothing; what could not be tried says
so in its ``refused``. Acts are as those of ``doors``: refusals are results, in words. A ``document`` is JSON text as
the person wrote it, a list of rules.
"""

from typing import Protocol
from uuid import UUID

from worker.console import views
from worker.console.doors import ActResult, Principal


class ConsoleMappings(Protocol):
    """Every read, trial and verb of the pages of a target's mapping."""

    async def mapping(
        self, principal: Principal, *, connector_id: UUID, version: int | None = None, newest: int | None = None
    ) -> views.MappingView | None:
        """What the editor begins with: this version, or the active one; None when there is no such target or version.

        The target is asked for its attributes. Versions are listed from ``newest`` on downwards, from the last one
        without it.
        """

    async def count_scope(self, principal: Principal, *, connector_id: UUID, scope: str) -> views.ScopeCheck:
        """How many people a scope (empty: everybody) takes in, beside how many the present one does."""

    async def change_scope(
        self,
        principal: Principal,
        *,
        connector_id: UUID,
        scope: str,
        seen: int | None,
        sources_may_be_new: bool = False,
    ) -> ActResult: ...

    async def mapping_difference(
        self, principal: Principal, *, connector_id: UUID, before: int, after: int
    ) -> tuple[views.MappingRuleChange, ...] | None:
        """The rules that differ; None when one of the versions is not there."""

    async def dry_run(
        self, principal: Principal, *, connector_id: UUID, dry_run_id: UUID
    ) -> views.DryRunView | None: ...
    async def check_mapping(self, principal: Principal, *, connector_id: UUID, document: str) -> views.MappingCheck: ...
    async def try_mapping(
        self,
        principal: Principal,
        *,
        connector_id: UUID,
        document: str | None,
        identity_ids: tuple[UUID, ...] = (),
        sample: int = 5,
        seed: int = 0,
    ) -> views.MappingTrial:
        """What a draft (None: the active version) would do to these people, or to a sample of those in scope."""

    async def save_mapping(
        self, principal: Principal, *, connector_id: UUID, document: str, note: str, sources_may_be_new: bool = False
    ) -> ActResult: ...
    async def start_dry_run(self, principal: Principal, *, connector_id: UUID, version: int) -> ActResult: ...
    async def cancel_dry_run(self, principal: Principal, *, connector_id: UUID, dry_run_id: UUID) -> ActResult: ...
    async def activate_mapping(
        self, principal: Principal, *, connector_id: UUID, version: int, seen: int | None
    ) -> ActResult: ...
    async def roll_back_mapping(self, principal: Principal, *, connector_id: UUID, seen: int | None) -> ActResult: ...
