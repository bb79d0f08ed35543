"""Everything goes wrong at the targets at once, by hand and on purpose."""

import asyncio
from uuid import UUID

import pytest

from tests.faults.house import House
from tests.waiting import eventually
from worker.domain.run import RunKind, RunMode, RunTrigger
from worker.service.demo.drift import expected_kinds, plan_drift
from worker.service.demo.load import TENANT_ID
from worker.store import runs
from worker.store.tenant import tenant

FOUND = """
SELECT d.discrepancy_type AS kind, count(*) AS n, bool_and(length(d.explanation) > 20) AS is_explained
FROM discrepancies d
WHERE d.tenant_id = $1 AND d.run_id = $2 GROUP BY 1
"""
DONE = """
SELECT discrepancy_id, action_type, direction, result FROM recon_actions WHERE tenant_id = $1 AND run_id = $2
"""
#: Repaired without asking; the others wait for a person.
BY_POLICY = {"mismatch", "deleted", "unlinked", "missing"}
WRITTEN = "SELECT id, xmin::text FROM accounts WHERE tenant_id = $1 AND connector_id = $2 ORDER BY id"


@pytest.mark.timeout(300)
async def test_dry_run_lists_what_the_real_run_does_and_the_one_after_it_finds_nothing_new(house: House) -> None:
    async with house.daemon():
        await eventually(house.nordwerk.is_done, timeout=90, interval=0.2)
        targets = await house.nordwerk.targets()
        for _, connector in targets:
            await _run(house, connector.id)
        open_before = {connector.id: await _open(house, connector.id) for _, connector in targets}
        await house.demo.second_act(asyncio.Event())
        await eventually(house.nordwerk.is_done, timeout=60, interval=0.2)
        for target, connector in targets:
            (dry,) = await house.rows(
                "SELECT id FROM runs WHERE tenant_id = $1 AND connector_id = $2 AND dry_run", connector.id
            )
            found = await house.rows(FOUND, dry["id"])
            # repairs of one target have people planned anew, which may heal another one: so a fresh dry run of this one
            proposed = await house.rows(DONE, await _run(house, connector.id, dry_run=True))
            real = await _run(house, connector.id)
            done = await house.rows(DONE, real)
            await eventually(house.nordwerk.is_done, timeout=60, interval=0.2)
            await _run(house, connector.id)
            await eventually(house.nordwerk.is_done, timeout=60, interval=0.2)
            before = await house.rows(WRITTEN, connector.id)
            last = await _run(house, connector.id)
            written = [row for row in await house.rows(WRITTEN, connector.id) if row not in before]
            still_open = await _open(house, connector.id)
            planned = {kind.value: n for kind, n in expected_kinds(plan_drift(house.demo.organisation, target)).items()}

            assert {row["kind"]: row["n"] for row in found} == planned, target.name
            assert all(row["is_explained"] for row in found)
            assert {row["result"] for row in proposed} == {"proposed"}
            assert _set(proposed) == _set(done), target.name
            assert {row["result"] for row in done} <= {"queued", "success"}
            assert written == [], target.name
            assert await house.rows(DONE, last) == []
            assert {kind: n - open_before[connector.id].get(kind, 0) for kind, n in still_open.items()} == {
                kind: n for kind, n in planned.items() if kind not in BY_POLICY
            }, target.name
        dead = await house.nordwerk.dead_letters()

    assert dead == []


async def _run(house: House, connector_id: UUID, *, dry_run: bool = False) -> UUID:
    """A full run, to its end; its id."""
    async with tenant(house.nordwerk.pool, TENANT_ID) as conn:
        run = await runs.create(
            conn,
            tenant_id=TENANT_ID,
            connector_id=connector_id,
            kind=RunKind.RECONCILIATION,
            mode=RunMode.FULL,
            dry_run=dry_run,
            trigger=RunTrigger.MANUAL,
        )

    async def has_ended() -> bool:
        found = await house.rows("SELECT status, error_message FROM runs WHERE tenant_id = $1 AND id = $2", run.id)
        assert found[0]["status"] == "completed", found
        return True

    await eventually(has_ended, timeout=60, interval=0.1)
    return run.id


async def _open(house: House, connector_id: UUID) -> dict[str, int]:
    """Open findings of a target by kind."""
    found = await house.rows(
        "SELECT discrepancy_type AS kind, count(*) AS n FROM discrepancies "
        "WHERE tenant_id = $1 AND connector_id = $2 AND resolution_status = 'pending' GROUP BY 1",
        connector_id,
    )
    return {row["kind"]: row["n"] for row in found}


def _set(actions: list[dict[str, object]]) -> set[tuple[object, ...]]:
    return {(row["discrepancy_id"], row["action_type"], row["direction"]) for row in actions}
