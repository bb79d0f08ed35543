"""A delta run looks at what has changed and at nothing else."""

from typing import Any
from uuid import UUID

import pytest

from tests.fakes import MemoryTarget, SyncingTarget
from tests.integration.recon.conftest import House, a_house
from worker.store.pool import Pool


@pytest.fixture
async def syncing(pool: Pool, tenant_id: UUID) -> House:
    return await a_house(pool, tenant_id, target=SyncingTarget())


async def settled(house: House) -> dict[str, UUID]:
    """Ten people in order, after a full run."""
    people = await house.provide(*(f"person{n}" for n in range(10)))
    await house.reconcile()
    house.target.calls.clear()
    return people


async def change(house: House, name: str, **attributes: Any) -> None:
    """Change a person and have the account follow."""
    await house.rows(
        "UPDATE identities SET attributes = attributes || $2, version = version + 1, updated_at = db_now() "
        "WHERE user_name = $1 RETURNING 1",
        name,
        attributes,
    )
    await house.rows(
        "INSERT INTO plan_items (tenant_id, identity_id, origin) SELECT tenant_id, id, 'event' FROM identities "
        "WHERE user_name = $1 RETURNING 1",
        name,
    )
    await house.plan()
    await house.carry_out()


async def test_change_at_the_target_touches_one_account(syncing: House) -> None:
    await settled(syncing)
    syncing.target.change("uid-000003", department="Wrong")

    run = await syncing.reconcile(mode="delta")

    assert (run.status, run.accounts_processed) == ("completed", 1)
    assert list(await syncing.findings()) == ["mismatch:uid-000003"]
    assert [name for name, _ in syncing.target.calls] == ["sync"]


async def test_change_of_a_person_touches_one_account(syncing: House) -> None:
    await settled(syncing)
    await change(syncing, "person4", department="Lab")

    run = await syncing.reconcile(mode="delta")

    assert (run.accounts_processed, run.discrepancies_found) == (1, 0)


async def test_delta_goes_on_where_the_last_one_ended(syncing: House) -> None:
    await settled(syncing)
    syncing.target.change("uid-000003", department="Wrong")
    await syncing.reconcile(mode="delta")
    syncing.target.change("uid-000003", department="Sales")

    closing = await syncing.reconcile(mode="delta")
    idle = await syncing.reconcile(mode="delta")

    assert list(await syncing.findings("resolved")) == ["mismatch:uid-000003"]
    assert (closing.accounts_processed, idle.accounts_processed) == (1, 0)


async def test_account_that_is_told_to_be_gone_is_looked_for_before_it_counts(syncing: House) -> None:
    await settled(syncing)
    syncing.target.remove("uid-000003")

    await syncing.reconcile(mode="delta")

    assert list(await syncing.findings()) == ["deleted:uid-000003"]
    assert ("get", "uid-000003") in syncing.target.calls


async def test_new_account_of_nobody_is_found_by_a_delta(syncing: House) -> None:
    await settled(syncing)
    syncing.target.put({"login": "zzz9q"}, uid="orphan")

    await syncing.reconcile(mode="delta")

    assert list(await syncing.findings()) == ["orphan:orphan"]


async def test_person_without_an_account_is_found_by_a_delta(syncing: House) -> None:
    await settled(syncing)
    late = await syncing.hire("newcomer")
    await syncing.rows("DELETE FROM plan_items RETURNING 1")

    await syncing.reconcile(mode="delta")

    assert list(await syncing.findings()) == [f"missing:{late['newcomer']}"]


async def test_target_that_cannot_tell_its_changes_is_read_where_we_changed_something(house: House) -> None:
    await settled(house)
    await change(house, "person4", department="Lab")
    house.target.change("uid-000005", department="Quite wrong")
    house.target.change("uid-000001", department="Nobody tells us")

    run = await house.reconcile(mode="delta")

    assert (run.accounts_processed, list(await house.findings())) == (1, ["mismatch:uid-000005"])
    assert "cannot tell" in run.statistics["note"]
    assert {name for name, _ in house.target.calls} == {"get"}


async def test_delta_without_an_earlier_run_is_a_full_one(pool: Pool, tenant_id: UUID) -> None:
    house = await a_house(pool, tenant_id, target=MemoryTarget())
    await house.provide("anna", "bert")

    run = await house.reconcile(mode="delta")

    assert (run.accounts_processed, run.listing_complete) == (2, True)


async def test_single_account_is_looked_at_alone(house: House) -> None:
    people = await settled(house)
    house.target.change("uid-000003", department="Wrong")
    house.target.change("uid-000004", department="Wrong")

    run = await house.reconcile(mode="delta", statistics={"only": {"identities": [str(people["person2"])]}})

    assert (run.accounts_processed, list(await house.findings())) == (1, ["mismatch:uid-000003"])


async def test_account_that_is_told_again_and_has_not_changed_is_not_touched(syncing: House) -> None:
    await settled(syncing)
    syncing.target.change("uid-000003", department="Wrong")
    syncing.target.log += list(syncing.target.accounts)  # a target that tells of too much, to be on the safe side

    run = await syncing.reconcile(mode="delta")

    assert (run.accounts_processed, run.statistics["unchanged"]) == (1, 9)
    assert list(await syncing.findings()) == ["mismatch:uid-000003"]
