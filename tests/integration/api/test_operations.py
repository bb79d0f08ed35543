"""Operations over HTTP: list, filters, secrets, runs, and errors that look alike."""

from uuid import UUID, uuid4

from tests.integration.actions.conftest import Works
from tests.integration.api.conftest import Client
from worker.store.tenant import tenant


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

    assert (status, again, made["connector_name"]) == (201, 200, "app")
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


async def test_many_are_acted_on_by_ids_or_by_a_filter_that_says_how_many(client: Client, works: Works) -> None:
    await works.reconcile()
    await works.hire(("Kim", "Berg", "kim@example.org"), ("Lou", "Anders", "lou@example.org"))
    _, listed = await client.get("/api/operations?status=pending")
    one, unknown = listed["operations"][0]["id"], str(uuid4())
    everything = {"action": "cancel", "filter": {"status": "pending"}}

    by_ids = await client.post("/api/operations/bulk", {"action": "cancel", "ids": [one, unknown]})
    asked = await client.post("/api/operations/bulk", everything | {"dry_run": True})
    too_few = await client.post("/api/operations/bulk", everything | {"expected": 0})
    by_filter = await client.post("/api/operations/bulk", everything | {"expected": 1})
    unsaid = await client.post("/api/operations/bulk", everything)
    neither = await client.post("/api/operations/bulk", {"action": "cancel"})
    unallowed = await client.post("/api/operations/bulk", everything | {"expected": 1}, role="viewer")

    assert by_ids[0] == 200
    assert [by_ids[1][name] for name in ("total", "succeeded", "failed", "skipped")] == [2, 1, 1, 0]
    assert [each["success"] for each in by_ids[1]["results"]] == [True, False]
    assert (asked[1]["total"], asked[1]["succeeded"], asked[1]["dry_run"]) == (1, 0, True)
    assert (too_few[0], by_filter[1]["succeeded"], by_filter[1]["remaining"]) == (409, 1, 0)
    assert (unsaid[0], neither[0], unallowed[0]) == (422, 422, 403)
    assert neither[1]["mistakes"] == [{"where": "body", "what": "give ids or a filter"}]


async def test_every_filter_of_a_list_leaves_out_what_does_not_match(client: Client, works: Works) -> None:
    await works.reconcile()
    await works.hire(("Kim", "Berg", "kim@example.org"))
    _, listed = await client.get("/api/operations")
    one = listed["operations"][0]
    run = str(uuid4())
    await works.rows("UPDATE operations SET error_code = 'target_timeout', run_id = $1 RETURNING id", UUID(run))

    for query, total in (
        ("error_code=target_timeout", 1),
        ("error_code=target_away", 0),
        (f"run_id={run}", 1),
        (f"run_id={uuid4()}", 0),
        (f"run_id={run}&error_code=target_timeout&connector_id={one['connector_id']}", 1),
    ):
        _, found = await client.get(f"/api/operations?{query}")

        assert (found["total"], len(found["operations"])) == (total, total), query


async def test_dates_are_of_their_zone_or_of_utc(client: Client, works: Works) -> None:
    await works.reconcile()
    await works.hire(("Kim", "Berg", "kim@example.org"))

    _, before = await client.get("/api/operations?to_date=2026-01-01T00:00:00%2B05:30")
    _, after = await client.get("/api/operations?from_date=2026-01-01T00:00:00Z")
    _, day = await client.get("/api/operations?from_date=2026-01-01&to_date=2026-01-02")
    status, _ = await client.get("/api/operations?from_date=yesterday")

    assert (before["total"], after["total"], day["total"], status) == (0, 1, 0, 422)


async def test_what_a_later_version_wrote_is_listed_as_it_is(client: Client, works: Works) -> None:
    await works.reconcile()
    await works.hire(("Kim", "Berg", "kim@example.org"))
    await works.rows("UPDATE operations SET operation_type = 'move', status = 'suspended', origin = 'tide'")

    _, listed = await client.get("/api/operations")
    _, one = await client.get(f"/api/operations/{listed['operations'][0]['id']}")
    stats, _ = await client.get("/api/operations/stats")
    refused, _ = await client.post(f"/api/operations/{one['id']}/retry")

    assert (listed["total"], one["operation_type"], one["status"], one["origin"]) == (1, "move", "suspended", "tide")
    assert (stats, refused) == (200, 409)


async def test_what_follows_and_what_it_follows_from_is_told(client: Client, works: Works) -> None:
    await works.reconcile()
    (kim,) = await works.hire(("Kim", "Berg", "kim@example.org"))
    await works.work()
    body = {"connector_id": str(works.connector.id), "user_id": str(kim), "operation_type": "update"}
    _, made = await client.post("/api/operations", {**body, "payload": {"attributes": {"given": "Kimberly"}}})
    _, cause = await client.get(f"/api/operations?user_id={kim}&status=completed")
    cause_id = UUID(cause["operations"][0]["id"])
    async with tenant(works.house.pool, works.connector.tenant_id) as conn:
        await conn.execute(
            "INSERT INTO follow_ups (tenant_id, operation_id, hook_id, number, hook_name, identity_id, connector_id, "
            "object_class, type, depth, status, made_id, due_at, ended_at) VALUES ($1, $2, $3, 0, 'leavers', $4, $5, "
            "'user', 'update', 1, 'accepted', $6, now(), now())",
            *(works.tenant_id, cause_id, uuid4(), kim, works.connector.id, UUID(made["id"])),
        )

    _, first = await client.get(f"/api/operations/{cause_id}")
    _, second = await client.get(f"/api/operations/{made['id']}")

    assert (first["follows_from"], second["follow_ups"]) == (None, [])
    assert first["follow_ups"] == [second["follows_from"]]
    assert (second["follows_from"]["operation_id"], second["follows_from"]["hook_name"]) == (str(cause_id), "leavers")
