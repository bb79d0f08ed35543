"""Moments in which a change, an operation or a wake-up could get lost, each brought about on purpose."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import timedelta
from random import Random
from typing import Any
from uuid import UUID

import pytest

from tests.factories import accounts, an_operation, enqueue, registered_worker
from tests.waiting import eventually
from worker.domain.operation import Operation, Origin, WaitReason
from worker.domain.outcome import DeadLettered, Outcome, Parked, Released, Succeeded
from worker.domain.processing import Finished, Gate
from worker.queue import Dispatcher, Finisher, Rescuer
from worker.store import due_work, operations, workers
from worker.store.pool import Connection, Pool
from worker.store.tenant import tenant


class Lease:
    """A lease that always holds."""

    def __init__(self, owner: UUID) -> None:
        self.owner = owner

    def is_held(self) -> bool:
        return True


async def claim(pool: Pool, tenant_id: UUID, target: UUID, owner: UUID) -> list[Operation]:
    async with tenant(pool, tenant_id) as conn:
        return await operations.claim(conn, tenant_id, connector_id=target, owner=owner, limit=10)


async def rows(pool: Pool, tenant_id: UUID, query: str) -> list[Any]:
    async with tenant(pool, tenant_id) as conn:
        return await conn.fetch(query)


async def finish(pool: Pool, owner: UUID, *ends: Finished) -> None:
    finisher = Finisher(pool, Lease(owner), rng=Random(1))
    for end in ends:
        finisher.put(owner, end)
    writing = asyncio.create_task(finisher.run())
    await finisher.drained()
    alive = not writing.done()
    writing.cancel()
    assert alive


async def test_a_newer_plan_is_not_merged_into_an_operation_that_is_being_claimed(
    pool: Pool, tenant_id: UUID, target: UUID, owner: UUID
) -> None:
    """The claim has read the old payload already: merged into it, the newer plan would never be sent."""
    (account,) = await accounts(pool, tenant_id, target, 1)
    await enqueue(pool, tenant_id, an_operation(target, account, origin=Origin.EVENT))
    newer = an_operation(target, account, origin=Origin.EVENT, payload={"attributes": {"title": "newer"}})

    async with tenant(pool, tenant_id) as claiming:
        (running,) = await operations.claim(claiming, tenant_id, connector_id=target, owner=owner, limit=1)
        planned = asyncio.create_task(enqueue(pool, tenant_id, newer))
        await asyncio.wait([planned], timeout=0.5)
    await planned

    waiting = await rows(pool, tenant_id, "SELECT payload FROM operations WHERE NOT head")
    assert running.payload == {"attributes": {"title": "x"}}
    assert [row["payload"]["attributes"] for row in waiting] == [{"title": "newer"}]


async def test_a_producer_that_waits_for_a_consumer_sees_that_it_went_to_sleep(
    pool: Pool, tenant_id: UUID, target: UUID
) -> None:
    async with tenant(pool, tenant_id) as conn:
        await due_work.ask(conn, tenant_id, due_work.Kind.CLAIM, target)
    async with tenant(pool, tenant_id) as consumer:
        assert await due_work.settle_claim(consumer, tenant_id, target)
        (account,) = await accounts(pool, tenant_id, target, 1)
        producing = asyncio.create_task(enqueue(pool, tenant_id, an_operation(target, account)))
        await asyncio.wait([producing], timeout=0.5)
        assert not producing.done()
    await producing

    async with pool.acquire() as conn:
        assert [due.ref_id for due in await due_work.due(conn, ["claim"])] == [target]


@pytest.mark.parametrize(
    ("outcome", "attempt"),
    [
        pytest.param(Released(), 1, id="never started: as if it had not been claimed"),
        pytest.param(Released(was_started=True), 2, id="interrupted: the next try looks at the target first"),
    ],
)
async def test_what_goes_back_remembers_whether_it_may_have_reached_its_target(
    pool: Pool, tenant_id: UUID, target: UUID, owner: UUID, outcome: Outcome, attempt: int
) -> None:
    (account,) = await accounts(pool, tenant_id, target, 1)
    await enqueue(pool, tenant_id, an_operation(target, account))
    (op,) = await claim(pool, tenant_id, target, owner)

    await finish(pool, owner, Finished(op, outcome, 0))

    (again,) = await claim(pool, tenant_id, target, owner)
    assert again.attempt_number == attempt


async def test_a_result_that_cannot_be_stored_is_a_dead_letter_and_hurts_no_other(
    pool: Pool, tenant_id: UUID, target: UUID, owner: UUID
) -> None:
    lanes = await accounts(pool, tenant_id, target, 3)
    await enqueue(pool, tenant_id, *(an_operation(target, lane) for lane in lanes))
    good, bad, worse = await claim(pool, tenant_id, target, owner)

    await finish(
        pool,
        owner,
        Finished(good, Succeeded("u1", observed={"title": "x"}), 1),
        Finished(bad, Succeeded("u2", observed={"title": "a\0b"}), 1),
        Finished(worse, DeadLettered("refused", "said \0"), 1),
    )

    assert [row["id"] for row in await rows(pool, tenant_id, "SELECT id FROM operations_archive")] == [good.id]
    letters = await rows(pool, tenant_id, "SELECT id, error_code FROM dead_letters ORDER BY id")
    assert [(row["id"], row["error_code"]) for row in letters] == [(bad.id, "unstorable"), (worse.id, "unstorable")]


@pytest.mark.parametrize(
    "outcome",
    [
        pytest.param(Succeeded("u2", observed={"title": "\ud800"}), id="what it has"),
        pytest.param(Succeeded("u\ud800"), id="its uid"),
        pytest.param(
            Succeeded("u2", observed={"title": "x"}, sent={"attributes": {"a": "\ud800"}}), id="what was sent"
        ),
        pytest.param(DeadLettered("refused", "said \ud800"), id="what it said"),
        pytest.param(
            DeadLettered("refused", "no", sent={"attributes": {"a": "\ud800"}}), id="what was sent and refused"
        ),
    ],
)
async def test_text_that_nobody_can_encode_is_a_dead_letter_and_stops_nobody(
    pool: Pool, tenant_id: UUID, target: UUID, owner: UUID, outcome: Outcome
) -> None:
    """Half a character, as JSON may have it: the driver refuses it before the server is asked."""
    lanes = await accounts(pool, tenant_id, target, 2)
    await enqueue(pool, tenant_id, *(an_operation(target, lane) for lane in lanes))
    good, bad = await claim(pool, tenant_id, target, owner)

    async with asyncio.timeout(10):
        await finish(pool, owner, Finished(good, Succeeded("u1"), 1), Finished(bad, outcome, 1))

    assert [row["id"] for row in await rows(pool, tenant_id, "SELECT id FROM operations_archive")] == [good.id]
    letters = await rows(pool, tenant_id, "SELECT id, error_code FROM dead_letters")
    assert [(row["id"], row["error_code"]) for row in letters] == [(bad.id, "unstorable")]


async def test_what_somebody_holds_who_is_no_worker_any_more_goes_back(
    pool: Pool, tenant_id: UUID, target: UUID, owner: UUID
) -> None:
    (account,) = await accounts(pool, tenant_id, target, 1)
    await enqueue(pool, tenant_id, an_operation(target, account))
    async with registered_worker(pool) as gone:
        (op,) = await claim(pool, tenant_id, target, gone)
        async with pool.acquire() as conn:
            await workers.leave(conn, gone)

    assert (await Rescuer(pool).run_once()).requeued == 1
    assert [again.id for again in await claim(pool, tenant_id, target, owner)] == [op.id]


class Slow:
    """A gate that lets nobody through before it is opened, and a processor that fails."""

    def __init__(self) -> None:
        self.asked, self.open = asyncio.Event(), asyncio.Event()

    async def gate(self, tenant_id: UUID, connector_id: UUID) -> Gate:
        self.asked.set()
        await self.open.wait()
        return Gate(1, "app")

    async def prepare(self, tenant_id: UUID, operations: Any) -> None: ...

    async def process(self, operation: Operation) -> Finished:
        raise ValueError("a bug")


def dispatcher(pool: Pool, owner: UUID, slow: Slow) -> tuple[Dispatcher, Finisher]:
    lease = Lease(owner)
    finisher = Finisher(pool, lease, rng=Random(1))
    return Dispatcher(pool, lease=lease, gate=slow, processor=slow, finisher=finisher), finisher


async def test_a_claim_under_way_when_the_daemon_drains_goes_back(
    pool: Pool, tenant_id: UUID, target: UUID, owner: UUID
) -> None:
    (account,) = await accounts(pool, tenant_id, target, 1)
    await enqueue(pool, tenant_id, an_operation(target, account))
    slow = Slow()
    dispatching, finisher = dispatcher(pool, owner, slow)
    writing = asyncio.create_task(finisher.run())

    claiming = asyncio.create_task(dispatching.run_once(tenant_id, target))
    await slow.asked.wait()
    await dispatching.drain(1)
    slow.open.set()
    await claiming
    await finisher.drained()
    writing.cancel()

    assert [row["status"] for row in await rows(pool, tenant_id, "SELECT status FROM operations")] == ["pending"]


async def test_a_bug_while_an_operation_runs_leaves_it_to_be_tried_again(
    pool: Pool, tenant_id: UUID, target: UUID, owner: UUID
) -> None:
    (account,) = await accounts(pool, tenant_id, target, 1)
    await enqueue(pool, tenant_id, an_operation(target, account))
    slow = Slow()
    slow.open.set()
    dispatching, finisher = dispatcher(pool, owner, slow)
    writing = asyncio.create_task(finisher.run())

    await dispatching.run_once(tenant_id, target)
    while dispatching.held:
        await asyncio.sleep(0)
    await finisher.drained()
    writing.cancel()

    found = await rows(pool, tenant_id, "SELECT status, error_code FROM operations")
    assert [(row["status"], row["error_code"]) for row in found] == [("failed", "internal_error")]


class Open:
    """A gate that stands open, and a processor that does what it gets."""

    def __init__(self) -> None:
        self.done: list[Operation] = []

    async def gate(self, tenant_id: UUID, connector_id: UUID) -> Gate:
        return Gate(1, "app")

    async def prepare(self, tenant_id: UUID, operations: Any) -> None: ...

    async def process(self, operation: Operation) -> Finished:
        self.done.append(operation)
        return Finished(operation, Succeeded(f"u{operation.seq}"), 1)


def failing_once(*, is_made: bool) -> Any:
    """Transactions of which the first one is made and not answered, or not made."""
    fails = [True]

    @asynccontextmanager
    async def opened(*args: Any, **how: Any) -> AsyncIterator[Connection]:
        real: AbstractAsyncContextManager[Connection] = tenant(*args, **how)
        is_lost = bool(fails) and fails.pop()
        async with real as conn:
            yield conn
            if is_lost and not is_made:
                raise ConnectionResetError("cut before the commit")
        if is_lost:
            raise ConnectionResetError("cut before its answer")

    return opened


@pytest.fixture
def open_house(pool: Pool, owner: UUID, monkeypatch: pytest.MonkeyPatch) -> tuple[Dispatcher, Finisher, Open]:
    monkeypatch.setattr("worker.queue.dispatcher.REST_S", 0.0)
    lease, house = Lease(owner), Open()
    finisher = Finisher(pool, lease, rng=Random(1))
    return Dispatcher(pool, lease=lease, gate=house, processor=house, finisher=finisher), finisher, house


@pytest.mark.parametrize("is_made", [pytest.param(True, id="made"), pytest.param(False, id="not made")])
async def test_nothing_is_claimed_before_it_is_known_what_an_unanswered_claim_brought(
    pool: Pool,
    tenant_id: UUID,
    target: UUID,
    open_house: tuple[Dispatcher, Finisher, Open],
    monkeypatch: pytest.MonkeyPatch,
    is_made: bool,
) -> None:
    """What was not made leaves its epoch to the next claim: giving it back later would open the lane of one that runs.

    Nor does the next claim begin behind what it did not get.
    """
    (account,) = await accounts(pool, tenant_id, target, 1)
    (op,) = await enqueue(pool, tenant_id, an_operation(target, account))
    dispatching, finisher, house = open_house
    monkeypatch.setattr("worker.queue.marks.BACK_EVERY_S", 3600.0)
    monkeypatch.setattr("worker.queue.dispatcher.tenant", failing_once(is_made=is_made))
    with pytest.raises(ConnectionResetError):
        await dispatching.run_once(tenant_id, target)

    await dispatching.run_once(tenant_id, target)
    assert dispatching.held == 0
    writing = asyncio.create_task(finisher.run())
    await finisher.drained()
    await dispatching.run_once(tenant_id, target)
    while dispatching.held:
        await asyncio.sleep(0)
    await finisher.drained()
    writing.cancel()

    assert [(done.id, done.attempt_number) for done in house.done] == [(op, 1)]
    assert await rows(pool, tenant_id, "SELECT 1 FROM operations") == []


async def test_a_daemon_that_ends_leaves_nothing_of_a_claim_that_was_not_answered(
    pool: Pool,
    tenant_id: UUID,
    target: UUID,
    open_house: tuple[Dispatcher, Finisher, Open],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (account,) = await accounts(pool, tenant_id, target, 1)
    await enqueue(pool, tenant_id, an_operation(target, account))
    dispatching, finisher, _ = open_house
    monkeypatch.setattr("worker.queue.dispatcher.tenant", failing_once(is_made=True))
    with pytest.raises(ConnectionResetError):
        await dispatching.run_once(tenant_id, target)

    writing = asyncio.create_task(finisher.run())
    await dispatching.drain(1)
    writing.cancel()

    found = await rows(pool, tenant_id, "SELECT status, attempt_number FROM operations")
    assert [(row["status"], row["attempt_number"]) for row in found] == [("pending", 0)]


async def test_what_waited_for_its_target_for_a_moment_is_claimed_when_the_moment_is_over(
    pool: Pool, tenant_id: UUID, target: UUID, owner: UUID
) -> None:
    """Nobody is told of what a claim itself has woken: left to the next one, it would wait for a poll."""
    (account,) = await accounts(pool, tenant_id, target, 1)
    await enqueue(pool, tenant_id, an_operation(target, account))
    (op,) = await claim(pool, tenant_id, target, owner)
    await finish(pool, owner, Finished(op, Parked(WaitReason.TARGET_DOWN, "Down.", look_after=timedelta(0)), 1))

    assert [again.id for again in await claim(pool, tenant_id, target, owner)] == [op.id]


async def test_an_emergency_that_failed_waits_behind_no_other_retry(
    pool: Pool, tenant_id: UUID, target: UUID, owner: UUID
) -> None:
    lanes = await accounts(pool, tenant_id, target, 4)
    *_, urgent = await enqueue(
        pool, tenant_id, *(an_operation(target, lane, priority=100 * (lane == lanes[-1])) for lane in lanes)
    )
    await claim(pool, tenant_id, target, owner)
    async with tenant(pool, tenant_id) as conn:
        await conn.execute(
            "UPDATE operations SET status = 'failed', owner = NULL, next_retry_at = db_now() - "
            "make_interval(secs => CASE WHEN priority = 100 THEN 1 ELSE 60 END)"
        )
        due = await operations.claim(conn, tenant_id, connector_id=target, owner=owner, limit=1)

    assert [op.id for op in due] == [urgent]


async def test_more_emergencies_than_there_is_room_for_are_not_claimed_and_given_back_in_turns(
    pool: Pool, tenant_id: UUID, target: UUID, open_house: tuple[Dispatcher, Finisher, Open]
) -> None:
    lanes = await accounts(pool, tenant_id, target, 20)
    await enqueue(pool, tenant_id, *(an_operation(target, lane, priority=100) for lane in lanes))
    dispatching, finisher, house = open_house
    hangs = asyncio.Event()

    async def process(operation: Operation) -> Finished:
        await hangs.wait()
        return Finished(operation, Succeeded(f"u{operation.seq}"), 1)

    house.process = process  # type: ignore[method-assign]  # so that nothing ends meanwhile
    for _ in range(5):
        await dispatching.run_once(tenant_id, target)

    assert finisher.pending == frozenset()
    writing = asyncio.create_task(finisher.run())
    hangs.set()
    await dispatching.drain(30)
    writing.cancel()


async def test_after_work_a_target_is_looked_at_once_more_when_it_was_put_to_sleep(
    pool: Pool, tenant_id: UUID, target: UUID, owner: UUID
) -> None:
    """What came between an empty claim and that found the target due already, and its hint may wait for company."""
    rooms: list[object] = []
    lease, house = Lease(owner), Open()
    finisher = Finisher(pool, lease, rng=Random(1))
    made = Dispatcher(pool, lease=lease, gate=house, processor=house, finisher=finisher, on_room=rooms.append)
    await made.run_once(tenant_id, target)
    assert rooms == [], "nothing was claimed before"

    (account,) = await accounts(pool, tenant_id, target, 1)
    await enqueue(pool, tenant_id, an_operation(target, account))
    assert (await made.run_once(tenant_id, target)).claimed == 1
    await eventually(lambda: made.held == 0)
    rooms.clear()

    assert (await made.run_once(tenant_id, target)).claimed == 0
    assert len(rooms) == 1
    assert (await made.run_once(tenant_id, target)).claimed == 0
    assert len(rooms) == 1
