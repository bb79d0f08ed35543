"""What a repair would change, told truly before it is made."""

from tests.integration.actions.conftest import Works
from tests.integration.api.conftest import Client


async def test_an_account_that_would_be_made_is_shown_as_it_would_be(client: Client, works: Works) -> None:
    base = f"/api/connectors/{works.connector.id}/reconciliation"
    await works.reconcile()
    await works.hire(("Kim", "Berg", "kim@example.org"), is_planned=False)
    await works.rows("DELETE FROM plan_items")
    await works.reconcile()
    _, found = await client.get(f"{base}/discrepancies?discrepancy_type=missing")
    one = found["discrepancies"][0]

    _, shown = await client.post(f"{base}/discrepancies/preview", {"discrepancy_ids": [one["id"]]}, role="viewer")
    await client.post(f"{base}/discrepancies/{one['id']}/remediate")
    await works.plan()
    await works.work()

    [preview] = shown["previews"]
    row = dict(await works.table.fetchrow("SELECT login, mail, given, family FROM people"))
    assert (preview["action"], preview["before_state"]) == ("create", None)
    assert preview["after_state"] == {**row, "active": True}
    assert preview["changes"]["mail"] == {"before": None, "after": "kim@example.org"}


async def test_a_person_who_does_not_map_is_told_before_anything_is_tried(client: Client, works: Works) -> None:
    base = f"/api/connectors/{works.connector.id}/reconciliation"
    await works.reconcile()
    await works.hire(("Kim", "Berg", "kim@example.org"), is_planned=False)
    await works.rows("DELETE FROM plan_items")
    await works.reconcile()
    rule = {"target": "phone", "source": "phone", "required": True, "on": ["create", "update"]}
    await works.rows("UPDATE mapping_versions SET rules = rules || $1", [rule])
    _, found = await client.get(f"{base}/discrepancies?discrepancy_type=missing")

    ids = [each["id"] for each in found["discrepancies"]]
    _, shown = await client.post(f"{base}/discrepancies/preview", {"discrepancy_ids": ids})

    [preview] = shown["previews"]
    assert (preview["success"], preview["after_state"]) == (False, None)
    assert preview["error"].startswith("phone: ")
