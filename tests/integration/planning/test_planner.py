import asyncio
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from tests.factories import VAULT
from worker.domain.connector import DeprovisionPolicy
from worker.domain.errors import HookError
from worker.domain.hook import ExpressionResult
from worker.domain.identity import Identity
from worker.domain.mapping import MappingRule, MappingVersion
from worker.mapping import Mapped, MappingEngine, MappingError
from worker.planning import Acceptance, Accepted, Planner
from worker.queue import OperationQueue
from worker.store import plan_items
from worker.store.due_work import due
from worker.store.pool import Connection
from worker.store.tenant import tenant

from .conftest import RULES, House, a_planner


async def test_everybody_in_scope_gets_an_account_at_every_target(house: House) -> None:
    await house.target("one")
    await house.target("two", scope='name ne "Bob"')
    await house.people("Ann", "Bob")
    planned = await house.plan()

    assert (planned.identities, planned.operations) == (2, 3)
    assert await house.operations() == [
        ("create", "pending", {"attributes": {"cn": "Ann", "mail": "ann@x.org"}, "active": True}),
        ("create", "pending", {"attributes": {"cn": "Bob", "mail": "bob@x.org"}, "active": True}),
        ("create", "pending", {"attributes": {"cn": "Ann", "mail": "ann@x.org"}, "active": True}),
    ]


async def test_planning_puts_itself_to_sleep_and_wakes_the_target(house: House) -> None:
    connector = await house.target()
    await house.people("Ann")
    await house.plan()
    async with house.pool.acquire() as conn:
        awake = await due(conn, ["plan", "claim"])

    assert [(each.kind, each.ref_id) for each in awake] == [("claim", connector.id)]


async def test_an_unchanged_person_writes_no_account_row(house: House) -> None:
    await house.target()
    (ann,) = await house.people("Ann")
    await house.plan()
    await house.settle()
    before = await house.rows("SELECT id, xmin::text FROM accounts")
    await house.ask(ann)
    planned = await house.plan()

    assert planned.identities == 1
    assert await house.operations() == []
    assert await house.rows("SELECT id, xmin::text FROM accounts") == before
    assert await house.rows("SELECT 1 FROM plan_items") == []


async def test_a_change_is_an_update_of_what_changed(house: House) -> None:
    await house.target()
    (ann,) = await house.people("Ann")
    await house.plan()
    await house.settle()
    await house.change(replace(ann, attributes={"name": "Ann"}, version=2))
    await house.plan()

    assert await house.operations() == [("update", "pending", {"attributes": {"mail": None}})]


async def test_a_change_before_the_first_try_rewrites_the_creation(house: House) -> None:
    await house.target()
    (ann,) = await house.people("Ann")
    await house.plan()
    await house.change(replace(ann, attributes={"name": "Anna"}, version=2))
    planned = await house.plan()

    assert planned.coalesced == 1
    assert await house.operations() == [("create", "pending", {"attributes": {"cn": "Anna"}, "active": True})]


async def test_leavers_are_disabled_or_deleted_and_come_back(house: House) -> None:
    await house.target("a-disable")
    await house.target("b-delete", deprovision=DeprovisionPolicy.DELETE)
    await house.target("c-none", deprovision=DeprovisionPolicy.NONE)
    (ann,) = await house.people("Ann")
    await house.plan()
    await house.settle()
    await house.change(replace(ann, active=False, version=2))
    await house.plan()
    kinds = {(kind, payload.get("active")) for kind, _, payload in await house.operations()}
    await house.change(replace(ann, version=3))
    await house.plan()

    assert kinds == {("update", False), ("delete", None)}
    # Neither removal was tried: both became what brings the account back.
    whole = {"cn": "Ann", "mail": "ann@x.org"}
    payloads = [payload for _, _, payload in await house.operations()]
    assert sorted(payloads, key=lambda payload: len(payload["attributes"])) == [
        {"attributes": {}, "active": True},
        {"attributes": whole, "active": True},
    ]


@pytest.mark.parametrize("policy", list(DeprovisionPolicy))
async def test_an_emergency_disable_keeps_accounts_inactive(house: House, policy: DeprovisionPolicy) -> None:
    """Whatever becomes of leavers here: an emergency disables, and nothing is deleted or left alone."""
    await house.target(deprovision=policy)
    (ann,) = await house.people("Ann")
    await house.plan()
    await house.settle()
    await house.rows("UPDATE identities SET disabled_at = now() RETURNING id")
    await house.change(replace(ann, attributes={"name": "Anna"}, version=2))
    await house.plan()

    assert [payload for _, _, payload in await house.operations()] == [{"attributes": {}, "active": False}]


async def test_two_planners_make_no_operation_twice(house: House) -> None:
    await house.target("one")
    await house.target("two")
    await house.people(*(f"p{n}" for n in range(120)))
    planners = [a_planner(house.pool, batch=25) for _ in range(4)]
    rounds = await asyncio.gather(*(each.run_once(house.tenant_id, house.tenant_id) for each in planners))
    await house.plan()

    assert sum(each.identities for each in rounds) <= 120
    assert await house.rows("SELECT count(*) AS n, count(DISTINCT account_id) AS lanes FROM operations") == [
        {"n": 240, "lanes": 240}
    ]
    assert await house.rows("SELECT 1 FROM plan_items") == []


class Meddling(MappingEngine):
    """Changes the people while they are mapped, once."""

    def __init__(self, house: House) -> None:
        super().__init__()
        self.house = house
        self.people: list[Any] = []

    async def map_identities(
        self, identities: Sequence[Identity], *, mapping: MappingVersion, sources: Any = None
    ) -> list[Mapped | MappingError]:
        results = await super().map_identities(identities, mapping=mapping, sources=sources)
        people, self.people = self.people, []
        if people:
            await self.house.change(*people)
        return results


async def test_a_person_who_changed_while_being_mapped_is_planned_again(house: House) -> None:
    await house.target()
    ann, _ = await house.people("Ann", "Bob")
    mapper = Meddling(house)
    mapper.people = [replace(ann, attributes={"name": "Anna"}, version=2)]
    planner = a_planner(house.pool, mapper=mapper)
    first = await planner.run_once(house.tenant_id, house.tenant_id)
    second = await planner.run_once(house.tenant_id, house.tenant_id)

    assert (first.identities, first.stale) == (1, 1)
    assert (second.identities, second.stale) == (1, 0)
    assert [payload["attributes"]["cn"] for _, _, payload in await house.operations()] == ["Bob", "Anna"]


async def test_an_account_that_somebody_linked_meanwhile_is_planned_again(house: House) -> None:
    connector = await house.target()
    (ann,) = await house.people("Ann")

    class Linking(MappingEngine):
        async def map_identities(
            self, identities: Sequence[Identity], *, mapping: MappingVersion, sources: Any = None
        ) -> list[Mapped | MappingError]:
            await house.rows(
                "INSERT INTO accounts (tenant_id, id, connector_id, object_class, uid, identity_id, state, observed) "
                "VALUES ($1, gen_random_uuid(), $2, 'user', 'u1', $3, 'active', $4) ON CONFLICT DO NOTHING",
                house.tenant_id,
                connector.id,
                ann.id,
                {"cn": "Ann", "mail": "old@x.org"},
            )
            return await super().map_identities(identities, mapping=mapping)

    await a_planner(house.pool, mapper=Linking()).run_once(house.tenant_id, house.tenant_id)

    assert await house.operations() == [("update", "pending", {"attributes": {"mail": "ann@x.org"}})]


async def test_an_account_that_somebody_made_while_this_was_written_is_planned_again(house: House) -> None:
    """What was planned for the same person at other targets stays, and is not planned twice."""
    first, second = await house.target("one"), await house.target("two")
    (ann,) = await house.people("Ann")

    class Linking(Acceptance):
        async def accept(self, conn: Connection, **wanted: Any) -> Accepted:
            await house.rows(
                "INSERT INTO accounts (tenant_id, id, connector_id, object_class, uid, identity_id, state, observed) "
                "VALUES ($1, gen_random_uuid(), $2, 'user', 'u1', $3, 'active', $4) ON CONFLICT DO NOTHING",
                house.tenant_id,
                second.id,
                ann.id,
                {"cn": "Ann", "mail": "old@x.org"},
            )
            return await super().accept(conn, **wanted)

    planner = Planner(house.pool, mapper=MappingEngine(), acceptance=Linking(OperationQueue()), vault=VAULT)
    planned = await planner.run_once(house.tenant_id, house.tenant_id)
    again = await house.plan()

    assert (planned.identities, planned.stale, again.identities) == (0, 1, 1)
    assert await house.rows("SELECT connector_id, operation_type, payload FROM operations ORDER BY connector_id") == [
        {
            "connector_id": first.id,
            "operation_type": "create",
            "payload": {"attributes": {"cn": "Ann", "mail": "ann@x.org"}, "active": True},
        },
        {"connector_id": second.id, "operation_type": "update", "payload": {"attributes": {"mail": "ann@x.org"}}},
    ]
    assert await house.rows("SELECT 1 FROM plan_items") == []


async def test_who_cannot_be_mapped_stops_nobody_and_becomes_a_dead_letter(house: House) -> None:
    connector = await house.target()
    await house.people("Ann", "Bob")
    (eve,) = await house.people("Eve", first=9)
    broken = replace(eve, attributes={"mail": "e@x"}, version=2)
    await house.change(broken)
    planned = await house.plan()
    await house.ask(broken)
    await house.plan()

    assert (planned.operations, planned.failed) == (2, 1)
    letters = await house.rows(
        "SELECT user_id, connector_id, operation_type, error_code, error_message FROM dead_letters"
    )
    assert letters == [
        {
            "user_id": eve.id,
            "connector_id": connector.id,
            "operation_type": "create",
            "error_code": "mapping.failed",
            "error_message": "cn: is required and has no value",
        }
    ]


async def test_a_dead_letter_of_mapping_is_withdrawn_when_the_person_maps(house: House) -> None:
    await house.target()
    (eve,) = await house.people("Eve")
    await house.change(replace(eve, attributes={}, version=2))
    await house.plan()
    await house.change(replace(eve, version=3))
    await house.plan()

    assert await house.rows("SELECT 1 FROM dead_letters") == []
    assert await house.rows("SELECT status FROM operations_archive") == [{"status": "resolved"}]
    assert [kind for kind, _, _ in await house.operations()] == ["create"]


async def test_a_broken_scope_or_mapping_removes_nobody(house: House) -> None:
    good = await house.target("good")
    scope = await house.target("scope")
    rules = await house.target("rules")
    (ann,) = await house.people("Ann")
    await house.plan()
    await house.settle()
    await house.rows("UPDATE connectors SET scope = 'name eq' WHERE id = $1 RETURNING id", scope.id)
    await house.map(rules, [MappingRule("cn", source="name", transforms=("no-such-thing",))])
    await house.change(replace(ann, attributes={"name": "Anna"}, version=2))
    await house.plan()

    assert await house.rows("SELECT connector_id, payload FROM operations") == [
        {"connector_id": good.id, "payload": {"attributes": {"cn": "Anna", "mail": None}}}
    ]


async def test_a_new_mapping_version_replans_everybody(house: House) -> None:
    connector = await house.target()
    await house.people(*(f"p{n}" for n in range(7)))
    await house.plan()
    await house.settle()
    await house.map(connector, [*RULES, MappingRule("kind", constant="person")])
    after = None
    async with tenant(house.pool, house.tenant_id) as conn:
        while True:
            after = await plan_items.ask_after(
                conn, tenant_id=house.tenant_id, after=after, origin=plan_items.Origin.MAPPING, limit=3
            )
            if after is None:
                break
    await house.plan()

    assert await house.operations() == [("update", "pending", {"attributes": {"kind": "person"}})] * 7


async def test_a_person_whose_row_is_gone_is_forgotten(house: House) -> None:
    await house.target()
    await house.people("Ann")
    await house.rows("DELETE FROM identities RETURNING id")
    planned = await house.plan()

    assert planned.identities == 1
    assert await house.rows("SELECT 1 FROM plan_items") == []


async def test_a_value_that_cannot_be_stored_is_one_persons_trouble(house: House) -> None:
    await house.target(rules=[MappingRule("cn", source="name"), MappingRule("odd", expression="odd")])
    await house.people("Ann", "Bob")

    class Odd:
        async def evaluate(self, expressions: Any, contexts: list[dict[str, Any]]) -> list[dict[str, Any]]:
            values = ["a\0" if each["identity"]["name"] == "Ann" else "fine" for each in contexts]
            return [{"odd": ExpressionResult(value)} for value in values]

    planned = await a_planner(house.pool, mapper=MappingEngine(Odd())).run_once(house.tenant_id, house.tenant_id)

    assert (planned.operations, planned.failed) == (1, 1)
    assert await house.rows("SELECT error_message FROM dead_letters") == [
        {"error_message": "odd: has characters or numbers that cannot be stored"}
    ]


async def test_secret_values_are_written_nowhere(house: House) -> None:
    await house.target(rules=[MappingRule("cn", source="name"), MappingRule("pin", constant="4711", secret=True)])
    await house.people("Ann")
    await house.plan()

    assert "4711" not in str(await house.rows("SELECT a.wanted, o.payload FROM accounts a, operations o"))


class OnceBusy:
    """No sandbox is free at first."""

    def __init__(self) -> None:
        self.asked = 0

    async def evaluate(self, expressions: Any, contexts: Sequence[Any]) -> list[dict[str, ExpressionResult]]:
        self.asked += 1
        busy = HookError("no sandbox is free", hook_class="hook.busy", retryable=True)
        answer = ExpressionResult(error=busy) if self.asked == 1 else ExpressionResult(value="x")
        return [dict.fromkeys(expressions, answer) for _ in contexts]


async def test_who_found_no_sandbox_is_planned_in_the_next_round(house: House) -> None:
    await house.target(rules=(MappingRule("cn", expression="identity['name']"),))
    await house.people("Ann")
    house.planner = a_planner(house.pool, mapper=MappingEngine(OnceBusy()))
    with pytest.raises(HookError, match="no sandbox is free"):
        await house.plan()
    refused = await house.rows("SELECT id FROM dead_letters")
    planned = await house.plan()

    assert (refused, planned.operations, planned.failed) == ([], 1, 0)
