"""Rules tried on what people decided, over HTTP, against the real database and the real loop."""

from typing import Any

import pytest

from tests.integration.actions.conftest import Works
from tests.integration.api.conftest import Client
from worker.domain.correlation import PersonDecision, Verdict
from worker.recon import Backtests
from worker.store import correlation
from worker.store.tenant import tenant

NAME: dict[str, Any] = {
    "name": "name", "source": "given_name+family_name", "target": "given+family", "normalize": ["name"],
    "definitive": True,
}  # fmt: skip
MAIL: dict[str, Any] = {"name": "mail", "source": "mail", "target": "mail", "definitive": True}


@pytest.fixture
def path(works: Works) -> str:
    return f"/api/connectors/{works.connector.id}/correlation/rules"


@pytest.fixture
async def decided(works: Works) -> Works:
    """An account with the mail of Kim and the name of Lou, of which a person said that it is Kim's."""
    await works.table.execute(
        "INSERT INTO people (login, mail, given, family) VALUES ('zz', 'kim@example.org', 'Lou', 'Anders'),"
        " ('yy', NULL, 'Kim', 'Berg')"
    )
    kim, _ = await works.hire(
        ("Kim", "Berg", "kim@example.org"), ("Lou", "Anders", "lou@example.org"), is_planned=False
    )
    await works.reconcile()
    account_id = await works.value("SELECT id FROM accounts WHERE observed ->> 'login' = 'zz'")
    async with tenant(works.house.pool, works.tenant_id) as conn:
        await correlation.decide(
            conn,
            tenant_id=works.tenant_id,
            connector_id=works.connector.id,
            said=[PersonDecision(account_id, kim, Verdict.IS)],
            by=works.operator.id,
        )
    return works


async def tried(client: Client, works: Works, path: str, body: dict[str, Any]) -> dict[str, Any]:
    status, started = await client.post(f"{path}/backtest", body)
    assert (status, started["status"]) == (202, "pending"), started
    for _ in range(4):
        await Backtests(works.house.pool, page=1).run_once(works.tenant_id)
    _, done = await client.get(f"{path}/backtest/{started['id']}", role="viewer")
    return dict(done)


async def test_a_back_test_shows_what_would_flip_and_how_right_both_rule_sets_are(
    client: Client, decided: Works, path: str
) -> None:
    await client.call("PUT", path, role="admin", json={"rule_set": {"rules": [MAIL]}})
    done = await tried(client, decided, path, {"rule_set": {"rules": [NAME]}})
    _, listed = await client.get(f"{path}/backtest")
    over, _ = await client.post(f"{path}/backtest/{done['id']}/cancel")

    assert (done["status"], done["decided_by_people"], done["base_version"]) == ("completed", 1, 1)
    assert (done["flip_counts"], done["new_contradictions"]) == ({"auto_to_another": 1}, 1)
    assert (done["before"]["precision"], done["after"]["precision"]) == (1.0, 0.0)
    flip = done["flips"][0]
    assert (flip["said"], flip["is_contradiction"]) == ("is", True)
    assert [flip[side]["candidate"]["name"] for side in ("before", "after")] == ["kim", "lou"]
    assert (len(listed["backtests"]), over) == (1, 409)


async def test_rules_that_go_against_people_are_saved_only_by_who_has_seen_it(
    client: Client, decided: Works, path: str
) -> None:
    await client.call("PUT", path, role="admin", json={"rule_set": {"rules": [MAIL]}})
    body = {"rule_set": {"rules": [NAME]}}

    refused, problem = await client.call("PUT", path, role="admin", json=body)
    same, _ = await client.call("PUT", path, role="admin", json={"rule_set": {"rules": [MAIL | {"weight": 5}]}})
    saved, _ = await client.call("PUT", path, role="admin", json=body | {"acknowledge_contradictions": True})

    assert (refused, problem["error"], problem["contradictions"]) == (409, "contradicts_decisions", 1)
    assert "acknowledge_contradictions" in problem["detail"]
    assert (same, saved) == (200, 200)
    noted = await decided.rows(
        "SELECT details ->> 'acknowledged' AS it FROM audit WHERE action = 'rules.save' ORDER BY n"
    )
    assert [row["it"] for row in noted] == ["false", "false", "true"]


async def test_planning_goes_on_with_a_back_test_that_is_left(client: Client, decided: Works, path: str) -> None:
    _, started = await client.post(f"{path}/backtest", {"version": 0})
    await decided.plan()

    due = await decided.value("SELECT count(*) FROM due_work WHERE kind = 'plan' AND due_at < 'infinity'")
    stopped, cancelled = await client.post(f"{path}/backtest/{started['id']}/cancel")
    assert (due, stopped, cancelled["status"]) == (1, 200, "cancelled")
