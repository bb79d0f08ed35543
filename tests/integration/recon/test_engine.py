"""Runs over a target in memory on a real database."""

from typing import Any

from tests.integration.recon.conftest import House

PEOPLE = tuple(f"{name}{n}" for n in range(4) for name in ("anna", "bert", "carla"))


async def planted(house: House) -> dict[str, str]:
    """Twelve people in order, then one of each kind of discrepancy; the keys that must be found, by kind."""
    await house.provide(*PEOPLE)
    await house.reconcile()
    await house.provide("no.longer.there")
    late = await house.hire("newcomer")
    uid = {name: await house.uid_of(name) for name in ("anna0", "bert1", "no.longer.there")}
    house.target.change(uid["anna0"], department="Wrong")
    house.target.remove(uid["no.longer.there"])
    orphan = house.target.put({"login": "zzz9q", "mail": "nobody@elsewhere.net"})
    await house.hire("dagmar.unlinked", attributes={"given_name": "Dagmar", "family_name": "Unlinked"})
    unlinked = house.target.put({"login": "dagmar.unlinked", "mail": "dagmar.unlinked@example.org"})
    await house.hire("twin.one", "twin.two", attributes={"mail": "twin@example.org"})
    collision = house.target.put({"login": "twin", "mail": "twin@example.org"})
    await house.rows("DELETE FROM plan_items RETURNING 1")
    return {
        "mismatch": f"mismatch:{uid['anna0']}",
        "deleted": f"deleted:{uid['no.longer.there']}",
        "orphan": f"orphan:{orphan}",
        "unlinked": f"unlinked:{unlinked}",
        "collision": f"collision:{collision}",
        "missing": f"missing:{late['newcomer']}",
    }


async def test_first_complete_run_makes_the_baseline_and_finds_nothing_where_all_is_as_wanted(house: House) -> None:
    await house.provide(*PEOPLE)

    run = await house.reconcile()

    assert (run.status, run.accounts_processed, run.discrepancies_found) == ("completed", 12, 0)
    assert run.listing_complete is True
    assert (await house.rows("SELECT baseline_at FROM connectors"))[0]["baseline_at"] is not None
    due = await house.rows("SELECT kind FROM due_work WHERE kind IN ('claim', 'run')")
    assert [each["kind"] for each in due] == ["claim"]


async def test_every_kind_is_found_once_and_explained(house: House) -> None:
    expected = await planted(house)

    run = await house.reconcile()

    found = await house.findings()
    assert {kind: key for key, row in found.items() for kind in [row["discrepancy_type"]]} == expected
    assert run.discrepancies_by_type == dict.fromkeys(expected, 1)
    assert all(row["explanation"].endswith(".") and row["suggested_actions"] for row in found.values())
    assert found[expected["mismatch"]]["attributes"] == {"department": {"expected": "Sales", "actual": "Wrong"}}
    assert [each["subject"].partition(":")[0] for each in await house.rows("SELECT subject FROM cases")] == ["account"]


async def test_second_run_finds_the_same_rows_and_writes_no_account_and_no_identity(house: House) -> None:
    await planted(house)
    await house.reconcile()
    before = await _written(house)
    ids = {key: row["id"] for key, row in (await house.findings()).items()}

    run = await house.reconcile()

    assert await _written(house) == before
    again = await house.findings()
    assert {key: row["id"] for key, row in again.items()} == ids
    assert {row["occurrences"] for row in again.values()} == {2}
    assert (run.statistics["new"], run.discrepancies_found) == (0, len(ids))


async def test_finding_that_is_gone_closes_itself_and_one_that_returns_opens_again(house: House) -> None:
    await house.provide("anna")
    await house.reconcile()
    uid = await house.uid_of("anna")
    house.target.change(uid, department="Wrong")
    await house.reconcile()
    house.target.change(uid, department="Sales")

    await house.reconcile()
    closed = (await house.findings("resolved"))[f"mismatch:{uid}"]
    house.target.change(uid, department="Wrong")
    run = await house.reconcile()
    opened = (await house.findings())[f"mismatch:{uid}"]

    assert closed["resolved_action"] == "gone"
    assert (opened["id"], opened["occurrences"], run.statistics["reopened"]) == (closed["id"], 2, 1)


async def _written(house: House) -> list[dict[str, Any]]:
    """What identifies every row version: it moves when a row is written, whatever is written."""
    accounts = await house.rows("SELECT id, xmin::text, ctid::text FROM accounts ORDER BY id")
    people = await house.rows("SELECT id, xmin::text, ctid::text FROM identities ORDER BY id")
    keys = await house.rows("SELECT account_id AS id, xmin::text, ctid::text FROM match_keys ORDER BY 1, 3")
    return accounts + people + keys


async def test_account_with_an_operation_under_way_is_not_judged(house: House) -> None:
    await house.provide("anna", "bert")
    await house.reconcile()
    await house.rows(
        'UPDATE identities SET attributes = attributes || \'{"department": "Lab"}\', version = 2 '
        "WHERE user_name = 'anna' RETURNING 1"
    )
    await house.rows(
        "INSERT INTO plan_items (tenant_id, identity_id, origin) SELECT tenant_id, id, 'event' "
        "FROM identities WHERE user_name = 'anna' RETURNING 1"
    )
    await house.plan()

    run = await house.reconcile()

    assert run.discrepancies_found == 0


async def test_one_object_that_cannot_be_stored_keeps_nobody_from_being_compared(house: House) -> None:
    await house.provide("anna", "bert")
    house.target.put({"login": "zzz9q"}, uid="bad\0uid")
    house.target.put({"login": "zzz8q"}, uid="x" * 5000)
    house.target.change("uid-000001", department="NUL \0 inside", mail="half \ud83d of a pair")

    run = await house.reconcile()

    assert (run.status, run.accounts_processed) == ("completed", 4)
    differing = (await house.findings())["mismatch:uid-000001"]["attributes"]
    assert {name: each["actual"] for name, each in differing.items()} == {"department": None, "mail": None}
