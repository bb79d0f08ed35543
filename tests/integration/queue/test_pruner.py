"""History is made room for and dropped while people read it and operations finish into it."""

import asyncio
from datetime import date, timedelta
from random import Random
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest

from tests.conftest import Database
from tests.factories import accounts, an_operation, enqueue
from worker.queue import Pruner
from worker.store import operations
from worker.store.operations import Completion, Fence
from worker.store.pool import Pool
from worker.store.tenant import tenant

KEPT_DAYS = 90
LONG_AGO = 100
PARENTS = ("attempts", "operation_counts", "operation_logs", "operations_archive")
A_LOG_LINE = """
INSERT INTO operation_logs (tenant_id, day, operation_id, id, at, level, message)
SELECT $1, $2, gen_random_uuid(), gen_random_uuid(), now(), 'info', 'x' FROM generate_series(1, $3::integer)
"""
PARTITIONS = """
SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid JOIN pg_class p ON p.oid = i.inhparent
WHERE p.relname = ANY($1) AND p.relkind = 'p'
"""


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("worker.queue.pruner.BETWEEN_TRIES_S", 0.01)


@pytest.fixture
async def today(pool: Pool) -> date:
    async with pool.acquire() as conn:
        found: date = await conn.fetchval("SELECT (db_now() AT TIME ZONE 'UTC')::date")
    return found


def pruner(pool: Pool) -> Pruner:
    return Pruner(pool, keep_days=KEPT_DAYS, rng=Random(1))


async def as_owner(database: Database, statement: str, *values: Any) -> list[Any]:
    conn = await asyncpg.connect(database.owner_dsn)
    try:
        return list(await conn.fetch(statement, *values))
    finally:
        await conn.close()


async def days_of(database: Database, parent: str) -> set[str]:
    rows = await as_owner(database, PARTITIONS, [parent])
    return {row["relname"].rpartition("_")[2] for row in rows} - {"rest"}


async def log_lines(pool: Pool, tenant_id: UUID, day: date, count: int = 1) -> None:
    async with tenant(pool, tenant_id) as conn:
        await conn.execute(A_LOG_LINE, tenant_id, day, count)


async def lines_of(pool: Pool, tenant_id: UUID, day: date) -> int:
    async with tenant(pool, tenant_id) as conn:
        found: int = await conn.fetchval(
            "SELECT count(*) FROM operation_logs WHERE tenant_id = $1 AND day = $2", tenant_id, day
        )
    return found


async def finish_one(pool: Pool, tenant_id: UUID, target: UUID, owner: UUID) -> None:
    """Accept, claim and complete an operation, which writes to the archive, the counts and the attempts."""
    (lane,) = await accounts(pool, tenant_id, target, 1)
    await enqueue(pool, tenant_id, an_operation(target, lane))
    async with tenant(pool, tenant_id) as conn:
        (op,) = await operations.claim(conn, tenant_id, connector_id=target, owner=owner, limit=1)
    async with tenant(pool, tenant_id) as conn:
        end = Completion(Fence(id=op.id, epoch=op.epoch, account_id=lane), 1, connector_id=target, uid=str(lane))
        assert await operations.complete(conn, tenant_id, owner, [end])


async def test_partitions_are_made_ahead_and_old_ones_dropped(
    database: Database, pool: Pool, tenant_id: UUID, today: date
) -> None:
    """Of the archive, its counts, the attempts and the logs alike; what is younger stays."""
    old, young = today - timedelta(days=LONG_AGO), today - timedelta(days=30)
    await as_owner(database, "SELECT ensure_partitions($1, 2)", old)
    await as_owner(database, "SELECT ensure_partitions($1, 1)", young)
    await as_owner(database, f"DROP TABLE attempts_{today + timedelta(days=13):%Y%m%d}")
    await log_lines(pool, tenant_id, old)
    await log_lines(pool, tenant_id, young)

    found = await pruner(pool).run_once()

    ahead = {f"{today + timedelta(days=n):%Y%m%d}" for n in range(14)}
    assert (found.partitions_made, found.partitions_dropped, found.is_held_up) == (1, 2 * len(PARENTS), False)
    for parent in PARENTS:
        assert await days_of(database, parent) == ahead | {f"{young:%Y%m%d}"}
    assert (await lines_of(pool, tenant_id, old), await lines_of(pool, tenant_id, young)) == (0, 1)


async def test_operations_finish_while_somebody_reads_what_is_to_be_dropped(
    database: Database, pool: Pool, tenant_id: UUID, target: UUID, owner: UUID, today: date
) -> None:
    """The round ends without it, and a later one drops it."""
    old = today - timedelta(days=LONG_AGO)
    await as_owner(database, "SELECT ensure_partitions($1, 1)", old)
    await log_lines(pool, tenant_id, old, 3)
    reader = await asyncpg.connect(database.owner_dsn)
    try:
        await reader.execute("BEGIN ISOLATION LEVEL REPEATABLE READ")
        for parent in PARENTS:
            await reader.execute(f"SELECT count(*) FROM {parent}")
        pruning = asyncio.create_task(pruner(pool).run_once())
        finished = 0
        while not pruning.done():
            await finish_one(pool, tenant_id, target, owner)
            finished += 1
        held_up = await pruning
        left = await lines_of(pool, tenant_id, old)
    finally:
        await reader.close()
    done = await pruner(pool).run_once()

    assert finished > 0
    assert (held_up.is_held_up, held_up.partitions_dropped, left) == (True, 0, 3)
    assert (done.is_held_up, done.partitions_dropped) == (False, len(PARENTS))


async def test_partitions_are_dropped_while_operations_finish_without_pause(
    database: Database, pool: Pool, tenant_id: UUID, target: UUID, owner: UUID, today: date
) -> None:
    old = today - timedelta(days=LONG_AGO)
    await as_owner(database, "SELECT ensure_partitions($1, 3)", old)
    is_over = asyncio.Event()

    async def load() -> int:
        finished = 0
        while not is_over.is_set():
            await finish_one(pool, tenant_id, target, owner)
            finished += 1
        return finished

    loading = asyncio.create_task(load())
    dropped = 0
    for _ in range(50):
        found = await pruner(pool).run_once()
        dropped += found.partitions_dropped
        if not found.is_held_up:
            break
    is_over.set()
    finished = await loading
    async with tenant(pool, tenant_id) as conn:
        archived = await conn.fetchval("SELECT count(*) FROM operations_archive WHERE tenant_id = $1", tenant_id)

    assert dropped == 3 * len(PARENTS)
    assert archived == finished > 0


async def test_a_day_that_began_without_a_partition_stays_where_it_began(
    database: Database, pool: Pool, tenant_id: UUID, today: date
) -> None:
    """As after weeks in which nobody made partitions; the days after it get theirs."""
    day = today + timedelta(days=5)
    await as_owner(database, f"DROP TABLE operation_logs_{day:%Y%m%d}, operation_logs_{day + timedelta(days=1):%Y%m%d}")
    await log_lines(pool, tenant_id, day, 2)

    found = await pruner(pool).run_once()

    assert (found.partitions_made, found.is_held_up) == (1, False)
    assert f"{day:%Y%m%d}" not in await days_of(database, "operation_logs")
    assert await lines_of(pool, tenant_id, day) == 2


async def test_old_rows_without_a_partition_go_a_few_at_a_time(
    pool: Pool, tenant_id: UUID, today: date, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("worker.queue.pruner.BATCH", 10)
    old, young = today - timedelta(days=LONG_AGO), today - timedelta(days=KEPT_DAYS - 1)
    await log_lines(pool, tenant_id, old, 25)
    await log_lines(pool, tenant_id, young, 5)

    found = await pruner(pool).run_once()

    assert found.rows_dropped == 25
    assert (await lines_of(pool, tenant_id, old), await lines_of(pool, tenant_id, young)) == (0, 5)


async def test_keys_are_forgotten_once_they_guard_nothing(
    database: Database, pool: Pool, tenant_id: UUID, target: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After a week, and not while the operation they stand for is still to be done."""
    monkeypatch.setattr("worker.queue.pruner.BATCH", 10)
    (lane,) = await accounts(pool, tenant_id, target, 1)
    (waiting,) = await enqueue(pool, tenant_id, an_operation(target, lane))
    keys = {"young": (6, uuid4()), "old, and its operation waits": (20, waiting)}
    keys |= {f"old {n}": (8, uuid4()) for n in range(25)}
    async with tenant(pool, tenant_id) as conn:
        for key, (days, operation_id) in keys.items():
            await conn.execute(
                "INSERT INTO idempotency_keys (tenant_id, key, body_hash, operation_id, created_at) "
                "VALUES ($1, $2, '', $3, now() - make_interval(days => $4))",
                tenant_id,
                key,
                operation_id,
                days,
            )

    found = await pruner(pool).run_once()

    async with tenant(pool, tenant_id) as conn:
        rows = await conn.fetch("SELECT key FROM idempotency_keys WHERE tenant_id = $1", tenant_id)
    assert found.keys_dropped == 25
    assert {row["key"] for row in rows} == {"young", "old, and its operation waits"}


async def test_young_history_is_not_dropped_whoever_asks(pool: Pool, tenant_id: UUID, today: date) -> None:
    for statement in ("SELECT drop_partitions($1)", "SELECT drop_rest($2, $1, 10)"):
        values = [today - timedelta(days=6), tenant_id][: statement.count("$")]
        async with pool.acquire() as conn:
            with pytest.raises(asyncpg.RaiseError, match="younger than seven days"):
                await conn.execute(statement, *values)


async def test_settled_conflicts_are_history_and_others_wait_however_long(pool: Pool, tenant_id: UUID) -> None:
    async with tenant(pool, tenant_id) as conn:
        for days, outcome in ((LONG_AGO, "applied"), (1, "applied"), (LONG_AGO, None)):
            await conn.execute(
                "INSERT INTO conflicts (tenant_id, id, connector_id, account_id, operation_id_a, conflict_type, "
                "affected_attributes, status, outcome, strategy, created_at, resolved_at) "
                "SELECT $1, gen_random_uuid(), $1, $1, gen_random_uuid(), 'external_change', '{mail}', "
                "CASE WHEN $3::text IS NULL THEN 'pending' ELSE 'resolved' END, $3, 'manual', t.at, "
                "CASE WHEN $3 IS NOT NULL THEN t.at END FROM (SELECT now() - $2 * interval '1 day' AS at) t",
                tenant_id,
                days,
                outcome,
            )

    found = await pruner(pool).run_once()

    async with tenant(pool, tenant_id) as conn:
        left = await conn.fetch("SELECT status FROM conflicts ORDER BY created_at")
    assert found.conflicts_dropped == 1
    assert [row["status"] for row in left] == ["pending", "resolved"]
