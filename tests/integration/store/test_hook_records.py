"""Calls of hooks that are kept to be compared with what a draft answers."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from worker.domain.ids import uuid7
from worker.store import hook_records
from worker.store.hook_records import KEEP, Recorded
from worker.store.pool import open_pool
from worker.store.tenant import tenant

NOW = datetime(2026, 1, 2, tzinfo=UTC)


def call(hook_id: UUID, number: int) -> Recorded:
    return Recorded(hook_id, 1, "before_create", {"number": number}, {"set": {"a": number}}, NOW)


async def test_of_each_hook_the_newest_calls_stay(database: Any, tenant_id: UUID) -> None:
    pool = await open_pool(database.daemon_dsn, size=2)
    busy, quiet = uuid7(), uuid7()

    async with tenant(pool, tenant_id) as conn:
        await hook_records.add(conn, tenant_id, [call(quiet, 1)])
        await hook_records.add(conn, tenant_id, [call(busy, number) for number in range(KEEP)])
        await hook_records.add(conn, tenant_id, [call(busy, number) for number in range(KEEP, KEEP + 20)])
        found = await hook_records.recent(conn, tenant_id=tenant_id, hook_id=busy)
        few = await hook_records.recent(conn, tenant_id=tenant_id, hook_id=busy, limit=2)
        other = await hook_records.recent(conn, tenant_id=tenant_id, hook_id=quiet)
        dropped = await hook_records.prune(conn, tenant_id, before=datetime.max.replace(tzinfo=UTC), limit=1000)
    await pool.close()

    assert [each.context["number"] for each in found] == list(reversed(range(20, KEEP + 20)))
    assert found[:2] == few
    assert [each.answer for each in other] == [{"set": {"a": 1}}]
    assert dropped == KEEP + 1
