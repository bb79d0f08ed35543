"""What is claimed is noted for as long as it is held, and found by its note when its owner is gone."""

import asyncio
from contextlib import suppress
from dataclasses import dataclass
from random import Random
from uuid import UUID, uuid4

import pytest

from tests.factories import accounts, an_operation, enqueue
from tests.waiting import eventually
from worker.domain.outcome import Released, Succeeded
from worker.domain.processing import Finished
from worker.queue import Finisher, Rescuer
from worker.queue.rescuer import ORPHANS_EVERY
from worker.store import operations, workers
from worker.store.pool import Pool
from worker.store.tenant import tenant


async def _notes(pool: Pool, tenant_id: UUID) -> list[int]:
    """How many operations each note names."""
    async with tenant(pool, tenant_id) as conn:
        rows = await conn.fetch("SELECT cardinality(operation_ids) AS n FROM claims WHERE tenant_id = $1", tenant_id)
    return sorted(row["n"] for row in rows)


async def _a_dead_one_with_one(pool: Pool, tenant_id: UUID, target: UUID) -> UUID:
    (lane,) = await accounts(pool, tenant_id, target, 1)
    await enqueue(pool, tenant_id, an_operation(target, lane))
    owner = uuid4()
    async with pool.acquire() as conn:
        await workers.register(conn, owner, host="test", pid=1, version="0", roles=["worker"], lease_s=60.0)
    async with tenant(pool, tenant_id) as conn:
        assert len(await operations.claim(conn, tenant_id, connector_id=target, owner=owner, limit=9)) == 1
    async with pool.acquire() as conn:
        await conn.execute("UPDATE workers SET expires_at = db_now() WHERE id = $1", owner)
    return owner


async def test_the_notes_of_the_dead_go_when_nothing_is_left_under_them(
    pool: Pool, tenant_id: UUID, target: UUID
) -> None:
    await _a_dead_one_with_one(pool, tenant_id, target)
    assert await _notes(pool, tenant_id) == [1]

    assert (await Rescuer(pool).run_once()).requeued == 1

    assert await _notes(pool, tenant_id) == []


async def test_a_note_stays_while_this_version_must_leave_alone_what_it_names(
    pool: Pool, tenant_id: UUID, target: UUID
) -> None:
    """A later version, which knows the type, finds it by the note although its owner's row is gone."""
    await _a_dead_one_with_one(pool, tenant_id, target)
    async with tenant(pool, tenant_id) as conn:
        await conn.execute("UPDATE operations SET operation_type = 'rename' WHERE tenant_id = $1", tenant_id)
    rescuer = Rescuer(pool)
    assert (await rescuer.run_once()).requeued == 0
    assert await _notes(pool, tenant_id) == [1]
    async with tenant(pool, tenant_id) as conn:
        await conn.execute("UPDATE operations SET operation_type = 'update' WHERE tenant_id = $1", tenant_id)

    requeued = [(await rescuer.run_once()).requeued for _ in range(ORPHANS_EVERY)]

    assert sum(requeued) == 1
    assert await _notes(pool, tenant_id) == []


@pytest.mark.parametrize("rounds", [pytest.param(0, id="at the start"), pytest.param(1, id="later")])
async def test_what_a_dead_process_of_an_older_version_held_is_found_without_a_note(
    pool: Pool, tenant_id: UUID, target: UUID, rounds: int
) -> None:
    rescuer = Rescuer(pool)
    for _ in range(rounds):
        await rescuer.run_once()
    owner = await _a_dead_one_with_one(pool, tenant_id, target)
    async with tenant(pool, tenant_id) as conn:
        await conn.execute("DELETE FROM claims WHERE tenant_id = $1", tenant_id)
    async with pool.acquire() as conn:
        await conn.execute("UPDATE workers SET notes_claims = false WHERE id = $1", owner)

    assert (await rescuer.run_once()).requeued == 1


@dataclass(frozen=True, slots=True)
class Lease:
    """A lease that holds."""

    owner: UUID


@pytest.mark.parametrize("is_committed", [pytest.param(True, id="committed"), pytest.param(False, id="rolled back")])
async def test_a_claim_whose_commit_arrives_late_is_put_back_all_the_same(
    pool: Pool, tenant_id: UUID, target: UUID, owner: UUID, *, is_committed: bool
) -> None:
    """Whoever claimed has lost the connection by then, and has heard nothing; nor would anybody else know of it."""
    (lane, other) = await accounts(pool, tenant_id, target, 2)
    await enqueue(pool, tenant_id, an_operation(target, lane))
    finisher = Finisher(pool, Lease(owner), rng=Random(1))
    with suppress(ConnectionResetError):
        async with tenant(pool, tenant_id) as claiming:
            (op,) = await operations.claim(claiming, tenant_id, connector_id=target, owner=owner, limit=1)
            writing = asyncio.create_task(finisher.run())
            finisher.put(owner, Finished(op, Released(is_unheard=True), 0))
            await _passes_by(pool, tenant_id, target, other, owner, finisher)
            assert op.id in finisher.pending
            if not is_committed:
                raise ConnectionResetError
    await finisher.drained()
    writing.cancel()

    async with tenant(pool, tenant_id) as conn:
        (row,) = await conn.fetch("SELECT status, attempt_number FROM operations WHERE tenant_id = $1", tenant_id)
        again = await operations.claim(conn, tenant_id, connector_id=target, owner=owner, limit=1)
    assert (row["status"], row["attempt_number"]) == ("pending", 0)
    assert [each.id for each in again] == [op.id]


async def _passes_by(pool: Pool, tenant_id: UUID, target: UUID, lane: UUID, owner: UUID, finisher: Finisher) -> None:
    """Another try that ends meanwhile is written."""
    await enqueue(pool, tenant_id, an_operation(target, lane))
    async with tenant(pool, tenant_id) as conn:
        (op,) = await operations.claim(conn, tenant_id, connector_id=target, owner=owner, limit=1)
    finisher.put(owner, Finished(op, Succeeded("u"), 0))

    async def is_written() -> bool:
        async with tenant(pool, tenant_id) as conn:
            return bool(await conn.fetch("SELECT 1 FROM operations_archive WHERE tenant_id = $1", tenant_id))

    await eventually(is_written)
