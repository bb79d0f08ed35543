"""Thousands of differences with one cause are one thing to a person: one group, one approval."""

from typing import Any
from uuid import UUID

import pytest

from tests.integration.recon.conftest import House, a_house
from worker.domain.mapping import MappingRule
from worker.recon import CauseRepaired, CauseRepairing, groups
from worker.store import cause_repairs, due_work
from worker.store.cause_repairs import CauseRepair, Group
from worker.store.pool import Pool
from worker.store.tenant import tenant

RULES = (
    MappingRule("login", source="user_name", required=True),
    MappingRule("mail", source="mail", case_sensitive=True),
    MappingRule("department", source="department"),
)


@pytest.fixture
async def moved(pool: Pool, tenant_id: UUID) -> House:
    """Twelve accounts: at ten the domain was changed by somebody, at two of these and one other the department, too."""
    house = await a_house(pool, tenant_id, rules=RULES)
    await house.provide(*(f"person{n}" for n in range(12)))
    await house.reconcile()
    for n in range(10):
        house.target.change(f"uid-{n + 1:06}", mail=f"person{n}@elsewhere.org")
    for n in (0, 1, 11):
        house.target.change(f"uid-{n + 1:06}", department="Wrong")
    await house.reconcile()
    return house


async def found(house: House, **fields: Any) -> list[Group]:
    async with tenant(house.pool, house.tenant_id) as conn:
        return await cause_repairs.groups(conn, **house.where, **fields)


async def approved(house: House, *causes: str) -> CauseRepair:
    by = await house.person()
    async with tenant(house.pool, house.tenant_id) as conn:
        total, _ = await cause_repairs.count(conn, causes=causes, **house.where)
        repair = await cause_repairs.insert(
            conn,
            run_id=None,
            causes=causes,
            action="update",
            direction="xavyo_to_target",
            total=total,
            by=by,
            **house.where,
        )
        assert repair is not None
        await due_work.ask(conn, house.tenant_id, due_work.Kind.REPAIR, repair.id)
    return repair


async def test_differences_are_grouped_by_what_made_them(moved: House) -> None:
    domain, department = [groups.describe(each) for each in await found(moved)]

    assert (domain["attribute_name"], domain["count"], domain["alone"]) == ("mail", 10, 8)
    assert domain["cause"] == "the domain is another: example.org > elsewhere.org"
    assert (department["attribute_name"], department["count"], department["alone"]) == ("department", 3, 1)
    assert department["cause"] == "it is 'Wrong'"
    assert department["sample"] | {"expected": "Sales", "actual": "Wrong"} == department["sample"]


async def test_one_approval_repairs_what_its_causes_explain_alone(moved: House) -> None:
    repairing = CauseRepairing(moved.pool, moved.remediation)
    repair = await approved(moved, (await found(moved))[0].cause)

    done = await repairing.run_once(moved.tenant_id, repair.id)
    again = await repairing.run_once(moved.tenant_id, repair.id)
    await moved.carry_out()
    await moved.reconcile()

    assert (repair.total, done, again) == (8, CauseRepaired(8, 0, 0, is_left=False), CauseRepaired())
    assert sorted(await moved.findings()) == ["mismatch:uid-000001", "mismatch:uid-000002", "mismatch:uid-000012"]
    assert moved.target.accounts["uid-000003"].attributes["mail"] == "person2@Example.org"
    assert moved.target.accounts["uid-000001"].attributes["mail"] == "person0@elsewhere.org"
    state = (await moved.rows("SELECT status, succeeded, total FROM cause_repairs"))[0]
    assert state == {"status": "completed", "succeeded": 8, "total": 8}
    audited = await moved.rows("SELECT details FROM audit WHERE action = 'reconciliation.repair_cause'")
    assert [each["details"]["repaired"] for each in audited] == [8]
    assert await moved.rows("SELECT 1 FROM due_work WHERE kind = 'repair'") == []


async def test_two_causes_of_one_event_are_approved_together(moved: House) -> None:
    repair = await approved(moved, *(each.cause for each in await found(moved)))

    done = await CauseRepairing(moved.pool, moved.remediation).run_once(moved.tenant_id, repair.id)

    assert (repair.total, done.succeeded) == (11, 11)
    assert await moved.findings() == {}


async def test_a_process_that_dies_leaves_it_at_the_end_of_a_batch_and_another_goes_on(
    moved: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(groups, "MOST_TOGETHER", 3)
    repair = await approved(moved, (await found(moved))[0].cause)
    first, second = (CauseRepairing(moved.pool, moved.remediation) for _ in range(2))

    await first.run_once(moved.tenant_id, repair.id)
    async with tenant(moved.pool, moved.tenant_id) as conn:  # one that dies with a batch under way
        await conn.execute("SELECT 1 FROM cause_repairs FOR UPDATE")
        beside = await second.run_once(moved.tenant_id, repair.id)
        still_due = await moved.rows("SELECT 1 FROM due_work WHERE kind = 'repair'")
    rest = [await second.run_once(moved.tenant_id, repair.id) for _ in range(2)]

    assert (beside, len(still_due)) == (CauseRepaired(), 1)
    assert [(each.succeeded, each.is_left) for each in rest] == [(3, True), (2, False)]
    assert len(await moved.rows("SELECT 1 FROM operations")) == 8
    assert await moved.rows("SELECT succeeded, status FROM cause_repairs") == [{"succeeded": 8, "status": "completed"}]


async def test_what_came_after_the_approval_is_not_part_of_it(moved: House) -> None:
    repair = await approved(moved, (await found(moved))[0].cause)
    moved.target.change("uid-000011", mail="person10@elsewhere.org")
    await moved.reconcile()

    done = await CauseRepairing(moved.pool, moved.remediation).run_once(moved.tenant_id, repair.id)

    assert done.succeeded == 8
    assert "mismatch:uid-000011" in await moved.findings()


async def test_removals_that_one_approval_asks_for_stay_under_the_safeguard(pool: Pool, tenant_id: UUID) -> None:
    house = await a_house(pool, tenant_id)
    await house.provide(*(f"person{n}" for n in range(14)))
    await house.reconcile()
    await house.rows("UPDATE accounts SET wanted_active = false RETURNING 1")  # all have left; they are active there
    await house.reconcile()
    [group] = await found(house)
    repair = await approved(house, group.cause)

    await CauseRepairing(house.pool, house.remediation).run_once(house.tenant_id, repair.id)

    waiting = await house.rows("SELECT wait_reason, count(*) AS n FROM operations GROUP BY 1 ORDER BY 2")
    assert waiting == [{"wait_reason": "approval", "n": 4}, {"wait_reason": None, "n": 10}]
    assert (await house.rows("SELECT approval_id FROM cause_repairs"))[0]["approval_id"] is not None
