"""The emergency disable: first of all, whatever waits; and back."""

import asyncio

import pytest

from tests.integration.actions.conftest import Works
from worker.actions import identities
from worker.domain.errors import NotFound, WrongState
from worker.domain.ids import uuid7
from worker.domain.operation import Origin
from worker.store import operations, plan_items
from worker.store.tenant import tenant


@pytest.fixture
async def employed(works: Works) -> Works:
    await works.reconcile()
    await works.hire(("Kim", "Berg", "kim@example.org"), ("Lou", "Anders", "lou@example.org"))
    await works.work()
    return works


async def test_disable_goes_ahead_of_what_waits_and_holds_against_planning(employed: Works) -> None:
    kim = await employed.value("SELECT id FROM identities WHERE user_name = 'kim'")
    await employed.rows(
        'UPDATE identities SET attributes = attributes || \'{"given_name": "K."}\', version = 9 WHERE id = $1', kim
    )
    async with tenant(employed.house.pool, employed.tenant_id) as conn:
        await plan_items.ask(conn, tenant_id=employed.tenant_id, identity_ids=[kim], origin=Origin.EVENT)
    await employed.plan()

    made = await identities.disable(employed.house, employed.operator, identity_id=kim, reason="stolen laptop")
    waiting = await employed.rows("SELECT id, priority, payload FROM operations")
    await employed.work()

    assert [(row["id"], row["priority"], row["payload"]["active"]) for row in waiting] == [
        (made.operations[0], 100, False)
    ]
    assert await employed.value("SELECT count(*) FROM operations_archive WHERE status = 'cancelled'") == 1
    assert await employed.logins() == [("kim", False), ("lou", True)]
    async with tenant(employed.house.pool, employed.tenant_id) as conn:
        await plan_items.ask(conn, tenant_id=employed.tenant_id, identity_ids=[kim], origin=Origin.EVENT)
    await employed.plan()
    await employed.work()
    assert await employed.logins() == [("kim", False), ("lou", True)]


async def test_enable_brings_the_account_back_as_it_should_be(employed: Works) -> None:
    kim = await employed.value("SELECT id FROM identities WHERE user_name = 'kim'")
    await identities.disable(employed.house, employed.operator, identity_id=kim, reason="lost phone")
    await employed.work()

    await identities.enable(employed.house, employed.operator, identity_id=kim, reason="found")
    await employed.plan()
    await employed.work()

    assert await employed.logins() == [("kim", True), ("lou", True)]
    with pytest.raises(WrongState):
        await identities.enable(employed.house, employed.operator, identity_id=kim, reason="again")
    with pytest.raises(NotFound):
        await identities.disable(employed.house, employed.operator, identity_id=uuid7(), reason="who?")


async def test_disable_of_a_person_without_account_only_cancels(works: Works) -> None:
    """Nothing was made yet, so nothing is left to disable; what would have made it is gone."""
    await works.reconcile()
    (kim,) = await works.hire(("Kim", "Berg", "kim@example.org"))

    made = await identities.disable(works.house, works.operator, identity_id=kim, reason="never started")

    assert made.operations == []
    assert await works.value("SELECT count(*) FROM operations") == 0
    assert await works.logins() == []


async def test_provision_repairs_what_the_last_run_found(employed: Works) -> None:
    kim = await employed.value("SELECT id FROM identities WHERE user_name = 'kim'")
    await employed.table.execute("UPDATE people SET mail = 'wrong@x' WHERE login = 'kim'")
    await employed.reconcile()

    repaired = await identities.provision(employed.house, employed.operator, identity_id=kim)
    await employed.work()

    assert repaired == 1
    assert await employed.table.fetchval("SELECT mail FROM people WHERE login = 'kim'") == "kim@example.org"


async def test_a_create_that_is_claimed_while_somebody_disables_is_followed_by_the_disable(works: Works) -> None:
    await works.reconcile()
    (kim,) = await works.hire(("Kim", "Berg", "kim@example.org"))

    async with tenant(works.house.pool, works.tenant_id) as conn:
        claimed = await operations.claim(
            conn, works.tenant_id, connector_id=works.connector.id, owner=works.lease.owner, limit=1
        )
        disabling = asyncio.create_task(
            identities.disable(works.house, works.operator, identity_id=kim, reason="stolen badge")
        )
        await asyncio.wait([disabling], timeout=0.5)
    made = await disabling

    assert len(claimed) == 1
    assert await works.rows("SELECT id FROM operations WHERE NOT head AND priority = 100") == [(made.operations[0],)]


async def test_a_create_that_is_being_planned_while_somebody_disables_does_not_stay(works: Works) -> None:
    """The planner has seen an active person and writes its create; the disable comes before it commits."""
    await works.reconcile()
    (kim,) = await works.hire(("Kim", "Berg", "kim@example.org"), is_planned=False)
    async with tenant(works.house.pool, works.tenant_id) as conn:
        items = await plan_items.batch(conn, tenant_id=works.tenant_id, after=plan_items.FIRST, limit=10)
        if not items:
            await plan_items.ask(conn, tenant_id=works.tenant_id, identity_ids=[kim], origin=Origin.EVENT)
            items = await plan_items.batch(conn, tenant_id=works.tenant_id, after=plan_items.FIRST, limit=10)
    async with tenant(works.house.pool, works.tenant_id) as conn:
        assert await plan_items.take(conn, tenant_id=works.tenant_id, items=items)
        disabling = asyncio.create_task(
            identities.disable(works.house, works.operator, identity_id=kim, reason="stolen badge")
        )
        await asyncio.wait([disabling], timeout=0.5)
        assert not disabling.done()
    await disabling

    assert await works.value("SELECT count(*) FROM plan_items WHERE origin = 'emergency'") == 1


async def test_a_protected_account_is_left_alone_and_that_is_said(employed: Works) -> None:
    kim = await employed.value("SELECT id FROM identities WHERE user_name = 'kim'")
    await employed.rows("UPDATE connectors SET protected_filter = 'login eq \"kim\"'")

    done = await identities.disable(employed.house, employed.operator, identity_id=kim, reason="stolen laptop")

    assert (done.operations, done.left_alone) == ([], 1)
    assert await employed.value("SELECT error_code FROM dead_letters") == "protected_account"
