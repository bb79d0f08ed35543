"""What people try with rules before they are in force: on all that was decided, in the background, or at once."""

from typing import Any
from uuid import UUID

from worker.actions.contradictions import stored_form
from worker.actions.house import House, acting
from worker.actions.rule_sets import Draft, invalid, review, rules_now, schema_of
from worker.actions.rule_sets import version as rules_of
from worker.actions.targets import the_target
from worker.domain.errors import NotFound, WrongState
from worker.security import Principal, Role, require
from worker.store import backtests, rule_sets
from worker.store.backtests import Backtest
from worker.store.pool import Connection
from worker.store.tenant import tenant


async def start(
    house: House, principal: Principal, *, connector_id: UUID, draft: Draft | None = None, version: int | None = None
) -> Backtest:
    """Have rules, or a stored version, tried in the background on what people decided and on links in force.

    One that is on its way for the same target is given up for it. Raises NotFound and InvalidRules.
    """
    require(principal.roles, Role.OPERATOR)
    rules = await _tried(house, principal, connector_id, draft, version)
    told = await schema_of(house, principal.tenant_id, connector_id)
    async with acting(house, principal, Role.OPERATOR) as act:
        connector = await the_target(act.conn, act.tenant_id, connector_id)
        await rule_sets.lock(act.conn, tenant_id=act.tenant_id, connector_id=connector_id)
        now = await rules_now(act.conn, connector, told)
        backtest_id = await backtests.start(
            act.conn,
            tenant_id=act.tenant_id,
            connector_id=connector_id,
            rules=rules,
            base_version=now.version,
            base_rules=stored_form(now.rule_set),
            created_by=act.by,
        )
        act.note("rules.backtest", "connector", connector_id, name=connector.name, backtest=backtest_id)
        return await _get(act.conn, act.tenant_id, connector_id, backtest_id)


async def get(house: House, principal: Principal, *, connector_id: UUID, backtest_id: UUID) -> Backtest:
    """One back-test as it is now. Raises NotFound."""
    require(principal.roles, Role.VIEWER)
    async with tenant(house.pool, principal.tenant_id) as conn:
        return await _get(conn, principal.tenant_id, connector_id, backtest_id)


async def cancel(house: House, principal: Principal, *, connector_id: UUID, backtest_id: UUID) -> Backtest:
    """Stop a back-test. Raises NotFound, and WrongState for one that is over."""
    async with acting(house, principal, Role.OPERATOR) as act:
        found = await _get(act.conn, act.tenant_id, connector_id, backtest_id)
        if not await backtests.cancel(act.conn, tenant_id=act.tenant_id, backtest_id=backtest_id):
            raise WrongState(f"This back-test is {found.status} already.")
        act.note("rules.backtest_cancel", "connector", connector_id, backtest=backtest_id)
        return await _get(act.conn, act.tenant_id, connector_id, backtest_id)


async def _tried(
    house: House, principal: Principal, connector_id: UUID, draft: Draft | None, version: int | None
) -> dict[str, Any]:
    if draft is not None:
        found = await review(house, principal, connector_id=connector_id, draft=draft)
        if found.rule_set is None:
            raise invalid(found.problems)
        return stored_form(found.rule_set)
    number = version if version is not None else rule_sets.SHIPPED
    return stored_form((await rules_of(house, principal, connector_id=connector_id, number=number)).rule_set)


async def _get(conn: Connection, tenant_id: UUID, connector_id: UUID, backtest_id: UUID) -> Backtest:
    found = await backtests.get(conn, tenant_id=tenant_id, backtest_id=backtest_id)
    if found is None or found.connector_id != connector_id:
        raise NotFound(f"There is no back-test {backtest_id} of this target.")
    return found
