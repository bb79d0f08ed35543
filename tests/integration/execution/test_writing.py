"""How tries are written down: each as it ended, none twice, and who has to know is woken."""

from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest

from tests.factories import accounts, an_operation, enqueue
from tests.integration.execution.conftest import Site
from tests.waiting import eventually
from worker.domain.operation import Operation, WaitReason
from worker.domain.outcome import Cancelled, DeadLettered, Outcome, Parked, Released, Retry, Succeeded
from worker.domain.processing import Finished
from worker.queue import finisher
from worker.store import due_work, operations
from worker.store.due_work import Kind
from worker.store.pool import open_pool
from worker.store.tenant import tenant


async def claimed(site: Site, count: int = 1, *, followers: int = 0, **fields: int) -> list[Operation]:
    """Claimed operations of as many accounts, each with others behind it."""
    lanes = await accounts(site.pool, site.tenant_id, site.connector.id, count)
    made = [an_operation(site.connector.id, lane, **fields) for _ in range(1 + followers) for lane in lanes]
    await enqueue(site.pool, site.tenant_id, *made)
    return await site.claim(count)


async def write(site: Site, *finished: Finished, owner: UUID | None = None) -> list[None]:
    """Write them as one batch; one entry for each time that somebody was woken."""
    woken: list[None] = []
    async with site.writer(on_written=lambda: woken.append(None)) as finisher:
        for each in finished:
            finisher.put(owner or site.lease.owner, each)
    assert finisher.pending == set()
    return woken


async def test_what_was_tried_again_before_its_batch_was_written_still_waits_to_be_written(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who looks for rows that nobody knows of must not take it for one."""
    monkeypatch.setattr(finisher, "BATCH", 1)
    [op] = await claimed(site)
    known: list[set[UUID]] = []

    async with site.writer() as writer:

        async def look(_batch: object) -> None:
            known.append(set(writer.pending))

        monkeypatch.setattr(writer, "_write_surely", look)
        for outcome in (Released(), Succeeded("u1")):
            writer.put(site.lease.owner, Finished(op, outcome, 0))

    assert known == [{op.id}, {op.id}]
    assert writer.pending == set()


async def test_a_full_batch_is_written_while_another_one_waits(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(finisher, "BATCH", 2)
    ops = await claimed(site, 4)
    first, second = ops[:2], ops[2:]

    async with site.writer() as writer:
        async with tenant(site.pool, site.tenant_id) as conn:  # somebody adds to these lanes
            await operations.lock_lanes(conn, site.tenant_id, [op.account_id for op in first])
            for op in (*first, *second):
                writer.put(site.lease.owner, Finished(op, Succeeded(f"u-{op.account_id}"), 0))

            await eventually(lambda: writer.pending == {op.id for op in first})
        await eventually(lambda: writer.pending == set())

    assert await site.row("SELECT count(*) FROM operations_archive") == (4,)


@pytest.mark.parametrize(
    ("outcome", "status", "spent", "attempts"),
    [
        pytest.param(Retry("transient", "Later."), "failed", 1, ["failed"], id="retried"),
        pytest.param(Parked(WaitReason.TARGET_DOWN, "Down."), "awaiting_system", 0, ["waits"], id="parked"),
        pytest.param(Released(), "pending", 0, [], id="released"),
        pytest.param(Released(was_started=True), "pending", 0, [], id="cut off"),
    ],
)
async def test_what_did_not_end_stays_in_its_lane_and_wakes_whoever_claims(
    site: Site, outcome: Outcome, status: str, spent: int, attempts: list[str]
) -> None:
    [op] = await claimed(site)

    woken = await write(site, Finished(op, outcome, 1))

    assert await site.row("SELECT status, retry_count, owner FROM operations") == (status, spent, None)
    assert [row["outcome"] for row in await site.rows("SELECT outcome FROM attempts")] == attempts
    assert len(woken) == 1


@pytest.mark.parametrize(
    ("outcome", "table", "status"),
    [
        pytest.param(Succeeded("u"), "operations_archive", "completed", id="done"),
        pytest.param(DeadLettered("invalid", "No."), "dead_letters", "dead_letter", id="given up"),
        pytest.param(Cancelled("By a person."), "operations_archive", "cancelled", id="cancelled"),
    ],
)
async def test_what_ended_makes_room_for_the_next_in_its_lane_and_says_so(
    site: Site, outcome: Outcome, table: str, status: str
) -> None:
    [op] = await claimed(site, followers=1)

    woken = await write(site, Finished(op, outcome, 1))

    assert await site.row(f"SELECT id, status FROM {table}") == (op.id, status)
    [follower] = await site.claim()
    assert (follower.account_id, follower.seq) == (op.account_id, op.seq + 1)
    assert len(woken) == 1


async def test_completions_with_nothing_behind_them_wake_nobody(site: Site) -> None:
    ops = await claimed(site, 3)
    async with tenant(site.pool, site.tenant_id) as conn:
        await due_work.settle(conn, site.tenant_id, Kind.CLAIM, site.connector.id, next_due=None)

    woken = await write(site, *(Finished(op, Succeeded(f"u-{op.account_id}"), 1) for op in ops))

    async with site.pool.acquire() as conn:
        assert await due_work.due(conn, [Kind.CLAIM]) == []
    assert woken == []


async def test_one_batch_ends_each_operation_in_its_own_way(site: Site) -> None:
    ops = await claimed(site, 5)
    ways: list[Outcome] = [
        Succeeded("u"),
        Retry("transient", "Later."),
        Parked(WaitReason.CASE, "Whose?"),
        DeadLettered("invalid", "No."),
        Released(),
    ]

    await write(site, *(Finished(op, way, 1) for op, way in zip(ops, ways, strict=True)))

    found = await site.rows(
        "SELECT id, status FROM operations UNION ALL SELECT id, status FROM operations_archive "
        "UNION ALL SELECT id, status FROM dead_letters ORDER BY id"
    )
    assert [row["status"] for row in found] == ["completed", "failed", "awaiting_system", "dead_letter", "pending"]


async def test_the_last_try_that_fails_is_a_dead_letter_that_says_how_many_there_were(site: Site) -> None:
    [op] = await claimed(site, max_retries=0)

    await write(site, Finished(op, Retry("transient", "Not now."), 1))

    letter = await site.row("SELECT error_code, error_message FROM dead_letters")
    assert tuple(letter) == ("transient", "Tries used up after 1: Not now.")


async def test_the_next_try_comes_no_earlier_than_the_target_asked_for(site: Site) -> None:
    [op] = await claimed(site)

    await write(site, Finished(op, Retry("target_busy", "Slow.", retry_after=timedelta(minutes=30)), 1))

    [row] = await site.rows("SELECT next_retry_at >= db_now() + interval '29 minutes' AS is_late FROM operations")
    assert row["is_late"]


async def test_one_of_a_batch_that_is_another_s_by_now_changes_nothing_and_hurts_no_other(site: Site) -> None:
    mine, theirs = await claimed(site, 2)
    await site.rows("UPDATE operations SET epoch = epoch + 1 WHERE id = $1 RETURNING id", theirs.id)

    await write(site, *(Finished(op, Succeeded(f"u-{op.account_id}"), 1) for op in (mine, theirs)))

    assert [row["id"] for row in await site.rows("SELECT id FROM operations_archive")] == [mine.id]
    assert await site.row("SELECT status FROM operations WHERE id = $1", theirs.id) == ("in_progress",)
    assert await site.rows("SELECT 1 FROM attempts WHERE operation_id = $1", theirs.id) == []


async def test_two_results_of_one_try_are_written_once(site: Site) -> None:
    [op] = await claimed(site)

    await write(site, Finished(op, Succeeded("u"), 1))
    await write(site, Finished(op, Retry("transient", "Late."), 1))

    assert await site.row("SELECT status FROM operations_archive") == ("completed",)
    assert await site.row("SELECT count(*) FROM attempts") == (1,)


@pytest.mark.parametrize("is_held", [pytest.param(True, id="held"), pytest.param(False, id="not renewed in time")])
async def test_results_wait_for_a_database_that_was_cut_off(site: Site, database: Any, *, is_held: bool) -> None:
    """A lease that was not renewed in time may still be: then nobody else would ever look for them."""
    ops = await claimed(site, 3)
    site.lease.holds = is_held
    admin = await asyncpg.connect(database.admin_dsn)
    await admin.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() "
        "AND pid <> pg_backend_pid()"
    )
    await admin.close()

    await write(site, *(Finished(op, Succeeded(f"u-{op.account_id}"), 1) for op in ops))

    assert await site.row("SELECT count(*) FROM operations_archive") == (3,)


async def test_without_a_lease_and_without_a_database_results_are_left_to_be_found_by_the_lease(
    site: Site, database: Any
) -> None:
    [op] = await claimed(site)
    own, site.pool = site.pool, await open_pool(database.daemon_dsn, size=1)
    await site.pool.close()
    earlier, site.lease.owner = site.lease.owner, uuid4()

    await write(site, Finished(op, Succeeded("u"), 1), owner=earlier)

    site.pool = own
    assert await site.row("SELECT status, owner FROM operations") == ("in_progress", earlier)


async def test_what_was_claimed_under_an_earlier_lease_is_fenced_by_it(site: Site) -> None:
    [op] = await claimed(site)
    await write(site, Finished(op, Succeeded("u"), 1), owner=uuid4())

    assert await site.row("SELECT status FROM operations") == ("in_progress",)
