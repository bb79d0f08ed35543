"""Better rules proposed by what people decided: tried on it, shown as a back-test, and never put in force by itself."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from enum import StrEnum
from uuid import UUID

from worker.actions.contradictions import stored_form
from worker.actions.house import House, acting
from worker.actions.learning import learnt
from worker.actions.rule_sets import InForce, rules_now, schema_of
from worker.actions.targets import the_target
from worker.correlation import NameFrequencies, Past, RuleSet, calibrated, cross_checked
from worker.domain.correlation import Candidate
from worker.domain.errors import WrongState
from worker.recon import settled_pasts
from worker.security import Principal, Role, require
from worker.store import backtests, rule_sets
from worker.store.backtests import Backtest
from worker.store.tenant import tenant

#: Fewer reviewed pairs than this say too little.
LEAST_PAIRS = 30
#: Accounts with a person's decision that are learnt from.
LOOKED_AT = 2_000
_FIRST = UUID(int=0)


class Teacher(StrEnum):
    """What rules are learnt from: how sure they are by people's decisions, or their weights by everybody's data."""

    DECISIONS = "decisions"
    DATA = "data"


async def refine(
    house: House, principal: Principal, *, connector_id: UUID, teacher: Teacher = Teacher.DECISIONS
) -> Backtest:
    """Learn better rules, and have them tried in the background, as any other rules.

    From decisions it is proposed only where it is better on those that it was not fitted to; what data alone teach is
    for the back-test to judge. Saving it is a person's act. Raises NotFound, and WrongState where there is too little
    to learn from, or nothing better was found.
    """
    require(principal.roles, Role.ADMIN)
    told = await schema_of(house, principal.tenant_id, connector_id)
    async with tenant(house.pool, principal.tenant_id) as conn:
        connector = await the_target(conn, principal.tenant_id, connector_id)
        now = await rules_now(conn, connector, told)
    better = await (
        learnt(house, connector, now.rule_set)
        if teacher is Teacher.DATA
        else _by_decisions(house, principal, connector_id, now.rule_set)
    )
    return await _proposed(house, principal, now, better, teacher=teacher)


async def _by_decisions(house: House, principal: Principal, connector_id: UUID, rules: RuleSet) -> RuleSet:
    async with tenant(house.pool, principal.tenant_id) as conn:
        settled, _ = await backtests.decided(
            conn, tenant_id=principal.tenant_id, connector_id=connector_id, after=_FIRST, limit=LOOKED_AT
        )
    past, people, frequencies = await settled_pasts(
        house.pool, tenant_id=principal.tenant_id, connector_id=connector_id, settled=settled
    )
    return await asyncio.to_thread(_better, past, people, rules, frequencies)


async def _proposed(house: House, principal: Principal, now: InForce, better: RuleSet, *, teacher: Teacher) -> Backtest:
    connector_id = now.connector.id
    async with acting(house, principal, Role.ADMIN) as act:
        where = {"tenant_id": act.tenant_id, "connector_id": connector_id}
        await rule_sets.lock(act.conn, **where)
        backtest_id = await backtests.start(
            act.conn,
            rules=stored_form(better),
            base_version=now.version,
            base_rules=stored_form(now.rule_set),
            origin="refined",
            created_by=act.by,
            **where,
        )
        act.note("rules.refine", "connector", connector_id, name=now.connector.name, by=teacher, backtest=backtest_id)
        found = await backtests.get(act.conn, tenant_id=act.tenant_id, backtest_id=backtest_id)
    if found is None:
        raise WrongState("Somebody else asked for a back-test of this target at the same moment; ask again.")
    return found


def _better(past: Sequence[Past], people: Sequence[Candidate], rules: RuleSet, frequencies: NameFrequencies) -> RuleSet:
    checked = cross_checked(past, people, rules, frequencies=frequencies)
    if checked.pairs < LEAST_PAIRS:
        raise WrongState(
            f"People decided about {checked.pairs} pairs that the rules found likely; {LEAST_PAIRS} are the least to "
            "learn from."
        )
    if checked.after >= checked.before:
        raise WrongState(
            f"Nothing better was found: the calibration error is {checked.before:.4f}, it would be {checked.after:.4f}."
        )
    found = calibrated(past, people, rules, frequencies=frequencies)
    return replace(rules, slope=round(found.slope, 4), offset=round(found.offset, 4))
