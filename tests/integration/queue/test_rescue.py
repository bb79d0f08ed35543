"""Who is rescued from whom: the dead alone, however long the living take."""

from uuid import UUID, uuid4

from tests.factories import accounts, an_operation, enqueue, registered_worker
from worker.queue import Rescuer
from worker.queue.rescuer import Rescued
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
