"""What people answer over HTTP when they are asked whose an account is, and for how long that holds."""

from typing import Any

import pytest

from tests.integration.actions.conftest import Works
from tests.integration.api.conftest import Client

CASES = "/api/correlation/cases"


@pytest.fixture
async def asked(works: Works) -> Works:
    """Whose is the account of a Saskia van Dijk, of whom nothing but the name is known? Two people have that name."""
    await works.table.execute("INSERT INTO people (login, given, family) VALUES ('x4711', 'Saskia', 'van Dijk')")
    await works.hire(
        ("Saskia", "van Dijk", "saskia.vandijk@example.org"), ("Kim", "Berg", "kim@example.org"), is_planned=False
    )
    await works.reconcile()
    return works


async def the_case(client: Client, status: str = "open") -> dict[str, Any]:
    _, listed = await client.get(CASES, params={"status": status})
    assert listed["total"] == 1, listed
    return dict(listed["cases"][0])


async def test_an_account_of_nobody_is_asked_about_again_when_it_has_changed(client: Client, asked: Works) -> None:
    case = await the_case(client)
    said, settled = await client.post(f"{CASES}/{case['id']}/nobody", {"notes": "a test account"})
    await asked.reconcile()
    _, quiet = await client.get(CASES, params={"status": "open"})
    await asked.table.execute("UPDATE people SET login = 'saskia.vandijk', mail = 's@x' WHERE login = 'x4711'")
    await asked.reconcile()

    again = await the_case(client)
    assert (said, settled["status"], settled["decision"]["nobody"], quiet["total"]) == (200, "rejected", True, 0)
    assert again["id"] != case["id"]
    assert await asked.value("SELECT count(*) FROM audit WHERE action = 'case.nobody'") == 1


async def test_who_was_refused_is_asked_about_again_with_the_reason(client: Client, asked: Works) -> None:
    case = await the_case(client)
    await client.post(f"{CASES}/{case['id']}/reject", {"notes": "another Saskia"})
    await asked.reconcile()
    _, quiet = await client.get(CASES, params={"status": "open"})
    await asked.table.execute("UPDATE people SET login = 'saskia.vandijk' WHERE login = 'x4711'")
    await asked.reconcile()

    again = await the_case(client)
    assert quiet["total"] == 0
    assert "the evidence changed since: user name" in again["explanation"]


async def test_somebody_new_is_made_of_an_account_and_owns_it(client: Client, asked: Works) -> None:
    case = await the_case(client)
    path = f"{CASES}/{case['id']}/create-identity"
    taken, _ = await client.post(path, {"external_id": "e-kim@example.org", "user_name": "x"})
    status, made = await client.post(
        path, {"external_id": "e-9", "user_name": "saskia2", "attributes": {"mail": "s@x"}}
    )
    _, person = await client.get(f"/api/identities/{made['identity_id']}")
    _, theirs = await client.get(f"/api/identities/{made['identity_id']}/accounts")

    assert (taken, status) == (409, 201)
    assert person["attributes"] == {"given_name": "Saskia", "family_name": "van Dijk", "mail": "s@x"}
    assert [(each["match"]["decision"], each["match"]["case_id"]) for each in theirs["accounts"]] == [
        ("manual", case["id"])
    ]
    assert await asked.value("SELECT status FROM cases") == "confirmed"


async def test_an_account_goes_to_somebody_whom_nobody_thought_of_and_back(client: Client, asked: Works) -> None:
    """The link tells what the rules had said of the one who was named."""
    case = await the_case(client)
    kim = await asked.value("SELECT id FROM identities WHERE user_name = 'kim'")
    saskia = await asked.value("SELECT id FROM identities WHERE user_name <> 'kim'")
    path = f"{CASES}/{case['id']}/reassign"
    nobody, _ = await client.post(path, {"identity_id": str(asked.tenant_id)})
    unnamed, _ = await client.post(path)
    first, _ = await client.post(path, {"identity_id": str(kim)})
    second, moved = await client.post(path, {"identity_id": str(saskia)})
    again, _ = await client.post(path, {"identity_id": str(saskia)})

    assert (nobody, unnamed, first, second, again) == (422, 422, 200, 200, 409)
    assert moved["decision"]["identity_id"] == str(saskia)
    assert await asked.value("SELECT identity_id FROM accounts WHERE uid IS NOT NULL") == saskia
    assert await asked.value("SELECT verdict FROM decisions WHERE identity_id = $1", kim) == "is_not"
    match = await asked.value("SELECT match FROM accounts WHERE uid IS NOT NULL")
    assert [each["rule"] for each in match["match"]["contributions"] if each["points"] > 0] == ["name"]


async def test_viewers_decide_nothing_and_a_person_is_nobodys_account(client: Client, asked: Works) -> None:
    case = await the_case(client)
    forbidden, _ = await client.post(f"{CASES}/{case['id']}/nobody", role="viewer")
    unknown, _ = await client.post(f"{CASES}/{asked.tenant_id}/nobody")
    await asked.rows("UPDATE cases SET account_id = NULL, identity_id = (SELECT min(id::text)::uuid FROM identities)")
    wrong, problem = await client.post(f"{CASES}/{case['id']}/nobody")

    assert (forbidden, unknown, wrong) == (403, 404, 422)
    assert "reject it, and one is made" in problem["detail"]
