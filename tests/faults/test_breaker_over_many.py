"""A target falls sick while a hundred thousand operations wait for it."""

from uuid import UUID

from tests.conftest import Database
from tests.factories import a_connector
from worker.connectors import Targets
from worker.domain.errors import TargetUnavailable
from worker.domain.operation import OperationStatus
from worker.security import Vault, new_key, parse_key
from worker.store import listings
from worker.store.pool import Pool, open_pool
from worker.store.tenant import tenant

WAITING = 100_000
FILL = """
INSERT INTO operations (tenant_id, id, connector_id, account_id, seq, head, operation_type, object_class, status,
    payload, origin, created_at, updated_at)
SELECT $1, gen_random_uuid(), $2, gen_random_uuid(), 1, true, 'update', 'user', 'pending',
    '{"attributes": {"title": "x"}}', 'source', now(), now()
FROM generate_series(1, $3)
"""
#: Whoever touches a row gives it another xmin.
TOUCHED_BY = "SELECT xmin::text AS xmin, count(*) AS n FROM operations WHERE tenant_id = $1 GROUP BY 1"


async def test_breaker_opens_over_waiting_operations_without_touching_them(database: Database, tenant_id: UUID) -> None:
    """Opening is an update of the connector's row; people see all of them waiting at once."""
    pool = await open_pool(database.daemon_dsn, size=3)
    try:
        connector = await a_connector(
            pool, tenant_id, config={"url": "postgresql://u@127.0.0.1/x", "table": "t", "key": "id", "naming": "login"}
        )
        async with tenant(pool, tenant_id) as conn:
            await conn.execute("UPDATE connectors SET baseline_at = now()")
            await conn.execute(FILL, tenant_id, connector.id, WAITING)
            before = await conn.fetch(TOUCHED_BY, tenant_id)

        targets = Targets(pool, Vault([parse_key(new_key())]))
        target = await targets.get(tenant_id, connector.id)
        for _ in range(5):
            await targets.report(target, TargetUnavailable())

        gate = await targets.gate(tenant_id, connector.id)
        async with tenant(pool, tenant_id) as conn:
            after = await conn.fetch(TOUCHED_BY, tenant_id)
        shown = await _shown(pool, tenant_id)
        await targets.aclose()
    finally:
        await pool.close()

    assert [tuple(row) for row in before] == [tuple(row) for row in after]
    assert (gate.slots, gate.reason) == (0, "breaker")
    assert shown == {OperationStatus.AWAITING_SYSTEM: WAITING}


async def _shown(pool: Pool, tenant_id: UUID) -> dict[OperationStatus, int]:
    async with tenant(pool, tenant_id) as conn:
        return (await listings.tally(conn, tenant_id, where=listings.OperationQuery(), only_open=True)).by_status
