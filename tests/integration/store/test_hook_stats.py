"""Counts of calls that several processes add to."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from worker.domain.ids import uuid7
from worker.store import hook_stats
from worker.store.hook_stats import Counted, Key
from worker.store.pool import Pool, open_pool
from worker.store.tenant import tenant

MINUTE = datetime(2026, 1, 2, 3, 4, tzinfo=UTC)


def counted(*durations_us: int, at: datetime = MINUTE, error: dict[str, Any] | None = None) -> Counted:
    made = Counted()
    for each in durations_us:
        made.add(each, at=at, error=error)
    return made


async def add(pool: Pool, tenant_id: UUID, found: dict[Key, Counted]) -> None:
    async with tenant(pool, tenant_id) as conn:
        await hook_stats.add(conn, tenant_id, found)


async def test_what_processes_count_of_a_minute_is_added_up(database: Any, tenant_id: UUID) -> None:
    pool = await open_pool(database.daemon_dsn, size=2)
    hook, other = uuid7(), uuid7()
    later = MINUTE + timedelta(seconds=5)
    key, failed = Key(hook, MINUTE, 1, "ok"), Key(hook, MINUTE, 1, "hook.fail")
    newer = Key(hook, MINUTE + timedelta(minutes=1), 2, "ok")

    await add(pool, tenant_id, {key: counted(100, 200), failed: counted(50, at=later, error={"message": "second"})})
    await add(pool, tenant_id, {key: counted(300), failed: counted(50, error={"message": "first"}), newer: counted(90)})

    async with tenant(pool, tenant_id) as conn:
        found = await hook_stats.summary(conn, tenant_id=tenant_id, hook_ids=[hook, other], since=MINUTE)
        young = await hook_stats.summary(
            conn, tenant_id=tenant_id, hook_ids=[hook], since=MINUTE + timedelta(seconds=30)
        )
        rows = await conn.fetch("SELECT calls, total_us, histogram FROM hook_stats WHERE class = 'ok' AND version = 1")
    await pool.close()
    summary = found[hook]
    assert (summary.calls, summary.errors) == (6, {"hook.fail": 2})
    assert (summary.last_error, summary.last_error_at) == ({"message": "second"}, later)
    assert [(each.version, each.calls, each.errors) for each in summary.versions] == [
        (2, 1, {}),
        (1, 5, {"hook.fail": 2}),
    ]
    assert [(row["calls"], row["total_us"], sum(row["histogram"])) for row in rows] == [(3, 600, 3)]
    assert found[other].calls == 0
    assert young[hook].calls == 1


async def test_old_minutes_are_dropped(database: Any, tenant_id: UUID) -> None:
    pool = await open_pool(database.daemon_dsn, size=2)
    hook = uuid7()
    old = {Key(hook, MINUTE - timedelta(minutes=each), 1, "ok"): counted(1) for each in range(1, 4)}
    await add(pool, tenant_id, {**old, Key(hook, MINUTE, 1, "ok"): counted(1)})

    async with tenant(pool, tenant_id) as conn:
        dropped = [await hook_stats.prune(conn, tenant_id, before=MINUTE, limit=2) for _ in range(3)]
        left = await hook_stats.summary(conn, tenant_id=tenant_id, hook_ids=[hook], since=MINUTE - timedelta(days=1))
    await pool.close()

    assert dropped == [2, 1, 0]
    assert left[hook].calls == 1
