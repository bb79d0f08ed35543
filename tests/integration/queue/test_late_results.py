"""Whoever comes too late with a result changes nothing, however it ended and whatever became of the operation."""

import asyncio
from dataclasses import dataclass
from datetime import timedelta
from random import Random
from uuid import UUID, uuid4

import pytest

from tests.factories import accounts, an_operation, enqueue
from worker.domain.operation import Operation, WaitReason
from worker.domain.outcome import Cancelled, DeadLettered, Outcome, Parked, Released, Retry, Succeeded
from worker.domain.processing import Finished
from worker.queue import DeadLetters, Finisher, OperationQueue, Rescuer
from worker.store import operations, workers
from worker.store.pool import Pool
from worker.store.tenant import tenant

LATE = [
    pytest.param(Succeeded("u"), id="success"),
    pytest.param(Retry("timeout", "No answer."), id="failure"),
    pytest.param(Parked(WaitReason.TARGET_DOWN, "Down.", look_after=timedelta(0)), id="waits"),
    pytest.param(DeadLettered("invalid", "No."), id="given up"),
    pytest.param(Released(was_started=True), id="goes back"),
    pytest.param(Cancelled("By a person."), id="cancelled"),
]
SINCE = [
    pytest.param(Released(), id="went back"),
    pytest.param(Parked(WaitReason.CASE, "Whose?"), id="waits"),
    pytest.param(Retry("timeout", "No answer.", retry_after=timedelta(hours=1)), id="failed"),
    pytest.param(None, id="its worker died"),
]


@dataclass(frozen=True, slots=True)
class Lease:
    """A lease that holds, as far as its process knows."""

    owner: UUID

    def is_held(self) -> bool:
        return True


async def finish(pool: Pool, owner: UUID, op: Operation, outcome: Outcome) -> None:
    finisher = Finisher(pool, Lease(owner), rng=Random(1))
    writing = asyncio.create_task(finisher.run())
    finisher.put(owner, Finished(op, outcome, 1))
    await finisher.drained()
    writing.cancel()
    await asyncio.wait([writing])


@pytest.mark.parametrize("since", SINCE)
@pytest.mark.parametrize("late", LATE)
async def test_a_late_result_changes_nothing(
    pool: Pool, tenant_id: UUID, target: UUID, late: Outcome, since: Outcome | None
) -> None:
    """Not even where a person asked to cancel it while it ran."""
    (lane,) = await accounts(pool, tenant_id, target, 1)
    (op_id,) = await enqueue(pool, tenant_id, an_operation(target, lane))
    owner = await _registered(pool)
    async with tenant(pool, tenant_id) as conn:
        (op,) = await operations.claim(conn, tenant_id, connector_id=target, owner=owner, limit=1)
    await _befall(pool, owner, op, since)
    before = await _row(pool, tenant_id, op_id)
    async with tenant(pool, tenant_id) as conn:
        await conn.execute("UPDATE operations SET cancel_requested_by = $2 WHERE id = $1", op_id, uuid4())

    await finish(pool, owner, op, late)

    after = await _row(pool, tenant_id, op_id)
    assert {**after, "cancel_requested_by": None} == before


async def test_a_running_one_is_cancelled_by_its_worker_alone(pool: Pool, tenant_id: UUID, target: UUID) -> None:
    (lane,) = await accounts(pool, tenant_id, target, 1)
    (op_id,) = await enqueue(pool, tenant_id, an_operation(target, lane))
    owner = await _registered(pool)
    async with tenant(pool, tenant_id) as conn:
        (op,) = await operations.claim(conn, tenant_id, connector_id=target, owner=owner, limit=1)
        letters = DeadLetters(OperationQueue())
        assert not await letters.cancel(conn, tenant_id=tenant_id, operation_id=op_id, notes="no", by=uuid4())

    await finish(pool, await _registered(pool), op, Cancelled("By a person."))
    assert (await _row(pool, tenant_id, op_id))["status"] == "in_progress"
    await finish(pool, owner, op, Cancelled("By a person."))
    assert (await _row(pool, tenant_id, op_id))["status"] == "cancelled"


async def _registered(pool: Pool) -> UUID:
    owner = uuid4()
    async with pool.acquire() as conn:
        await workers.register(conn, owner, host="test", pid=1, version="0", roles=["worker"], lease_s=60.0)
    return owner


async def _befall(pool: Pool, owner: UUID, op: Operation, since: Outcome | None) -> None:
    if since is not None:
        await finish(pool, owner, op, since)
        return
    async with pool.acquire() as conn:
        await conn.execute("UPDATE workers SET expires_at = db_now() WHERE id = $1", owner)
    await Rescuer(pool).run_once()


async def _row(pool: Pool, tenant_id: UUID, operation_id: UUID) -> dict[str, object]:
    async with tenant(pool, tenant_id) as conn:
        row = await operations.find(conn, tenant_id, operation_id)
    assert row is not None
    return dict(row)
