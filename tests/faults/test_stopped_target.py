"""A target's service is stopped in the middle of the work, and comes back later."""

import pytest

from tests.faults.house import SCIM, House
from tests.waiting import eventually
from worker.domain.operation import OperationStatus

OF_SCIM = "tenant_id = $1 AND connector_id = (SELECT id FROM connectors WHERE tenant_id = $1 AND name = $2)"
BACK_WITHIN_S = 60.0


@pytest.mark.timeout(240)
async def test_operations_of_a_stopped_target_wait_without_spending_tries_and_end_by_themselves(house: House) -> None:
    async def created() -> bool:
        found = await house.rows(f"SELECT count(*) AS n FROM operations_archive WHERE {OF_SCIM}", SCIM)
        return found[0]["n"] >= 30

    async def only_scim_is_left() -> bool:
        found = await house.rows(
            "SELECT DISTINCT c.name FROM operations o JOIN connectors c ON c.tenant_id = o.tenant_id "
            "AND c.id = o.connector_id WHERE o.tenant_id = $1 AND o.wait_reason IS DISTINCT FROM 'case'"
        )
        assert [row["name"] for row in found] == [SCIM]
        return True

    async def is_open() -> bool:
        found = await house.rows("SELECT breaker_state FROM connectors WHERE tenant_id = $1 AND name = $2", SCIM)
        return found[0]["breaker_state"] == "open"

    async def all_wait() -> bool:
        shown = await house.shown(SCIM)
        assert shown.keys() == {OperationStatus.AWAITING_SYSTEM}, shown
        return True

    async with house.daemon():
        await eventually(created, timeout=60)
        await house.stop_scim()
        await eventually(is_open, timeout=60, what="an open breaker")
        await eventually(only_scim_is_left, timeout=60)
        await eventually(all_wait, timeout=60)
        tried = await house.rows(f"SELECT DISTINCT retry_count FROM operations WHERE {OF_SCIM}", SCIM)
        await house.return_scim()
        await eventually(house.nordwerk.is_done, timeout=BACK_WITHIN_S, interval=0.2)
        wrong, dead = await house.nordwerk.wrong(), await house.nordwerk.dead_letters()
    tries = await house.rows("SELECT DISTINCT retry_count FROM operations_archive WHERE tenant_id = $1")

    assert tried == [{"retry_count": 0}]
    assert wrong == [], "\n".join(wrong)
    assert dead == []
    assert tries == [{"retry_count": 0}]
