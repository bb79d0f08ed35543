"""What is old goes, some at a time; what is open, or still needed, stays however old it is."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from tests.integration.recon.conftest import House
from worker.domain.run import Only
from worker.recon import Retention, Retired, Terms, Wish, report
from worker.store import connectors, runs
from worker.store.tenant import tenant

TERMS = Terms(runs=731, findings=365, proposals=90, cases=1095)
FIRST, SECOND, THIRD = "uid-000001", "uid-000002", "uid-000003"


async def retire(house: House, *, in_days: int) -> Retired:
    """What goes when so many days have passed."""
    return await Retention(house.pool, TERMS).run_once(now=datetime.now(UTC) + timedelta(days=in_days))


async def found(house: House, *uids: str) -> None:
    for uid in uids:
        house.target.change(uid, department="Wrong")
    await house.reconcile()


async def left(house: House, table: str) -> int:
    [row] = await house.rows(f"SELECT count(*) AS n FROM {table}")
    count: int = row["n"]
    return count


async def people(house: House) -> None:
    await house.provide(*(f"person{n}" for n in range(4)))
    await house.reconcile()


async def test_settled_findings_go_with_what_was_done_and_open_ones_stay(house: House) -> None:
    await people(house)
    await found(house, FIRST, SECOND, THIRD)
    rows = await house.findings()
    async with tenant(house.pool, house.tenant_id) as conn:
        wishes = [Wish(rows[f"mismatch:{FIRST}"]["id"])]
        await house.remediation.remediate(conn, **house.where, wishes=wishes, by=await house.person())
    await house.carry_out()
    house.target.change(SECOND, department="Sales")
    await house.reconcile()
    before = await left(house, "recon_actions")

    early = await retire(house, in_days=300)
    late = await retire(house, in_days=400)

    assert early == Retired()
    assert (late.findings, late.actions, before) == (2, 1, 1)
    assert list(await house.findings()) == [f"mismatch:{THIRD}"]
    assert await house.findings("resolved") == {}
    assert await retire(house, in_days=400) == Retired()


async def test_last_good_runs_and_those_of_open_findings_stay(house: House) -> None:
    await people(house)
    await found(house, FIRST)
    of_finding = (await house.findings())[f"mismatch:{FIRST}"]
    for _ in range(8):
        await house.reconcile()
    await house.reconcile(dry_run=True)
    await house.reconcile(mode="delta", statistics=Only((FIRST,)).kept())
    total = await left(house, "runs")

    gone = await retire(house, in_days=800)
    async with tenant(house.pool, house.tenant_id) as conn:
        kept = await runs.page(conn, **house.where, limit=50)
    again = await house.reconcile()
    async with tenant(house.pool, house.tenant_id) as conn:
        made = await report(conn, again)
        before = await runs.last_good(conn, again)

    goods = [run for run in kept if not run.dry_run and run.only is None]
    assert (total, gone.runs) == (12, 12 - len(kept))
    assert len(goods) == 8, "the last seven, and the one that the open finding is of"
    assert any(run.discrepancies_found and not run.dry_run for run in kept)
    assert of_finding["occurrences"] == 1
    assert before is not None
    assert made["discrepancy_summary"]["total"] == 1


async def test_proposals_go_before_the_findings_that_they_are_of(house: House) -> None:
    await people(house)
    await house.rows("UPDATE connectors SET policy = $1 RETURNING 1", {"mismatch": "update"})
    async with tenant(house.pool, house.tenant_id) as conn:
        connector = await connectors.get(conn, **house.where)
    assert connector is not None
    house.targets.add(connector, house.target)
    house.target.change(FIRST, department="Wrong")
    await house.reconcile(dry_run=True)
    proposed = await left(house, "recon_actions")

    gone = await retire(house, in_days=100)

    assert (proposed, gone.actions, gone.findings, gone.runs) == (1, 1, 0, 0)
    assert list(await house.findings()) == [f"mismatch:{FIRST}"]


async def test_decided_cases_go_and_what_people_said_stays(house: House) -> None:
    nobody = UUID(int=0)
    ages = {"open": 2000, "confirmed": 1000, "rejected": 1200, "closed": 1200}
    for number, (status, days) in enumerate(ages.items()):
        await house.rows(
            "INSERT INTO cases (tenant_id, id, connector_id, subject, status, candidates, explanation, created_at, "
            "decided_at) VALUES ($1, $2, $3, $4, $5, '[]', '', db_now(), "
            "CASE WHEN $5 <> 'open' THEN db_now() - make_interval(days => $6) END) RETURNING 1",
            house.tenant_id,
            UUID(int=number + 1),
            house.connector.id,
            f"account:{number}",
            status,
            days,
        )
    await house.rows(
        "INSERT INTO decisions (tenant_id, connector_id, account_id, identity_id, verdict, decided_at, decided_by) "
        "VALUES ($1, $2, $3, $3, 'nobody', db_now() - interval '9 years', $3) RETURNING 1",
        house.tenant_id,
        house.connector.id,
        nobody,
    )

    gone = await retire(house, in_days=0)

    assert gone.cases == 2
    assert {row["status"] for row in await house.rows("SELECT status FROM cases")} == {"open", "confirmed"}
    assert await left(house, "decisions") == 1


async def test_more_than_one_batch_goes_in_one_round(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("worker.recon.retention.BATCH", 2)
    await people(house)
    for _ in range(3):
        await house.reconcile(mode="delta", statistics=Only((FIRST,)).kept())

    assert (await retire(house, in_days=800)).runs == 3
