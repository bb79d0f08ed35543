"""Findings of one cause over HTTP: looked at, approved once, carried out by a daemon, seen at the target."""

from tests.integration.actions.conftest import Works
from tests.integration.api.conftest import Client
from worker.recon import CauseRepairing


async def test_one_approval_for_all_that_one_event_did(client: Client, works: Works) -> None:
    base = f"/api/connectors/{works.connector.id}/reconciliation"
    await works.reconcile()
    await works.hire(*((f"G{n}", f"F{n}", f"p{n}@example.org") for n in range(5)))
    await works.work()
    await works.table.execute("UPDATE people SET mail = replace(mail, 'example.org', 'elsewhere.org')")
    await works.table.execute("UPDATE people SET family = 'X' WHERE login = 'p4'")
    await works.reconcile()
    _, listed = await client.get(f"{base}/causes", role="viewer")
    group = listed["groups"][0]
    path = f"{base}/causes/approve"

    forbidden, _ = await client.post(path, {"groups": [group["id"]]}, role="viewer")
    unknown, _ = await client.post(path, {"groups": ["0" * 16]})
    outdated, _ = await client.post(path, {"groups": [group["id"]], "expect": 2})
    deleting, _ = await client.post(path, {"groups": [group["id"]], "action": "delete"})
    status, repair = await client.post(path, {"groups": [group["id"]], "expect": 4})
    second, _ = await client.post(path, {"groups": [group["id"]]})
    await CauseRepairing(works.house.pool, works.house.remediation).run_once(works.tenant_id, works.tenant_id)
    await CauseRepairing(works.house.pool, works.house.remediation).run_once(
        works.tenant_id, await works.value("SELECT id FROM cause_repairs")
    )
    await works.work()
    _, done = await client.get(f"{base}/causes/repairs/{repair['id']}")
    _, all_of_them = await client.get(f"{base}/causes/repairs")
    over, _ = await client.post(f"{base}/causes/repairs/{repair['id']}/cancel")

    assert (group["attribute_name"], group["count"], group["alone"]) == ("mail", 5, 4)
    assert group["cause"] == "the domain is another: example.org > elsewhere.org"
    assert (forbidden, unknown, outdated, deleting, second, over) == (403, 404, 412, 422, 409, 409)
    assert (status, repair["status"], repair["total"], repair["mixed"]) == (202, "running", 4, 1)
    assert (done["status"], done["succeeded"], done["failed"]) == ("completed", 4, 0)
    assert [each["id"] for each in all_of_them["repairs"]] == [repair["id"]]
    mails = [row["mail"] for row in await works.table.fetch("SELECT mail FROM people ORDER BY login")]
    assert mails == [*(f"p{n}@example.org" for n in range(4)), "p4@elsewhere.org"]
    assert await works.value("SELECT count(*) FROM audit WHERE action = 'discrepancy.approve_cause'") == 1
