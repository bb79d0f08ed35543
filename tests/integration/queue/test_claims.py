"""What is claimed is noted for as long as it is held, and found by its note when its owner is gone."""

from uuid import UUID, uuid4

import pytest

from tests.factories import accounts, an_operation, enqueue
from worker.queue import Rescuer
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
