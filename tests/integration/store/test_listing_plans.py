"""Lists and totals read what they show, not what there is: guarded by the pages they touch, never by time."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from tests.factories import a_connector
from worker.domain.ids import uuid7
from worker.domain.operation import OperationStatus as S
from worker.domain.operation import OperationType
from worker.store import listings
from worker.store.listings import OperationQuery
from worker.store.pool import Pool, open_pool
from worker.store.tenant import tenant

ROWS = 20_000
#: A table of so many rows has more pages than this, whatever is read of it by its keys fewer.
FEW = 250

SEED = """
WITH made AS (
    SELECT g, (lpad(to_hex((extract(epoch FROM at) * 1000)::bigint), 12, '0') || '7' || lpad(to_hex(g % 4096), 3, '0')
               || '8' || lpad(to_hex(g), 15, '0'))::uuid AS id, at
    FROM generate_series(1, $3::integer) g, LATERAL (SELECT now() - make_interval(secs => g) AS at) m
),
live AS (
    INSERT INTO operations (tenant_id, id, connector_id, account_id, seq, head, operation_type, object_class, status,
        payload, origin, created_at, updated_at)
    SELECT $1, id, $2, gen_random_uuid(), 1, true, 'update', 'user',
        CASE WHEN g % 5000 = 0 THEN 'failed' ELSE 'pending' END,
        jsonb_build_object('attributes', jsonb_build_object('title', repeat('x', 200))), 'event', at, at FROM made
)
INSERT INTO operations_archive (tenant_id, completed_day, id, connector_id, account_id, seq, operation_type,
    object_class, status, priority, retry_count, max_retries, attempt_number, crashed_leases, payload, epoch, origin,
    version, created_at, updated_at, completed_at, is_counted)
SELECT $1, (now() AT TIME ZONE 'UTC')::date, id, $2, gen_random_uuid(), 1, 'update', 'user',
    CASE WHEN g % 5000 = 0 THEN 'cancelled' ELSE 'completed' END, 0, 0, 10, 1, 0,
    jsonb_build_object('attributes', jsonb_build_object('title', repeat('x', 200))), 1, 'event', 2, at, now(), now(),
    true
FROM made
"""
COUNT = """
INSERT INTO operation_counts (tenant_id, completed_day, id, last_id, made_at, seconds, connector_id, operation_type,
    status, n)
SELECT tenant_id, completed_day, min(id::text)::uuid, max(id::text)::uuid, date_trunc('minute', created_at), 60,
    connector_id, operation_type, status, count(*)
FROM operations_archive WHERE tenant_id = $1 GROUP BY 1, 2, 5, 7, 8, 9
"""
COUNT_LIVE = """
INSERT INTO live_counts (tenant_id, made_at, seconds, first_id, last_id, connector_id, operation_type, n)
SELECT tenant_id, date_trunc('minute', created_at), 60, min(id::text)::uuid, max(id::text)::uuid, connector_id,
    operation_type, count(*)
FROM operations WHERE tenant_id = $1 GROUP BY 1, 2, 6, 7
"""


class Watched:
    """A connection that adds up the pages which its statements touch."""

    def __init__(self, conn: Any) -> None:
        self._conn = conn
        self.pages = 0
        self.widest = ""
        self.plans: list[tuple[str, str]] = []

    async def fetch(self, text: str, *args: Any) -> Any:
        await self._look(text, *args)
        return await self._conn.fetch(text, *args)

    async def fetchrow(self, text: str, *args: Any) -> Any:
        await self._look(text, *args)
        return await self._conn.fetchrow(text, *args)

    async def fetchval(self, text: str, *args: Any) -> Any:
        await self._look(text, *args)
        return await self._conn.fetchval(text, *args)

    async def execute(self, text: str, *args: Any) -> Any:
        return await self._conn.execute(text, *args)

    async def _look(self, text: str, *args: Any) -> None:
        found = (await self._conn.fetchval(f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {text}", *args))[0]
        pages = found["Plan"]["Shared Hit Blocks"] + found["Plan"]["Shared Read Blocks"]
        self.pages += pages
        self.plans.append((text, str(found["Plan"])))
        self.widest = max(self.widest, f"{pages:8d} {text}")


@pytest.fixture
async def crowded(database: Any, tenant_id: UUID, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[tuple[Pool, UUID]]:
    """So many live and finished operations of one target; its id."""
    monkeypatch.setattr(listings, "MANY", 1)
    pool = await open_pool(database.daemon_dsn, size=2)
    target = (await a_connector(pool, tenant_id)).id
    owner = await asyncpg.connect(database.admin_dsn)
    await owner.execute(SEED, tenant_id, target, ROWS)
    await owner.execute(COUNT, tenant_id)
    await owner.execute(COUNT_LIVE, tenant_id)
    await owner.execute("VACUUM ANALYZE operations, operations_archive, live_counts, operation_counts")
    await owner.close()
    yield pool, target
    await pool.close()


#: What is asked for, with how many there are of it.
CASES: dict[str, tuple[dict[str, Any], int]] = {
    "everything": ({}, 2 * ROWS),
    "a type": ({"operation_type": OperationType.UPDATE}, 2 * ROWS),
    "a type that there is none of": ({"operation_type": OperationType.DELETE}, 0),
    "completed": ({"status": S.COMPLETED}, ROWS - 4),
    "the few that were cancelled": ({"status": S.CANCELLED}, 4),
    "the few that failed": ({"status": S.FAILED}, 4),
    "running, of which there is none": ({"status": S.IN_PROGRESS}, 0),
    "waiting for a closed target": ({"status": S.AWAITING_SYSTEM}, ROWS - 4),
    "a person, of whom there is nothing": ({"user_id": uuid7()}, 0),
    "dead letters, of which there is none": ({"status": S.DEAD_LETTER}, 0),
}


async def test_a_page_and_its_total_touch_few_pages(crowded: tuple[Pool, UUID], tenant_id: UUID) -> None:
    pool, target = crowded
    for case, (filters, total) in CASES.items():
        for connector_id in (None, target):
            where = OperationQuery(**filters, connector_id=connector_id)
            async with tenant(pool, tenant_id) as conn:
                watched = Watched(conn)
                counts = await listings.operation_counts(watched, tenant_id, where=where)  # type: ignore[arg-type]  # stands for a connection
                rows = await listings.operations(
                    watched,  # type: ignore[arg-type]  # the same
                    tenant_id,
                    where=where,
                    limit=20,
                    known=counts,
                )

            assert (counts.get(where.status, 0) if where.status else sum(counts.values())) == total, case
            assert len(rows) == min(20, total), case
            assert watched.pages <= FEW, f"{case}: {watched.widest}"


@pytest.mark.parametrize("status", [None, S.COMPLETED, S.PENDING, S.AWAITING_SYSTEM])
async def test_a_time_that_ends_within_a_minute_touches_few_pages(
    crowded: tuple[Pool, UUID], tenant_id: UUID, status: S | None
) -> None:
    """However many were made in the hour around it: one is made each second, 20,000 in all."""
    pool, _ = crowded
    async with tenant(pool, tenant_id) as conn:
        newest = await conn.fetchval("SELECT max(created_at) FROM operations")
        where = OperationQuery(
            from_date=newest - timedelta(seconds=7_199.5), to_date=newest - timedelta(seconds=3_599.5), status=status
        )
        watched = Watched(conn)
        counts = await listings.operation_counts(watched, tenant_id, where=where)  # type: ignore[arg-type]  # stands for a connection
        rows = await listings.operations(watched, tenant_id, where=where, limit=20, known=counts)  # type: ignore[arg-type]  # the same

    expected = {None: 7_200, S.COMPLETED: 3_600, S.PENDING: 0, S.AWAITING_SYSTEM: 3_600}[status]
    total = sum(counts.values()) if status is None else counts.get(status, 0)
    assert abs(total - expected) <= 4
    assert len(rows) == min(20, expected)
    assert watched.pages <= FEW, watched.widest


async def test_numbers_of_the_queue_touch_few_pages(crowded: tuple[Pool, UUID], tenant_id: UUID) -> None:
    pool, _ = crowded
    async with tenant(pool, tenant_id) as conn:
        watched = Watched(conn)
        found = await listings.waiting(watched, tenant_id)  # type: ignore[arg-type]  # stands for a connection

    assert sum(found.by_target.values()) == ROWS
    assert watched.pages <= FEW, watched.widest


async def test_a_deep_page_passes_over_ids_alone(crowded: tuple[Pool, UUID], tenant_id: UUID) -> None:
    pool, _ = crowded
    async with tenant(pool, tenant_id) as conn:
        watched = Watched(conn)
        rows = await listings.operations(
            watched,  # type: ignore[arg-type]  # stands for a connection
            tenant_id,
            where=OperationQuery(),
            limit=20,
            offset=10_000,
        )

    skipping = [plan for text, plan in watched.plans if text.startswith("SELECT w.id")]
    assert len(rows) == 20
    assert len(skipping) == 3
    assert all("Index Only Scan" in plan and "Seq Scan" not in plan for plan in skipping)
