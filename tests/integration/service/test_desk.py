"""What the console reads: hours that are counted once, and hints of change for open pages."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from tests.factories import a_connector, accounts, an_operation, enqueue, registered_worker
from worker.domain.connector import ConnectorStatus
from worker.service.desk import Reads
from worker.service.desk import operations as desk_operations
from worker.service.desk.flow import Flow
from worker.store import connectors, operations
from worker.store.operations import Completion, Failure, Fence
from worker.store.pool import Pool, open_pool
from worker.store.tenant import tenant


@pytest.fixture
async def pool(database: Any) -> AsyncIterator[Pool]:
    opened = await open_pool(database.daemon_dsn, size=4)
    yield opened
    await opened.close()


async def test_hours_are_counted_once_they_are_over_and_the_present_one_every_time(pool: Pool, tenant_id: UUID) -> None:
    connector = await a_connector(pool, tenant_id)
    lanes = await accounts(pool, tenant_id, connector.id, 3)
    flow, now = Flow(), datetime.now(UTC)

    async def day(at: datetime) -> tuple[int, int]:
        async with tenant(pool, tenant_id) as conn:
            found = await flow.day(conn, tenant_id, now=at)
        assert len(found.as_counts()) == 24
        return found.completed.total(), sum(hour.failed for hour in found.as_counts())

    before = await day(now)
    async with registered_worker(pool) as owner:
        await enqueue(pool, tenant_id, *(an_operation(connector.id, lane) for lane in lanes))
        async with tenant(pool, tenant_id) as conn:
            claimed = await operations.claim(conn, tenant_id, connector_id=connector.id, owner=owner, limit=5)
            fences = [Fence(op.id, op.epoch, op.account_id) for op in claimed]
            done = [Completion(fence, 1, connector.id, None) for fence in fences[:2]]
            await operations.complete(conn, tenant_id, owner, done)
            await operations.bury(conn, tenant_id, owner, [Failure(fences[2], 1, "bad", "Bad.")])

    assert before == (0, 0)
    assert await day(now) == (2, 1)
    later = now + timedelta(hours=2)
    assert await day(later) == (2, 1)
    async with tenant(pool, tenant_id) as conn:
        rate = (await flow.day(conn, tenant_id, now=later)).success_rate
    assert rate == pytest.approx(2 / 3)
    assert await day(now + timedelta(hours=30)) == (0, 0)


async def test_streams_of_a_tenant_hear_what_changed_and_end_with_the_daemon(pool: Pool, tenant_id: UUID) -> None:
    connector = await a_connector(pool, tenant_id)
    stop = asyncio.Event()
    reads = Reads(pool, stop=stop)
    heard: list[list[str]] = [[], []]

    async def listen(into: list[str]) -> None:
        async for topic in reads.changes(tenant_id):
            into.append(topic)  # noqa: PERF401 - read while it grows

    streams = [asyncio.create_task(listen(into)) for into in heard]
    async with asyncio.timeout(20):
        while not all("connectors" in each for each in heard):
            async with tenant(pool, tenant_id) as conn:
                for status in (ConnectorStatus.MAINTENANCE, ConnectorStatus.ACTIVE):
                    await connectors.set_status(conn, tenant_id=tenant_id, connector_id=connector.id, status=status)
            await asyncio.sleep(0.1)
        stop.set()
        await asyncio.gather(*streams)


async def test_a_completed_operation_shows_what_was_sent_and_no_comparison(pool: Pool, tenant_id: UUID) -> None:
    """What is observed after a change is the change itself."""
    connector = await a_connector(pool, tenant_id)
    lane, other = await accounts(pool, tenant_id, connector.id, 2)
    wanted = {"attributes": {"title": "Lead", "password": "p"}, "active": True}
    sent = {"attributes": {"title": "Lead", "password": {"secret": True}}, "active": True}
    done = an_operation(connector.id, lane, payload=wanted)
    waits = an_operation(connector.id, other)
    async with registered_worker(pool) as owner:
        await enqueue(pool, tenant_id, done)
        async with tenant(pool, tenant_id) as conn:
            (claimed,) = await operations.claim(conn, tenant_id, connector_id=connector.id, owner=owner, limit=5)
            fence = Fence(claimed.id, claimed.epoch, claimed.account_id)
            observed = {"title": "Lead"}
            ending = Completion(fence, 1, connector.id, "u", observed=observed, observed_active=True, sent=sent)
            await operations.complete(conn, tenant_id, owner, [ending])
        await enqueue(pool, tenant_id, waits)
    async with tenant(pool, tenant_id) as conn:
        shown = await desk_operations.detail(conn, tenant_id, operation_id=done.id)
        compared = await desk_operations.detail(conn, tenant_id, operation_id=waits.id)

    assert shown is not None
    assert compared is not None
    changes = {change.name: (change.before, change.after, change.is_secret) for change in shown.changes}
    assert changes == {"title": (None, "Lead", False), "password": (None, None, True), "active": (None, True, False)}
    assert [change.name for change in compared.changes] == list(waits.payload["attributes"])
