"""What would be changed, told before anything is, on a real database."""

import json
from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest

from tests.conftest import Database
from tests.factories import a_connector, accounts
from tests.integration.cli.conftest import Configure
from worker.cli import run
from worker.domain.discrepancy import DiscrepancyType, Finding, RepairAction, RepairDirection, Suggestion, finding_key
from worker.domain.run import RunKind, RunMode, RunTrigger
from worker.recon import causes
from worker.store import discrepancies, principals, recon_actions, runs
from worker.store.pool import open_pool
from worker.store.recon_actions import NewAction
from worker.store.tenant import tenant

Say = Callable[..., tuple[int, str, str]]
UPDATE = Suggestion(RepairAction.UPDATE, RepairDirection.TO_TARGET, "The identity decides.")


@pytest.fixture
def say(capsys: pytest.CaptureFixture[str]) -> Say:
    def said(*arguments: str | UUID) -> tuple[int, str, str]:
        code = run([str(each) for each in arguments])
        return code, *capsys.readouterr()

    return said


@pytest.fixture
async def found(database: Database, tenant_id: UUID, configure: Configure) -> tuple[UUID, list[UUID]]:
    """A dry run of a target with three mismatches of one cause, of which it proposed one; their ids."""
    configure(database_url=database.daemon_dsn)
    pool = await open_pool(database.daemon_dsn, size=2)
    target = await a_connector(pool, tenant_id, name="app", config={"nothing": "known"}, has_baseline=True)
    lanes = await accounts(pool, tenant_id, target.id, 3)
    where = {"tenant_id": tenant_id, "connector_id": target.id}
    async with tenant(pool, tenant_id) as conn:
        started = await runs.create(
            conn, kind=RunKind.RECONCILIATION, mode=RunMode.FULL, trigger=RunTrigger.MANUAL, dry_run=True, **where
        )
        differing = [{"mail": {"expected": f"p{n}@a.org", "actual": f"p{n}@b.org"}} for n in range(3)]
        made = [
            Finding(
                DiscrepancyType.MISMATCH,
                finding_key(DiscrepancyType.MISMATCH, f"u{n}"),
                "mail is not as wanted.",
                (UPDATE,),
                account_id=lane,
                external_uid=f"u{n}",
                attributes=differing[n],
                causes=causes.causes_of(differing[n]),
            )
            for n, lane in enumerate(lanes)
        ]
        recorded = await discrepancies.record(conn, run_id=started.id, findings=made, **where)
        by = await principals.ensure(conn, tenant_id, kind="policy", name="reconciliation")
        states = {"before_state": {"mail": "p0@b.org"}, "after_state": {"mail": "p0@a.org"}}
        proposed = NewAction(recorded[0].id, "update", RepairDirection.TO_TARGET, "proposed", details=states)
        await recon_actions.record(conn, actions=[proposed], by=by, run_id=started.id, dry_run=True, **where)
        await conn.execute("UPDATE accounts SET uid = 'u' || right(id::text, 4), state = 'active'")
    await pool.close()
    return started.id, [each.id for each in recorded]


def read(say: Say, *arguments: str | UUID, code: int = 0) -> Any:
    ended, out, err = say(*arguments, "--json")
    assert (ended, err) == (code, "")
    return json.loads(out)


def test_what_a_dry_run_proposed_is_told_with_before_and_after(found: tuple[UUID, list[UUID]], say: Say) -> None:
    run_id, ids = found

    [row] = read(say, "recon", "preview", run_id)
    _, table, _ = say("recon", "preview", run_id)

    assert (row["discrepancy_id"], row["action"], row["result"]) == (str(ids[0]), "update", "proposed")
    assert (row["before_state"], row["after_state"]) == ({"mail": "p0@b.org"}, {"mail": "p0@a.org"})
    assert "mail: 'p0@b.org' > 'p0@a.org'" in table


def test_the_repair_of_findings_is_told_and_nothing_is_written(found: tuple[UUID, list[UUID]], say: Say) -> None:
    _, ids = found

    rows = read(say, "recon", "preview", *ids[:2])
    unknown, _, err = say("recon", "preview", ids[0], UUID(int=7))

    assert [(each["result"], each["after_state"]["mail"]) for each in rows] == [
        ("proposed", "p0@a.org"),
        ("proposed", "p1@a.org"),
    ]
    assert (unknown, err) == (4, f"provisiond: There is no run and no discrepancy {UUID(int=7)}.\n")
    assert read(say, "ops", "list") == []


def test_differences_of_one_cause_are_shown_and_approved_together(found: tuple[UUID, list[UUID]], say: Say) -> None:
    [group] = read(say, "recon", "causes", "app")
    _, table, _ = say("recon", "causes", "app")
    unseen, _, err = say("recon", "causes", "app", "--approve", group["id"])
    begun = read(say, "recon", "causes", "app", "--approve", group["id"], "--expect", "3")
    second, _, _ = say("recon", "causes", "app", "--approve", group["id"], "--expect", "3")

    assert (group["count"], group["cause"]) == (3, "the domain is another: a.org > b.org")
    assert "the domain is another: a.org > b.org" in table
    assert (unseen, err[:36]) == (4, "provisiond: Say with --expect how ma")
    assert (begun["status"], begun["total"], begun["mixed"], second) == ("running", 3, 0, 4)


def test_a_run_that_waits_for_nobody_is_not_approved(found: tuple[UUID, list[UUID]], say: Say) -> None:
    code, _, err = say("recon", "approve", found[0], "--version", "1")

    assert (code, err) == (4, "provisiond: This run waits for nobody's approval.\n")
