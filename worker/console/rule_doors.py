"""What the console needs for the rules of correlation: reads, trials, acts.

Reads take the tenant or the person; trials take the person and write nothing that counts; acts are as those of
``doors``: refusals are results, in words. A ``document`` is the JSON form of a rule set, without its version.
"""

from dataclasses import dataclass
from typing import Any, Protocol
from uuid import UUID

from worker.console import views
from worker.console.doors import ActResult, Principal


@dataclass(frozen=True, slots=True)
class SavedRules(ActResult):
    """What saving did; ``contradicts`` accounts of which people said otherwise, which is why it was refused."""

    contradicts: int = 0


class ConsoleRules(Protocol):
    """Every read, trial and verb of the pages of a target's rules."""

    async def rule_sets(self, tenant_id: UUID) -> tuple[views.RuleSetRow, ...]:
        """Every target with what is in force there, by name."""

    async def rules(
        self, principal: Principal, *, connector_id: UUID, version: int | None = None, newest: int | None = None
    ) -> views.RulesView | None:
        """What the editor begins with: this version, or what is in force; None when there is no such target or version.

        Versions are listed from ``newest`` on downwards, from the last one without it.
        """

    async def rules_difference(
        self, principal: Principal, *, connector_id: UUID, before: int, after: int
    ) -> tuple[views.RuleDifference, ...] | None:
        """What differs, the set's settings first; None when one of the versions is not there."""

    async def check_rules(
        self, principal: Principal, *, connector_id: UUID, document: dict[str, Any], sources_may_be_new: bool = False
    ) -> views.RulesCheck: ...
    async def backtest(
        self, principal: Principal, *, connector_id: UUID, backtest_id: UUID
    ) -> views.BacktestView | None: ...
    async def start_backtest(
        self,
        principal: Principal,
        *,
        connector_id: UUID,
        document: dict[str, Any] | None = None,
        version: int | None = None,
        sources_may_be_new: bool = False,
    ) -> ActResult:
        """Try a draft or a stored version on what is settled; ``link`` leads to what it finds."""

    async def refine(self, principal: Principal, *, connector_id: UUID, by_data: bool = False) -> ActResult:
        """Have rules proposed that fit better to what people decided, or with weights that all data make likely;

        ``link`` leads to their back-test.
        """

    async def cancel_backtest(self, principal: Principal, *, connector_id: UUID, backtest_id: UUID) -> ActResult: ...
    async def save_rules(
        self,
        principal: Principal,
        *,
        connector_id: UUID,
        document: dict[str, Any],
        note: str,
        seen: int | None,
        acknowledged: bool = False,
        sources_may_be_new: bool = False,
    ) -> SavedRules:
        """Store the next version and put it in force."""

    async def activate_rules(
        self, principal: Principal, *, connector_id: UUID, version: int, seen: int | None
    ) -> ActResult: ...
    async def roll_back_rules(self, principal: Principal, *, connector_id: UUID, seen: int | None) -> ActResult: ...
    async def spot_check(self, principal: Principal, *, connector_id: UUID, count: int) -> ActResult:
        """Ask people about links that the rules made by themselves."""

    async def whose(
        self,
        principal: Principal,
        *,
        connector_id: UUID,
        attributes: dict[str, Any],
        uid: str | None,
        document: dict[str, Any] | None = None,
        sources_may_be_new: bool = False,
    ) -> views.WhoseView:
        """Whose an account with these attributes would be, or one that we know by its uid: by the rules in force, or by

        those of a draft.
        """
