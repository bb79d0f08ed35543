"""Whose an account would be, links that people check, and how right that shows the rules to be."""

import pytest

from tests.integration.actions.conftest import Works
from tests.integration.api.conftest import Client

STATISTICS = "/api/correlation/statistics"


@pytest.fixture
def path(works: Works) -> str:
    return f"/api/connectors/{works.connector.id}/correlation"


@pytest.fixture
async def linked(works: Works) -> Works:
    """Two accounts that were there before their people, and that the rules linked by themselves."""
    await works.table.execute(
        "INSERT INTO people (login, mail, given, family) VALUES ('kim', 'kim@example.org', 'Kim', 'Berg'),"
        " ('lou', 'lou@example.org', 'Lou', 'Anders')"
    )
    await works.reconcile()
    await works.hire(("Kim", "Berg", "kim@example.org"), ("Lou", "Anders", "lou@example.org"))
    await works.work()
    return works


async def test_candidates_come_with_what_each_rule_says_and_nothing_is_written(
    client: Client, works: Works, path: str
) -> None:
    kim, _ = await works.hire(
        ("Kim", "Berg", "kim@example.org"), ("Lou", "Anders", "lou@example.org"), is_planned=False
    )
    account = {"login": "kim", "mail": "kim@example.org", "given": "Kim", "family": "Berg"}
    status, found = await client.post(f"{path}/correlate", {"attributes": account}, role="viewer")
    _, nobody = await client.post(f"{path}/correlate", {"attributes": {"login": "zz9"}})
    empty, _ = await client.post(f"{path}/correlate", {})
    unknown, _ = await client.post(f"{path}/correlate", {"account_id": str(works.tenant_id)})

    best = found["candidates"][0]
    assert (status, found["decision"], found["identity_id"], found["is_complete"]) == (200, "auto", str(kim), True)
    assert (best["name"], {each["rule"] for each in best["contributions"] if each["points"] > 0}) == (
        "kim",
        {"email", "user name", "name"},
    )
    assert (nobody["decision"], nobody["candidates"], empty, unknown) == ("none", [], 422, 404)
    assert await works.value("SELECT count(*) FROM cases") == 0


async def test_a_draft_answers_before_it_is_in_force(client: Client, works: Works, path: str) -> None:
    await works.hire(("Kim", "Berg", "kim@example.org"), is_planned=False)
    by_mail = {"rules": [{"name": "mail", "source": "mail", "target": "mail", "weight": 12}]}
    body = {"attributes": {"mail": "kim@example.org"}, "rule_set": by_mail}
    status, found = await client.post(f"{path}/correlate", body, role="operator")
    forbidden, _ = await client.post(f"{path}/correlate", body, role="viewer")
    wrong, problem = await client.post(f"{path}/correlate", body | {"rule_set": {"rules": [{"name": "mail"}]}})
    _, now = await client.get(f"{path}/rules")

    assert (status, [each["rule"] for each in found["candidates"][0]["contributions"]]) == (200, ["mail"])
    assert (forbidden, wrong, problem["error"], now["version"]) == (403, 422, "invalid_rules", 0)


async def test_an_account_that_we_know_is_asked_about_with_what_people_decided(
    client: Client, works: Works, path: str
) -> None:
    await works.table.execute("INSERT INTO people (login, given, family) VALUES ('x4711', 'Kim', 'Berg')")
    await works.hire(("Kim", "Berg", "kim@example.org"), is_planned=False)
    await works.reconcile()
    account_id = str(await works.value("SELECT id FROM accounts"))
    _, before = await client.post(f"{path}/correlate", {"account_id": account_id})
    case_id = await works.value("SELECT id FROM cases")
    await client.post(f"/api/correlation/cases/{case_id}/nobody")
    _, after = await client.post(f"{path}/correlate", {"account_id": account_id})

    assert (before["decision"], after["decision"]) == ("review", "none")
    assert after["reason"] == "a person decided that this account belongs to nobody"


async def test_links_are_checked_once_and_the_figures_say_how_right_they_were(
    client: Client, linked: Works, path: str
) -> None:
    _, none = await client.get(STATISTICS, role="viewer")
    opened, sample = await client.post(f"{path}/spot-check", {"count": 20})
    again, _ = await client.post(f"{path}/spot-check", {"count": 20})
    _, waiting = await client.get(STATISTICS)
    cases = await linked.rows("SELECT id, account_id, candidates FROM cases ORDER BY candidates -> 0 ->> 'name'")
    kim, lou = cases
    right, _ = await client.post(
        f"/api/correlation/cases/{kim['id']}/confirm", {"identity_id": kim["candidates"][0]["ref_id"]}
    )
    await linked.reconcile()
    wrong, settled = await client.post(f"/api/correlation/cases/{lou['id']}/reject", {"notes": "another Lou"})
    _, told = await client.get(STATISTICS, params={"connector_id": str(linked.connector.id)})

    assert (none["auto_zone"]["precision"], opened, len(sample["cases"]), again) == (None, 201, 2, 409)
    assert (waiting["queue"]["spot_checks"], waiting["queue"]["questions"]) == (2, 0)
    assert [each["points"] > 0 for each in kim["candidates"][0]["contributions"]] == [True] * 3
    assert (right, wrong, settled["kind"], settled["status"]) == (200, 200, "spot_check", "rejected")
    zone = told["auto_zone"]
    assert (zone["checked"], zone["right"], zone["precision"]) == (2, 1, 0.5)
    assert 0.05 < zone["precision_low"] < 0.5
    assert told["calibration"]["reviewed_pairs"] == 2
    assert 0.4 < told["calibration"]["ece"] < 0.6
    assert told["decisions"] == {"is": 1, "is_not": 1, "nobody": 0}
    owners = await linked.rows(
        "SELECT identity_id FROM accounts WHERE id = ANY($1) ORDER BY identity_id",
        [kim["account_id"], lou["account_id"]],
    )
    assert [row["identity_id"] is None for row in owners] == [False, True]


async def test_a_checked_link_goes_to_whom_a_person_names(client: Client, linked: Works, path: str) -> None:
    await client.post(f"{path}/spot-check", {"count": 20})
    case = (await linked.rows("SELECT id, account_id FROM cases WHERE candidates -> 0 ->> 'name' = 'kim'"))[0]
    (max_,) = await linked.hire(("Max", "Zeller", "max@example.org"), is_planned=False)
    status, _ = await client.post(f"/api/correlation/cases/{case['id']}/reassign", {"identity_id": str(max_)})

    owner = await linked.value("SELECT identity_id FROM accounts WHERE id = $1", case["account_id"])
    said = await linked.rows("SELECT verdict FROM decisions ORDER BY verdict")
    assert (status, owner) == (200, max_)
    assert [row["verdict"] for row in said] == ["is", "is_not"]
