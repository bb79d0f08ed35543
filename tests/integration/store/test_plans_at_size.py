"""What the queue's statements read, beside very many operations that wait: what they need, however many those are.

The plans are those that the daemon's own calls get, told by the server while they run. ``PLAN_ROWS=1000000`` looks at
a million.
"""

import asyncio
import json
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest

from tests.factories import a_connector, an_operation
from worker.domain.ids import uuid7
from worker.domain.operation import Operation, Origin
from worker.queue import OperationQueue
from worker.store import claims, due_work, operations, workers
from worker.store.operations import Completion, Failure, Fence
from worker.store.pool import Connection, Pool, open_pool
from worker.store.sql import load
from worker.store.tenant import tenant

ROWS = int(os.environ.get("PLAN_ROWS", "100000"))
BATCH = 100
#: So many pages of a batch: a lane, an operation with its indexes, an attempt, an archive row, a count, each.
A_ROW = 40
#: Pages that a statement may read beside its rows, down the trees of its indexes and through their dead ends.
A_CALL = 400
#: Beside what waits: so many of each are of a dead worker, due again, or stand behind others in one lane.
SOME, DEEP = 500, 10_000
LARGE = {"operations", "accounts", "dead_letters"}
FILES = ("operations", "due_work", "workers", "claims")
NAMES = {query.text: f"{file}.{query.name}" for file in FILES for query in load(file)}

LETTERS, OTHERS = ([UUID(f"019ad000-0000-7000-8000-{n:012x}") for n in range(k, k + BATCH)] for k in (1, BATCH + 1))
_WHY = {"notes": "Done by hand.", "resolved_by": uuid4()}

EXPLAINED = """
LOAD 'auto_explain';
SET auto_explain.log_min_duration = 0; SET auto_explain.log_analyze = on; SET auto_explain.log_timing = off;
SET auto_explain.log_format = json; SET auto_explain.log_buffers = on; SET client_min_messages = log;
SET ROLE provisiond_worker
"""
LOADED = """
SET synchronous_commit = off;
CREATE TEMP TABLE n AS SELECT n, nth('a', n) AS account, nth('b', n) AS id FROM generate_series(1, {rows}) n;
INSERT INTO accounts (tenant_id, id, connector_id, object_class, uid, state, seq, live, head_id)
SELECT '{tenant}', account, '{target}', 'user', 'u' || n, 'active', 1, 1, id FROM n;
INSERT INTO operations (tenant_id, id, connector_id, account_id, seq, head, operation_type, object_class, status,
    wait_reason, priority, attempt_number, epoch, owner, next_retry_at, crashed_leases, payload, origin, created_at,
    updated_at)
SELECT '{tenant}', id, '{target}', account, 1, true, 'update', 'user', s.status,
    CASE s.status WHEN 'awaiting_system' THEN 'target_down' END, n % 3 * 10, s.tries, s.tries, s.owner, s.due,
    s.crashed, '{{"attributes": {{"title": "x"}}}}', 'api', now(), now()
FROM n, LATERAL (SELECT * FROM (VALUES
    (n % ({rows} / {some}) = 2, 'in_progress', 1, '{dead}'::uuid, NULL, 0),
    (n % ({rows} / {some}) = 3, 'in_progress', 1, '{other}'::uuid, NULL, 0),
    (n % ({rows} / {some}) = 4, 'failed', 1, NULL, now(), 0),
    (n % ({rows} / {some}) = 5, 'awaiting_system', 1, NULL, now(), 0),
    (n % ({rows} / {some}) = 6, 'pending', 1, NULL, NULL, 1),
    (n % 10 = 0, 'failed', 1, NULL, now() + interval '1 hour', 0),
    (n % 10 = 1, 'awaiting_system', 1, NULL, now() + interval '1 hour', 0),
    (true, 'pending', 0, NULL, NULL, 0)) v(fits, status, tries, owner, due, crashed) WHERE fits LIMIT 1) s;
INSERT INTO operations (tenant_id, id, connector_id, account_id, seq, head, operation_type, object_class, status,
    payload, origin, created_at, updated_at)
SELECT '{tenant}', nth('c', n::integer), '{target}', nth('a', {rows}), n + 1, false, 'update', 'user', 'pending',
    '{{"attributes": {{}}}}', 'api', now(), now() FROM generate_series(1, {deep}) n;
INSERT INTO claims (tenant_id, owner, id, operation_ids)
SELECT '{tenant}', owner, gen_random_uuid(), array_agg(id) FROM operations WHERE owner IS NOT NULL GROUP BY owner;
UPDATE accounts SET live = 1 + {deep}, seq = 1 + {deep} WHERE id = nth('a', {rows});
INSERT INTO dead_letters (tenant_id, id, connector_id, account_id, seq, operation_type, object_class, status, payload,
    origin, created_at, updated_at, dead_at, epoch, attempt_number)
SELECT '{tenant}', nth('d', n::integer), '{target}', account, 0, 'update', 'user', 'dead_letter', '{{}}', 'api', now(),
    now(), now(), 1, 1 FROM n WHERE n <= {deep};
ANALYZE operations; ANALYZE accounts; ANALYZE dead_letters
"""
NTH = """
CREATE FUNCTION pg_temp.nth(kind text, n integer) RETURNS uuid LANGUAGE sql IMMUTABLE AS $$
    SELECT ('019a' || kind || '000-0000-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid $$
"""


@dataclass(slots=True)
class Told:
    """What the server said about each statement while it ran: name -> plan."""

    plans: list[tuple[str, dict[str, Any]]] = field(default_factory=list)

    def hear(self, _: object, message: Any) -> None:
        _, is_plan, text = message.message.partition("plan:\n")
        if is_plan:
            found = json.loads(text)
            self.plans.append((NAMES.get(found["Query Text"], ""), found["Plan"]))

    def named(self) -> Iterator[tuple[str, dict[str, Any]]]:
        return ((name, plan) for name, plan in self.plans if name)


@dataclass(frozen=True, slots=True)
class Hall:
    """A target with very much before its door."""

    pool: Pool
    tenant_id: UUID
    target: UUID
    #: Beside it, and nothing waits there.
    idle: UUID
    owner: UUID
    dead: UUID

    async def told(self, act: Callable[[Connection], Awaitable[object]], *, by_hash: bool = False) -> Told:
        told = Told()
        async with tenant(self.pool, self.tenant_id, is_hot=True, by_hash=by_hash) as conn:
            conn.add_log_listener(told.hear)
            try:
                await act(conn)
                await conn.execute("SELECT")  # the server speaks of a statement when the next one comes
                await asyncio.sleep(0)
            finally:
                conn.remove_log_listener(told.hear)
        return told

    async def claim(self, conn: Connection) -> list[Operation]:
        where = {"connector_id": self.target, "owner": self.owner}
        return await operations.claim(conn, self.tenant_id, **where, limit=BATCH)


@pytest.fixture
async def hall(database: Any, tenant_id: UUID) -> AsyncIterator[Hall]:
    pool = await open_pool(database.admin_dsn, size=1)
    target = (await a_connector(pool, tenant_id, settings={"require_baseline": False})).id
    idle = (await a_connector(pool, tenant_id, name="idle", settings={"require_baseline": False})).id
    owner, dead, other = uuid4(), uuid4(), uuid4()
    admin: asyncpg.Connection[Any] = await asyncpg.connect(database.admin_dsn)
    await admin.execute(NTH)
    values = {"tenant": tenant_id, "target": target, "dead": dead, "other": other, "rows": ROWS, "some": SOME}
    await admin.execute(LOADED.replace("nth(", "pg_temp.nth(").format(**values, deep=DEEP))
    await admin.close()
    async with pool.acquire() as conn:
        for one in (owner, other):
            await workers.register(conn, one, host="test", pid=1, version="0", roles=["worker"], lease_s=3600.0)
        await conn.execute(EXPLAINED)
    yield Hall(pool, tenant_id, target, idle, owner, dead)
    await pool.close()


@pytest.mark.timeout(600)
async def test_no_statement_of_the_queue_reads_what_it_does_not_need(hall: Hall) -> None:
    """One after the other, as a worker does them; each is bounded by its batch, whatever waits beside it."""
    await _judge(_acts(hall))


@pytest.mark.timeout(600)
async def test_a_rescue_reads_only_what_the_dead_held(hall: Hall) -> None:
    await _judge(_rescues(hall))


async def _judge(acts: AsyncIterator[Told]) -> None:
    found = [one async for told in acts for one in told.named()]
    print("\n".join(f"{name:28} {_pages(plan):7} pages, {_scans(plan)}" for name, plan in found))

    assert found
    assert [f"{name}: {scan}" for name, plan in found for scan in _trapped(plan)] == []
    assert [f"{name}: {_pages(plan)} pages" for name, plan in found if _pages(plan) > A_CALL + A_ROW * BATCH] == []


async def _acts(hall: Hall) -> AsyncIterator[Told]:
    tenant_id, target = hall.tenant_id, hall.target
    where = {"tenant_id": tenant_id, "connector_id": target}
    for _ in range(3):  # what is ready, and beside it suspects and retries that are due
        yield await hall.told(hall.claim)
    ends = (_complete, _go_on, _bury, _fail, _park, _release, _cancel)
    for end, by_hash in [(each, True) for each in ends] + [(each, False) for each in ends[3:]]:
        held: list[Operation] = []

        async def claim(conn: Connection, held: list[Operation] = held) -> None:
            held += (await hall.claim(conn))[:BATCH]

        yield await hall.told(claim)
        assert len(held) == BATCH
        yield await hall.told(lambda conn, end=end, held=held: end(conn, hall, held), by_hash=by_hash)
    yield await hall.told(lambda conn: operations.wake_due(conn, **where, limit=BATCH))
    yield await hall.told(lambda conn: due_work.settle_claim(conn, tenant_id, target))
    async with tenant(hall.pool, tenant_id) as conn:
        await due_work.ask(conn, tenant_id, due_work.Kind.CLAIM, hall.idle)
    yield await hall.told(lambda conn: due_work.settle_claim(conn, tenant_id, hall.idle))
    decided = {"approval_id": uuid4(), "case_id": uuid4()}
    yield await hall.told(lambda conn: operations.queries.wake.rows(conn, tenant_id=tenant_id, **decided))
    yield await hall.told(lambda conn: operations.exhume(conn, tenant_id, LETTERS))
    yield await hall.told(lambda conn: operations.queries.resolve.rows(conn, tenant_id=tenant_id, ids=OTHERS, **_WHY))
    yield await hall.told(lambda conn: _enqueue(conn, hall))
    yield await hall.told(lambda conn: _cancel_waiting(conn, hall))


async def _rescues(hall: Hall) -> AsyncIterator[Told]:
    tenant_id = hall.tenant_id
    dead, ids = [hall.dead], list[UUID]()

    async def held(conn: Connection) -> None:
        ids.extend(await claims.held(conn, tenant_id, dead))

    yield await hall.told(held)
    assert len(ids) == SOME
    yield await hall.told(lambda conn: operations.crash_looping(conn, tenant_id, dead, ids[:BATCH]))
    yield await hall.told(lambda conn: operations.rescue(conn, tenant_id, dead, ids[:BATCH]), by_hash=True)
    yield await hall.told(lambda conn: claims.orphaned(conn, tenant_id))
    yield await hall.told(lambda conn: claims.forget(conn, tenant_id, dead))


async def _complete(conn: Connection, hall: Hall, held: list[Operation]) -> None:
    assert len(await operations.complete(conn, hall.tenant_id, hall.owner, _well(hall, held))) == BATCH


async def _go_on(conn: Connection, hall: Hall, held: list[Operation]) -> None:
    """Heads that others stand behind, which are claimed along."""
    lanes = [op.account_id for op in held]
    await _put_behind(conn, hall, lanes)
    ended = await operations.complete_and_claim(conn, hall.tenant_id, hall.owner, _well(hall, held), lanes=lanes)
    assert len(ended.claimed) == BATCH


def _well(hall: Hall, held: list[Operation]) -> list[Completion]:
    return [Completion(_fence(op), 1, hall.target, f"u-{op.id}", observed={"title": "x"}) for op in held]


async def _fail(conn: Connection, hall: Hall, held: list[Operation]) -> None:
    ends = [Failure(_fence(op), 1, "timeout", "No answer.", delay_s=3600.0) for op in held]
    assert len(await operations.fail(conn, hall.tenant_id, hall.owner, ends)) == BATCH


async def _park(conn: Connection, hall: Hall, held: list[Operation]) -> None:
    ends = [Failure(_fence(op), 1, None, "Down.", delay_s=3600.0, reason="target_down") for op in held]
    assert len(await operations.park(conn, hall.tenant_id, hall.owner, ends)) == BATCH


async def _bury(conn: Connection, hall: Hall, held: list[Operation]) -> None:
    ends = [Failure(_fence(op), 1, "invalid", "No.") for op in held]
    assert len(await operations.bury(conn, hall.tenant_id, hall.owner, ends)) == BATCH


async def _release(conn: Connection, hall: Hall, held: list[Operation]) -> None:
    assert len(await operations.release(conn, hall.tenant_id, hall.owner, [_fence(op) for op in held])) == BATCH


async def _cancel(conn: Connection, hall: Hall, held: list[Operation]) -> None:
    fences = [_fence(op) for op in held]
    done = await operations.cancel(conn, hall.tenant_id, fences, notes="No.", by=None, owner=hall.owner)
    assert len(done) == BATCH


async def _cancel_waiting(conn: Connection, hall: Hall) -> None:
    """Heads that others stand behind, as people cancel them."""
    query = "SELECT id, account_id FROM operations WHERE tenant_id = $1 AND head AND status = 'failed' LIMIT $2"
    heads = await conn.fetch(query, hall.tenant_id, BATCH)
    await _put_behind(conn, hall, [row["account_id"] for row in heads])
    fences = [Fence(id=row["id"], epoch=-1, account_id=row["account_id"]) for row in heads]
    assert len(await operations.cancel(conn, hall.tenant_id, fences, notes="No.", by=None)) == BATCH


async def _enqueue(conn: Connection, hall: Hall) -> None:
    rows = await conn.fetch("SELECT id FROM accounts WHERE tenant_id = $1 ORDER BY id LIMIT $2", hall.tenant_id, BATCH)
    await _put_behind(conn, hall, [row["id"] for row in rows])


async def _put_behind(conn: Connection, hall: Hall, lanes: list[UUID]) -> None:
    new = [an_operation(hall.target, lane, origin=Origin.EVENT, id=uuid7()) for lane in lanes]
    await OperationQueue().enqueue(conn, tenant_id=hall.tenant_id, operations=new)


def _fence(op: Operation) -> Fence:
    return Fence(id=op.id, epoch=op.epoch, account_id=op.account_id)


def _pages(plan: dict[str, Any]) -> int:
    """Pages looked at, in memory or not; those of inner nodes are counted in the outer one."""
    return int(plan["Shared Hit Blocks"] + plan["Shared Read Blocks"])


def _trapped(plan: dict[str, Any]) -> list[str]:
    """Scans of a whole table, and rows that were read only to be thrown away, many times as many as were wanted."""
    found = []
    for node in _nodes(plan):
        removed = node.get("Rows Removed by Filter", 0) + node.get("Rows Removed by Join Filter", 0)
        thrown_away = removed * node.get("Actual Loops", 1)
        if node["Node Type"] == "Seq Scan" and node.get("Relation Name") in LARGE:
            found.append(f"reads all of {node['Relation Name']}")
        if thrown_away > BATCH * 10:
            found.append(f"{node['Node Type']} {node.get('Index Name', '')} throws away {thrown_away:.0f} rows")
    return found


def _scans(plan: dict[str, Any]) -> str:
    """The indexes by which the large tables are entered."""
    nodes = [node for node in _nodes(plan) if node.get("Relation Name") in LARGE or "Index Name" in node]
    return ", ".join(sorted({str(node.get("Index Name", node["Node Type"])) for node in nodes}))


def _nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for inner in plan.get("Plans", []):
        yield from _nodes(inner)
