"""Schedules over HTTP: look ahead, save, change while due, switch, run now, delete."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest

from tests.integration.actions.conftest import Works
from tests.integration.api.conftest import Client
from worker.schedule import Ticker

NIGHTLY: dict[str, Any] = {"frequency": "daily", "hour_of_day": 3, "timezone": "Europe/Berlin"}
ALL = "/api/reconciliation/schedules"


@pytest.fixture
def path(works: Works) -> str:
    return f"/api/connectors/{works.connector.id}/reconciliation/schedule"


async def put(
    client: Client, path: str, body: dict[str, Any], *, role: str = "admin", seen: str = "*"
) -> tuple[int, Any]:
    return await client.call("PUT", path, role=role, json=body, headers={"If-Match": seen})


async def audit(works: Works) -> list[str]:
    return [row["action"] for row in await works.rows("SELECT action FROM audit ORDER BY n")]


async def test_a_schedule_is_saved_shown_changed_and_deleted(client: Client, works: Works, path: str) -> None:
    missing, _ = await client.get(path, role="viewer")
    saved, made = await put(client, path, {**NIGHTLY, "blackouts": [{"starts": "22:00", "ends": "02:30"}]})
    _, shown = await client.get(path, role="viewer")
    _, listed = await client.get(ALL, role="viewer")
    outdated, _ = await put(client, path, NIGHTLY, seen='"7"')
    changed, new = await put(client, path, {**NIGHTLY, "hour_of_day": 4}, seen='"1"')
    stale, _ = await client.call("DELETE", path, role="admin", headers={"If-Match": '"1"'})
    deleted, _ = await client.call("DELETE", path, role="admin", headers={"If-Match": '"2"'})
    gone, _ = await client.get(path, role="viewer")

    assert (missing, saved, outdated, changed, stale, deleted, gone) == (404, 200, 412, 200, 412, 204, 404)
    assert shown == made
    assert (made["connector_name"], made["mode"], made["missed_run_policy"], made["version"]) == (
        "app",
        "full",
        "one",
        1,
    )
    assert made["blackouts"] == [{"starts": "22:00", "ends": "02:30", "weekdays": [0, 1, 2, 3, 4, 5, 6]}]
    assert made["next_run_at"] == made["next_starts_at"] > datetime.now(UTC).isoformat()
    assert (listed["total"], listed["schedules"]) == (1, [made])
    assert (new["hour_of_day"], new["version"], new["id"]) == (4, 2, made["id"])
    assert await audit(works) == ["schedule.save", "schedule.save", "schedule.delete"]
    assert await works.value("SELECT count(*) FROM due_work WHERE kind = 'schedule'") == 0


async def test_mistakes_are_told_by_field(client: Client, path: str) -> None:
    body = {"frequency": "weekly", "hour_of_day": 24, "timezone": "Europe/Berln", "jitter_seconds": -1}
    refused, problem = await put(client, path, body)
    ahead, same = await client.post(f"{ALL}/preview", body, role="viewer")
    unknown, other = await put(client, path, {**NIGHTLY, "hour": 3})

    assert (refused, ahead, unknown) == (422, 422, 422)
    assert {each["where"]: each["what"] for each in problem["mistakes"]} == {
        "day_of_week": "is needed for weekly",
        "hour_of_day": "must be from 0 to 23",
        "jitter_seconds": "must be from 0 to 86400",
        "timezone": "there is no such time zone; did you mean Europe/Berlin?",
    }
    assert same["mistakes"] == problem["mistakes"]
    assert other["mistakes"][0]["where"] == "body.hour"


async def test_next_runs_are_shown_before_anything_is_saved(client: Client, works: Works, path: str) -> None:
    body = {
        "frequency": "cron",
        "cron_expression": "0  *  * * *",
        "blackouts": [{"starts": "00:00", "ends": "23:30"}],
        "connector_id": str(works.connector.id),
    }
    status, found = await client.post(f"{ALL}/preview", body, role="viewer")

    assert status == 200
    assert len(found["occurrences"]) == 5
    assert {each["starts_at"][11:16] for each in found["occurrences"][1:]} == {"23:30"}
    assert [each["passed"] for each in found["occurrences"][1:]] == [23] * 4
    assert await works.value("SELECT count(*) FROM schedules") == 0


async def test_roles_keep_people_from_what_is_not_theirs(client: Client, path: str) -> None:
    found = {
        "put by an operator": (await put(client, path, NIGHTLY, role="operator"))[0],
        "put": (await put(client, path, NIGHTLY))[0],
        "delete by an operator": (await client.call("DELETE", path))[0],
        "off by a viewer": (await client.post(f"{path}/disable", role="viewer"))[0],
        "off by an operator": (await client.post(f"{path}/disable"))[0],
        "run by a viewer": (await client.post(f"{path}/run", role="viewer"))[0],
        "look ahead without a right to": (await client.post(f"{ALL}/preview", NIGHTLY, role="ingest"))[0],
    }

    assert found == {
        "put by an operator": 403,
        "put": 200,
        "delete by an operator": 403,
        "off by a viewer": 403,
        "off by an operator": 200,
        "run by a viewer": 403,
        "look ahead without a right to": 403,
    }


async def test_a_schedule_is_switched_off_and_on_again(client: Client, works: Works, path: str) -> None:
    await put(client, path, NIGHTLY)
    _, off = await client.post(f"{path}/disable")
    asleep = await works.value("SELECT count(*) FROM due_work WHERE kind = 'schedule'")
    _, on = await client.post(f"{path}/enable")
    outdated, _ = await client.post(f"{path}/enable", headers={"If-Match": '"1"'})

    assert (off["enabled"], off["next_run_at"], asleep) == (False, None, 0)
    assert (on["enabled"], on["version"], on["next_run_at"] is None) == (True, 3, False)
    assert outdated == 412
    assert await audit(works) == ["schedule.save", "schedule.disable", "schedule.enable"]


async def test_a_schedule_changed_while_due_says_what_became_of_it(client: Client, works: Works, path: str) -> None:
    """Due and held back by a black-out: with other times it is skipped, and with the same it runs."""
    dark = {"blackouts": [{"starts": "00:00", "ends": "23:59"}]}
    await tells_changes(works)
    await put(client, path, {**NIGHTLY, "timezone": "UTC", **dark})
    due = datetime(2026, 1, 5, 3, tzinfo=UTC)
    await works.rows("UPDATE schedules SET next_run_at = $1", due)
    await put(client, path, {**NIGHTLY, "timezone": "UTC", **dark, "mode": "delta"})
    kept = await works.value("SELECT next_run_at FROM schedules")
    await put(client, path, {**NIGHTLY, "timezone": "UTC", "hour_of_day": 4, **dark})
    _, past = await client.get(f"{path}/occurrences", role="viewer")

    assert kept == due
    assert [(each["outcome"], each["reason"], each["message"]) for each in past["occurrences"]] == [
        ("skipped", "changed", "The schedule was changed before its run began.")
    ]


async def test_what_became_of_occurrences_is_listed(client: Client, works: Works, path: str) -> None:
    _, made = await put(client, path, {"frequency": "hourly"})
    await works.rows("UPDATE schedules SET next_run_at = date_trunc('hour', db_now()) - interval '2 hours'")
    ticked = await Ticker(works.house.pool).run_once(works.tenant_id, UUID(made["id"]))
    refused, _ = await client.post(f"{path}/run")
    await works.rows("UPDATE schedules SET next_run_at = date_trunc('hour', db_now()) - interval '1 minute'")
    skipped = await Ticker(works.house.pool).run_once(works.tenant_id, UUID(made["id"]))
    _, past = await client.get(f"{path}/occurrences", role="viewer")
    _, shown = await client.get(path, role="viewer")

    assert refused == 409
    assert [(each["outcome"], each["reason"], each["run_id"]) for each in past["occurrences"]] == [
        ("skipped", "overlap", str(ticked.started)),
        ("started", None, str(ticked.started)),
    ]
    assert past["occurrences"][1]["run_status"] == "pending"
    assert past["occurrences"][1]["passed"] == 2
    assert shown["last_occurrence"]["message"] == skipped.skipped
    assert shown["last_occurrence"] == past["occurrences"][0]


async def test_what_the_schedule_would_start_is_started_now(client: Client, works: Works, path: str) -> None:
    await tells_changes(works)
    none, _ = await client.post(f"{path}/run")
    await put(client, path, {**NIGHTLY, "mode": "delta"})
    started, run = await client.post(f"{path}/run")
    again, _ = await client.post(f"{path}/run")

    assert (none, started, again) == (404, 202, 409)
    assert (run["mode"], run["trigger"]) == ("delta", "manual")


async def tells_changes(works: Works) -> None:
    """From now on the target has a column that says when a row was changed."""
    await works.rows("UPDATE connectors SET config = config || $1 RETURNING 1", {"changed_column": "changed_at"})


async def test_changes_alone_are_not_scheduled_where_nobody_can_tell_them(
    client: Client, works: Works, path: str
) -> None:
    refused, problem = await put(client, path, {**NIGHTLY, "mode": "delta"})
    await tells_changes(works)
    made, sound = await put(client, path, {**NIGHTLY, "mode": "delta"})
    await works.rows("UPDATE connectors SET config = config - 'changed_column' RETURNING 1")
    _, shown = await client.get(path, role="viewer")
    await client.post(f"{path}/disable")
    again, _ = await client.post(f"{path}/enable")

    why = "app cannot tell what has changed there, so a delta would see only what changed here; choose full"
    assert (refused, problem["mistakes"]) == (422, [{"where": "mode", "what": why}])
    assert (made, sound["warning"]) == (200, None)
    assert shown["warning"] == f"A{why[1:]}."
    assert again == 422


async def test_a_source_is_read_as_a_whole(client: Client, works: Works, path: str) -> None:
    await works.rows("UPDATE connectors SET is_source = true, is_target = false RETURNING 1")
    scheduled, _ = await put(client, path, {**NIGHTLY, "mode": "delta"})
    started, problem = await client.post(path.replace("/schedule", "/runs"), {"mode": "delta"})
    _, made = await put(client, path, NIGHTLY)
    await works.rows("UPDATE schedules SET mode = 'delta', next_run_at = date_trunc('hour', db_now()) - interval '1 s'")
    ticked = await Ticker(works.house.pool).run_once(works.tenant_id, UUID(made["id"]))

    assert (scheduled, started) == (422, 422)
    assert problem["message"] == "app is a source, which is read as a whole each time; choose full."
    assert await works.value("SELECT mode FROM runs WHERE id = $1", ticked.started) == "full"
