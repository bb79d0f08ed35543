"""Who is rescued from whom: the dead alone, however long the living take."""

from uuid import UUID, uuid4

import pytest

from tests.factories import accounts, an_operation, enqueue, registered_worker
from worker.queue import Rescuer
from worker.queue.rescuer import ORPHANS_EVERY, Rescued
from worker.store import operations, workers
from worker.store.pool import Pool
from worker.store.tenant import tenant


async def test_what_a_living_worker_holds_is_left_to_it_however_long_it_takes(
    pool: Pool, tenant_id: UUID, target: UUID
) -> None:
    """Beside a dead one, and though its own began an hour ago."""
    lanes = await accounts(pool, tenant_id, target, 2)
    await enqueue(pool, tenant_id, *(an_operation(target, lane) for lane in lanes))
    dead = uuid4()
    async with registered_worker(pool) as living:
        async with pool.acquire() as conn:
            await workers.register(conn, dead, host="test", pid=1, version="0", roles=["worker"], lease_s=60.0)
        async with tenant(pool, tenant_id) as conn:
            for owner in (living, dead):
                await operations.claim(conn, tenant_id, connector_id=target, owner=owner, limit=1)
            await conn.execute("UPDATE operations SET updated_at = now() - interval '1 h', started_at = updated_at")
        async with pool.acquire() as conn:
            await conn.execute("UPDATE workers SET expires_at = db_now() WHERE id = $1", dead)

        counts = await Rescuer(pool).run_once()

        async with tenant(pool, tenant_id) as conn:
            rows = await conn.fetch("SELECT owner FROM operations WHERE status = 'in_progress'")
    assert (counts, [row["owner"] for row in rows]) == (Rescued(requeued=1, dead_lettered=0, owners=1), [living])


@pytest.mark.parametrize(
    ("lease_s", "soonest_s"),
    [pytest.param(60.0, 15.0, id="no lease near its end"), pytest.param(5.0, 5.0, id="one is")],
)
async def test_nobody_looks_before_a_lease_can_be_over(
    pool: Pool, tenant_id: UUID, target: UUID, lease_s: float, soonest_s: float
) -> None:
    (lane,) = await accounts(pool, tenant_id, target, 1)
    await enqueue(pool, tenant_id, an_operation(target, lane))
    owner, at = uuid4(), [0.0]
    rescuer = Rescuer(pool, rest_s=15.0, clock=lambda: at[0])
    async with pool.acquire() as conn:
        await workers.register(conn, owner, host="test", pid=1, version="0", roles=["worker"], lease_s=lease_s)
    assert await rescuer.run_once() == Rescued()
    async with tenant(pool, tenant_id) as conn:
        await operations.claim(conn, tenant_id, connector_id=target, owner=owner, limit=1)
    async with pool.acquire() as conn:
        await conn.execute("UPDATE workers SET expires_at = db_now() WHERE id = $1", owner)

    at[0] = soonest_s / 2
    early = await rescuer.run_once()
    at[0] = soonest_s

    assert (early.requeued, (await rescuer.run_once()).requeued) == (0, 1)


async def test_who_rests_looks_for_orphans_all_the_same(pool: Pool, tenant_id: UUID, target: UUID) -> None:
    (lane,) = await accounts(pool, tenant_id, target, 1)
    await enqueue(pool, tenant_id, an_operation(target, lane))
    rescuer = Rescuer(pool, rest_s=3600.0, clock=lambda: 0.0)
    await rescuer.run_once()
    async with registered_worker(pool) as gone:
        async with tenant(pool, tenant_id) as conn:
            await operations.claim(conn, tenant_id, connector_id=target, owner=gone, limit=1)
        async with pool.acquire() as conn:
            await workers.leave(conn, gone)

    assert sum([(await rescuer.run_once()).requeued for _ in range(ORPHANS_EVERY)]) == 1
