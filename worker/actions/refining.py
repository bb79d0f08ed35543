"""Better rules proposed by what people decided: tried on it, shown as a back-test, and never put in force by itself."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from uuid import UUID

from worker.actions.contradictions import stored_form
from worker.actions.house import House, acting
from worker.actions.rule_sets import rules_now, schema_of
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


async def refine(house: House, principal: Principal, *, connector_id: UUID) -> Backtest:
    """Fit how sure the rules are to what people decided, and have that tried in the background, as any other rules.

    It is proposed only where it is better on decisions that it was not fitted to. Saving it is a person's act. Raises
    NotFound, and WrongState where people decided too little, or nothing better was found.
    """
    require(principal.roles, Role.ADMIN)
    told = await schema_of(house, principal.tenant_id, connector_id)
    async with tenant(house.pool, principal.tenant_id) as conn:
        connector = await the_target(conn, principal.tenant_id, connector_id)
        now = await rules_now(conn, connector, told)
        settled, _ = await backtests.decided(
            conn, tenant_id=principal.tenant_id, connector_id=connector_id, after=_FIRST, limit=LOOKED_AT
        )
    past, people, frequencies = await settled_pasts(
        house.pool, tenant_id=principal.tenant_id, connector_id=connector_id, settled=settled
    )
    better = await asyncio.to_thread(_better, past, people, now.rule_set, frequencies)
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
        act.note("rules.refine", "connector", connector_id, name=connector.name, backtest=backtest_id)
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
