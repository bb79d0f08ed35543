"""The report of a run."""

from tests.integration.recon.conftest import House
from worker.recon import report
from worker.store.tenant import tenant


async def test_report_tells_what_was_found_done_and_how_fast(house: House) -> None:
    await house.provide(*(f"person{n}" for n in range(8)))
    await house.reconcile()
    for n in range(4):
        house.target.change(f"uid-00000{n + 1}", department="SALES")
    house.target.change("uid-000001", mail="else@example.org")
    house.target.put({"login": "zzz9q"}, uid="orphan")
    run = await house.reconcile()

    async with tenant(house.pool, house.tenant_id) as conn:
        made = await report(conn, run)

    assert made["discrepancy_summary"]["total"] == 5
    assert (
        made["discrepancy_summary"]["by_type"] | {"mismatch": 4, "orphan": 1} == made["discrepancy_summary"]["by_type"]
    )
    assert made["discrepancy_summary"]["by_resolution"] == {"pending": 5, "resolved": 0, "ignored": 0}
    assert made["top_mismatched_attributes"] == [
        {"attribute_name": "department", "count": 4},
        {"attribute_name": "mail", "count": 1},
    ]
    [group] = made["one_cause_groups"]
    assert (group["attribute_name"], group["cause"]) == ("department", "upper and lower case differ")
    assert (group["count"], group["alone"], group["open"]) == (4, 3, 4)
    assert (group["sample"]["expected"], group["sample"]["actual"]) == ("Sales", "SALES")
    assert made["performance_metrics"]["api_calls_made"] == 3
    assert made["performance_metrics"]["accounts_per_second"] > 0
