"""Somebody has cloned the project and types ``./scripts/run``: five thousand people, on what is installed here."""

import time

import pytest

from tests.e2e.daemon import Newcomer, command_of, descendants
from tests.e2e.nordwerk import Nordwerk
from tests.waiting import eventually
from worker.domain.discrepancy import DiscrepancyType
from worker.service.demo.drift import expected_kinds, plan_drift

#: Enough for a machine that has other work; nothing here is about how long it takes.
LOOK_S, DONE_WITHIN_S = 1.0, 2_400.0
#: What a reconciliation leaves to a person.
FOR_A_PERSON = {DiscrepancyType.ORPHAN, DiscrepancyType.COLLISION}
DRY_RUNS = """
SELECT r.connector_id, d.discrepancy_type AS kind, count(*) AS n FROM runs r
LEFT JOIN discrepancies d ON d.tenant_id = r.tenant_id AND d.run_id = r.id
WHERE r.tenant_id = $1 AND r.dry_run AND r.status = 'completed' GROUP BY 1, 2
"""
OPERATIONS = "SELECT count(*) AS n FROM operations_archive WHERE tenant_id = $1"


@pytest.mark.timeout(2 * 3_600)
async def test_five_thousand_have_exactly_the_accounts_that_mapping_and_hook_say(newcomer: Newcomer) -> None:
    """Provisioned from nothing, then edited by hand at every target, then repaired, stopped and started again."""
    clock = Clock()
    await newcomer.start()
    clock.tell("installed and ready")
    async with newcomer.organisation() as nordwerk:
        found = await _found_by_dry_runs(nordwerk)
        clock.tell("provisioned, and what then went wrong is found")
        drifted = await nordwerk.wrong(drift=DiscrepancyType)
        targets = await nordwerk.targets()
        for _, connector in targets:
            await newcomer.provisiond("recon", "run", connector.name)
        await eventually(nordwerk.is_done, timeout=DONE_WITHIN_S, interval=LOOK_S)
        clock.tell("repaired")
        repaired = await nordwerk.wrong(drift=FOR_A_PERSON)
        stored = await nordwerk.rows("SELECT count(*) AS n FROM identities WHERE tenant_id = $1")
        unclear, dead = await nordwerk.without_history(), await nordwerk.dead_letters()
        operations = await nordwerk.rows(OPERATIONS)
        sizes = {target.name: len(await nordwerk.listed(connector)) for target, connector in targets}
    below = descendants(newcomer.pid)
    code = await newcomer.interrupt()
    left = {pid: words for pid, words in below.items() if command_of(pid) == words}
    await newcomer.start()
    async with newcomer.organisation() as nordwerk:
        await eventually(nordwerk.is_done, timeout=DONE_WITHIN_S, interval=LOOK_S)
        restarted, later = await nordwerk.wrong(drift=FOR_A_PERSON), await nordwerk.rows(OPERATIONS)
        planned = {target.name: expected_kinds(plan_drift(nordwerk.people, target)) for target, _ in targets}
    await newcomer.interrupt()
    clock.tell(f"stopped, started and stopped; accounts: {sizes}, operations: {operations[0]['n']}")

    assert drifted == [], "\n".join(drifted)
    assert found == planned
    assert repaired == [], "\n".join(repaired)
    assert stored == [{"n": newcomer.employees}]
    assert (unclear, dead) == ([], [])
    assert (code, left) == (0, {})
    assert (restarted, later) == ([], operations)


async def _found_by_dry_runs(nordwerk: Nordwerk) -> dict[str, dict[DiscrepancyType, int]]:
    """What was found at each target after the demo's second act, which begins when everybody is provisioned."""

    async def all_found() -> dict[str, dict[DiscrepancyType, int]]:
        rows = await nordwerk.rows(DRY_RUNS)
        names = {connector.id: target.name for target, connector in await nordwerk.targets()}
        found: dict[str, dict[DiscrepancyType, int]] = {names[row["connector_id"]]: {} for row in rows}
        for row in rows:
            if row["kind"]:
                found[names[row["connector_id"]]][DiscrepancyType(row["kind"])] = row["n"]
        assert len(found) == len(names), await nordwerk.undone()
        return found

    return await eventually(all_found, timeout=DONE_WITHIN_S, interval=LOOK_S)


class Clock:
    """Tells a person how far it is; nothing is judged by it."""

    def __init__(self) -> None:
        self._started = time.monotonic()

    def tell(self, what: str) -> None:
        print(f"{time.monotonic() - self._started:7.1f} s  {what}")
