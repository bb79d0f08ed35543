"""Operations over HTTP: list, filters, secrets, runs, and errors that look alike."""

from uuid import uuid4

from tests.integration.actions.conftest import Works
from tests.integration.api.conftest import Client


async def test_a_submitted_operation_is_listed_without_its_secret(client: Client, works: Works) -> None:
    await works.reconcile()
    (kim,) = await works.hire(("Kim", "Berg", "kim@example.org"))
    await works.work()
    body = {
        "connector_id": str(works.connector.id),
        "user_id": str(kim),
        "operation_type": "update",
        "payload": {"attributes": {"given": "Kimberly", "password": "hunter2"}},
        "idempotency_key": "once",
    }

    status, made = await client.post("/api/operations", body)
    again, same = await client.post("/api/operations", body)
    _, listed = await client.get(f"/api/operations?user_id={kim}&limit=1")
    _, rest = await client.get(f"/api/operations?user_id={kim}&cursor={listed['next_cursor']}")

    assert (status, again) == (201, 200)
    assert made["id"] == same["id"] == listed["operations"][0]["id"]
    assert made["payload"]["attributes"]["password"] == {"secret": True}
    assert (listed["total"], listed["operations"][0]["connector_name"]) == (2, "app")
    assert [each["status"] for each in rest["operations"]] == ["completed"]
    assert rest["next_cursor"] is None


async def test_filters_that_are_unknown_or_malformed_are_refused(client: Client) -> None:
    for query in ("status=sleeping", "limit=0", "statuses=pending", "connector_id=no", "cursor=7"):
        status, problem = await client.get(f"/api/operations?{query}")

        assert status == 422, query
        assert problem["error"] == "invalid_request"
        assert problem["message"]


async def test_everything_asks_who_and_whether_they_may(client: Client, works: Works) -> None:
    runs = f"/api/connectors/{works.connector.id}/reconciliation/runs"

    assert (await client.get("/api/operations", headers={"Authorization": "Bearer pvd_no"}))[0] == 401
    assert (await client.get("/api/operations", role="ingest"))[0] == 403
    assert (await client.post(runs, role="viewer"))[0] == 403
    assert (await client.get("/api/tokens"))[0] == 403
    assert (await client.get(f"/api/operations/{uuid4()}"))[0] == 404


async def test_stats_count_what_ended_and_what_waits(client: Client, works: Works) -> None:
    await works.reconcile()
    await works.hire(("Kim", "Berg", "kim@example.org"))
    await works.work()
    await works.hire(("Lou", "Anders", "lou@example.org"))

    _, stats = await client.get("/api/operations/stats")
    _, events = await client.get("/api/audit?action=token", role="admin")

    assert (stats["completed"], stats["pending"], stats["dead_letter"]) == (1, 1, 0)
    assert stats["success_rate"] == 100.0
    assert stats["avg_processing_time_secs"] > 0
    assert stats["oldest_pending_seconds"] >= 0
    assert events["entries"] == []


async def test_an_operation_on_a_protected_account_is_refused_at_the_door(client: Client, works: Works) -> None:
    await works.reconcile()
    (kim,) = await works.hire(("Kim", "Berg", "kim@example.org"))
    await works.work()
    body = {"connector_id": str(works.connector.id), "user_id": str(kim), "operation_type": "delete", "payload": {}}
    await works.rows(
        "INSERT INTO dead_letters (tenant_id, id, connector_id, account_id, user_id, seq, operation_type, object_class,"
        " status, payload, origin, created_at, updated_at, dead_at) "
        "SELECT tenant_id, gen_random_uuid(), connector_id, id, identity_id, 9, 'delete', 'user', 'dead_letter', '{}',"
        " 'api', now(), now(), now() FROM accounts"
    )
    await works.rows("UPDATE connectors SET protected_filter = 'login eq \"kim\"'")
    letter = await works.value("SELECT id FROM dead_letters")

    status, problem = await client.post("/api/operations", body)
    again, same = await client.post(f"/api/operations/{letter}/redrive")
    retried, _ = await client.post(f"/api/operations/{letter}/retry")

    assert (status, problem["error"]) == (again, same["error"]) == (409, "protected_account")
    assert retried == 409
    assert problem["message"] == "The account is protected and is never changed by us."
    assert await works.value("SELECT count(*) FROM operations") == 0
    assert await works.rows("SELECT id FROM dead_letters") == [(letter,)]
