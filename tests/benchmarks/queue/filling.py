"""Operations that wait: submitted as the product does it, or made by the server itself where it is about millions."""

from uuid import UUID

import asyncpg

from tests import factories
from tests.benchmarks.ground import Site
from tests.benchmarks.queue.arena import Arena
from worker.domain.connector import Connector
from worker.store import due_work
from worker.store.due_work import Kind
from worker.store.tenant import tenant

SUBMITTED_AT_ONCE = 2_000
PAYLOAD = {"attributes": {"title": "x"}}

_ACCOUNTS = """
INSERT INTO accounts (tenant_id, id, connector_id, object_class, state)
SELECT $1, uuidv7(), $2, 'user', 'pending' FROM generate_series(1, $3::integer)
"""
_WAITING = """
WITH made AS MATERIALIZED (SELECT uuidv7() AS account_id, uuidv7() AS id FROM generate_series(1, $3::integer)),
lanes AS (
    INSERT INTO accounts (tenant_id, id, connector_id, object_class, state, seq, live, head_id)
    SELECT $1, account_id, $2, 'user', 'pending', 1, 1, id FROM made
),
counted AS (
    INSERT INTO live_counts (tenant_id, made_at, first_id, last_id, connector_id, operation_type, n)
    SELECT $1, date_trunc('second', now()), min(id::text)::uuid, max(id::text)::uuid, $2, 'update', count(*) FROM made
)
INSERT INTO operations (tenant_id, id, connector_id, account_id, seq, head, operation_type, object_class, status,
    payload, origin, created_at, updated_at)
SELECT $1, id, $2, account_id, 1, true, 'update', 'user', 'pending', '{"attributes": {"title": "x"}}', 'api', now(),
    now()
FROM made ORDER BY id
"""
_FINISHED = """
WITH made AS MATERIALIZED (SELECT uuidv7() AS id, uuidv7() AS account_id FROM generate_series(1, $3::integer)),
archived AS (
    INSERT INTO operations_archive (tenant_id, completed_day, id, connector_id, account_id, seq, operation_type,
        object_class, status, priority, retry_count, max_retries, attempt_number, crashed_leases, payload, epoch,
        origin, version, created_at, updated_at, started_at, completed_at, is_counted)
    SELECT $1, (now() AT TIME ZONE 'UTC')::date, id, $2, account_id, 1, 'update', 'user', 'completed', 0, 0, 10, 1, 0,
        '{"attributes": {"title": "x"}}', 1, 'api', 3, now(), now(), now(), now(), true
    FROM made
),
counted AS (
    INSERT INTO operation_counts (tenant_id, completed_day, id, last_id, made_at, connector_id, operation_type, status,
        n)
    SELECT $1, (now() AT TIME ZONE 'UTC')::date, min(id::text)::uuid, max(id::text)::uuid, date_trunc('second', now()),
        $2, 'update', 'completed', count(*)
    FROM made
)
INSERT INTO attempts (tenant_id, day, operation_id, attempt_number, epoch, started_at, completed_at, success, outcome,
    duration_ms)
SELECT $1, (now() AT TIME ZONE 'UTC')::date, id, 1, 1, now(), now(), true, 'done', 1 FROM made
"""
_PLACED = """
SELECT count(*) FROM operations o JOIN accounts a ON a.tenant_id = o.tenant_id AND a.id = o.account_id
WHERE o.status = 'pending' AND o.seq <= a.seq AND o.head = (a.head_id = o.id)
"""
#: Rows that the server makes in one statement.
MADE_AT_ONCE = 500_000


async def target(site: Site, *, is_open: bool = True) -> Connector:
    """A target that is open, or waits for its first listing."""
    return await factories.a_connector(site.pool, site.tenant_id, settings={"require_baseline": not is_open})


async def lanes(site: Site, connector: Connector, count: int) -> list[UUID]:
    """Accounts with nothing in their lanes."""
    async with tenant(site.pool, site.tenant_id) as conn:
        await conn.execute(_ACCOUNTS, site.tenant_id, connector.id, count)
        rows = await conn.fetch("SELECT id FROM accounts WHERE connector_id = $1 ORDER BY id", connector.id)
    return [row["id"] for row in rows]


async def submit(site: Site, count: int, *, accounts: int) -> None:
    """Submit operations, as many to each account, an account's one after the other."""
    connector = await target(site)
    known = await lanes(site, connector, accounts)
    for at in range(0, count, SUBMITTED_AT_ONCE):
        wanted = [known[n % accounts] for n in range(at, min(at + SUBMITTED_AT_ONCE, count))]
        operations = [factories.an_operation(connector.id, account, payload=PAYLOAD) for account in wanted]
        await factories.enqueue(site.pool, site.tenant_id, *operations)


async def make_waiting(arena: Arena, count: int, *, is_open: bool = True) -> Connector:
    """Rows as ``submit`` leaves them, an operation on each account, for a target of their own."""
    site = arena.ours
    connector = await target(site, is_open=is_open)
    await _make(arena, _WAITING, connector.id, count)
    async with tenant(site.pool, site.tenant_id) as conn:
        await due_work.ask(conn, site.tenant_id, Kind.CLAIM, connector.id)
    return connector


async def make_finished(arena: Arena, count: int) -> Connector:
    """Archived operations with an attempt each, of a target that has nothing to do."""
    site = arena.ours
    connector = await factories.a_connector(site.pool, site.tenant_id, name="past")
    await _make(arena, _FINISHED, connector.id, count)
    return connector


async def waiting(arena: Arena) -> int:
    """How many operations are stored and pending, each with its place in a lane."""
    conn = await asyncpg.connect(arena.admin_dsn)
    try:
        return int(await conn.fetchval(_PLACED))
    finally:
        await conn.close()


async def _make(arena: Arena, statement: str, connector_id: UUID, count: int) -> None:
    conn = await asyncpg.connect(arena.admin_dsn)
    try:
        for at in range(0, count, MADE_AT_ONCE):
            part = min(MADE_AT_ONCE, count - at)
            await conn.execute(statement, arena.ours.tenant_id, connector_id, part)
    finally:
        await conn.close()
