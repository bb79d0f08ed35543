"""The rules of a target as people edit them over HTTP, against a real table and the real sandbox."""

from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest
import structlog

from tests.integration.actions.conftest import Works
from tests.integration.api.conftest import Client
from worker.hooks import HookExecutor

MAIL: dict[str, Any] = {"name": "mail", "source": "mail", "target": "mail", "weight": 8, "tier": 1}
SAYS: dict[str, Any] = {
    "name": "says", "source": "mail", "target": "mail", "match": "expression", "expression": "identity['mail'] == 1",
}  # fmt: skip


@pytest.fixture
async def works(works: Works) -> AsyncIterator[Works]:
    async with HookExecutor(workers=1, log=structlog.get_logger()) as scripts:
        works.house = replace(works.house, scripts=scripts)
        yield works


@pytest.fixture
def path(works: Works) -> str:
    return f"/api/connectors/{works.connector.id}/correlation/rules"


async def saved(client: Client, path: str, rule_set: dict[str, Any], **options: Any) -> tuple[int, Any]:
    body = {"rule_set": rule_set, **options.pop("body", {})}
    return await client.call("PUT", path, role="admin", json=body, **options)


async def test_the_shipped_rules_are_shown_saved_changed_and_gone_back_to(
    client: Client, works: Works, path: str
) -> None:
    _, shipped = await client.get(path, role="viewer")
    same, first = await saved(client, path, shipped["rule_set"], body={"note": "ours"}, headers={"If-Match": '"0"'})
    changed, second = await saved(client, path, {"rules": [MAIL]}, headers={"If-Match": '"1"'})
    outdated, _ = await saved(client, path, {"rules": [MAIL]}, headers={"If-Match": '"1"'})
    _, difference = await client.get(f"{path}/versions/1/diff/2", role="viewer")
    _, listed = await client.get(f"{path}/versions", role="viewer")
    _, back = await client.post(f"{path}/rollback", role="admin")
    _, ours = await client.post(f"{path}/versions/0/activate", role="admin", headers={"If-Match": '"1"'})
    again, _ = await client.post(f"{path}/rollback", role="admin")
    _, now = await client.get(path)

    assert (shipped["version"], shipped["is_shipped"], shipped["tuning_mode"]) == (0, True, False)
    assert {rule["name"] for rule in shipped["rule_set"]["rules"]} == {"email", "user name", "name"}
    assert (same, first["version"], first["note"], first["rule_set"]) == (200, 1, "ours", shipped["rule_set"])
    assert (changed, second["version"], outdated) == (200, 2, 412)
    assert [(each["name"], each["after"] is None) for each in difference["changes"]] == [
        ("", False), ("email", True), ("mail", False), ("name", True), ("user name", True),
    ]  # fmt: skip
    assert [(each["version"], each["is_active"], each["rules"]) for each in listed["versions"]] == [
        (2, True, 1), (1, False, 3),
    ]  # fmt: skip
    assert ((back["version"], back["previous"]), (ours["version"], ours["previous"])) == ((1, 2), (0, 1))
    assert (again, now["is_shipped"]) == (409, True)
    actions = [row["action"] for row in await works.rows("SELECT action FROM audit ORDER BY n")]
    assert actions[-4:] == ["rules.save", "rules.save", "rules.roll_back", "rules.activate"]


async def test_mistakes_are_told_by_rule_and_field_and_nothing_is_saved(
    client: Client, works: Works, path: str
) -> None:
    await works.hire(("anna", "Meier", "anna@x.de"), is_planned=False)
    bad = {"rules": [MAIL | {"target": "mial"}, SAYS | {"expression": "identity[", "weight": 90}]}

    _, verdict = await client.post(f"{path}/validate", {"rule_set": bad})
    refused, problem = await saved(client, path, bad)
    fine, _ = await client.post(f"{path}/validate", {"rule_set": {"rules": [MAIL, SAYS]}})

    errors = [(each["rule"], each["field"]) for each in verdict["mistakes"] if each["severity"] == "error"]
    assert (verdict["ok"], errors) == (False, [(0, "target"), (1, "weight"), (1, "expression")])
    assert "did you mean 'mail'" in verdict["mistakes"][0]["message"]
    assert (refused, problem["error"], len(problem["mistakes"]), fine) == (422, "invalid_rules", 3, 200)
    assert await works.value("SELECT count(*) FROM rule_sets") == 0


async def test_only_administrators_save_and_only_of_targets_that_are_theirs(client: Client, path: str) -> None:
    forbidden, _ = await client.call("PUT", path, json={"rule_set": {"rules": [MAIL]}}, role="operator")
    unseen, _ = await client.post(f"{path}/validate", {"rule_set": {"rules": []}}, role="viewer")
    missing, _ = await client.get("/api/connectors/0191d7a0-0000-7000-8000-000000000000/correlation/rules")
    unknown, _ = await client.get(f"{path}/versions/7", role="viewer")

    assert (forbidden, unseen, missing, unknown) == (403, 403, 404, 404)


async def test_rules_that_are_saved_are_those_that_accounts_are_found_by(
    client: Client, works: Works, path: str
) -> None:
    """A mail address is enough by the new rules; the tuning mode asks a person even so, and says so."""
    await works.table.execute("INSERT INTO people (login, mail) VALUES ('zz', 'kim@example.org')")
    await saved(client, path, {"rules": [MAIL | {"definitive": True}], "tuning_mode": True})
    _, now = await client.get(path)
    await works.reconcile()
    await works.hire(("Kim", "Berg", "kim@example.org"))
    await works.work(until="SELECT EXISTS (SELECT 1 FROM cases WHERE status = 'open')")

    case = (await works.rows("SELECT explanation, rule_set_version FROM cases"))[0]
    assert now["tuning_mode"]
    assert ("tuning mode links nobody by itself" in case["explanation"], case["rule_set_version"]) == (True, 1)
