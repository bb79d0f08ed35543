"""A source or a target suddenly shows nothing, or half of what it showed."""

import asyncpg
import pytest

from tests.faults.house import House
from tests.waiting import eventually
from worker.domain.run import RunKind, RunMode, RunTrigger
from worker.service.demo.load import TENANT_ID
from worker.service.demo.targets import APP_TABLE, SQL
from worker.store import runs
from worker.store.tenant import tenant

HELD = """
SELECT a.kind, a.status, jsonb_array_length(a.sample) AS sample, a.reason, r.status AS run
FROM approvals a LEFT JOIN runs r ON r.tenant_id = a.tenant_id AND r.id = a.run_id
WHERE a.tenant_id = $1 AND a.status = 'open' AND a.connector_id = (
    SELECT id FROM connectors WHERE tenant_id = $1 AND name = $2)
"""


@pytest.mark.timeout(240)
@pytest.mark.parametrize(("share"), [pytest.param(0.0, id="emptied file"), pytest.param(0.5, id="half a file")])
async def test_file_that_lost_its_people_removes_nobody_and_asks(house: House, share: float) -> None:
    async with house.daemon():
        await eventually(house.nordwerk.is_done, timeout=90, interval=0.2)
        lines = house.demo.file.read_text(encoding="utf-8").splitlines(keepends=True)
        house.demo.file.write_text("".join(lines[: 1 + int(share * len(lines))]), encoding="utf-8")

        async def is_held() -> list[dict[str, object]]:
            return await house.rows(HELD, "personnel-file")

        held = await eventually(is_held, timeout=60, interval=0.2)
        wrong = await house.nordwerk.wrong()

    assert wrong == [], "\n".join(wrong)
    assert [(row["status"], row["run"]) for row in held] == [("open", "paused")]
    assert held[0]["sample"] > 0
    assert held[0]["reason"]


@pytest.mark.timeout(240)
async def test_emptied_target_is_not_filled_again_and_nobody_is_removed_without_asking(house: House) -> None:
    """An application that lost its table has lost more than accounts: a person must look."""
    async with house.daemon():
        await eventually(house.nordwerk.is_done, timeout=90, interval=0.2)
        connector = await house.connector(SQL.name)
        async with tenant(house.nordwerk.pool, TENANT_ID) as conn:
            before = await runs.create(
                conn,
                tenant_id=TENANT_ID,
                connector_id=connector.id,
                kind=RunKind.RECONCILIATION,
                mode=RunMode.FULL,
                trigger=RunTrigger.MANUAL,
            )

        async def has_ended() -> bool:
            found = await house.rows("SELECT status FROM runs WHERE tenant_id = $1 AND id = $2", before.id)
            return found[0]["status"] == "completed"

        await eventually(has_ended, timeout=60, interval=0.1)
        people = await house.rows("SELECT id, active, version FROM identities WHERE tenant_id = $1 ORDER BY id")
        table = await asyncpg.connect(house.app_dsn)
        await table.execute(f"DELETE FROM {APP_TABLE}")
        async with tenant(house.nordwerk.pool, TENANT_ID) as conn:
            await runs.create(
                conn,
                tenant_id=TENANT_ID,
                connector_id=connector.id,
                kind=RunKind.RECONCILIATION,
                mode=RunMode.FULL,
                trigger=RunTrigger.MANUAL,
            )

        async def is_held() -> list[dict[str, object]]:
            return await house.rows(HELD, SQL.name)

        held = await eventually(is_held, timeout=60, interval=0.2)
        after = await house.rows("SELECT id, active, version FROM identities WHERE tenant_id = $1 ORDER BY id")
        made = await table.fetchval(f"SELECT count(*) FROM {APP_TABLE}")
        await table.close()

    assert [(row["status"], row["run"]) for row in held] == [("open", "paused")]
    assert held[0]["sample"] > 0
    assert people == after
    assert made == 0
