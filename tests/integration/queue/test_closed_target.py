"""A target that may not be called sleeps, and is not forgotten when it opens."""

from datetime import datetime
from uuid import UUID

import pytest

from tests.factories import a_connector
from worker.store import due_work
from worker.store.pool import Pool
from worker.store.tenant import tenant


async def due_at(pool: Pool, tenant_id: UUID, connector_id: UUID) -> datetime:
    async with tenant(pool, tenant_id) as conn:
        found: datetime = await conn.fetchval(
            "SELECT due_at FROM due_work WHERE tenant_id = $1 AND kind = 'claim' AND ref_id = $2",
            tenant_id,
            connector_id,
        )
    return found


@pytest.mark.parametrize(
    ("change", "sleeps"),
    [
        pytest.param("baseline_at = NULL", True, id="never listed"),
        pytest.param("status = 'maintenance'", True, id="in maintenance"),
        pytest.param("breaker_state = 'open'", True, id="breaker open"),
        pytest.param("breaker_state = 'half_open'", False, id="breaker half open"),
        pytest.param("version = 2", False, id="opened since it was looked at"),
        pytest.param("baseline_at = NULL, settings = '{\"require_baseline\": false}'", False, id="needs no listing"),
    ],
)
async def test_only_a_target_that_its_row_calls_closed_is_put_to_sleep(
    pool: Pool, tenant_id: UUID, change: str, sleeps: bool
) -> None:
    """Who looked may have looked at an older row; the producer's wake-up, which came in between, must not be lost."""
    connector = await a_connector(pool, tenant_id)
    async with tenant(pool, tenant_id) as conn:
        await conn.execute("UPDATE connectors SET baseline_at = db_now()")
        await conn.execute(f"UPDATE connectors SET {change}")
        await due_work.ask(conn, tenant_id, due_work.Kind.CLAIM, connector.id)
    before = await due_at(pool, tenant_id, connector.id)
    async with tenant(pool, tenant_id) as conn:
        await due_work.settle_closed(conn, tenant_id, connector.id, next_due=None)

    assert (await due_at(pool, tenant_id, connector.id) != before) is sleeps
