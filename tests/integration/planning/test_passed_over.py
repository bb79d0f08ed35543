"""Whom planning had to pass over at a target is planned there once it can be planned for again."""

from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest

from worker.domain.connector import ConnectorStatus, DeprovisionPolicy
from worker.domain.mapping import MappingRule
from worker.planning import passed_over
from worker.store.due_work import due

from .conftest import RULES, House

BROKEN = [MappingRule("cn", source="name", transforms=("no-such-thing",))]


async def planned_at(house: House, connector_id: UUID) -> list[str]:
    """Types of the operations that wait for a target."""
    rows = await house.rows(
        "SELECT operation_type FROM operations WHERE connector_id = $1 ORDER BY operation_type", connector_id
    )
    return [row["operation_type"] for row in rows]


async def set_connector(house: House, connector_id: UUID, **values: Any) -> None:
    """Write columns of a connector, as whoever repairs it does."""
    for name, value in values.items():
        await house.rows(f"UPDATE connectors SET {name} = $2 WHERE id = $1 RETURNING id", connector_id, value)


async def awake(house: House) -> bool:
    """Whether planning is due."""
    async with house.pool.acquire() as conn:
        return bool(await due(conn, ["plan"]))


@pytest.mark.parametrize(
    ("broken", "repaired"),
    [
        pytest.param({"status": "inactive"}, {"status": "active"}, id="inactive"),
        pytest.param({"scope": "name eq"}, {"scope": None}, id="a scope that cannot be read"),
    ],
)
async def test_a_target_that_could_not_be_planned_for_is_made_up_for(
    house: House, broken: dict[str, Any], repaired: dict[str, Any]
) -> None:
    good, bad = await house.target("good"), await house.target("bad")
    await house.people("Ann")
    await house.plan()
    await house.settle()
    await set_connector(house, bad.id, **broken)
    await house.people("Bob", first=5)
    await house.plan()
    meanwhile = await planned_at(house, bad.id)
    await set_connector(house, bad.id, **repaired)
    await house.plan()

    assert meanwhile == []
    assert await planned_at(house, bad.id) == ["create"]
    assert await planned_at(house, good.id) == ["create"]


async def test_a_mapping_that_could_not_be_used_is_made_up_for(house: House) -> None:
    good, bad = await house.target("good"), await house.target("bad", rules=BROKEN)
    await house.people("Ann")
    await house.plan()
    await house.plan()
    meanwhile = await planned_at(house, bad.id)
    await house.map(bad, RULES)
    asked = await awake(house)
    await house.plan()

    assert (meanwhile, asked) == ([], True)
    assert await planned_at(house, bad.id) == ["create"]
    assert await planned_at(house, good.id) == ["create"]


async def test_a_broken_target_does_not_have_everybody_planned_again_and_again(house: House) -> None:
    await house.target("bad", rules=BROKEN)
    await house.target("off", status=ConnectorStatus.INACTIVE)
    await house.people("Ann")
    await house.plan()
    again = await house.plan()

    assert again.identities == 0
    assert not await awake(house)


async def test_another_mapping_scope_or_policy_has_everybody_planned(house: House) -> None:
    connector = await house.target(deprovision=DeprovisionPolicy.NONE)
    ann, bob = await house.people("Ann", "Bob")
    await house.plan()
    await house.settle()
    await house.change(replace(ann, active=False, version=2))
    await house.plan()
    before = await planned_at(house, connector.id)
    await set_connector(house, connector.id, deprovision="disable")
    await house.plan()
    disabled = await house.operations()
    await set_connector(house, connector.id, scope='name ne "Bob"')
    await house.plan()
    await house.map(connector, [*RULES, MappingRule("kind", constant="person")])
    await house.plan()

    assert before == []
    assert disabled == [("update", "pending", {"attributes": {}, "active": False})]
    assert [payload for _, _, payload in await house.operations()] == [{"attributes": {}, "active": False}] * 2
    assert bob.active


async def test_nothing_is_asked_where_nothing_has_changed(house: House) -> None:
    await house.target()
    (ann, _) = await house.people("Ann", "Bob")
    await house.plan()
    rows = await house.rows("SELECT connector_id, basis, asked_to, xmin::text FROM planned_targets")
    await house.ask(ann)
    planned = await house.plan()

    assert planned.identities == 1
    assert [row["asked_to"] for row in rows] == [None]
    assert await house.rows("SELECT connector_id, basis, asked_to, xmin::text FROM planned_targets") == rows


async def test_everybody_is_asked_page_by_page_and_planning_stays_due_meanwhile(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(passed_over, "PAGE", 2)
    await house.people(*(f"p{n}" for n in range(5)))
    await house.plan()
    connector = await house.target()
    counts = []
    while await awake(house):
        await house.plan()
        counts.append(len(await planned_at(house, connector.id)))

    assert counts[:3] == [2, 4, 5]
    assert await house.rows("SELECT 1 FROM plan_items") == []


async def test_one_more_target_behind_begins_at_the_beginning(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(passed_over, "PAGE", 2)
    await house.people(*(f"p{n}" for n in range(3)))
    await house.plan()
    first = await house.target("first")
    await house.plan()
    second = await house.target("second")
    while await awake(house):
        await house.plan()

    assert [len(await planned_at(house, each.id)) for each in (first, second)] == [3, 3]


async def test_only_those_whom_a_changed_target_concerns_are_asked_for(house: House) -> None:
    connector = await house.target(scope='department eq "it"')
    await house.people("anna", "ben", "cara")
    (dora,) = await house.people("dora", first=3)
    await house.change(replace(dora, attributes={**dora.attributes, "department": "IT"}, version=2))
    await house.plan()
    await house.settle()
    await house.map(connector, (MappingRule("cn", source="name", transforms=("upper",)),))
    planned = await house.plan()

    assert planned.identities == 1
    assert [payload["attributes"]["cn"] for _, _, payload in await house.operations()] == ["DORA"]
