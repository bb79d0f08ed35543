"""The console's rules of correlation: what is in force, what a draft would do, and verbs answered in words."""

import asyncio
from collections.abc import Mapping
from typing import Any
from uuid import UUID

from worker.actions import House, backtests, refining, rule_sets, statistics
from worker.actions.contradictions import stored_form
from worker.actions.rule_sets import Draft, InForce
from worker.actions.targets import the_target
from worker.connectors import ObjectSchema
from worker.console import (
    ActResult,
    RuleDifference,
    RuleFigures,
    RuleMistake,
    RulesCheck,
    RuleSetRow,
    RulesView,
    RuleVersionRow,
    SavedRules,
    WhoseView,
)
from worker.console import BacktestView as Tried
from worker.console import Principal as Person
from worker.correlation import rule_set_in_force
from worker.domain.errors import (
    ContradictsDecisions,
    HookError,
    NotFound,
    RequestError,
    SettingsError,
    SurroundingsError,
    WrongState,
)
from worker.security import Principal, Role, require
from worker.service.desk.briefs import brief_of
from worker.service.desk.rule_views import backtest_of, candidate_of
from worker.service.desk.saying import principal_of, said
from worker.store import accounts, correlation, listings_targets, mappings
from worker.store import backtests as stored_tests
from worker.store import rule_sets as stored
from worker.store.accounts import Place
from worker.store.pool import Connection
from worker.store.sql import Record
from worker.store.tenant import tenant

_VERSIONS = 50
_BACKTESTS = 5
#: A page is not kept waiting longer by a target that is slow to tell its attributes.
_ATTRIBUTES_WITHIN_S = 3
_REFUSALS = (RequestError, SettingsError, HookError, SurroundingsError)


class Rules:
    """What pages of a target's rules read, try and do, over this house."""

    def __init__(self, house: House) -> None:
        self._house = house

    async def rule_sets(self, tenant_id: UUID) -> tuple[RuleSetRow, ...]:
        async with tenant(self._house.pool, tenant_id) as conn:
            found = [row for row in await listings_targets.connectors(conn, tenant_id) if row["is_target"]]
            return tuple([await self._row(conn, tenant_id, row) for row in found])

    async def rules(
        self, principal: Person, *, connector_id: UUID, version: int | None = None, newest: int | None = None
    ) -> RulesView | None:
        who = principal_of(principal)
        require(who.roles, Role.VIEWER)
        try:
            told = await self._told(who, connector_id)
            async with tenant(self._house.pool, who.tenant_id) as conn:
                target = await the_target(conn, who.tenant_id, connector_id)
                now = await rule_sets.rules_now(conn, target, told)
            shown = now
            if version not in {None, now.version}:
                shown = await rule_sets.version(self._house, who, connector_id=connector_id, number=version or 0)
            async with tenant(self._house.pool, who.tenant_id) as conn:
                return await _view(conn, now, shown, told, newest)
        except (NotFound, WrongState):
            return None

    async def rules_difference(
        self, principal: Person, *, connector_id: UUID, before: int, after: int
    ) -> tuple[RuleDifference, ...] | None:
        try:
            found = await rule_sets.difference(
                self._house, principal_of(principal), connector_id=connector_id, before=before, after=after
            )
        except NotFound:
            return None
        return tuple(RuleDifference(name=x.name, before=x.before, after=x.after, fields=x.fields) for x in found)

    async def check_rules(
        self, principal: Person, *, connector_id: UUID, document: dict[str, Any], sources_may_be_new: bool = False
    ) -> RulesCheck:
        draft = Draft(document, sources_may_be_new=sources_may_be_new)
        try:
            found = await rule_sets.review(self._house, principal_of(principal), connector_id=connector_id, draft=draft)
        except _REFUSALS as error:
            return RulesCheck(ok=False, refused=str(error))
        mistakes = tuple(
            RuleMistake(rule=each.rule, field=each.field, message=each.message, is_error=each.is_error)
            for each in found.problems
        )
        return RulesCheck(ok=found.rule_set is not None, mistakes=mistakes)

    async def backtest(self, principal: Person, *, connector_id: UUID, backtest_id: UUID) -> Tried | None:
        try:
            found = await backtests.get(
                self._house, principal_of(principal), connector_id=connector_id, backtest_id=backtest_id
            )
        except NotFound:
            return None
        return backtest_of(found)

    async def start_backtest(
        self,
        principal: Person,
        *,
        connector_id: UUID,
        document: dict[str, Any] | None = None,
        version: int | None = None,
        sources_may_be_new: bool = False,
    ) -> ActResult:
        draft = None if document is None else Draft(document, sources_may_be_new=sources_may_be_new)

        async def act() -> ActResult:
            found = await backtests.start(
                self._house, principal_of(principal), connector_id=connector_id, draft=draft, version=version
            )
            link = f"/correlation/rules/{connector_id}/backtests/{found.id}"
            return ActResult("They are being tried on what is settled; nothing is changed.", link=link)

        return await _tried(act)

    async def refine(self, principal: Person, *, connector_id: UUID, by_data: bool = False) -> ActResult:
        teacher = refining.Teacher.DATA if by_data else refining.Teacher.DECISIONS

        async def act() -> ActResult:
            found = await refining.refine(
                self._house, principal_of(principal), connector_id=connector_id, teacher=teacher
            )
            link = f"/correlation/rules/{connector_id}/backtests/{found.id}"
            return ActResult("Rules are proposed, and being tried; nothing is changed.", link=link)

        return await _tried(act)

    async def cancel_backtest(self, principal: Person, *, connector_id: UUID, backtest_id: UUID) -> ActResult:
        async def act() -> ActResult:
            await backtests.cancel(
                self._house, principal_of(principal), connector_id=connector_id, backtest_id=backtest_id
            )
            return ActResult("The back-test was stopped.")

        return await said(act)

    async def save_rules(
        self,
        principal: Person,
        *,
        connector_id: UUID,
        document: dict[str, Any],
        note: str,
        seen: int | None,
        acknowledged: bool = False,
        sources_may_be_new: bool = False,
    ) -> SavedRules:
        draft = Draft(document, note, sources_may_be_new, acknowledged)
        try:
            number = await rule_sets.save(
                self._house, principal_of(principal), connector_id=connector_id, draft=draft, seen=seen
            )
        except ContradictsDecisions as error:
            count = error.fields.get("members", {}).get("contradictions", 1)
            return SavedRules(str(error), ok=False, contradicts=count)
        except _REFUSALS as error:
            return SavedRules(str(error), ok=False)
        return SavedRules(f"Version {number} is in force; every daemon knows it within a minute.")

    async def activate_rules(
        self, principal: Person, *, connector_id: UUID, version: int, seen: int | None
    ) -> ActResult:
        async def act() -> ActResult:
            await rule_sets.activate(
                self._house, principal_of(principal), connector_id=connector_id, number=version, seen=seen
            )
            return ActResult(f"In force now: {_name(version)}.")

        return await said(act)

    async def roll_back_rules(self, principal: Person, *, connector_id: UUID, seen: int | None) -> ActResult:
        async def act() -> ActResult:
            done = await rule_sets.roll_back(self._house, principal_of(principal), connector_id=connector_id, seen=seen)
            return ActResult(f"In force again: {_name(done.version)}.")

        return await said(act)

    async def spot_check(self, principal: Person, *, connector_id: UUID, count: int) -> ActResult:
        async def act() -> ActResult:
            found = await statistics.spot_check(
                self._house, principal_of(principal), connector_id=connector_id, count=count
            )
            told = "1 link waits" if len(found) == 1 else f"{len(found)} links wait"
            return ActResult(
                f"{told} among the cases to be checked.", link=f"/correlation/cases?connector_id={connector_id}"
            )

        return await said(act)

    async def whose(
        self,
        principal: Person,
        *,
        connector_id: UUID,
        attributes: dict[str, Any],
        uid: str | None,
        document: dict[str, Any] | None = None,
        sources_may_be_new: bool = False,
    ) -> WhoseView:
        who = principal_of(principal)
        try:
            account_id = await self._account(who, connector_id, uid) if uid is not None else None
            draft = None if document is None else Draft(document, sources_may_be_new=sources_may_be_new)
            found = await statistics.correlate(
                self._house, who, connector_id=connector_id, attributes=attributes, account_id=account_id, draft=draft
            )
        except _REFUSALS as error:
            return WhoseView(refused=str(error))
        return WhoseView(
            decision=found.result.decision.value,
            reason=found.result.reason,
            candidates=tuple(candidate_of(each) for each in found.result.candidates),
            is_complete=found.is_complete,
        )

    async def _account(self, who: Principal, connector_id: UUID, uid: str) -> UUID:
        async with tenant(self._house.pool, who.tenant_id) as conn:
            target = await the_target(conn, who.tenant_id, connector_id)
            rows = await accounts.by_uids(conn, Place(who.tenant_id, connector_id, target.object_class), [uid])
        if uid not in rows:
            raise NotFound(f"We know no account {uid!r} at {target.name}; a run finds what is new.")
        return rows[uid].account.id

    async def _told(self, who: Principal, connector_id: UUID) -> ObjectSchema | None:
        try:
            async with asyncio.timeout(_ATTRIBUTES_WITHIN_S):
                return await rule_sets.schema_of(self._house, who.tenant_id, connector_id)
        except TimeoutError:
            return None

    async def _row(self, conn: Connection, tenant_id: UUID, row: Record) -> RuleSetRow:
        connector = await the_target(conn, tenant_id, row["id"])
        active = await correlation.active_rule_set(conn, tenant_id=tenant_id, connector_id=row["id"])
        shipped = rule_set_in_force(active, attributes=(), mapping=None)
        number = active[0] if active else stored.SHIPPED
        return RuleSetRow(
            connector=brief_of(row),
            version=number,
            tuning_mode=InForce(connector, number, shipped).tuning_mode,
            figures=await _figures(conn, tenant_id, row["id"]),
        )


async def _tried(act: Any) -> ActResult:
    """What an act says that may find the sandbox full."""
    try:
        return await said(act)
    except SurroundingsError as error:
        return ActResult(str(error), ok=False)


async def _view(
    conn: Connection, now: InForce, shown: InForce, told: ObjectSchema | None, newest: int | None
) -> RulesView:
    target = now.connector
    where: Mapping[str, Any] = {"tenant_id": target.tenant_id, "connector_id": target.id}
    rows, latest = await _listed(conn, where, newest)
    briefs = await listings_targets.connectors(conn, target.tenant_id, connector_id=target.id)
    tests = await stored_tests.of_connector(conn, **where, limit=_BACKTESTS)
    return RulesView(
        connector=brief_of(briefs[0]),
        active=now.version,
        version=shown.version,
        document=stored_form(shown.rule_set),
        versions=tuple(_version(each) for each in rows),
        figures=await _figures(conn, target.tenant_id, target.id),
        backtests=tuple(backtest_of(each) for each in tests),
        attributes=tuple(sorted(each.name for each in told.attributes)) if told is not None else (),
        sources=tuple(sorted(await mappings.attribute_names(conn, tenant_id=target.tenant_id))),
        back_to=None if now.is_shipped else await stored.before(conn, version=now.version, **where),
        is_tuning=now.tuning_mode,
        is_tuning_by_connector=bool(target.settings.get("tuning_mode", False)),
        latest=latest,
    )


async def _listed(conn: Connection, where: Mapping[str, Any], newest: int | None) -> tuple[list[Record], int]:
    """Versions from ``newest`` on downwards, and how many there are; they are numbered without gaps."""
    rows, latest = await stored.versions(conn, **where, limit=_VERSIONS)
    if newest is not None and newest < latest:
        rows, latest = await stored.versions(conn, **where, limit=_VERSIONS, offset=latest - newest)
    return rows, latest


async def _figures(conn: Connection, tenant_id: UUID, connector_id: UUID) -> RuleFigures:
    found = await statistics.figures_of(conn, tenant_id=tenant_id, connector_id=connector_id)
    return RuleFigures(
        open_questions=found.open_questions,
        open_checks=found.open_checks,
        waiting_operations=found.waiting_operations,
        oldest_open_at=found.oldest_open_at,
        checked=found.checked,
        precision=found.precision,
        precision_low=found.precision_low,
        reviewed_pairs=found.reviewed_pairs,
        ece=found.ece,
    )


def _version(row: Record) -> RuleVersionRow:
    return RuleVersionRow(
        version=row["version"],
        is_active=row["is_active"],
        note=row["note"],
        rules=row["rules"],
        created_at=row["created_at"],
        created_by=row["created_by_name"],
        activated_at=row["activated_at"],
    )


def _name(number: int) -> str:
    return f"version {number}" if number else "the shipped rules"
