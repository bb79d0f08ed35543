"""What a target repairs by itself is said over HTTP, and done by its next run."""

from tests.integration.actions.conftest import Works
from tests.integration.api.conftest import Client


async def test_a_policy_is_changed_by_who_may_and_then_done(client: Client, works: Works) -> None:
    base = f"/api/connectors/{works.connector.id}/reconciliation"
    await works.reconcile()
    await works.hire(("Kim", "Berg", "kim@example.org"))
    await works.work()
    await works.table.execute("UPDATE people SET mail = 'wrong@x'")
    _, before = await client.get(f"{base}/policy", role="viewer")
    seen = {"If-Match": f'"{before["version"]}"'}

    async def put(policy: dict[str, str | None], role: str = "admin") -> tuple[int, dict[str, object]]:
        return await client.call("PUT", f"{base}/policy", role=role, json={"policy": policy}, headers=seen)

    forbidden, _ = await put({"mismatch": "update"}, role="operator")
    wrong, problem = await put({"collision": "link"})
    status, after = await put({"mismatch": "update", "orphan": None})
    outdated, _ = await put({})
    await works.reconcile()
    await works.work()

    assert {rule["discrepancy_type"]: rule["is_automatic"] for rule in before["rules"]} == dict.fromkeys(
        ["missing", "orphan", "mismatch", "collision", "unlinked", "deleted"], False
    )
    assert (forbidden, wrong, status, outdated) == (403, 422, 200, 412)
    assert problem["message"] == "A collision is for a person to decide; nothing settles it by itself."
    assert after["version"] == before["version"] + 1
    assert await works.table.fetchval("SELECT mail FROM people") == "kim@example.org"
    assert await works.value("SELECT details ->> 'policy' FROM audit WHERE action = 'connector.policy'") == (
        '{"mismatch": "update"}'
    )
