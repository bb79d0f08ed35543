"""An account that is not as we thought: gone, never made, there already, or changed since a repair was decided."""

from typing import Any

import pytest

from tests.integration.execution.conftest import Site
from worker.domain.errors import (
    UnknownUid,
)
from worker.domain.outcome import Outcome, Retry, Succeeded
from worker.domain.processing import Finished


def only(finished: dict[Any, Finished]) -> Outcome:
    [one] = finished.values()
    return one.outcome


async def test_an_update_of_an_account_that_is_gone_makes_it_anew_with_all_it_should_have(site: Site) -> None:
    owner, account_id, uid = await site.has(hooked={"mail": "moss@example.org"})
    site.target.remove(uid)
    await site.asks("update", account_id, owner, department="Sales")

    outcome = only(await site.run())

    assert isinstance(outcome, Succeeded)
    [made] = site.target.accounts.values()
    assert made.attributes == {
        "login": "ada.moss",
        "mail": "moss@example.org",
        "given": "Ada",
        "family": "Moss",
        "department": "Sales",
    }
    assert await site.row("SELECT uid, state FROM accounts") == (made.uid, "active")


async def test_what_is_recorded_as_sent_is_what_made_the_account_anew(site: Site) -> None:
    owner, account_id, uid = await site.has()
    site.target.remove(uid)
    await site.asks("update", account_id, owner, department="Sales")

    await site.run()

    sent = (await site.row("SELECT sent FROM attempts"))["sent"]
    assert sent["attributes"] == site.target.calls[-1][1]
    assert sent["attributes"]["login"] == "ada.moss"


@pytest.mark.parametrize(
    "wanted",
    [
        pytest.param({"active": False}, id="asked to be inactive"),
        pytest.param({"department": "Sales"}, id="inactive by what is wanted"),
    ],
)
async def test_an_account_that_is_gone_and_should_be_inactive_is_left_gone(site: Site, wanted: dict[str, Any]) -> None:
    owner, account_id, uid = await site.has(wanted_active=False)
    site.target.remove(uid)
    await site.asks("update", account_id, owner, **wanted)

    outcome = only(await site.run())

    assert isinstance(outcome, Succeeded)
    assert site.target.accounts == {}
    assert await site.row("SELECT uid, state FROM accounts") == (None, "dead")


async def test_an_update_of_an_account_that_was_never_made_asks_for_all_of_it(site: Site) -> None:
    owner = await site.person("Ada", "Moss")
    wanted = {"login": "ada.moss", "mail": "ada.moss@example.org"}
    account_id = await site.account(owner, wanted=wanted, wanted_active=True)
    await site.asks("update", account_id, owner, department="Sales")

    await site.run()

    [made] = site.target.accounts.values()
    assert (made.attributes, made.active) == ({**wanted, "department": "Sales"}, True)


async def test_a_create_for_somebody_whose_account_is_there_brings_it_to_what_is_wanted(site: Site) -> None:
    owner, account_id, uid = await site.has()
    site.target.change(uid, active=False)
    await site.asks("create", account_id, owner, login="ada.moss", department="Sales", active=True)

    await site.run()

    assert list(site.target.accounts) == [uid]
    assert site.target.accounts[uid].active is True
    assert site.target.accounts[uid].attributes["department"] == "Sales"


@pytest.mark.parametrize("kind", ["create", "update"])
async def test_what_is_asked_of_an_account_that_is_there_is_done_whether_a_mapping_manages_it_or_not(
    site: Site, kind: str
) -> None:
    """Our record knows of no account; what a plan would give new accounts only was asked for by name here."""
    owner = await site.person("Ada", "Moss")
    uid = site.target.put({"login": "ada.moss", "employee_number": "1"})
    account_id = await site.account(owner, wanted={"login": "ada.moss"}, wanted_active=True)
    await site.asks(kind, account_id, owner, login="ada.moss", employee_number="7")

    await site.run()

    assert site.target.accounts[uid].attributes["employee_number"] == "7"


async def test_a_repair_of_an_account_that_changed_meanwhile_is_left_to_the_next_run(site: Site) -> None:
    owner, account_id, uid = await site.has()
    seen = await site.hash_of(uid)
    site.target.change(uid, department="Legal")
    await site.asks("update", account_id, owner, department="Sales", expected_hash=seen)

    outcome = only(await site.run())

    assert isinstance(outcome, Succeeded)
    assert outcome.skipped is not None
    assert site.target.accounts[uid].attributes["department"] == "Legal"
    assert await site.row("SELECT ending FROM operations_archive") == ("skipped",)


async def test_a_repair_of_an_account_as_it_was_found_sends_only_what_differs(site: Site) -> None:
    owner, account_id, uid = await site.has()
    repair = {"mail": "ADA.MOSS@example.org", "department": "Sales"}
    await site.asks("update", account_id, owner, expected_hash=await site.hash_of(uid), **repair)

    await site.run()

    assert site.target.calls[-1] == ("update", {"department": "Sales"})
    assert (await site.row("SELECT sent FROM attempts"))["sent"]["attributes"] == {"department": "Sales"}


async def test_a_repair_that_finds_nothing_to_do_is_told_so(site: Site) -> None:
    owner, account_id, uid = await site.has()
    await site.asks("update", account_id, owner, given="Ada", expected_hash=await site.hash_of(uid))

    await site.run()

    assert site.target.count("update") == 0
    assert await site.row("SELECT ending FROM operations_archive") == ("already_so",)


@pytest.mark.parametrize("is_repair", [pytest.param(False, id="asked"), pytest.param(True, id="repair")])
async def test_a_delete_of_an_account_that_is_gone_is_done(site: Site, is_repair: bool) -> None:
    owner, account_id, uid = await site.has()
    seen = await site.hash_of(uid)
    site.target.remove(uid)
    await site.asks("delete", account_id, owner, **({"expected_hash": seen} if is_repair else {}))

    outcome = only(await site.run())

    assert isinstance(outcome, Succeeded)
    assert (outcome.already_so, outcome.account_gone) == (True, True)
    assert await site.row("SELECT uid, state FROM accounts") == (None, "dead")


async def test_a_repair_that_would_delete_an_account_changed_meanwhile_deletes_nothing(site: Site) -> None:
    owner, account_id, uid = await site.has()
    seen = await site.hash_of(uid)
    site.target.change(uid, department="Legal")
    await site.asks("delete", account_id, owner, expected_hash=seen)

    await site.run()

    assert list(site.target.accounts) == [uid]


async def test_an_account_removed_between_the_look_and_the_change_is_looked_at_again(site: Site) -> None:
    owner, account_id, uid = await site.has()
    await site.asks("update", account_id, owner, department="Sales", expected_hash=await site.hash_of(uid))
    site.target.next("update", UnknownUid())

    first = only(await site.run())
    site.target.remove(uid)
    second = only(await site.again())

    assert (type(first), type(second)) == (Retry, Succeeded)
    assert site.logins() == ["ada.moss"]
