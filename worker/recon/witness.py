"""What a repair rests on, kept with it: months later somebody asks why."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from worker.correlation import RuleSet, evidence_of_pair, rule_set_in_force
from worker.domain.correlation import PersonDecision
from worker.domain.discrepancy import Discrepancy, RepairAction, RepairDirection
from worker.store import accounts, correlation, identities, mappings
from worker.store.accounts import Place
from worker.store.pool import Connection


async def with_evidence(conn: Connection, place: Place, said: Sequence[PersonDecision]) -> list[PersonDecision]:
    """The same decisions with what each pair looks like now; asked again is only when that has changed."""
    if not said:
        return []
    rows = await accounts.by_ids(conn, tenant_id=place.tenant_id, ids=[each.account_id for each in said])
    people = await identities.get(conn, tenant_id=place.tenant_id, ids=[each.identity_id for each in said])
    observed = {id_: row.account.observed for id_, row in rows.items() if row.account.observed}
    rules = await _rules(conn, place, sorted({name for each in observed.values() for name in each}))
    return [
        replace(
            each,
            evidence=evidence_of_pair(
                people[each.identity_id].as_identity().as_source(), observed[each.account_id], rules
            ),
        )
        if each.identity_id in people and each.account_id in observed
        else each
        for each in said
    ]


def why(found: Discrepancy | None, action: RepairAction | None, direction: RepairDirection) -> dict[str, Any]:
    """What the finding said when it was repaired, and why this repair was offered: it may say something else later."""
    if found is None:
        return {}
    offered = (each for each in found.finding.suggestions if (each.action, each.direction) == (action, direction))
    suggestion = next(offered, None)
    told: dict[str, Any] = {"explanation": found.finding.explanation}
    if suggestion is not None:
        told["reason"] = suggestion.reason
        if suggestion.match:
            told["match"] = suggestion.match
    return told


async def _rules(conn: Connection, place: Place, attributes: Sequence[str]) -> RuleSet:
    """The rules in force; those that are shipped, by what the accounts have."""
    where = {"tenant_id": place.tenant_id, "connector_id": place.connector_id}
    stored = await correlation.active_rule_set(conn, **where)
    active = await mappings.active(conn, tenant_id=place.tenant_id, connector_ids=[place.connector_id])
    mapping = active.get((place.connector_id, place.object_class))
    return rule_set_in_force(stored, attributes=attributes, mapping=mapping)
