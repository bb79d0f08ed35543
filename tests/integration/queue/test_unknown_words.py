"""Beside a later version: rows that say what this one does not know are left alone, and hold nobody else up."""

from typing import Any
from uuid import UUID, uuid4

import pytest

from tests.factories import accounts, an_operation, enqueue
from worker.domain.operation import Origin
from worker.queue import Rescuer
from worker.store import listings, operations
from worker.store.operations import Completion, Fence
from worker.store.pool import Pool
from worker.store.tenant import tenant

UNKNOWN = [
    pytest.param({"operation_type": "move"}, id="kind"),
    pytest.param({"status": "suspended"}, id="state"),
    pytest.param({"operation_type": "move", "status": "failed"}, id="kind, to be tried again"),
    pytest.param({"operation_type": "move", "crashed_leases": 1}, id="kind, of a process that died"),
    pytest.param({"operation_type": "move", "status": "awaiting_system", "wait_reason": "moon"}, id="reason to wait"),
]


async def _write(pool: Pool, tenant_id: UUID, operation_id: UUID, **fields: Any) -> None:
    """What a later version would have written."""
    async with tenant(pool, tenant_id) as conn:
        for name, value in fields.items():
            await conn.execute(
                f"UPDATE operations SET {name} = $3 WHERE tenant_id = $1 AND id = $2", tenant_id, operation_id, value
            )


async def _row(pool: Pool, tenant_id: UUID, operation_id: UUID) -> dict[str, Any]:
    async with tenant(pool, tenant_id) as conn:
        row = await conn.fetchrow("SELECT * FROM operations WHERE tenant_id = $1 AND id = $2", tenant_id, operation_id)
    assert row is not None, "it is gone"
    return dict(row)


async def _due(pool: Pool, tenant_id: UUID, operation_id: UUID) -> None:
    async with tenant(pool, tenant_id) as conn:
        await conn.execute(
            "UPDATE operations SET next_retry_at = db_now() - interval '1 hour' WHERE tenant_id = $1 AND id = $2",
            tenant_id,
            operation_id,
        )


@pytest.mark.parametrize("unknown", UNKNOWN)
async def test_what_is_not_known_is_not_claimed_and_all_others_are(
    pool: Pool, tenant_id: UUID, target: UUID, owner: UUID, unknown: dict[str, Any]
) -> None:
    lanes = await accounts(pool, tenant_id, target, 4)
    strange, *known = await enqueue(pool, tenant_id, *(an_operation(target, lane) for lane in lanes))
    await _write(pool, tenant_id, strange, **unknown)
    if unknown.get("status") in {"failed", "awaiting_system"}:
        await _due(pool, tenant_id, strange)
    before = await _row(pool, tenant_id, strange)

    async with tenant(pool, tenant_id) as conn:
        await operations.wake_due(conn, tenant_id, connector_id=target, limit=10)
        claimed = await operations.claim(conn, tenant_id, connector_id=target, owner=owner, limit=10)
        ends = [
            Completion(
                Fence(id=op.id, epoch=op.epoch, account_id=op.account_id), 1, connector_id=target, uid=str(op.id)
            )
            for op in claimed
        ]
        done = await operations.complete(conn, tenant_id, owner, ends)

    assert set(done) == set(known)
    assert await _row(pool, tenant_id, strange) == before


@pytest.mark.parametrize("unknown", UNKNOWN)
async def test_a_new_plan_goes_behind_what_is_not_known(
    pool: Pool, tenant_id: UUID, target: UUID, unknown: dict[str, Any]
) -> None:
    """It is neither merged with it nor refused for it, nor are the others of its batch."""
    lanes = await accounts(pool, tenant_id, target, 2)
    planned = {"origin": Origin.EVENT, "payload": {"attributes": {"title": "old"}}}
    strange, known = await enqueue(pool, tenant_id, *(an_operation(target, lane, **planned) for lane in lanes))
    await _write(pool, tenant_id, strange, **unknown)
    before = await _row(pool, tenant_id, strange)

    newer = {"origin": Origin.EVENT, "payload": {"attributes": {"title": "new"}}}
    accepted = await enqueue(pool, tenant_id, *(an_operation(target, lane, **newer) for lane in lanes))
    by_hand = [an_operation(target, lane, payload={"attributes": {"office": "B4"}}) for lane in lanes]
    accepted_by_hand = await enqueue(pool, tenant_id, *by_hand)

    assert await _row(pool, tenant_id, strange) == before
    assert (await _row(pool, tenant_id, known))["payload"]["attributes"]["title"] == "new"
    assert {(await _row(pool, tenant_id, each))["account_id"] for each in accepted} >= {lanes[0]}
    assert set(accepted_by_hand) == {each.id for each in by_hand}


@pytest.mark.parametrize("crashed", [pytest.param(0, id="once"), pytest.param(2, id="for the third time")])
async def test_what_is_not_known_is_not_rescued(pool: Pool, tenant_id: UUID, target: UUID, crashed: int) -> None:
    """Only a process that knows what it is can say whether it may be tried again."""
    lanes = await accounts(pool, tenant_id, target, 2)
    strange, known = await enqueue(pool, tenant_id, *(an_operation(target, lane) for lane in lanes))
    held = {"status": "in_progress", "owner": uuid4(), "epoch": 1, "crashed_leases": crashed}
    await _write(pool, tenant_id, strange, operation_type="move", **held)
    await _write(pool, tenant_id, known, **held | {"crashed_leases": 0})
    before = await _row(pool, tenant_id, strange)

    await Rescuer(pool).run_once()

    assert await _row(pool, tenant_id, strange) == before
    assert (await _row(pool, tenant_id, known))["status"] == "pending"


@pytest.mark.parametrize("unknown", UNKNOWN)
async def test_lists_and_counts_have_room_for_what_is_not_known(
    pool: Pool, tenant_id: UUID, target: UUID, unknown: dict[str, Any]
) -> None:
    lanes = await accounts(pool, tenant_id, target, 2)
    strange, known = await enqueue(pool, tenant_id, *(an_operation(target, lane) for lane in lanes))
    await _write(pool, tenant_id, strange, **unknown)

    async with tenant(pool, tenant_id) as conn:
        rows = await listings.operations(conn, tenant_id, where=listings.OperationQuery(), limit=10)
        counts = await listings.operation_counts(conn, tenant_id, where=listings.OperationQuery())
        stats = await listings.operation_stats(conn, tenant_id)

    assert known in {row["id"] for row in rows}
    assert sum(counts.values()) >= 1
    assert stats["in_progress"] == 0
