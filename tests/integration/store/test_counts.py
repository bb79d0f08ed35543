"""What ended is counted by whoever ends it, in rows that a duty folds."""

import asyncio
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from tests.factories import a_connector, accounts, an_operation, enqueue, registered_worker
from worker.queue import Counting
from worker.store import listings, operation_counts, operations
from worker.store.listings import OperationQuery
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
    assert await unfound(pool, tenant_id) == []


async def living(pool: Pool, tenant_id: UUID) -> tuple[int, int]:
    """How many operations live, and how many are said to."""
    async with tenant(pool, tenant_id) as conn:
        row = await conn.fetchrow(
            "SELECT (SELECT count(*) FROM operations)::int, (SELECT coalesce(sum(n), 0) FROM live_counts)::int"
        )
    assert row is not None
    return (row[0], row[1])


async def unfound(pool: Pool, tenant_id: UUID) -> list[str]:
    """Operations that are not between the ids of any count of their time."""
    async with tenant(pool, tenant_id) as conn:
        return [row[0] for row in await conn.fetch(_UNFOUND)]


_UNFOUND = """
SELECT o.id::text FROM operations o WHERE NOT EXISTS (
    SELECT 1 FROM live_counts k WHERE k.tenant_id = o.tenant_id AND k.made_at <= o.created_at
        AND o.created_at < k.made_at + k.seconds * interval '1 second' AND o.id BETWEEN k.first_id AND k.last_id)
UNION ALL
SELECT o.id::text FROM operations_archive o WHERE o.is_counted AND NOT EXISTS (
    SELECT 1 FROM operation_counts k WHERE k.tenant_id = o.tenant_id AND k.completed_day = o.completed_day
        AND k.made_at <= o.created_at AND o.created_at < k.made_at + k.seconds * interval '1 second'
        AND o.id BETWEEN k.id AND k.last_id)"""


async def test_what_lives_is_counted_through_all_that_ends_gives_up_and_brings_back(
    pool: Pool, tenant_id: UUID
) -> None:
    target = await end(pool, tenant_id, completed=1, cancelled=1, resolved=1)
    assert await living(pool, tenant_id) == (0, 0)

    lanes = await accounts(pool, tenant_id, target, 3)
    await enqueue(pool, tenant_id, *(an_operation(target, lane) for lane in lanes), an_operation(target, lanes[0]))
    assert await living(pool, tenant_id) == (4, 4)
    assert await unfound(pool, tenant_id) == []

    async with registered_worker(pool) as owner, tenant(pool, tenant_id) as conn:
        claimed = await operations.claim(conn, tenant_id, connector_id=target, owner=owner, limit=2)
        fences = [Fence(op.id, op.epoch, op.account_id) for op in claimed]
        await operations.bury(conn, tenant_id, owner, [Failure(f, 5, "x", "x") for f in fences])
    assert await living(pool, tenant_id) == (2, 2)

    async with tenant(pool, tenant_id) as conn:
        await operations.exhume(conn, tenant_id, [fences[0].id])
    assert await living(pool, tenant_id) == (3, 3)
    assert await unfound(pool, tenant_id) == []


async def test_folding_keeps_every_sum_and_leaves_one_row_of_a_kind(pool: Pool, tenant_id: UUID) -> None:
    target = await end(pool, tenant_id, completed=2, cancelled=1, resolved=0)
    async with tenant(pool, tenant_id) as conn:
        await conn.execute(
            "INSERT INTO operation_counts (tenant_id, completed_day, id, last_id, made_at, connector_id, "
            "operation_type, status, n) "
            "SELECT tenant_id, completed_day, gen_random_uuid(), last_id, made_at, connector_id, "
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
            "GROUP BY completed_day, made_at, connector_id, operation_type, status"
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


_LIVING = """
INSERT INTO operations (tenant_id, id, connector_id, account_id, seq, head, operation_type, object_class, status,
    payload, origin, created_at, updated_at)
SELECT $1, n.id, $2, gen_random_uuid(), 1, true, 'update', 'user', 'pending', '{}', 'api', n.at, n.at
FROM unnest($3::uuid[], $4::timestamptz[]) AS n(id, at)
"""
_COUNT_LIVING = """
INSERT INTO live_counts (tenant_id, made_at, first_id, last_id, connector_id, operation_type, n)
SELECT $1, date_trunc('second', at), min(id::text)::uuid, max(id::text)::uuid, $2, 'update', count(*)
FROM unnest($3::uuid[], $4::timestamptz[]) AS n(id, at) GROUP BY 2
"""
_END = """
WITH done AS (DELETE FROM operations WHERE id = ANY($2::uuid[]) RETURNING *),
ended AS (
    SELECT min(id::text)::uuid AS id, max(id::text)::uuid AS last_id, date_trunc('second', created_at) AS made_at,
        connector_id, count(*) AS n
    FROM done GROUP BY 3, 4
),
counted AS (
    INSERT INTO operation_counts (tenant_id, completed_day, id, last_id, made_at, connector_id, operation_type,
        status, n)
    SELECT $1, current_date, id, last_id, made_at, connector_id, 'update', 'completed', n FROM ended
),
uncounted AS (
    INSERT INTO live_counts (tenant_id, made_at, connector_id, operation_type, n)
    SELECT $1, made_at, connector_id, 'update', -n FROM ended
)
INSERT INTO operations_archive (tenant_id, completed_day, id, connector_id, account_id, seq, operation_type,
    object_class, status, priority, retry_count, max_retries, attempt_number, crashed_leases, payload, epoch, origin,
    version, created_at, updated_at, completed_at, is_counted)
SELECT $1, current_date, id, connector_id, account_id, 1, 'update', 'user', 'completed', 0, 0, 10, 1, 0, '{}', 1, 'api',
    2, created_at, now(), now(), true
FROM done
"""


@pytest.mark.parametrize("seed", range(4))
async def test_any_time_is_counted_exactly_however_far_the_counts_are_folded(
    pool: Pool, database: Any, tenant_id: UUID, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    """Some hours are folded to one count, others to minutes or not at all, some while others still come and go."""
    monkeypatch.setattr(listings, "MANY", 1)
    monkeypatch.setattr(operation_counts, "FEW", 10)
    rng = Random(seed)
    target = await a_connector(pool, tenant_id)
    begin = datetime(2026, 3, 1, 8, tzinfo=UTC)
    owner = await asyncpg.connect(database.admin_dsn)
    made: dict[UUID, datetime] = {}
    ended: set[UUID] = set()
    for _ in range(12):
        new = {made_id(at, rng): at for at in moments(begin, rng)}
        for statement in (_LIVING, _COUNT_LIVING):
            await owner.execute(statement, tenant_id, target.id, list(new), list(new.values()))
        made |= new
        some = rng.sample(sorted(made.keys() - ended), k=rng.randrange(len(made) - len(ended)))
        await owner.execute(_END, tenant_id, some)
        ended |= set(some)
        async with tenant(pool, tenant_id) as conn:
            await operation_counts.fold(conn, tenant_id, limit=rng.choice([5, 50, 1000]))
            for _ in range(6):
                first, last = sorted(begin + timedelta(seconds=rng.choice(EDGES) + rng.random()) for _ in range(2))
                where = OperationQuery(from_date=first, to_date=last)
                counts = await listings.operation_counts(conn, tenant_id, where=where)
                rows = await listings.operations(conn, tenant_id, where=where, limit=1000, known=counts)
                expected = {id_ for id_, at in made.items() if first <= at < last}

                assert {row["id"] for row in rows} == expected
                assert counts.get("completed", 0) == len(expected & ended)
                assert sum(counts.values()) == len(expected)
        assert await living(pool, tenant_id) == (len(made) - len(ended),) * 2
        assert await unfound(pool, tenant_id) == []
    await owner.close()


EDGES = (0, 1, 2, 59, 60, 61, 130, 3599, 3600, 3660, 7200, 10_000)


def moments(begin: datetime, rng: Random) -> list[datetime]:
    """Many in one second, some in one minute, a few in an hour."""
    crowd = [begin + timedelta(seconds=1 + rng.random() / 2) for _ in range(6)]
    some = [begin + timedelta(seconds=60 + 60 * rng.random()) for _ in range(3)]
    return crowd + some + [begin + timedelta(seconds=3600 + 3600 * rng.random())]


def made_id(at: datetime, rng: Random) -> UUID:
    """An id of a process whose clock is some seconds off."""
    ms = int((at.timestamp() + rng.uniform(-5, 5)) * 1000)
    return UUID(int=ms << 80 | 7 << 76 | 2 << 62 | rng.getrandbits(60))


_CROWD = """
INSERT INTO operation_counts (tenant_id, completed_day, id, last_id, made_at, seconds, connector_id, operation_type,
    status, n)
SELECT $1, (db_now() AT TIME ZONE 'UTC')::date - $2::integer, gen_random_uuid(), gen_random_uuid(),
    date_trunc('hour', db_now() - $2 * interval '1 day' - interval '2 hours') + g * interval '1 minute', 60, $3,
    'update', 'completed', 5
FROM generate_series(0, 9) g
"""


class Noting:
    """A connection that keeps what was executed through it."""

    def __init__(self, conn: Any) -> None:
        self._conn = conn
        self.executed: list[str] = []

    async def execute(self, text: str, *args: Any) -> Any:
        self.executed.append(text)
        return await self._conn.execute(text, *args)

    async def fetch(self, text: str, *args: Any) -> Any:
        return await self._conn.fetch(text, *args)


async def fold_noting(pool: Pool, tenant_id: UUID, *, of_all_days: bool = True) -> list[Any]:
    """The days that were folded."""
    async with tenant(pool, tenant_id) as conn:
        noting = Noting(conn)
        await operation_counts.fold(noting, tenant_id, limit=100, of_all_days=of_all_days)  # type: ignore[arg-type]  # stands for a connection
    return [text for text in noting.executed if text == operation_counts.queries.fold.text]


async def test_a_crowd_that_keeps_its_minutes_is_left_in_peace(
    pool: Pool, tenant_id: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Until there are fewer than a crowd, or rows of one minute are two."""
    monkeypatch.setattr(operation_counts, "FEW", 20)
    target = await a_connector(pool, tenant_id)
    async with tenant(pool, tenant_id) as conn:
        for back in (0, 1, 5):
            await conn.execute(_CROWD, tenant_id, back, target.id)

    assert await fold_noting(pool, tenant_id) == []

    async with tenant(pool, tenant_id) as conn:
        await conn.execute(_CROWD, tenant_id, 5, target.id)
    assert await fold_noting(pool, tenant_id, of_all_days=False) == []
    assert len(await fold_noting(pool, tenant_id)) == 1
    assert await fold_noting(pool, tenant_id) == []
    monkeypatch.setattr(operation_counts, "FEW", 100)
    assert len(await fold_noting(pool, tenant_id)) == 3
    async with tenant(pool, tenant_id) as conn:
        rows = await conn.fetch("SELECT seconds, n FROM operation_counts ORDER BY made_at")
    assert [tuple(row) for row in rows] == [(3600, 100), (3600, 50), (3600, 50)]
    assert await fold_noting(pool, tenant_id) == []


async def test_what_lives_beside_it_makes_an_hour_a_crowd_too(
    pool: Pool, tenant_id: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(operation_counts, "FEW", 60)
    target = await a_connector(pool, tenant_id)
    async with tenant(pool, tenant_id) as conn:
        await conn.execute(_CROWD, tenant_id, 1, target.id)
        await conn.execute(
            "INSERT INTO live_counts (tenant_id, made_at, seconds, connector_id, operation_type, n) "
            "SELECT tenant_id, made_at, 60, connector_id, 'update', 2 FROM operation_counts"
        )

    assert await fold_noting(pool, tenant_id) == []
    async with tenant(pool, tenant_id) as conn:
        await conn.execute("UPDATE live_counts SET n = 1")
    assert len(await fold_noting(pool, tenant_id)) == 1


async def test_a_tenant_whose_counts_do_not_fold_keeps_no_other_from_it(
    pool: Pool, database: Any, tenant_id: UUID
) -> None:
    owner = await asyncpg.connect(database.admin_dsn)
    other = UUID(int=2**128 - 1)
    await owner.execute("INSERT INTO tenants (id, name) VALUES ($1, 'last')", other)
    for each in (tenant_id, other):
        await end(pool, each, completed=1, cancelled=0, resolved=0)
    await owner.execute(
        "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'no'; END $$; "
        "CREATE TRIGGER refuse BEFORE DELETE ON live_counts FOR EACH ROW "
        f"WHEN (OLD.tenant_id = '{tenant_id}') EXECUTE FUNCTION refuse()"
    )
    await owner.close()

    with pytest.raises(asyncpg.RaiseError):
        await Counting(pool).run_once()

    left = []
    for each in (tenant_id, other):
        async with tenant(pool, each) as conn:
            left.append(await conn.fetchval("SELECT count(*) > 0 FROM live_counts WHERE tenant_id = $1", each))
    assert left == [True, False]


async def test_an_account_that_somebody_works_on_is_noted_later(pool: Pool, tenant_id: UUID) -> None:
    """Whoever notes waits for nobody's lane, and so nobody waits for both."""
    target = await a_connector(pool, tenant_id, has_baseline=True)
    lanes = sorted(await accounts(pool, tenant_id, target.id, 3))
    await enqueue(pool, tenant_id, *(an_operation(target.id, lane) for lane in lanes))
    async with tenant(pool, tenant_id) as conn:
        await conn.execute("UPDATE operations SET user_id = gen_random_uuid()")
        await conn.execute("UPDATE accounts SET has_others = false")

    async with tenant(pool, tenant_id) as working, tenant(pool, tenant_id) as conn:
        await working.execute("SELECT 1 FROM accounts WHERE id = $1 FOR UPDATE", lanes[0])
        found = [await operation_counts.find_others(conn, tenant_id, limit=1) for _ in range(3)]
        noted = await conn.fetch("SELECT id FROM accounts WHERE has_others ORDER BY id")
    assert found == [1, 1, 0]
    assert [row["id"] for row in noted] == lanes[1:]

    moments = iter([0.0, 600.0, 601.0])
    await Counting(pool, clock=lambda: next(moments)).run_once()
    async with tenant(pool, tenant_id) as conn:
        assert await conn.fetchval("SELECT count(*) FROM accounts WHERE has_others") == 3
