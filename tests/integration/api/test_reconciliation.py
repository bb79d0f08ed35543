"""Runs, discrepancies, approvals, people and connectors over HTTP."""

from typing import Any
from uuid import UUID, uuid4

import pytest

from tests.integration.actions.conftest import Works
from tests.integration.api.conftest import Client


@pytest.fixture
def base(works: Works) -> str:
    return f"/api/connectors/{works.connector.id}/reconciliation"


async def test_one_run_lives_at_a_time(client: Client, base: str) -> None:
    first, run = await client.post(f"{base}/runs", {"mode": "full", "dry_run": True})
    second, problem = await client.post(f"{base}/runs")
    gone, _ = await client.post(f"{base}/runs/{run['id']}/cancel")
    over, _ = await client.post(f"{base}/runs/{run['id']}/cancel")
    _, listed = await client.get(f"{base}/runs?status=cancelled")

    assert (first, run["status"], run["dry_run"]) == (202, "pending", True)
    assert (second, problem["error"]) == (409, "wrong_state")
    assert (gone, over) == (204, 409)
    assert [each["id"] for each in listed["runs"]] == [run["id"]]
    assert (await client.get(f"/api/connectors/{uuid4()}/reconciliation/runs/{run['id']}"))[0] == 404
    assert (await client.post(f"{base}/runs", {"modus": "full"}))[0] == 422


async def test_how_far_the_ranges_of_a_listing_are_is_told(client: Client, works: Works, base: str) -> None:
    _, run = await client.post(f"{base}/runs")
    await works.value(
        "INSERT INTO run_ranges (tenant_id, run_id, number, is_over) SELECT tenant_id, id, n, n = 2 FROM runs, "
        "generate_series(1, 3) n WHERE id = $1 RETURNING number",
        UUID(run["id"]),
    )
    _, told = await client.get(f"{base}/runs/{run['id']}")
    await client.post(f"{base}/runs/{run['id']}/cancel")
    _, over = await client.get(f"{base}/runs/{run['id']}")

    assert told["ranges"] == {"total": 3, "done": 1, "at_work": 0}
    assert over["ranges"] is None


async def test_a_run_can_be_about_one_account(client: Client, works: Works, base: str) -> None:
    await works.reconcile()
    await works.hire(("Kim", "Berg", "kim@example.org"), ("Lou", "Anders", "lou@example.org"))
    await works.work()
    await works.table.execute("UPDATE people SET mail = 'wrong@x'")
    uid = await works.value("SELECT a.uid FROM accounts a JOIN identities i ON i.id = a.identity_id LIMIT 1")

    status, run = await client.post(f"{base}/runs", {"only": {"uids": [uid, "nobody"]}})
    await works.go_on(UUID(run["id"]))
    _, ended = await client.get(f"{base}/runs/{run['id']}")
    _, report = await client.get(f"{base}/runs/{run['id']}/report")
    _, findings = await client.get(f"{base}/discrepancies")

    assert (status, run["only"]) == (202, {"uids": [uid, "nobody"], "identity_ids": []})
    assert (ended["status"], ended["discrepancies_found"]) == ("completed", 1)
    assert [each["external_uid"] for each in findings["discrepancies"]] == [uid]
    assert report["notes"] == ["nobody: The target has no such account, and none was known."]


@pytest.mark.parametrize(
    ("body", "expected", "message"),
    [
        pytest.param({"only": {}}, 422, "Name at least one account (uid) or person to look at.", id="nothing"),
        pytest.param({"only": {"uids": [" "]}}, 422, "A uid is empty.", id="empty"),
        pytest.param(
            {"only": {"uids": ["é" * 1001]}}, 422, "A uid is too long: it has more than 2000 bytes.", id="long"
        ),
        pytest.param({"only": {"uids": ["u"] * 101}}, 422, "Name at most 100 accounts and people", id="many"),
        pytest.param({"only": {"uids": ["a\x00"]}}, 422, "The uid holds what cannot be stored", id="NUL"),
        pytest.param({"mode": "full", "only": {"uids": ["u"]}}, 422, "has no mode", id="with a mode"),
        pytest.param({"only": {"identity_ids": [str(UUID(int=1))]}}, 404, "There is no identity", id="nobody known"),
    ],
)
async def test_accounts_that_no_run_can_be_about_are_refused(
    client: Client, base: str, body: dict[str, Any], expected: int, message: str
) -> None:
    status, problem = await client.post(f"{base}/runs", body)
    _, listed = await client.get(f"{base}/runs")

    assert (status, listed["total"]) == (expected, 0)
    assert message in problem["message"]


async def test_a_paused_run_goes_on_when_it_is_told_to(client: Client, base: str) -> None:
    _, run = await client.post(f"{base}/runs")
    early, _ = await client.post(f"{base}/runs/{run['id']}/resume")
    _, paused = await client.post(f"{base}/runs/{run['id']}/pause")
    _, resumed = await client.post(f"{base}/runs/{run['id']}/resume")
    unasked, _ = await client.post(f"{base}/runs/{run['id']}/approve")

    assert (early, unasked) == (409, 409)
    assert (paused["status"], paused["pause_reason"], resumed["status"]) == ("paused", "person", "running")


async def test_a_mismatch_is_found_previewed_and_repaired(client: Client, works: Works, base: str) -> None:
    await works.reconcile()
    await works.hire(("Kim", "Berg", "kim@example.org"))
    await works.work()
    await works.table.execute("UPDATE people SET mail = 'wrong@x'")
    await works.reconcile()

    _, runs = await client.get(f"{base}/runs?limit=1")
    _, report = await client.get(f"{base}/runs/{runs['runs'][0]['id']}/report")
    _, found = await client.get(f"{base}/discrepancies?resolution_status=pending")
    one = found["discrepancies"][0]
    _, preview = await client.post(f"{base}/discrepancies/preview", {"discrepancy_ids": [one["id"]]}, role="viewer")
    _, dry = await client.post(f"{base}/discrepancies/{one['id']}/remediate", {"dry_run": True})
    _, bulk = await client.post(f"{base}/discrepancies/bulk-remediate", {"items": [{"discrepancy_id": one["id"]}]})
    _, again = await client.post(f"{base}/discrepancies/bulk-remediate", {"items": [{"discrepancy_id": one["id"]}]})
    await works.work()
    _, actions = await client.get(f"{base}/actions?dry_run=false")

    assert (report["discrepancy_summary"]["total"], report["discrepancy_summary"]["by_type"]["mismatch"]) == (1, 1)
    assert (one["attribute_name"], one["expected_value"], one["actual_value"]) == ("mail", "kim@example.org", "wrong@x")
    assert preview["previews"][0]["after_state"] == dry["after_state"] == {"mail": "kim@example.org"}
    assert dry["result"] == "proposed"
    assert (bulk["succeeded"], again["succeeded"], again["skipped"]) == (1, 0, 1)
    assert await works.table.fetchval("SELECT mail FROM people") == "kim@example.org"
    assert [each["result"] for each in actions["actions"]] == ["queued"]


async def test_people_are_found_by_the_beginning_of_their_name_and_disabled(client: Client, works: Works) -> None:
    await works.reconcile()
    await works.hire(("Kim", "Berg", "kim@example.org"), ("Lou", "Anders", "lou@example.org"))
    await works.work()

    _, first = await client.get("/api/identities?limit=1")
    _, second = await client.get(f"/api/identities?cursor={first['next_cursor']}")
    _, found = await client.get("/api/identities?q=KI")
    kim = found["identities"][0]["id"]
    _, disabled = await client.post(f"/api/identities/{kim}/disable", {"reason": "stolen"})
    await works.work()
    _, accounts = await client.get(f"/api/identities/{kim}/accounts")
    status, _ = await client.post(f"/api/identities/{kim}/disable", {"reason": "again"})

    names = [each["user_name"] for each in (*first["identities"], *second["identities"])]
    assert (names, first["total"]) == (["kim", "lou"], 2)
    assert len(disabled["operations"]) == 1
    assert [each["observed_active"] for each in accounts["accounts"]] == [False]
    assert status == 409


async def test_connectors_are_tested_and_rest(client: Client, works: Works) -> None:
    path = f"/api/connectors/{works.connector.id}"

    _, listed = await client.get("/api/connectors")
    _, tested = await client.post(f"{path}/test")
    _, resting = await client.post(f"{path}/maintenance", {"on": True})
    _, health = await client.get(f"{path}/health")
    refused, _ = await client.post(f"{path}/activate")
    _, active = await client.post(f"{path}/activate", role="admin")

    assert [each["name"] for each in listed["connectors"]] == ["app"]
    assert tested["success"]
    assert (resting["status"], health["status"], refused, active["status"]) == (
        "maintenance",
        "maintenance",
        403,
        "active",
    )


async def test_a_token_works_until_it_is_revoked(client: Client) -> None:
    status, made = await client.post("/api/tokens", {"name": "ci", "roles": ["viewer"]}, role="admin")
    client.tokens["ci"] = made["token"]
    allowed, _ = await client.get("/api/operations", role="ci")
    _, listed = await client.get("/api/tokens", role="admin")
    token = next(each for each in listed["tokens"] if each["name"] == "ci")
    revoked, _ = await client.call("DELETE", f"/api/tokens/{token['id']}", role="admin")
    refused, _ = await client.get("/api/operations", role="ci")

    assert (status, allowed, revoked, refused) == (201, 200, 204, 401)
    assert "token" not in token


async def test_an_approver_says_what_they_saw(client: Client, works: Works) -> None:
    await works.reconcile()
    await works.hire(*((f"G{n}", f"F{n}", f"p{n:02}@example.org") for n in range(13)))
    await works.work()
    body = {"connector_id": str(works.connector.id), "operation_type": "update", "payload": {"active": False}}
    people = [str(row["identity_id"]) for row in await works.rows("SELECT identity_id FROM accounts ORDER BY id")]
    for person in people[:12]:
        await client.post("/api/operations", {**body, "user_id": person})
    _, shown = await client.get("/api/approvals?status=open")
    (hold,) = shown["approvals"]
    where = f"/api/approvals/{hold['id']}/approve"
    await client.post("/api/operations", {**body, "user_id": people[12]})

    unseen, _ = await client.post(where)
    moved, problem = await client.post(where, {"version": hold["version"]})
    _, looked = await client.get(f"/api/approvals/{hold['id']}")
    done, decided = await client.post(where, {"version": looked["version"]})

    assert (hold["held"], looked["held"], decided["released"]) == (2, 3, 3)
    assert (unseen, moved, done) == (422, 409, 200)
    assert problem["message"] == "More has come to be held since you looked; look again before you approve."
