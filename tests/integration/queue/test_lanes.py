"""What comes next in a lane is claimed together with the finish of what came before it, exactly as a claim would."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from random import Random
from typing import Any
from uuid import UUID

import pytest

from tests.factories import a_connector, accounts, an_operation, enqueue
from tests.waiting import eventually
from worker.domain.operation import Operation
from worker.domain.outcome import DeadLettered, Outcome, Retry, Succeeded
from worker.domain.processing import Finished, Gate
from worker.queue import Dispatcher, Finisher, Rescuer
from worker.store import operations
from worker.store.operations import Completed, Completion, Fence
from worker.store.pool import Connection, Pool
from worker.store.tenant import tenant

#: One that claims, and two that find nothing: the second one knows that nobody came between.
LOOKS_TO_SLEEP = 3
#: Refused together; the good one alone; the bad one alone, refused; what is said instead.
THE_LAST_OF_THE_BATCH = 4


async def rows(pool: Pool, tenant_id: UUID, query: str) -> list[Any]:
    async with tenant(pool, tenant_id) as conn:
        return [tuple(row) for row in await conn.fetch(query)]


async def a_lane(pool: Pool, tenant_id: UUID, target: UUID, count: int, **fields: Any) -> list[UUID]:
    """Operations of one account, in their order; the fields are those of all but the first."""
    (lane,) = await accounts(pool, tenant_id, target, 1)
    (first,) = await enqueue(pool, tenant_id, an_operation(target, lane))
    return [first, *await enqueue(pool, tenant_id, *(an_operation(target, lane, **fields) for _ in range(count - 1)))]


async def complete(
    pool: Pool, tenant_id: UUID, owner: UUID, ops: Sequence[Operation], *, lanes: Sequence[UUID]
) -> Completed:
    ends = [Completion(Fence(op.id, op.epoch, op.account_id), 5, op.connector_id, f"u{op.account_id}") for op in ops]
    async with tenant(pool, tenant_id, is_hot=True, by_hash=True) as conn:
        return await operations.complete_and_claim(conn, tenant_id, owner, ends, lanes=lanes)


async def claim(pool: Pool, tenant_id: UUID, target: UUID, owner: UUID) -> list[Operation]:
    async with tenant(pool, tenant_id) as conn:
        return await operations.claim(conn, tenant_id, connector_id=target, owner=owner, limit=10)


async def test_the_next_one_is_claimed_as_by_a_claim(pool: Pool, tenant_id: UUID, target: UUID, owner: UUID) -> None:
    first, second, _ = await a_lane(pool, tenant_id, target, 3)
    claimed = await claim(pool, tenant_id, target, owner)
    lane = claimed[0].account_id

    ended = await complete(pool, tenant_id, owner, claimed, lanes=[lane])

    (op,) = ended.claimed
    assert (op.id, op.account_id, op.owner, op.epoch, op.attempt_number, op.seq) == (second, lane, owner, 1, 1, 2)
    assert ended.done == {first: False}, "nothing waits for a claim"
    assert await rows(pool, tenant_id, "SELECT id, status, head FROM operations ORDER BY seq LIMIT 1") == [
        (second, "in_progress", True)
    ]
    assert await rows(pool, tenant_id, "SELECT head_id, live FROM accounts WHERE live > 0") == [(second, 2)]
    noted = await rows(pool, tenant_id, "SELECT operation_ids FROM claims WHERE owner IS NOT NULL ORDER BY id")
    assert noted == [([first],), ([second],)]
    assert await claim(pool, tenant_id, target, owner) == []


@pytest.mark.parametrize(
    "act",
    [
        pytest.param("UPDATE workers SET expires_at = db_now()", id="the lease has run out"),
        pytest.param("DELETE FROM workers", id="there is no lease"),
        pytest.param("UPDATE operations SET operation_type = 'rename' WHERE NOT head", id="of an unknown type"),
        pytest.param(
            "UPDATE operations SET status = 'awaiting_system', wait_reason = 'approval' WHERE NOT head", id="held"
        ),
        pytest.param("UPDATE operations SET crashed_leases = 1 WHERE NOT head", id="a process died with it"),
        pytest.param("SELECT 1", id="of a lane that is not asked for"),
    ],
)
async def test_what_a_claim_would_not_take_is_promoted_only(
    pool: Pool, tenant_id: UUID, target: UUID, owner: UUID, database: Any, act: str
) -> None:
    first, second = await a_lane(pool, tenant_id, target, 2)
    claimed = await claim(pool, tenant_id, target, owner)
    async with tenant(pool, tenant_id) as conn:
        await conn.execute(act)
    before = await rows(pool, tenant_id, "SELECT id, status, epoch, owner FROM operations WHERE NOT head")
    lanes = [] if act == "SELECT 1" else [claimed[0].account_id]

    ended = await complete(pool, tenant_id, owner, claimed, lanes=lanes)

    assert ended == Completed({first: True}, [])
    assert await rows(pool, tenant_id, "SELECT id, status, epoch, owner FROM operations WHERE head") == before
    assert await rows(pool, tenant_id, "SELECT head_id FROM accounts WHERE live > 0") == [(second,)]
    assert len(await rows(pool, tenant_id, "SELECT 1 FROM claims")) == 1


async def test_a_finish_that_is_refused_claims_nothing(pool: Pool, tenant_id: UUID, target: UUID, owner: UUID) -> None:
    await a_lane(pool, tenant_id, target, 2)
    (op,) = await claim(pool, tenant_id, target, owner)

    late = await complete(pool, tenant_id, owner, [op._replace(epoch=op.epoch + 1)], lanes=[op.account_id])

    assert late == Completed({}, [])
    assert await rows(pool, tenant_id, "SELECT status, head FROM operations ORDER BY seq") == [
        ("in_progress", True),
        ("pending", False),
    ]


async def test_who_dies_before_it_hears_of_what_it_claimed_is_rescued(
    pool: Pool, tenant_id: UUID, target: UUID, owner: UUID
) -> None:
    _, second = await a_lane(pool, tenant_id, target, 2)
    claimed = await claim(pool, tenant_id, target, owner)
    await complete(pool, tenant_id, owner, claimed, lanes=[claimed[0].account_id])
    async with pool.acquire() as conn:
        await conn.execute("UPDATE workers SET expires_at = db_now() WHERE id = $1", owner)

    assert (await Rescuer(pool).run_once()).requeued == 1

    found = await rows(pool, tenant_id, "SELECT id, status, crashed_leases FROM operations")
    assert found == [(second, "pending", 1)]
    assert await rows(pool, tenant_id, "SELECT 1 FROM claims") == []


@dataclass
class Lease:
    owner: UUID

    def is_held(self) -> bool:
        return True


@dataclass
class House:
    """A dispatcher with its gate and its processor; nobody polls for it."""

    pool: Pool
    tenant_id: UUID
    target: UUID
    lease: Lease
    slots: int = 4
    is_crowded: bool = False
    rooms: list[object] = field(default_factory=list)
    done: list[Operation] = field(default_factory=list)
    outcome: Callable[[Operation], Outcome] = lambda op: Succeeded(f"u{op.account_id}")
    prepare_with: Callable[[Sequence[Operation]], Any] = lambda _: asyncio.sleep(0)

    def __post_init__(self) -> None:
        self.finisher = Finisher(self.pool, self.lease, rng=Random(1))
        self.dispatcher = Dispatcher(
            self.pool,
            lease=self.lease,
            gate=self,
            processor=self,
            finisher=self.finisher,
            on_room=self.rooms.append,
            is_crowded=lambda: self.is_crowded,
        )

    async def gate(self, *_: UUID) -> Gate:
        return Gate(self.slots, "app")

    async def prepare(self, _tenant_id: UUID, ops: Sequence[Operation]) -> None:
        await self.prepare_with(ops)

    async def process(self, operation: Operation) -> Finished:
        self.done.append(operation)
        return Finished(operation, self.outcome(operation), 1)

    async def look(self) -> None:
        await self.dispatcher.run_once(self.tenant_id, self.target)

    async def rests(self) -> None:
        """Until nothing runs any more and all is written."""
        while self.dispatcher.held or self.finisher.pending:
            await asyncio.sleep(0.001)

    async def left(self) -> list[Any]:
        query = "SELECT id, status, attempt_number FROM operations ORDER BY seq"
        return await rows(self.pool, self.tenant_id, query)


@pytest.fixture
def house(pool: Pool, tenant_id: UUID, target: UUID, owner: UUID, monkeypatch: pytest.MonkeyPatch) -> House:
    monkeypatch.setattr("worker.queue.local.CHAIN_S", 3600.0)
    monkeypatch.setattr("worker.queue.dispatcher.REST_S", 0.0)
    return House(pool, tenant_id, target, Lease(owner))


@pytest.fixture
async def writing(house: House) -> AsyncIterator[None]:
    task = asyncio.create_task(house.finisher.run())
    yield
    assert not task.done()
    task.cancel()
    await asyncio.wait([task])


@pytest.mark.usefixtures("writing")
async def test_a_lane_goes_on_to_its_end_after_one_look(house: House) -> None:
    lane = await a_lane(house.pool, house.tenant_id, house.target, 5)

    await house.look()
    await house.rests()

    assert [op.id for op in house.done] == lane
    assert await house.left() == []
    assert await house.dispatcher.forget_claims() == 5, "nothing is held, so no note is left"
    assert await rows(house.pool, house.tenant_id, "SELECT 1 FROM claims") == []


@pytest.mark.usefixtures("writing")
async def test_while_a_lane_goes_on_nobody_asks_for_looks_that_would_find_nothing(house: House) -> None:
    lane = await a_lane(house.pool, house.tenant_id, house.target, 5)
    may_end = asyncio.Event()

    async def process(operation: Operation) -> Finished:
        await may_end.wait()
        return await House.process(house, operation)

    house.process = process  # type: ignore[method-assign]  # so that nothing ends before the looks are over
    for _ in range(LOOKS_TO_SLEEP):
        await house.look()
    house.rooms.clear()
    may_end.set()
    await house.rests()

    assert [op.id for op in house.done] == lane
    assert house.rooms == []


@pytest.mark.usefixtures("writing")
async def test_lanes_take_turns_with_others_that_wait_for_one(house: House) -> None:
    lane = await a_lane(house.pool, house.tenant_id, house.target, 2)
    house.is_crowded = True

    await house.look()
    await house.rests()

    assert await house.left() == [(lane[1], "pending", 0)]


@pytest.mark.usefixtures("writing")
async def test_more_lanes_than_free_slots_wait_for_a_look(house: House) -> None:
    """What one process has no slot for another one may have."""
    house.slots = 1
    lanes = [await a_lane(house.pool, house.tenant_id, house.target, 2) for _ in range(2)]

    await house.look()
    await house.rests()

    assert {op.id for op in house.done} == {lane[0] for lane in lanes}


@pytest.mark.usefixtures("writing")
async def test_where_one_of_a_target_ended_badly_its_lanes_wait_for_a_look(house: House) -> None:
    """The target may be going down, and who looks asks first whether it may be called."""
    good, bad = [await a_lane(house.pool, house.tenant_id, house.target, 2) for _ in range(2)]
    house.outcome = lambda op: Succeeded(f"u{op.account_id}") if op.id == good[0] else Retry("timeout", "No answer.")

    await house.look()
    await house.rests()

    assert {op.id for op in house.done} == {good[0], bad[0]}


async def test_a_lane_stops_where_the_lease_was_lost(house: House) -> None:
    lane = await a_lane(house.pool, house.tenant_id, house.target, 2)
    await house.look()
    await eventually(lambda: len(house.done) == 1)
    owner, house.lease.owner = house.lease.owner, UUID(int=7)

    (ended,) = house.done
    assert house.dispatcher.lanes_to_claim(house.tenant_id, owner, [ended]) == set()
    assert [row[0] for row in await house.left()] == lane


@pytest.mark.usefixtures("writing")
async def test_what_could_not_be_prepared_goes_back_and_is_tried_by_the_next_look(house: House) -> None:
    lane = await a_lane(house.pool, house.tenant_id, house.target, 2)

    async def fail(ops: Sequence[Operation]) -> None:
        if ops[0].seq == 2:
            house.prepare_with = lambda _: asyncio.sleep(0)
            raise ConnectionResetError

    house.prepare_with = fail
    await house.look()
    await house.rests()

    assert await house.left() == [(lane[1], "pending", 0)]
    await house.look()
    await house.rests()
    assert [(op.id, op.attempt_number) for op in house.done] == [(one, 1) for one in lane]


@pytest.mark.usefixtures("writing")
async def test_what_is_being_prepared_when_the_daemon_drains_goes_back(house: House) -> None:
    lane = await a_lane(house.pool, house.tenant_id, house.target, 2)
    is_stuck = asyncio.Event()

    async def hang(ops: Sequence[Operation]) -> None:
        if ops[0].seq == 2:
            is_stuck.set()
            await asyncio.Event().wait()

    house.prepare_with = hang
    await house.look()
    await is_stuck.wait()
    await house.dispatcher.drain(5)

    assert await house.left() == [(lane[1], "pending", 0)]
    assert house.dispatcher.held == 0


def finished_by(monkeypatch: pytest.MonkeyPatch, *, before: Callable[[], Any], after: Callable[[], Any]) -> None:
    """Have something done right before the commit of the first finish, and right behind it."""
    first = [True]

    @asynccontextmanager
    async def opened(*args: Any, **how: Any) -> AsyncIterator[Connection]:
        real: AbstractAsyncContextManager[Connection] = tenant(*args, **how)
        is_first = bool(first) and first.pop()
        async with real as conn:
            yield conn
            if is_first:
                before()
                await asyncio.sleep(0)
        if is_first:
            after()

    monkeypatch.setattr("worker.queue.finisher.tenant", opened)


@pytest.mark.usefixtures("writing")
async def test_what_was_claimed_as_the_drain_began_goes_back(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    lane = await a_lane(house.pool, house.tenant_id, house.target, 2)
    drains: list[asyncio.Task[None]] = []

    def drain() -> None:
        drains.append(asyncio.create_task(house.dispatcher.drain(5)))

    finished_by(monkeypatch, before=drain, after=lambda: None)
    await house.look()
    await eventually(lambda: bool(drains))
    await drains[0]

    assert [op.id for op in house.done] == lane[:1]
    assert await house.left() == [(lane[1], "pending", 0)]


@pytest.mark.usefixtures("writing")
@pytest.mark.parametrize("is_made", [pytest.param(True, id="made"), pytest.param(False, id="not made")])
async def test_a_finish_that_was_not_answered_is_decided_before_its_lane_goes_on(
    house: House, monkeypatch: pytest.MonkeyPatch, is_made: bool
) -> None:
    """What it claimed goes back if it did, and is never tried under a fence that is still to go back."""
    lane = await a_lane(house.pool, house.tenant_id, house.target, 3)

    def lose() -> None:
        raise ConnectionResetError

    finished_by(monkeypatch, before=(lambda: None) if is_made else lose, after=lose if is_made else (lambda: None))
    await house.look()
    await eventually(lambda: len(house.done) >= 1)
    while await house.left():
        await house.rests()
        await house.look()
    await house.rests()

    assert [(op.id, op.attempt_number) for op in house.done] == [(one, 1) for one in lane]
    epochs = await rows(
        house.pool, house.tenant_id, "SELECT epoch FROM operations_archive WHERE status = 'completed' ORDER BY seq"
    )
    assert epochs == [(1,), (2 if is_made else 1,), (1,)]
    assert await house.dispatcher.forget_claims() > 0
    assert await rows(house.pool, house.tenant_id, "SELECT 1 FROM claims") == []


@dataclass
class Wants:
    """Whoever wants whatever comes next, and runs it for ever."""

    taken: list[UUID] = field(default_factory=list)

    def lanes_to_claim(self, _tenant_id: UUID, _owner: UUID, ended: Sequence[Operation]) -> set[UUID]:
        return {op.account_id for op in ended}

    def take(self, _tenant_id: UUID, claimed: Sequence[Operation]) -> None:
        self.taken += [op.id for op in claimed]

    def note(self, _tenant_id: UUID, claimed: Sequence[Operation]) -> None:
        raise AssertionError(claimed)


async def test_what_was_surely_undone_is_not_taken_back_from_who_got_it_later(
    pool: Pool, tenant_id: UUID, target: UUID, owner: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A batch that the database refuses is written one by one, and then the connection breaks."""
    lane = await a_lane(pool, tenant_id, target, 2)
    other = (await a_connector(pool, tenant_id, name="other")).id
    await a_lane(pool, tenant_id, other, 1)
    (good,), (bad,) = [await claim(pool, tenant_id, each, owner) for each in (target, other)]
    opened: list[int] = []

    @asynccontextmanager
    async def cut_at_last(*args: Any, **how: Any) -> AsyncIterator[Connection]:
        opened.append(len(opened) + 1)
        async with tenant(*args, **how) as conn:
            yield conn
            if opened[-1] == THE_LAST_OF_THE_BATCH:
                raise ConnectionResetError

    monkeypatch.setattr("worker.queue.finisher.tenant", cut_at_last)
    finisher, wants = Finisher(pool, Lease(owner), rng=Random(1)), Wants()
    finisher.claim_for(wants)
    finisher.put(owner, Finished(good, Succeeded("u1"), 1))
    finisher.put(owner, Finished(bad, DeadLettered("refused", "said \0"), 1))
    task = asyncio.create_task(finisher.run())
    await finisher.drained()
    task.cancel()

    assert len(opened) > THE_LAST_OF_THE_BATCH
    assert wants.taken == lane[1:]
    assert await rows(pool, tenant_id, "SELECT id, status, owner FROM operations") == [(lane[1], "in_progress", owner)]
