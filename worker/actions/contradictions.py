"""Rules that go against what people decided: told before they are saved."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from worker.actions.askers import asker_of, no_room
from worker.actions.house import House
from worker.connectors import ObjectSchema
from worker.correlation import RuleSet
from worker.domain.errors import ContradictsDecisions, HookError
from worker.recon import occasion_at, replayed_page
from worker.store import backtests, connectors
from worker.store.backtests import Backtest
from worker.store.tenant import tenant

#: Accounts with a person's decision that are looked at before rules are saved.
LOOKED_AT = 1_000
_FIRST = UUID(int=0)
_SHOWN = 10


async def refuse_contradictions(
    house: House,
    *,
    tenant_id: UUID,
    connector_id: UUID,
    now: tuple[int, RuleSet],
    rule_set: RuleSet,
    told: ObjectSchema | None,
) -> None:
    """Raise ContradictsDecisions where these rules, and not those in force, go against what people decided.

    ``now`` is what is in force: version and rules. Asked of the accounts that people decided about, with whom they
    named; and of the last back-test of the same rules. ``told``: what the target says of its attributes. Raises
    SurroundingsError while the sandbox has no room for hooks and expressions.
    """
    where: dict[str, Any] = {"tenant_id": tenant_id, "connector_id": connector_id}
    async with tenant(house.pool, tenant_id) as conn:
        tests = await backtests.of_connector(conn, **where)
        _refuse_tried(tests, rules=stored_form(rule_set), base_version=now[0])
        settled, _ = await backtests.decided(conn, after=_FIRST, limit=LOOKED_AT, **where)
        connector = await connectors.get(conn, **where)
        if not (settled and connector is not None):
            return
        occasion = await occasion_at(conn, connector, schema=told, now=datetime.now(UTC))
    try:
        found = await replayed_page(
            house.pool,
            connector=connector,
            settled=settled,
            rule_sets=(now[1], rule_set),
            everybody=0,
            asker=asker_of(house),
            occasion=occasion,
        )
    except HookError as error:
        raise no_room(error) from error
    _refuse(found.counts, found.flips)


def _refuse_tried(tests: Sequence[Backtest], *, rules: dict[str, Any], base_version: int) -> None:
    """By the last back-test of the same rules, if there was one."""
    for test in tests:
        if test.status == "completed" and test.rules == rules and test.base_version == base_version:
            _refuse(test.counts, test.flips)
            return


def _refuse(counts: Mapping[str, Any], flips: list[dict[str, Any]]) -> None:
    count = counts.get("new_contradictions", 0)
    if not count:
        return
    which = [each for each in flips if each["is_contradiction"]][:_SHOWN]
    first = f" The first: {which[0]['uid']}, {which[0]['after']['reason']}." if which else ""
    raise ContradictsDecisions(
        f"These rules go against what people decided about {count} accounts, and those in force do not.{first} "
        "Say that you have seen it (acknowledge_contradictions) to save them even so; what people decided stays.",
        members={"contradictions": count, "flips": which},
    )


def stored_form(rule_set: RuleSet) -> dict[str, Any]:
    """The JSON form without its number, which is the row's."""
    return {name: value for name, value in rule_set.to_json().items() if name != "version"}
