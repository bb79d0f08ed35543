"""Findings as files and by day."""

import csv
import io
import json
from datetime import UTC, datetime, timedelta

import pytest

from tests.integration.actions.conftest import Works
from tests.integration.api.conftest import Client
from worker.api import exports
from worker.recon import Keeping


async def orphans(works: Works, count: int) -> None:
    for n in range(count):
        await works.table.execute("INSERT INTO people (login, mail) VALUES ($1, '=1+1@x.org')", f"=zz{n}")


async def test_findings_are_written_to_a_file_page_by_page(
    client: Client, works: Works, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exports, "PAGE", 2)
    base = f"/api/connectors/{works.connector.id}/reconciliation"
    await works.reconcile()
    await works.hire(("Kim", "Berg", "kim@example.org"))
    await works.work()
    await works.table.execute("UPDATE people SET mail = '=cmd|x@example.org'")
    await orphans(works, 3)
    await works.reconcile()
    _, runs = await client.get(f"{base}/runs?limit=1")

    status, table = await client.get(f"{base}/export?resolution_status=pending", role="viewer")
    _, lines = await client.get(f"{base}/runs/{runs['runs'][0]['id']}/export?format=jsonl", role="viewer")
    _, few = await client.get(f"{base}/export?attribute_name=mail&format=jsonl")
    _, listed = await client.get(f"{base}/discrepancies?attribute_name=mail")
    tomorrow = (datetime.now(UTC) + timedelta(days=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
    _, none = await client.get(f"{base}/discrepancies?from_date={tomorrow}")
    wrong, _ = await client.get(f"{base}/export?format=xlsx")
    unknown, _ = await client.get(f"{base}/runs/{works.tenant_id}/export")

    rows = list(csv.DictReader(io.StringIO(table, newline="")))
    records = [json.loads(line) for line in lines.splitlines()]
    assert status == 200
    assert sorted(row["discrepancy_type"] for row in rows) == ["mismatch", "orphan", "orphan", "orphan"]
    mismatch = next(row for row in rows if row["discrepancy_type"] == "mismatch")
    assert (mismatch["actual_value"], mismatch["expected_value"]) == ("'=cmd|x@example.org", "kim@example.org")
    assert (mismatch["suggested_action"], mismatch["suggested_direction"]) == ("update", "xavyo_to_target")
    assert {each["id"] for each in records} == {row["id"] for row in rows}
    assert (len(few.splitlines()), listed["total"], none["total"]) == (1, 1, 0)
    assert (wrong, unknown) == (422, 404)


async def test_days_show_what_was_detected_and_what_was_open(client: Client, works: Works) -> None:
    await works.reconcile()
    await orphans(works, 3)
    await works.reconcile()
    await works.reconcile()
    today = datetime.now(UTC).date()
    await Keeping(works.house.pool).run_once()
    await works.rows("UPDATE discrepancy_days SET day = day - 3")
    await works.rows("UPDATE discrepancies SET resolution_status = 'resolved' WHERE external_uid = '=zz0'")

    path = f"/api/reconciliation/trend?connector_id={works.connector.id}"
    _, found = await client.get(
        f"{path}&from={today - timedelta(days=4)}&to={today + timedelta(days=1)}", role="viewer"
    )
    _, usual = await client.get("/api/reconciliation/trend")
    wrong, _ = await client.get(f"{path}&from={today}&to={today - timedelta(days=1)}")

    points = found["data_points"]
    assert (found["connector_id"], found["from"]) == (str(works.connector.id), str(today - timedelta(days=4)))
    assert [each["total"] for each in points] == [0, 0, 0, 0, 3, 0]
    assert [each["open"] for each in points] == [0, 3, 3, 3, 3, 0]
    assert points[4]["by_type"] == {**dict.fromkeys(points[4]["by_type"], 0), "orphan": 3}
    assert (len(usual["data_points"]), usual["data_points"][-1]["date"], wrong) == (30, str(today), 422)


async def test_what_was_put_aside_until_now_returns_by_itself(client: Client, works: Works) -> None:
    base = f"/api/connectors/{works.connector.id}/reconciliation"
    await works.reconcile()
    await orphans(works, 2)
    await works.reconcile()
    _, found = await client.get(f"{base}/discrepancies")
    soon = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
    for each in found["discrepancies"]:
        body = {"reason": "a test account", "ignored_until": soon}
        assert (await client.post(f"{base}/discrepancies/{each['id']}/ignore", body))[0] == 204
    await works.rows("UPDATE discrepancies SET ignored_until = now() - interval '1 s' WHERE external_uid = $1",
                     found["discrepancies"][0]["external_uid"])  # fmt: skip

    kept = await Keeping(works.house.pool).run_once()
    _, listed = await client.get(f"{base}/discrepancies?resolution_status=pending")
    _, actions = await client.get(f"{base}/actions?action_type=reopen")

    assert kept.returned == 1
    assert [each["id"] for each in listed["discrepancies"]] == [found["discrepancies"][0]["id"]]
    assert [each["details"]["reason"] for each in actions["actions"]] == [
        "The time for which this was ignored is over."
    ]


async def test_what_is_ignored_and_then_gone_does_not_return(client: Client, works: Works) -> None:
    base = f"/api/connectors/{works.connector.id}/reconciliation"
    await works.reconcile()
    await orphans(works, 4)
    await works.reconcile()
    _, found = await client.get(f"{base}/discrepancies")
    one = found["discrepancies"][0]
    await client.post(f"{base}/discrepancies/{one['id']}/ignore", {"reason": "a robot"})
    await works.table.execute("DELETE FROM people WHERE id = $1", int(one["external_uid"]))

    await works.reconcile()

    _, after = await client.get(f"{base}/discrepancies/{one['id']}")
    assert (after["resolution_status"], after["resolved_action"]) == ("resolved", "gone")
