"""Accounts of nobody are looked at again when somebody comes who may own them; with engine, planning and database."""

from typing import Any

import pytest

from tests.integration.actions.conftest import Works, pool, table, works
from worker.domain.operation import Origin
from worker.recon import Recorrelation
from worker.store import correlation, due_work, plan_items, recorrelations, rule_sets
from worker.store.tenant import tenant

__all__ = ["pool", "table", "works"]

OPEN = "SELECT discrepancy_type, explanation FROM discrepancies WHERE resolution_status = 'pending'"


@pytest.fixture
async def unmatched(works: Works) -> Works:
    """Accounts that a complete run found to be nobody's; nobody is made accounts for, so that nothing else asks."""
    await works.rows("UPDATE connectors SET scope = 'user_name eq \"nobody-at-all\"', version = version + 1")
    await works.table.execute(
        "INSERT INTO people (login, mail, given, family) VALUES ('x4711', NULL, 'Saskia', 'van Dijk'),"
        " ('kim', 'kim@example.org', 'Kim', 'Berg'), ('zz9', 'zz9@nowhere.example', NULL, NULL)"
    )
    await works.reconcile()
    return works


async def look_again(works: Works) -> int:
    return await Recorrelation(works.house.pool, works.house.targets).run_once(works.tenant_id)


async def test_somebody_new_reopens_the_accounts_that_share_a_key(unmatched: Works) -> None:
    before = await unmatched.rows(OPEN)
    await unmatched.hire(("Saskia", "van Dijk", "saskia.vandijk@example.org"), ("Kim", "Berg", "kim@example.org"))
    looked_at = await look_again(unmatched)
    again = await look_again(unmatched)

    found = {row["discrepancy_type"]: row["explanation"] for row in await unmatched.rows(OPEN)}
    assert [row["discrepancy_type"] for row in before] == ["orphan"] * 3
    assert (looked_at, again) == (2, 0)
    assert sorted(found) == ["collision", "orphan", "unlinked"]
    case = (await unmatched.rows("SELECT explanation, candidates FROM cases WHERE status = 'open'"))[0]
    assert case["explanation"].startswith("saskia.vandijk came or changed: ")
    assert [each["name"] for each in case["candidates"]] == ["saskia.vandijk"]
    assert await unmatched.value("SELECT count(*) FROM accounts WHERE identity_id IS NOT NULL") == 0


async def test_somebody_who_changes_reopens_them_as_well_and_the_next_run_agrees(unmatched: Works) -> None:
    (who,) = await unmatched.hire(("Lou", "Anders", "lou@example.org"))
    await look_again(unmatched)
    early = await unmatched.value("SELECT count(*) FROM cases")
    async with tenant(unmatched.house.pool, unmatched.tenant_id) as conn:
        await conn.execute(
            "UPDATE identities SET attributes = attributes || $1, version = version + 1 WHERE id = $2",
            {"given_name": "Saskia", "family_name": "van Dijk"},
            who,
        )
        await plan_items.ask(conn, tenant_id=unmatched.tenant_id, identity_ids=[who], origin=Origin.EVENT)
    await unmatched.plan()
    await look_again(unmatched)
    late = await unmatched.rows("SELECT id FROM cases WHERE status = 'open'")
    await unmatched.reconcile()

    assert early == 0
    assert [row["id"] for row in late] == [row["id"] for row in await unmatched.rows("SELECT id FROM cases")]
    assert len(late) == 1


async def test_who_gets_an_account_of_their_own_is_asked_about_by_its_create(works: Works) -> None:
    await works.table.execute("INSERT INTO people (login, given, family) VALUES ('x4711', 'Saskia', 'van Dijk')")
    await works.reconcile()
    await works.hire(("Saskia", "van Dijk", "saskia.vandijk@example.org"))
    await look_again(works)

    assert await works.value("SELECT count(*) FROM cases") == 0
    assert [row["discrepancy_type"] for row in await works.rows(OPEN)] == ["orphan"]


async def test_nobody_is_noted_where_every_account_has_its_owner(works: Works) -> None:
    await works.reconcile()
    await works.hire(("Kim", "Berg", "kim@example.org"))

    assert await works.value("SELECT count(*) FROM recorrelations") == 0


async def test_accounts_get_the_keys_of_other_rules_at_once(unmatched: Works) -> None:
    """Until then a create would find none of them."""
    rules: dict[str, Any] = {"rules": [{"name": "login", "source": "user_name", "target": "login"}]}
    where = {"tenant_id": unmatched.tenant_id, "connector_id": unmatched.connector.id}
    async with tenant(unmatched.house.pool, unmatched.tenant_id) as conn:
        await rule_sets.put(conn, rules=rules, **where)
        await correlation.drop_all_keys(conn, **where)
        await recorrelations.ask_target(conn, **where)
    async with unmatched.house.pool.acquire() as conn:
        due = [each.kind for each in await due_work.due(conn, ["plan"])]
    await look_again(unmatched)

    assert due == ["plan"]
    assert await unmatched.value("SELECT count(DISTINCT account_id) FROM match_keys WHERE kind = 'login'") == 3
    assert await unmatched.value("SELECT count(*) FROM recorrelations") == 0
