"""What gauges and /status read: quick however much there is, and who keeps the past."""

from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest

from tests.factories import a_connector, accounts, an_operation, enqueue, registered_worker
from worker.store import connectors, listings, operations, overview, tenants
from worker.store.pool import Pool, open_pool
from worker.store.tenant import tenant


@pytest.fixture
async def pool(database: Any) -> AsyncIterator[Pool]:
    opened = await open_pool(database.daemon_dsn, size=3)
    yield opened
    await opened.close()


@pytest.mark.parametrize("many", [pytest.param(1, id="by counts"), pytest.param(1_000_000, id="row by row")])
async def test_depth_is_told_by_status_target_and_tenant(
    pool: Pool, tenant_id: UUID, monkeypatch: pytest.MonkeyPatch, many: int
) -> None:
    monkeypatch.setattr(listings, "MANY", many)
    target = (await a_connector(pool, tenant_id, name="open")).id
    closed = (await a_connector(pool, tenant_id, name="closed")).id
    async with tenant(pool, tenant_id) as conn:
        await connectors.set_baseline(conn, tenant_id=tenant_id, connector_id=target)
    for each in (target, closed):
        lanes = await accounts(pool, tenant_id, each, 3)
        await enqueue(pool, tenant_id, *(an_operation(each, lane) for lane in lanes))
    async with registered_worker(pool) as owner:
        async with tenant(pool, tenant_id) as conn:
            await operations.claim(conn, tenant_id, connector_id=target, owner=owner, limit=1)
        async with pool.acquire() as conn:
            depth = await overview.depth(conn)

    assert depth.by_target == {("open", "in_progress"): 1, ("open", "pending"): 2, ("closed", "awaiting_system"): 3}
    assert depth.by_status == depth.by_tenant[tenant_id] == {"in_progress": 1, "pending": 2, "awaiting_system": 3}
    assert depth.oldest_pending is not None
    assert depth.held_since is not None
    async with tenant(pool, tenant_id) as conn:
        waiting = await listings.waiting(conn, tenant_id)
    assert waiting.oldest.keys() == {target, closed}


@pytest.mark.parametrize("many", [pytest.param(1, id="by counts"), pytest.param(1_000_000, id="row by row")])
async def test_what_waits_behind_a_decision_is_not_the_oldest_that_could_run(
    pool: Pool, tenant_id: UUID, monkeypatch: pytest.MonkeyPatch, many: int
) -> None:
    monkeypatch.setattr(listings, "MANY", many)
    target = (await a_connector(pool, tenant_id)).id
    async with tenant(pool, tenant_id) as conn:
        await connectors.set_baseline(conn, tenant_id=tenant_id, connector_id=target)
    lanes = await accounts(pool, tenant_id, target, 1)
    await enqueue(pool, tenant_id, an_operation(target, lanes[0]), an_operation(target, lanes[0]))
    async with tenant(pool, tenant_id) as conn:
        before = await listings.waiting(conn, tenant_id)
        await conn.execute("UPDATE operations SET status = 'awaiting_system', wait_reason = 'case' WHERE head")
        after = await listings.waiting(conn, tenant_id)

    assert before.oldest_pending is not None
    assert (after.by_target[target, "pending"], after.oldest_pending) == (1, None)


async def test_a_state_that_only_a_later_version_knows_is_counted_as_it_is(pool: Pool, tenant_id: UUID) -> None:
    target = (await a_connector(pool, tenant_id)).id
    lanes = await accounts(pool, tenant_id, target, 1)
    await enqueue(pool, tenant_id, an_operation(target, lanes[0]))
    async with tenant(pool, tenant_id) as conn:
        await conn.execute("UPDATE operations SET status = 'suspended'")

    async with pool.acquire() as conn:
        assert (await overview.depth(conn)).by_status == {"suspended": 1}
        assert (await overview.status(conn))["tenants"][0]["queue"] == {"suspended": 1}


@pytest.mark.parametrize("count", [0, 2])
async def test_processes_at_work_are_counted_whether_or_not_there_are_tenants(pool: Pool, count: int) -> None:
    ids = {uuid4() for _ in range(count)}
    async with registered_worker(pool), pool.acquire() as conn:
        for each in ids:
            await tenants.ensure(conn, tenant_id=each, name=str(each))
        depth = await overview.depth(conn)

    assert (depth.workers, depth.by_tenant.keys()) == (1, ids)


async def test_a_tenant_with_nothing_to_do_costs_one_statement(pool: Pool, tenant_id: UUID) -> None:
    """A daemon at rest asks for little else."""
    await a_connector(pool, tenant_id)
    asked: list[str] = []
    async with pool.acquire() as conn:
        await overview.depth(conn)  # whatever a connection looks up once
        with conn.query_logger(lambda record: asked.append(record.query.split()[0])):
            await overview.depth(conn)
            await overview.storage(conn)

    assert asked == ["SELECT", "BEGIN;", "SELECT", "COMMIT", "SELECT"]


async def test_who_keeps_dead_rows_from_being_removed_is_named(pool: Pool, database: Any) -> None:
    holder = await asyncpg.connect(database.daemon_dsn, server_settings={"application_name": "a long report"})
    async with holder.transaction(isolation="repeatable_read"):
        await holder.execute("SELECT count(*) FROM operations")
        async with pool.acquire() as conn:
            found = await overview.storage(conn)
            told = await overview.status(conn)
    await holder.close()

    assert found.horizon is not None
    assert (found.horizon["kind"], found.horizon["application"]) == ("ours", "a long report")
    assert found.horizon["state"] == "idle in transaction"
    assert found.horizon["seconds"] >= 0
    assert told["storage"]["horizon"]["application"] == "a long report"
    assert found.first_day is not None
    assert found.last_day is not None
    assert found.first_day < found.last_day


async def test_one_tenant_is_not_told_whose_sessions_there_are(pool: Pool, tenant_id: UUID) -> None:
    async with pool.acquire() as conn:
        assert "storage" not in await overview.status(conn, only=tenant_id)
