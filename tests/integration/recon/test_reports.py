"""The report of a run."""

from tests.integration.recon.conftest import House
from worker.domain.ids import uuid7
from worker.recon import report
from worker.store import run_history
from worker.store.run_history import Listed
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


async def test_pages_of_the_last_minute_are_counted_behind_the_first_of_them(house: House) -> None:
    """A run that was put down for an hour is as fast as it is now."""
    run = uuid7()
    page = (
        "INSERT INTO run_checkpoints (tenant_id, run_id, page, is_last, seen, written_at)"
        " VALUES ($1, $2, $3, false, '', db_now() - make_interval(secs => $4))"
    )
    async with tenant(house.pool, house.tenant_id) as conn:
        before = await run_history.listed(conn, tenant_id=house.tenant_id, run_id=run)
        for number, ago in enumerate((3700, 3600, 40, 30, 20)):
            await conn.execute(page, house.tenant_id, run, number, float(ago))
        listed = await run_history.listed(conn, tenant_id=house.tenant_id, run_id=run)

    assert before == Listed()
    assert (listed.pages, listed.recent, 40 <= listed.seconds < 60) == (5, 2, True)
