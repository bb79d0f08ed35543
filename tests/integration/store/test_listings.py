"""Lists of operations over the three places they can be in."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from tests.factories import a_connector, accounts, an_operation, enqueue, registered_worker
from worker.domain.ids import uuid7
from worker.domain.operation import OperationStatus as S
from worker.domain.operation import OperationType
from worker.domain.waiting import Blocker, WaitsFor, waits_for
from worker.store import (
    connectors,
    identities,
    listings,
    listings_waiting,
    operation_counts,
    operations,
    overview,
    shares,
)
from worker.store.identities import StoredIdentity
from worker.store.listings import OperationQuery
from worker.store.operations import Completion, Failure, Fence
from worker.store.pool import Pool, open_pool
from worker.store.tenant import tenant


@dataclass
class Queue:
    """One connector with nine operations, three in each place: live, dead letters, archive."""

    pool: Pool
    tenant_id: UUID
    connector_id: UUID
    ids: list[UUID]
    user_id: UUID
    admin_dsn: str

    async def page(self, **filters: Any) -> list[Any]:
        slice_ = {
            name: filters.pop(name) for name in ("before", "after", "limit", "offset", "known") if name in filters
        }
        async with tenant(self.pool, self.tenant_id) as conn:
            return await listings.operations(
                conn, self.tenant_id, where=OperationQuery(**filters), **{"limit": 50, **slice_}
            )

    async def places(self, **filters: Any) -> list[int]:
        """Which of the nine are listed, by their number."""
        return [self.ids.index(row["id"]) for row in await self.page(**filters)]

    async def counts(self, **filters: Any) -> dict[S, int]:
        async with tenant(self.pool, self.tenant_id) as conn:
            return await listings.operation_counts(conn, self.tenant_id, where=OperationQuery(**filters))


@pytest.fixture
async def queue(database: Any, tenant_id: UUID) -> AsyncIterator[Queue]:
    """0, 3, 6 completed with uids; 1, 4, 7 given up; 2, 5, 8 pending. The first three are Ömer's."""
    pool = await open_pool(database.daemon_dsn, size=4)
    connector = await a_connector(pool, tenant_id, has_baseline=True)
    person = StoredIdentity(uuid7(), "e-1", "Ömer.Kaya", {})
    lanes = await accounts(pool, tenant_id, connector.id, 9)
    wanted = [
        an_operation(connector.id, lane, user_id=person.id if n < 3 else None, operation_type=_type(n))
        for n, lane in enumerate(lanes)
    ]
    async with tenant(pool, tenant_id) as conn:
        await connectors.set_baseline(conn, tenant_id=tenant_id, connector_id=connector.id)
        await identities.insert(conn, tenant_id=tenant_id, identities=[person])
    async with registered_worker(pool) as owner:
        ended = [op for n, op in enumerate(wanted) if n % 3 != 2]
        await enqueue(pool, tenant_id, *ended)
        async with tenant(pool, tenant_id) as conn:
            claimed = await operations.claim(conn, tenant_id, connector_id=connector.id, owner=owner, limit=20)
            fences = {op.id: Fence(op.id, op.epoch, op.account_id) for op in claimed}
            good = [Completion(fences[wanted[n].id], 5, connector.id, f"uid-{n}") for n in (0, 3, 6)]
            bad = [Failure(fences[wanted[n].id], 5, "already_exists", "It is there.") for n in (1, 4, 7)]
            await operations.complete(conn, tenant_id, owner, good)
            await operations.bury(conn, tenant_id, owner, bad)
        await enqueue(pool, tenant_id, *(wanted[n] for n in (2, 5, 8)))
        yield Queue(pool, tenant_id, connector.id, [op.id for op in wanted], person.id, database.admin_dsn)
    await pool.close()


def _type(n: int) -> str:
    return "create" if n == 0 else "update"


async def test_pages_go_newest_first_through_all_places_and_back(queue: Queue) -> None:
    first = await queue.places(limit=4)
    second = await queue.places(limit=4, before=queue.ids[first[-1]])
    back = await queue.places(limit=4, after=queue.ids[second[0]])
    skipped = await queue.places(limit=4, offset=4)

    assert (first, second, back, skipped) == ([8, 7, 6, 5], [4, 3, 2, 1], first, second)


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        pytest.param({}, [8, 7, 6, 5, 4, 3, 2, 1, 0], id="everything"),
        pytest.param({"status": S.COMPLETED}, [6, 3, 0], id="completed"),
        pytest.param({"status": S.DEAD_LETTER}, [7, 4, 1], id="dead letters"),
        pytest.param({"status": S.PENDING}, [8, 5, 2], id="pending"),
        pytest.param({"status": S.CANCELLED}, [], id="none is cancelled"),
        pytest.param({"operation_type": OperationType.CREATE}, [0], id="type"),
        pytest.param({"error_code": "already_exists"}, [7, 4, 1], id="error code"),
        pytest.param({"q": "ömer"}, [2, 1, 0], id="user name whatever its case"),
        pytest.param({"q": "uid-3"}, [3], id="beginning of a uid"),
        pytest.param({"q": "id-3"}, [], id="not the middle of a uid"),
        pytest.param({"q": "100%"}, [], id="a wildcard is a letter"),
        pytest.param({"connector_id": uuid7()}, [], id="another connector"),
        pytest.param({"run_id": uuid7()}, [], id="another run"),
    ],
)
@pytest.mark.parametrize("many", [pytest.param(1, id="by counts"), pytest.param(1_000_000, id="row by row")])
async def test_a_filter_lists_and_counts_the_same(
    queue: Queue, monkeypatch: pytest.MonkeyPatch, filters: dict[str, Any], expected: list[int], many: int
) -> None:
    monkeypatch.setattr(listings, "MANY", many)
    counted = await queue.counts(**filters)

    assert await queue.places(**filters) == await queue.places(**filters, known=counted) == expected
    assert await queue.places(**filters, offset=1, known=counted) == expected[1:]
    total = counted.get(filters["status"], 0) if "status" in filters else sum(counted.values())
    assert total == len(expected)


@pytest.mark.parametrize("many", [pytest.param(1, id="by counts"), pytest.param(1_000_000, id="row by row")])
@pytest.mark.parametrize("uncounted", [pytest.param(False, id="all counted"), pytest.param(True, id="some before")])
async def test_times_within_hours_and_over_many_are_counted_exactly(
    queue: Queue, monkeypatch: pytest.MonkeyPatch, many: int, uncounted: bool
) -> None:
    """Whole hours come from counts, the rest of an hour from its rows, and what nobody counted too."""
    monkeypatch.setattr(listings, "MANY", many)
    begin = datetime(2026, 3, 1, 8, 20, tzinfo=UTC)
    made = [begin + timedelta(minutes=25 * n) for n in range(9)]
    await _make_at(queue, made, uncounted=uncounted)

    for first in (None, 0, 1, 3, 8):
        for last in (None, 0, 2, 5, 8):
            where = {
                "from_date": made[first] if first is not None else None,
                "to_date": made[last] + timedelta(minutes=7) if last is not None else None,
            }
            expected = [n for n in range(9) if (first is None or n >= first) and (last is None or n <= last)]
            assert sorted(await queue.places(**where)) == expected, where
            assert sum((await queue.counts(**where)).values()) == len(expected), where


async def _make_at(queue: Queue, made: list[datetime], *, uncounted: bool) -> None:
    """As if the nine had been made at these times, and ended now."""
    ids = [UUID(int=(int(at.timestamp() * 1000) << 80) | (7 << 76) | (2 << 62) | n) for n, at in enumerate(made)]
    async with tenant(queue.pool, queue.tenant_id) as conn:
        await conn.execute("DELETE FROM live_counts")
        await conn.execute("DELETE FROM operation_counts")
    owner = await asyncpg.connect(queue.admin_dsn)
    for table in ("operations", "dead_letters", "operations_archive"):
        await owner.execute(
            f"UPDATE {table} t SET id = n.id, created_at = n.at FROM unnest($1::uuid[], $2::uuid[], $3::timestamptz[]) "
            "AS n(old, id, at) WHERE t.id = n.old",
            queue.ids,
            ids,
            made,
        )
    await owner.execute("UPDATE operations_archive SET is_counted = NOT $1::boolean", uncounted)
    await owner.close()
    queue.ids[:] = ids
    async with tenant(queue.pool, queue.tenant_id) as conn:
        await operation_counts.recount(conn, queue.tenant_id)
        await conn.execute(
            "INSERT INTO operation_counts (tenant_id, completed_day, id, last_id, made_at, connector_id, "
            "operation_type, status, n) "
            "SELECT tenant_id, completed_day, id, id, date_trunc('second', created_at), connector_id, "
            "operation_type, status, 1 FROM operations_archive WHERE is_counted"
        )


@pytest.mark.parametrize("many", [pytest.param(1, id="by accounts"), pytest.param(1_000_000, id="row by row")])
async def test_a_persons_operations_are_found_whosever_accounts_they_are_of(
    queue: Queue, monkeypatch: pytest.MonkeyPatch, many: int
) -> None:
    """Of their own account, head or behind another; of one that is somebody else's; and of one that came back there."""
    monkeypatch.setattr(listings, "MANY", many)
    async with tenant(queue.pool, queue.tenant_id) as conn:
        owner = StoredIdentity(uuid7(), "m-9", "owner", {})
        await identities.insert(conn, tenant_id=queue.tenant_id, identities=[owner])
        connector_id = await conn.fetchval("SELECT connector_id FROM operations LIMIT 1")
    own, other, foreign = await accounts(queue.pool, queue.tenant_id, connector_id, 3)
    async with tenant(queue.pool, queue.tenant_id) as conn:
        await conn.execute("UPDATE accounts SET identity_id = $1 WHERE id = $2", owner.id, own)
        await conn.execute("UPDATE accounts SET identity_id = $1 WHERE id = $2", queue.user_id, foreign)
    wanted = [
        (own, owner.id),
        (own, queue.user_id),
        (own, owner.id),
        (other, None),
        (other, owner.id),
        (foreign, owner.id),
    ]
    ids = [
        (await enqueue(queue.pool, queue.tenant_id, an_operation(connector_id, lane, user_id=person)))[0]
        for lane, person in wanted
    ]
    expected = {id_ for id_, (_, person) in zip(ids, wanted, strict=True) if person == owner.id}

    async def found() -> set[UUID]:
        assert (await queue.counts(user_id=owner.id)).get(S.PENDING) == len(expected)
        return {row["id"] for row in await queue.page(user_id=owner.id)}

    assert await found() == expected
    assert await queue.counts(user_id=uuid7()) == {}
    assert {row["id"] for row in await queue.page(user_id=owner.id, q=str(ids[0]))} == {ids[0]}

    async with tenant(queue.pool, queue.tenant_id) as conn:
        dead = await conn.fetchval("SELECT id FROM dead_letters WHERE user_id = $1", queue.user_id)
        await conn.execute("UPDATE accounts SET has_others = false WHERE live = 0")
        await operations.exhume(conn, queue.tenant_id, [dead])
    assert dead in {row["id"] for row in await queue.page(user_id=queue.user_id)}


async def test_filters_by_person_id_and_time(queue: Queue) -> None:
    now = datetime.now(UTC)

    assert await queue.places(user_id=queue.user_id) == [2, 1, 0]
    assert await queue.places(q=str(queue.ids[4])) == [4]
    assert len(await queue.places(from_date=now - timedelta(hours=1), to_date=now + timedelta(hours=1))) == 9
    assert await queue.places(to_date=now - timedelta(hours=1)) == []
    assert await queue.counts(from_date=now + timedelta(hours=2)) == {}


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        pytest.param("status = 'maintenance'", "maintenance", id="maintenance"),
        pytest.param("status = 'inactive'", "maintenance", id="switched off"),
        pytest.param("breaker_state = 'open'", "breaker", id="breaker"),
        pytest.param("baseline_at = NULL", "baseline", id="no baseline"),
        pytest.param("baseline_at = NULL, settings = '{\"require_baseline\": false}'", None, id="baseline not wanted"),
    ],
)
async def test_what_a_closed_target_keeps_waiting_is_shown_so(queue: Queue, change: str, reason: str | None) -> None:
    async with tenant(queue.pool, queue.tenant_id) as conn:
        await conn.execute(f"UPDATE connectors SET {change}")

    rows = {row["id"]: row for row in await queue.page()}
    shown = rows[queue.ids[8]]
    counted = await queue.counts()
    async with queue.pool.acquire() as conn:
        depth = await overview.depth(conn)

    assert depth.by_status["awaiting_system" if reason else "pending"] == 3
    assert (shown["status"], shown["wait_reason"]) == ("awaiting_system" if reason else "pending", reason)
    assert counted.get(S.AWAITING_SYSTEM if reason else S.PENDING) == 3
    assert rows[queue.ids[7]]["status"] == "dead_letter"


async def test_what_waits_for_a_target_that_asked_us_to_wait_says_so_until_then(queue: Queue) -> None:
    async with tenant(queue.pool, queue.tenant_id) as conn:
        connector_id = await conn.fetchval("SELECT connector_id FROM operations LIMIT 1")
        await shares.hold(conn, queue.tenant_id, connector_id, seconds=600)
        until = await conn.fetchval("SELECT held_until FROM target_shares")
        still = await listings_waiting.standstill(conn, queue.tenant_id, operation_id=queue.ids[8])

    rows = {row["id"]: row for row in await queue.page()}
    assert (rows[queue.ids[8]]["status"], rows[queue.ids[8]]["wait_reason"]) == ("awaiting_system", "target_down")
    assert await queue.places(status=S.PENDING) == []
    assert still is not None
    assert waits_for(still) == WaitsFor(Blocker.TARGET, connector_id, reason="target_down", until=until)

    async with tenant(queue.pool, queue.tenant_id) as conn:
        await conn.execute("UPDATE target_shares SET held_until = now() - interval '1 second'")
    assert await queue.places(status=S.PENDING) == [8, 5, 2]


async def test_one_that_was_tried_and_is_pending_again_waits_for_a_closed_target_too(queue: Queue) -> None:
    """It had waited for a moment, was claimed again, and went back when the target closed."""
    async with tenant(queue.pool, queue.tenant_id) as conn:
        await conn.execute("UPDATE operations SET attempt_number = 1 WHERE id = $1", queue.ids[8])
        await conn.execute("UPDATE connectors SET status = 'maintenance'")

    assert await queue.places(status=S.PENDING) == []
    assert await queue.places(status=S.AWAITING_SYSTEM) == [8, 5, 2]
    async with queue.pool.acquire() as conn:
        depth = await overview.depth(conn)
    assert (depth.by_status["pending"], depth.by_status["awaiting_system"]) == (0, 3)


async def test_names_and_attempts_come_with_them(queue: Queue) -> None:
    row = (await queue.page(q=str(queue.ids[1])))[0]
    async with tenant(queue.pool, queue.tenant_id) as conn:
        attempts = await listings.attempts(conn, queue.tenant_id, operation_id=queue.ids[1])
        stats = await listings.operation_stats(conn, queue.tenant_id)

    assert (row["connector_name"], row["user_name"]) == ("app", "Ömer.Kaya")
    assert [(each["outcome"], each["error_code"]) for each in attempts] == [("dead_letter", "already_exists")]
    assert (stats["completed"], stats["dead_letter"], stats["pending"], stats["success_rate"]) == (3, 3, 3, 50.0)


async def test_another_tenant_sees_nothing(queue: Queue) -> None:
    other = uuid7()
    async with tenant(queue.pool, other) as conn:
        assert await listings.operations(conn, other, where=OperationQuery(), limit=10) == []
        assert await listings.operation_counts(conn, other, where=OperationQuery(q=str(queue.ids[0]))) == {}


async def test_a_text_that_very_many_names_begin_with_still_lists_exactly(queue: Queue) -> None:
    """Beyond some thousand people the rows are looked up the other way round; the answer is the same."""
    people = [StoredIdentity(uuid7(), f"m-{n}", f"ömx{n}", {}) for n in range(2100)]
    async with tenant(queue.pool, queue.tenant_id) as conn:
        await identities.insert(conn, tenant_id=queue.tenant_id, identities=people)

    assert await queue.places(q="öm") == [2, 1, 0]
    assert sum((await queue.counts(q="öm")).values()) == 3


async def _beside_the_version_before(queue: Queue, owner: UUID) -> None:
    """This worker notes no claims, and counts nothing."""
    async with queue.pool.acquire() as conn:
        await conn.execute("UPDATE workers SET notes_claims = false WHERE id = $1", owner)


@pytest.mark.parametrize("many", [pytest.param(1, id="by counts"), pytest.param(1_000_000, id="row by row")])
async def test_what_a_process_of_the_version_before_has_in_progress_is_shown(
    queue: Queue, monkeypatch: pytest.MonkeyPatch, many: int
) -> None:
    monkeypatch.setattr(listings, "MANY", many)
    async with registered_worker(queue.pool) as owner:
        await _beside_the_version_before(queue, owner)
        async with tenant(queue.pool, queue.tenant_id) as conn:
            await operations.claim(conn, queue.tenant_id, connector_id=queue.connector_id, owner=owner, limit=2)
            await conn.execute("DELETE FROM claims")

        assert await queue.places(status=S.IN_PROGRESS) == [5, 2]
        assert await queue.counts(status=S.IN_PROGRESS) == {S.IN_PROGRESS: 2, S.PENDING: 1}
        async with queue.pool.acquire() as conn:
            depth = await overview.depth(conn)
    assert depth.by_status == {"in_progress": 2, "pending": 1}
    assert depth.held_since is not None


async def test_what_a_process_of_the_version_before_accepted_is_shown_by_its_time_and_its_person(
    queue: Queue, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody counted it, nor noted that the account holds something of a person who is not its owner."""
    monkeypatch.setattr(listings, "MANY", 1)
    (lane,) = await accounts(queue.pool, queue.tenant_id, queue.connector_id, 1)
    (new,) = await enqueue(queue.pool, queue.tenant_id, an_operation(queue.connector_id, lane, user_id=queue.user_id))
    queue.ids.append(new)
    async with tenant(queue.pool, queue.tenant_id) as conn:
        await conn.execute("DELETE FROM live_counts WHERE last_id = $1", new)
        await conn.execute("UPDATE accounts SET has_others = false")
    since = datetime.now(UTC) - timedelta(hours=1)

    async with registered_worker(queue.pool) as owner:
        await _beside_the_version_before(queue, owner)
        for where in ({"from_date": since, "to_date": since + timedelta(hours=2)}, {"user_id": queue.user_id}):
            assert (await queue.places(**where))[0] == 9, where
            assert (await queue.counts(**where))[S.PENDING] == (4 if "from_date" in where else 2), where
