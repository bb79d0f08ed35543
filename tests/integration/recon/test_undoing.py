"""What a person did can be taken back: at a target through the queue, and only where nobody was first."""

from typing import Any
from uuid import UUID

import pytest

from tests.integration.recon.conftest import House, a_house
from worker.domain.discrepancy import RepairAction, RepairDirection
from worker.domain.mapping import Direction, MappingRule
from worker.recon import Repaired, Wish
from worker.store.pool import Pool
from worker.store.tenant import tenant

RULES = (
    MappingRule("login", source="user_name", required=True),
    MappingRule("mail", source="mail", case_sensitive=False),
    MappingRule("department", source="department", direction=Direction.BOTH),
)


async def remediate(house: House, *wishes: Wish) -> Repaired:
    by = await house.person()
    async with tenant(house.pool, house.tenant_id) as conn:
        return (await house.remediation.remediate(conn, **house.where, wishes=wishes, by=by)).results[0]


async def undo(house: House, discrepancy_id: UUID) -> Repaired:
    by = await house.person()
    async with tenant(house.pool, house.tenant_id) as conn:
        return await house.remediation.undo(conn, **house.where, discrepancy_id=discrepancy_id, by=by)


@pytest.fixture
async def drifted(pool: Pool, tenant_id: UUID) -> tuple[House, UUID]:
    """One account whose department was changed and that was switched off; its finding."""
    house = await a_house(pool, tenant_id, policy={})
    await house.provide("anna")
    await house.reconcile()
    house.target.change("uid-000001", department="Wrong", active=False)
    await house.reconcile()
    return house, (await house.findings())["mismatch:uid-000001"]["id"]


async def observe(house: House, **attributes: Any) -> None:
    """Note what execution notes when it has read or changed the account."""
    account = house.target.accounts["uid-000001"]
    await house.rows(
        "UPDATE accounts SET observed = $1, observed_active = $2, observed_hash = 5 RETURNING 1",
        {**account.attributes, **attributes},
        account.active,
    )


async def test_an_update_is_taken_back_through_the_queue_bound_to_what_it_left(drifted: tuple[House, UUID]) -> None:
    house, finding = drifted
    await remediate(house, Wish(finding))
    early = await undo(house, finding)
    await house.carry_out()
    await observe(house)

    done = await undo(house, finding)

    op = (await house.rows("SELECT * FROM operations"))[0]
    assert early.error == "An operation of this account is under way; wait for its end."
    assert (done.result, done.operation_id) == ("queued", op["id"])
    assert (done.before_state, done.after_state) == (
        {"department": "Sales", "active": True},
        {"department": "Wrong", "active": False},
    )
    assert op["payload"] == {"attributes": {"department": "Wrong"}, "active": False}
    assert (op["expected_hash"], op["discrepancy_id"], op["origin"]) == (5, finding, "recon")
    row = (await house.findings())["mismatch:uid-000001"]
    assert row["undone_at"] is not None
    action = (await house.rows("SELECT * FROM recon_actions WHERE action_type = 'undo'"))[0]
    assert (action["result"], action["details"]["after_state"]["department"]) == ("queued", "Wrong")


async def test_what_a_person_took_back_no_policy_repairs_again(drifted: tuple[House, UUID]) -> None:
    house, finding = drifted
    await remediate(house, Wish(finding))
    await house.carry_out()
    await observe(house)
    await undo(house, finding)
    await house.carry_out()
    await house.rows("UPDATE connectors SET policy = $1 RETURNING 1", {"mismatch": "update"})

    run = await house.reconcile()

    assert (run.discrepancies_found, run.items_total) == (1, 0)
    assert house.target.accounts["uid-000001"].attributes["department"] == "Wrong"
    assert list(await house.findings()) == ["mismatch:uid-000001"]


async def test_an_account_that_has_moved_since_is_left_alone(drifted: tuple[House, UUID]) -> None:
    house, finding = drifted
    await remediate(house, Wish(finding))
    await house.carry_out()
    await observe(house, department="Elsewhere")

    done = await undo(house, finding)

    assert (done.result, done.error) == (
        "failure",
        "It has changed since it was repaired; what is there now is left alone.",
    )
    assert await house.findings() == {}


async def test_a_repair_that_changed_nothing_is_only_opened_again(drifted: tuple[House, UUID]) -> None:
    house, finding = drifted
    await remediate(house, Wish(finding))
    await house.rows("DELETE FROM operations RETURNING 1")
    await house.rows("UPDATE accounts SET live = 0, head_id = NULL RETURNING 1")

    done = await undo(house, finding)

    assert (done.result, done.operation_id) == ("success", None)
    assert list(await house.findings()) == ["mismatch:uid-000001"]
    assert await house.rows("SELECT 1 FROM operations") == []


async def test_a_person_who_was_made_inactive_is_active_again(drifted: tuple[House, UUID]) -> None:
    house, finding = drifted
    await remediate(house, Wish(finding, RepairAction.INACTIVATE_IDENTITY))
    left = await house.rows("SELECT active FROM identities")
    await house.rows("DELETE FROM plan_items RETURNING 1")

    done = await undo(house, finding)

    assert (left, done.result) == ([{"active": False}], "success")
    assert await house.rows("SELECT active FROM identities") == [{"active": True}]
    assert len(await house.rows("SELECT 1 FROM plan_items")) == 1


async def test_what_a_person_took_over_is_given_back(pool: Pool, tenant_id: UUID) -> None:
    house = await a_house(pool, tenant_id, rules=RULES, settings={"precedence": 300})
    await house.provide("anna")
    await house.reconcile()
    await house.rows("UPDATE identities SET authority = $1 RETURNING 1", {"department": "event:hr"})
    house.target.change("uid-000001", department="Legal")
    await house.reconcile()
    finding = (await house.findings())["mismatch:uid-000001"]["id"]
    await remediate(house, Wish(finding, RepairAction.UPDATE, RepairDirection.TO_IDENTITY))
    taken = await house.rows("SELECT attributes ->> 'department' AS d, authority ->> 'department' AS a FROM identities")

    done = await undo(house, finding)

    given = await house.rows("SELECT attributes ->> 'department' AS d, authority ->> 'department' AS a FROM identities")
    assert taken == [{"d": "Legal", "a": str(house.connector.id)}]
    assert (done.result, done.after_state) == ("success", {"department": "Sales"})
    assert given == [{"d": "Sales", "a": "event:hr"}]


@pytest.mark.parametrize("action", [RepairAction.DELETE, RepairAction.CREATE])
async def test_what_cannot_be_undone_says_so(house: House, action: RepairAction) -> None:
    await house.provide("anna", "bert", "carl", "dora")
    await house.reconcile()
    house.target.put({"login": "zzz9q"}, uid="orphan")
    house.target.remove("uid-000001")
    await house.reconcile()
    found = await house.findings()
    finding = found["orphan:orphan" if action is RepairAction.DELETE else "deleted:uid-000001"]["id"]
    await remediate(house, Wish(finding, action))

    done = await undo(house, finding)

    assert not done.success
    assert done.error is not None
    assert done.error.startswith(("A deletion cannot", "An account that was made"))


async def test_nothing_is_taken_back_twice(drifted: tuple[House, UUID]) -> None:
    house, finding = drifted
    await remediate(house, Wish(finding, RepairAction.INACTIVATE_IDENTITY))
    await undo(house, finding)

    assert (await undo(house, finding)).error == "Nothing has been done about this."
