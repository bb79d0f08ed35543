"""What ended is counted by whoever ends it, in rows that a duty folds."""

import asyncio
from typing import Any
from uuid import UUID

import pytest

from tests.factories import a_connector, accounts, an_operation, enqueue, registered_worker
from worker.queue import Counting
from worker.store import operation_counts, operations
from worker.store.operations import Completion, Failure, Fence
from worker.store.pool import Pool, open_pool
from worker.store.tenant import tenant


@pytest.fixture
async def pool(database: Any) -> Any:
    opened = await open_pool(database.daemon_dsn, size=4)
    yield opened
    await opened.close()


async def counted(pool: Pool, tenant_id: UUID) -> dict[tuple[str, str], int]:
    """By type and status; a kind that stands there more than once is summed."""
    async with tenant(pool, tenant_id) as conn:
        rows = await conn.fetch(
            "SELECT operation_type, status, sum(n)::int AS n FROM operation_counts GROUP BY operation_type, status"
        )
    return {(row["operation_type"], row["status"]): row["n"] for row in rows}


async def end(pool: Pool, tenant_id: UUID, *, completed: int, cancelled: int, resolved: int, name: str = "app") -> UUID:
    """So many operations, one batch for each way to end; their target."""
    target = await a_connector(pool, tenant_id, name=name, has_baseline=True)
    n = completed + cancelled + resolved
    lanes = await accounts(pool, tenant_id, target.id, n)
    await enqueue(pool, tenant_id, *(an_operation(target.id, lane) for lane in lanes))
    async with registered_worker(pool) as owner, tenant(pool, tenant_id) as conn:
        claimed = await operations.claim(conn, tenant_id, connector_id=target.id, owner=owner, limit=n)
        fences = [Fence(op.id, op.epoch, op.account_id) for op in claimed]
        good, called_off, bad = (
            fences[:completed],
            fences[completed : completed + cancelled],
            fences[completed + cancelled :],
        )
        await operations.complete(conn, tenant_id, owner, [Completion(f, 5, target.id, f"u{f.id}") for f in good])
        await operations.cancel(conn, tenant_id, called_off, notes="no", by=None, owner=owner)
        await operations.bury(conn, tenant_id, owner, [Failure(f, 5, "x", "x") for f in bad])
        principal = await conn.fetchval("SELECT id FROM principals LIMIT 1")
        await operations.queries.resolve.rows(
            conn, tenant_id=tenant_id, ids=[f.id for f in bad], notes="done", resolved_by=principal
        )
    return target.id


async def test_each_way_to_end_counts_what_it_archives(pool: Pool, tenant_id: UUID) -> None:
    await end(pool, tenant_id, completed=3, cancelled=2, resolved=4)

    assert await counted(pool, tenant_id) == {
        ("update", "completed"): 3,
        ("update", "cancelled"): 2,
        ("update", "resolved"): 4,
    }
    async with tenant(pool, tenant_id) as conn:
        assert await conn.fetchval("SELECT count(*) FROM operations_archive WHERE NOT is_counted") == 0


async def living(pool: Pool, tenant_id: UUID) -> tuple[int, int]:
    """How many operations live, and how many are said to."""
    async with tenant(pool, tenant_id) as conn:
        row = await conn.fetchrow(
            "SELECT (SELECT count(*) FROM operations)::int, (SELECT coalesce(sum(n), 0) FROM live_counts)::int"
        )
    assert row is not None
    return (row[0], row[1])


async def test_what_lives_is_counted_through_all_that_ends_gives_up_and_brings_back(
    pool: Pool, tenant_id: UUID
) -> None:
    target = await end(pool, tenant_id, completed=1, cancelled=1, resolved=1)
    assert await living(pool, tenant_id) == (0, 0)

    lanes = await accounts(pool, tenant_id, target, 3)
    await enqueue(pool, tenant_id, *(an_operation(target, lane) for lane in lanes), an_operation(target, lanes[0]))
    assert await living(pool, tenant_id) == (4, 4)

    async with registered_worker(pool) as owner, tenant(pool, tenant_id) as conn:
        claimed = await operations.claim(conn, tenant_id, connector_id=target, owner=owner, limit=2)
        fences = [Fence(op.id, op.epoch, op.account_id) for op in claimed]
        await operations.bury(conn, tenant_id, owner, [Failure(f, 5, "x", "x") for f in fences])
    assert await living(pool, tenant_id) == (2, 2)

    async with tenant(pool, tenant_id) as conn:
        await operations.exhume(conn, tenant_id, [fences[0].id])
    assert await living(pool, tenant_id) == (3, 3)


async def test_folding_keeps_every_sum_and_leaves_one_row_of_a_kind(pool: Pool, tenant_id: UUID) -> None:
    target = await end(pool, tenant_id, completed=2, cancelled=1, resolved=0)
    async with tenant(pool, tenant_id) as conn:
        await conn.execute(
            "INSERT INTO operation_counts SELECT tenant_id, completed_day, gen_random_uuid(), made_hour, connector_id, "
            "operation_type, status, 5 FROM operation_counts WHERE connector_id = $1",
            target,
        )
    before = await counted(pool, tenant_id)

    done = await asyncio.gather(*(Counting(pool).run_once() for _ in range(3)))

    assert await counted(pool, tenant_id) == before
    assert all(each.corrected == 0 for each in done)
    await Counting(pool).run_once()
    async with tenant(pool, tenant_id) as conn:
        kinds = await conn.fetch(
            "SELECT count(*) FROM operation_counts "
            "GROUP BY completed_day, made_hour, connector_id, operation_type, status"
        )
        assert {row["count"] for row in kinds} == {1}
        assert await conn.fetchval("SELECT count(*) FROM live_counts") == 0


async def test_what_a_process_of_the_step_before_did_not_count_is_set_right(pool: Pool, tenant_id: UUID) -> None:
    target = await end(pool, tenant_id, completed=1, cancelled=0, resolved=0)
    lanes = await accounts(pool, tenant_id, target, 3)
    await enqueue(pool, tenant_id, *(an_operation(target, lane) for lane in lanes))
    async with tenant(pool, tenant_id) as conn:
        await conn.execute("DELETE FROM live_counts")

    moments = iter([0.0, 0.0, 59.0, 59.0, 61.0, 61.0, 61.0, 62.0, 62.0])
    counting = Counting(pool, clock=lambda: next(moments))
    corrected = [(await counting.run_once()).corrected for _ in range(4)]

    assert corrected == [0, 0, 1, 0]
    assert await living(pool, tenant_id) == (3, 3)


async def test_counts_are_set_right_by_one_process_at_a_time(pool: Pool, tenant_id: UUID) -> None:
    target = await end(pool, tenant_id, completed=1, cancelled=0, resolved=0)
    lanes = await accounts(pool, tenant_id, target, 2)
    await enqueue(pool, tenant_id, *(an_operation(target, lane) for lane in lanes))
    async with tenant(pool, tenant_id) as conn:
        await conn.execute("DELETE FROM live_counts")

    async with tenant(pool, tenant_id) as one, tenant(pool, tenant_id) as other:
        corrected = [await operation_counts.recount(conn, tenant_id) for conn in (one, other)]

    assert corrected == [1, 0]
    assert await living(pool, tenant_id) == (2, 2)
