"""What the server makes by the million is what submission leaves."""

from collections.abc import AsyncIterator, Awaitable
from pathlib import Path
from uuid import UUID

import asyncpg
import pytest

from tests.benchmarks.ground import Site
from tests.benchmarks.queue import filling
from tests.benchmarks.queue.arena import Arena
from tests.conftest import Database
from worker.store.pool import open_pool

#: What differs from row to row.
OWN = ["id", "account_id", "connector_id", "head_id", "created_at", "updated_at", "ready_at"]
ROWS = """
SELECT to_jsonb(o) - $1::text[] AS operation, to_jsonb(a) - $1::text[] AS account,
    a.head_id = o.id AS leads, o.ready_at = o.created_at AS is_ready,
    (SELECT sum(n) FROM live_counts l WHERE l.connector_id = o.connector_id) AS counted
FROM operations o JOIN accounts a ON a.id = o.account_id
"""


@pytest.fixture
async def arena(database: Database, tenant_id: UUID, tmp_path: Path) -> AsyncIterator[Arena]:
    pool = await open_pool(database.daemon_dsn, size=2)
    site = Site(pool, database.daemon_dsn, tenant_id, tmp_path, b"", database.name)
    yield Arena(database.name, database.admin_dsn, worker=(), left="", site=site)
    await pool.close()


async def test_rows_that_are_made_look_like_those_that_were_submitted(arena: Arena) -> None:
    submitted = await _made(arena, filling.submit(arena.ours, 3, accounts=3))
    made = await _made(arena, filling.make_waiting(arena, 3))

    assert len(submitted) == len(made) == 3
    assert {str(row) for row in made} == {str(row) for row in submitted}


async def _made(arena: Arena, making: Awaitable[object]) -> list[asyncpg.Record]:
    conn = await asyncpg.connect(arena.admin_dsn)
    try:
        await conn.execute("DELETE FROM operations; DELETE FROM live_counts; DELETE FROM accounts")
        await conn.execute("DELETE FROM due_work; DELETE FROM connectors")
        await making
        return await conn.fetch(ROWS, OWN)
    finally:
        await conn.close()
