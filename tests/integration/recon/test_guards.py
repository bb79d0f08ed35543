"""A run that would repair much more than is usual, or the same everywhere, asks a person first."""

from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest

from tests.integration.recon.conftest import House, a_house
from worker.domain.run import Run
from worker.planning import decide_approval, expire_approval
from worker.recon import ReconciliationEngine, report
from worker.safeguard import SafeguardLimits
from worker.store import runs, safeguard
from worker.store.pool import Pool
from worker.store.tenant import tenant

LIMITS = SafeguardLimits(growth_floor=2, alike_floor=5, alike_percent=40.0)


class Guarded(House):
    """A house whose limits are small enough for a test."""

    @property
    def engine(self) -> ReconciliationEngine:
        return ReconciliationEngine(self.pool, self.targets, self.acceptance, stop=self.stop, limits=LIMITS)


@pytest.fixture
async def guarded(pool: Pool, tenant_id: UUID) -> Guarded:
    made = await a_house(pool, tenant_id, policy={"mismatch": "update", "orphan": "delete"})
    house = Guarded(made.pool, made.tenant_id, made.connector, made.target, made.targets)
    await house.provide(*(f"person{n}" for n in range(12)))
    return house


async def operations(house: House) -> int:
    return len(await house.rows("SELECT 1 FROM operations"))


async def decide(house: House, run: Run, *, approve: bool) -> Run:
    assert run.approval_id is not None
    by = await house.person()
    async with tenant(house.pool, house.tenant_id) as conn:
        await decide_approval(conn, house.tenant_id, run.approval_id, approve=approve, by=by, seen=1)
    left = await house.engine.run(await house.claim(run.id))
    assert left is not None
    return left


async def change(house: House, count: int, **attributes: Any) -> None:
    for n in range(count):
        house.target.change(f"uid-{n + 1:06}", **{name: f"{value}{n}" for name, value in attributes.items()})


async def test_more_repairs_than_is_usual_wait_for_a_person(guarded: Guarded) -> None:
    for _ in range(3):
        await guarded.reconcile()
    await change(guarded, 4, department="odd")

    run = await guarded.reconcile()
    waiting = (await guarded.rows("SELECT kind, held, sample, reason FROM approvals"))[0]
    untouched = await operations(guarded)
    after = await decide(guarded, run, approve=True)

    assert (run.status, run.pause_reason, untouched) == ("paused", "safeguard", 0)
    assert (waiting["kind"], waiting["held"], len(waiting["sample"])) == ("growth", 4, 4)
    assert waiting["sample"][0] == {"what": "update", "who": "person0", "uid": "uid-000001"}
    assert waiting["reason"] == (
        "app: 4 repairs are due; the last 3 runs had 0 as a rule. Nothing is repaired by itself until a person agrees."
    )
    assert (after.status, after.items_success, await operations(guarded)) == ("completed", 4, 4)


async def test_the_same_repair_at_most_accounts_waits_even_at_a_new_target(guarded: Guarded) -> None:
    for n in range(6):
        guarded.target.change(f"uid-{n + 1:06}", department="Wrong")

    run = await guarded.reconcile()
    after = await decide(guarded, run, approve=False)

    reason = (await guarded.rows("SELECT reason FROM approvals"))[0]["reason"]
    assert "The same repair is due at 6 of 12 accounts: department, it is 'Wrong'." in reason
    assert (run.status, after.status, after.items_total, await operations(guarded)) == ("paused", "completed", 0, 0)
    assert len(await guarded.findings()) == 6


async def test_a_dry_run_says_that_the_real_one_would_wait_and_proposes_the_same(guarded: Guarded) -> None:
    for n in range(6):
        guarded.target.change(f"uid-{n + 1:06}", department="Wrong")

    rehearsal = await guarded.reconcile(dry_run=True)
    async with tenant(guarded.pool, guarded.tenant_id) as conn:
        told = await report(conn, rehearsal)

    assert (rehearsal.status, rehearsal.items_success) == ("completed", 6)
    assert [note for note in told["notes"] if "would wait for a person" in note]


async def test_a_run_that_is_killed_behind_its_approval_does_not_ask_twice(guarded: Guarded) -> None:
    for _ in range(3):
        await guarded.reconcile()
    await change(guarded, 4, department="odd")
    run = await guarded.reconcile()
    after = await decide(guarded, run, approve=True)

    again = await guarded.engine.run(replace(after, status=run.status))  # somebody who still thinks it is theirs

    assert again is None
    assert len(await guarded.rows("SELECT 1 FROM approvals")) == 1


async def test_what_nobody_approves_in_time_fails_the_run(guarded: Guarded) -> None:
    for n in range(6):
        guarded.target.change(f"uid-{n + 1:06}", department="Wrong")
    run = await guarded.reconcile()
    assert run.approval_id is not None
    by = await guarded.person()

    async with tenant(guarded.pool, guarded.tenant_id) as conn:
        due_early = await safeguard.due(conn, tenant_id=guarded.tenant_id, days=7)
        await expire_approval(
            conn, guarded.tenant_id, run.approval_id, by=by, seen=1, notes="Nobody decided.", is_late=True
        )
        left = await runs.get(conn, tenant_id=guarded.tenant_id, run_id=run.id)
        free = await runs.live(conn, **guarded.where)

    assert (due_early, free) == ([], None)
    assert left is not None
    assert (left.status, left.error_message[:17] if left.error_message else "") == ("failed", "Nobody decided. a")
    assert await guarded.rows("SELECT 1 FROM run_checkpoints") == []
