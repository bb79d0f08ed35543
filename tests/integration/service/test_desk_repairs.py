"""What the console tells before a repair and after it, taking it back, and the policy of a target."""

from dataclasses import replace
from uuid import uuid4

from tests.integration.actions.conftest import Works, pool, table, works
from worker.console import DiscrepancyFilter, Slice
from worker.service.desk import Acts, Repairs

__all__ = ["pool", "table", "works"]


async def test_a_repair_is_previewed_done_told_and_taken_back(works: Works) -> None:
    desk, acts = Repairs(works.house), Acts(works.house)
    where = {"connector_id": works.connector.id}
    await works.reconcile()
    await works.hire(("Kim", "Ono", "kim@example.org"), ("Lea", "Roy", "lea@example.org"))
    await works.work()
    await works.table.execute("UPDATE people SET mail = 'wrong@x' WHERE login = 'kim'")
    await works.reconcile()
    found = await works.value("SELECT id FROM discrepancies WHERE resolution_status = 'pending'")

    [preview] = await desk.previews(works.operator, ids=(found,), **where)
    silent = await desk.actions(works.tenant_id, part=Slice(), finding_id=found, **where)
    await acts.remediate(works.operator, ids=(found,), action="update", direction="xavyo_to_target", **where)
    await works.work()
    again = await desk.previews(works.operator, ids=(found,), **where)
    early = await desk.undo(works.viewer, finding_id=found, **where)
    back = await desk.undo(works.operator, finding_id=found, **where)
    await works.work()
    history = await desk.actions(works.tenant_id, part=Slice(), finding_id=found, **where)
    latest = await desk.actions(works.tenant_id, part=Slice(limit=1), finding_id=found, **where)
    older = await desk.actions(
        works.tenant_id, part=Slice(limit=1, older=latest.cursors.older), finding_id=found, **where
    )

    [change] = preview.changes
    assert (preview.action, preview.obstacle, silent.rows) == ("update", None, ())
    assert (change.name, change.before, change.after) == ("mail", "wrong@x", "kim@example.org")
    assert again[0].obstacle == "This is resolved already."
    assert (early.ok, back.ok) == (False, True)
    assert (back.link or "").startswith("/connectors/operations/")
    assert [(row.action, row.result, row.subject) for row in history.rows] == [
        ("undo", "queued", "kim"),
        ("update", "queued", "kim"),
    ]
    assert [row.by for row in history.rows] == [works.operator.name] * 2
    assert [(each.before, each.after) for each in history.rows[0].changes] == [("kim@example.org", "wrong@x")]
    assert (history.cursors.older, [row.id for row in older.rows]) == (None, [history.rows[1].id])
    where_now = DiscrepancyFilter(discrepancy_type="mismatch", resolution_status="pending")
    exported = await desk.export(works.tenant_id, where=where_now, kind="csv", **where)
    assert exported is not None
    [header, line] = "".join([each async for each in exported]).splitlines()
    assert header.startswith('"id","discrepancy_type"')
    assert line.startswith(f'"{found}","mismatch","pending"')
    assert await desk.export(works.tenant_id, connector_id=uuid4(), where=where_now, kind="csv") is None
    assert await works.table.fetchval("SELECT mail FROM people WHERE login = 'kim'") == "wrong@x"
    assert await works.value("SELECT resolution_status FROM discrepancies WHERE id = $1", found) == "pending"


async def test_what_a_target_repairs_by_itself_is_told_and_changed_as_it_was_seen(works: Works) -> None:
    desk = Repairs(works.house)
    admin = replace(works.second, roles=frozenset({"admin"}))
    where = {"connector_id": works.connector.id}

    before = await desk.policy(works.tenant_id, **where)
    assert before is not None
    wanted = {"mismatch": "update:xavyo_to_target", "missing": "create", "orphan": None}
    changed = await desk.change_policy(admin, policy=wanted, seen=before.version, **where)
    outdated = await desk.change_policy(admin, policy={}, seen=before.version, **where)
    wrong = await desk.change_policy(admin, policy={"collision": "link"}, seen=before.version + 1, **where)
    refused = await desk.change_policy(works.viewer, policy={}, seen=before.version + 1, **where)
    after = await desk.policy(works.tenant_id, **where)
    assert after is not None

    assert {row.kind: row.chosen for row in before.rows} == dict.fromkeys((row.kind for row in before.rows), None)
    assert changed.message == f"From now on {works.connector.name} repairs by itself: mismatch, missing."
    assert (outdated.ok, wrong.ok, refused.ok) == (False, False, False)
    assert {row.kind: row.chosen for row in after.rows if row.chosen} == {
        "mismatch": "update:xavyo_to_target",
        "missing": "create",
    }
    assert all(row.chosen in row.choices for row in after.rows if row.chosen)
    assert next(row.choices for row in after.rows if row.kind == "collision") == ()
    assert await desk.policy(works.tenant_id, connector_id=uuid4()) is None
