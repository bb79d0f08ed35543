"""A full run tells which of its findings no delta could have made: what a target does not tell of its changes."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest

from tests.fakes import SyncingTarget
from tests.integration.recon.conftest import House, a_house
from worker.connectors import Changes
from worker.domain.errors import AccessRefused
from worker.recon import report, trend_of
from worker.store.pool import Pool
from worker.store.tenant import tenant

FIRST, SECOND, THIRD = "uid-000001", "uid-000002", "uid-000003"


class Secretive(SyncingTarget):
    """Does not tell of everything."""

    def change_silently(self, uid: str, **attributes: Any) -> None:
        self.change(uid, **attributes)
        self.log.pop()

    def remove_silently(self, uid: str) -> None:
        self.remove(uid)
        self.log.pop()


class Forgetful(SyncingTarget):
    """Knows no earlier place in its changes."""

    async def sync(self, object_class: str, *, token: str | None) -> Changes:
        if token is not None:
            raise AccessRefused("The change log is not for you.")
        return await super().sync(object_class, token=token)


@pytest.fixture
async def secretive(pool: Pool, tenant_id: UUID) -> House:
    house = await a_house(pool, tenant_id, target=Secretive())
    await house.provide(*(f"person{n}" for n in range(6)))
    await house.reconcile()
    return house


async def told(house: House) -> dict[str, Any]:
    run = await house.reconcile()
    async with tenant(house.pool, house.tenant_id) as conn:
        return await report(conn, run)


async def test_what_the_target_tells_is_not_missed_whenever_it_happened(secretive: House) -> None:
    target = secretive.target
    target.change(FIRST, department="Wrong")
    await secretive.reconcile(mode="delta")
    target.change(SECOND, department="Wrong")
    target.remove(THIRD)

    made = await told(secretive)

    assert made["missed_by_deltas"] == {"count": 0, "by_type": {}, "sample": []}
    assert made["discrepancy_summary"]["total"] == 3
    assert made["notes"] == []


async def test_what_no_delta_has_seen_is_told_with_examples(secretive: House) -> None:
    target = secretive.target
    assert isinstance(target, Secretive)
    target.change_silently(FIRST, department="Wrong")
    target.remove_silently(THIRD)
    target.change(SECOND, department="Wrong")
    await secretive.reconcile(mode="delta")
    seen_by_delta = set(await secretive.findings())
    target.change("uid-000004", department="Wrong")

    made = await told(secretive)
    today = datetime.now(UTC).date()
    async with tenant(secretive.pool, secretive.tenant_id) as conn:
        [day] = await trend_of(
            conn, tenant_id=secretive.tenant_id, connector_id=None, from_day=today, to_day=today, today=today
        )

    assert seen_by_delta == {f"mismatch:{SECOND}"}
    assert (made["missed_by_deltas"]["count"], made["missed_by_deltas"]["by_type"]) == (
        2,
        {"mismatch": 1, "deleted": 1},
    )
    assert {each["uid"] for each in made["missed_by_deltas"]["sample"]} == {FIRST, THIRD}
    [note] = made["notes"]
    assert note.startswith("2 of these findings lie in accounts that had changed without the target telling of it")
    assert "1 of them are gone, which many targets never tell." in note
    assert (day.missed, sum(day.detected.values())) == (2, 4)


async def test_what_changed_on_our_side_is_no_fault_of_the_target(secretive: House) -> None:
    await secretive.rows(
        'UPDATE accounts SET wanted = wanted || \'{"department": "Lab"}\', agreed_hash = NULL RETURNING 1'
    )

    made = await told(secretive)

    assert made["discrepancy_summary"]["total"] == 6
    assert made["missed_by_deltas"]["count"] == 0


async def test_target_that_cannot_be_asked_says_why(pool: Pool, tenant_id: UUID) -> None:
    house = await a_house(pool, tenant_id, target=Forgetful())
    await house.provide("person0")
    await house.reconcile()
    house.target.change(FIRST, department="Wrong")

    made = await told(house)

    assert made["missed_by_deltas"] == {"error": "The change log is not for you."}
    assert made["notes"] == [
        "What the target tells of its changes could not be compared with this run: The change log is not for you."
    ]
    assert made["discrepancy_summary"]["total"] == 1


async def test_target_that_tells_nothing_is_not_asked(house: House) -> None:
    await house.provide("person0")
    await house.reconcile()

    assert (await told(house))["missed_by_deltas"] is None
