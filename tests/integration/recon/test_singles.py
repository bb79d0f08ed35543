"""A run over single accounts judges them as a full run would, and nobody else."""

from typing import Any
from uuid import UUID

import pytest

from tests.fakes import MemoryTarget, SyncingTarget
from tests.integration.recon.conftest import House, a_house
from worker.domain.errors import AccessRefused
from worker.domain.run import Only, Run
from worker.recon import report
from worker.store.pool import Pool
from worker.store.tenant import tenant

FIRST, SECOND, THIRD = "uid-000001", "uid-000002", "uid-000003"


async def look(house: House, *uids: str, people: tuple[UUID, ...] = (), **fields: Any) -> Run:
    return await house.reconcile(mode="delta", statistics=Only(uids, people).kept(), **fields)


async def notes(house: House, run: Run) -> list[str]:
    async with tenant(house.pool, house.tenant_id) as conn:
        found: list[str] = (await report(conn, run))["notes"]
    return found


async def settled(house: House) -> dict[str, UUID]:
    people = await house.provide(*(f"person{n}" for n in range(5)))
    await house.reconcile()
    house.target.calls.clear()
    return people


async def test_one_account_is_read_and_compared_and_no_other(house: House) -> None:
    await settled(house)
    house.target.change(FIRST, department="Wrong")
    house.target.change(SECOND, department="Wrong")
    house.target.remove(THIRD)

    run = await look(house, FIRST)

    assert (run.status, run.accounts_processed) == ("completed", 1)
    assert house.target.calls == [("get", FIRST)]
    assert list(await house.findings()) == [f"mismatch:{FIRST}"]


async def test_what_is_well_again_closes_its_finding_and_leaves_those_of_others(house: House) -> None:
    await settled(house)
    for uid in (FIRST, SECOND):
        house.target.change(uid, department="Wrong")
    await house.reconcile()
    for uid in (FIRST, SECOND):
        house.target.change(uid, department="Sales")

    await look(house, FIRST)

    assert list(await house.findings("resolved")) == [f"mismatch:{FIRST}"]
    assert list(await house.findings()) == [f"mismatch:{SECOND}"]


async def test_account_that_is_gone_counts_after_another_read(house: House) -> None:
    await settled(house)
    house.target.remove(FIRST)
    house.target.remove(SECOND)

    await look(house, FIRST)

    assert [row["discrepancy_type"] for row in (await house.findings()).values()] == ["deleted"]
    assert house.target.calls == [("get", FIRST), ("get", FIRST)]
    gone = await house.rows("SELECT uid FROM accounts WHERE state <> 'active'")
    assert [row["uid"] for row in gone] == [FIRST]


async def test_person_who_has_no_account_is_missing_and_one_whose_account_is_named_is_read(house: House) -> None:
    people = await settled(house)
    people |= await house.hire("newcomer", "another")
    await house.rows("DELETE FROM plan_items RETURNING 1")

    run = await look(house, people=(people["newcomer"], people["person0"]))

    assert [(row["discrepancy_type"], row["identity_id"]) for row in (await house.findings()).values()] == [
        ("missing", people["newcomer"])
    ]
    assert [name for name, _ in house.target.calls] == ["get"]
    assert run.discrepancies_found == 1


async def test_account_that_nobody_has_seen_before_is_somebodys_or_nobodys(house: House) -> None:
    await settled(house)
    house.target.put({"login": "zzz9q", "mail": "nobody@elsewhere.net"}, uid="stray")
    house.target.put({"login": "zzz8q", "mail": "nobody@elsewhere.net"}, uid="other")

    await look(house, "stray")

    assert [(r["discrepancy_type"], r["external_uid"]) for r in (await house.findings()).values()] == [
        ("orphan", "stray")
    ]


async def test_what_leads_to_no_finding_is_told(house: House) -> None:
    await settled(house)

    def refuse(uid: str) -> None:
        if uid == SECOND:
            raise AccessRefused("Not for you.")

    house.target.faults.at_get = refuse
    await house.rows("UPDATE accounts SET live = 1 WHERE uid = $1 RETURNING 1", THIRD)

    run = await look(house, FIRST, SECOND, THIRD, "nowhere")

    assert await notes(house, run) == [
        f"{SECOND}: It could not be read: Not for you.",
        f"{THIRD}: Something is being changed there just now; look again when that is done.",
        "nowhere: The target has no such account, and none was known.",
    ]
    assert await house.findings() == {}


async def test_protected_account_is_left_alone(pool: Pool, tenant_id: UUID) -> None:
    house = await a_house(pool, tenant_id, protected_filter='department eq "Board"')
    await settled(house)
    house.target.change(FIRST, department="Board", mail="else@example.org")

    run = await look(house, FIRST)

    assert await notes(house, run) == [f"{FIRST}: This account is protected: it is left alone."]
    assert await house.findings() == {}


async def test_policy_repairs_it_and_a_dry_run_does_not(pool: Pool, tenant_id: UUID) -> None:
    house = await a_house(pool, tenant_id, policy={"mismatch": "update"})
    await settled(house)
    house.target.change(FIRST, department="Wrong")

    dry = await look(house, FIRST, dry_run=True)
    untouched = await house.rows("SELECT id FROM operations")
    real = await look(house, FIRST)

    assert (dry.items_total, untouched) == (1, [])
    assert real.items_success == 1
    assert [row["target_uid"] for row in await house.rows("SELECT target_uid FROM operations")] == [FIRST]


async def test_next_delta_begins_where_the_last_run_over_everything_did(pool: Pool, tenant_id: UUID) -> None:
    """A look at one account says nothing about what else has changed since."""
    house = await a_house(pool, tenant_id, target=MemoryTarget())
    people = await settled(house)
    await house.rows("UPDATE identities SET updated_at = db_now() WHERE user_name = 'person3' RETURNING 1")
    house.target.change(await house.uid_of("person3"), department="Wrong")
    await look(house, FIRST)

    await house.reconcile(mode="delta")

    assert [row["identity_id"] for row in (await house.findings()).values()] == [people["person3"]]


@pytest.mark.parametrize("target", [MemoryTarget, SyncingTarget])
async def test_the_place_in_the_targets_changes_is_kept(
    pool: Pool, tenant_id: UUID, target: type[MemoryTarget]
) -> None:
    house = await a_house(pool, tenant_id, target=target())
    await settled(house)
    [before] = await house.rows("SELECT sync_token, baseline_at FROM connectors")

    house.target.change(FIRST, department="Wrong")
    house.target.change(SECOND, department="Wrong")
    await look(house, FIRST)

    assert await house.rows("SELECT sync_token, baseline_at FROM connectors") == [before]
