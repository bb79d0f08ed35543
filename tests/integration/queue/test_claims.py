"""What is claimed is noted for as long as it is held, and found by its note when its owner is gone."""

import asyncio
from contextlib import suppress
from dataclasses import dataclass, field
from random import Random
from uuid import UUID, uuid4

import pytest

from tests.factories import accounts, an_operation, enqueue
from tests.waiting import eventually
from worker.domain.operation import Operation
from worker.domain.outcome import Released, Succeeded
from worker.domain.processing import Finished, Gate
from worker.queue import Dispatcher, Finisher, Rescuer, marks
from worker.queue.rescuer import ORPHANS_EVERY
from worker.store import operations, workers
from worker.store.pool import Pool
from worker.store.tenant import tenant


async def _notes(pool: Pool, tenant_id: UUID) -> list[int]:
    """How many operations each note names."""
    async with tenant(pool, tenant_id) as conn:
        rows = await conn.fetch("SELECT cardinality(operation_ids) AS n FROM claims WHERE tenant_id = $1", tenant_id)
    return sorted(row["n"] for row in rows)


async def _a_dead_one_with_one(pool: Pool, tenant_id: UUID, target: UUID) -> UUID:
    (lane,) = await accounts(pool, tenant_id, target, 1)
    await enqueue(pool, tenant_id, an_operation(target, lane))
    owner = uuid4()
    async with pool.acquire() as conn:
        await workers.register(conn, owner, host="test", pid=1, version="0", roles=["worker"], lease_s=60.0)
    async with tenant(pool, tenant_id) as conn:
        assert len(await operations.claim(conn, tenant_id, connector_id=target, owner=owner, limit=9)) == 1
    async with pool.acquire() as conn:
        await conn.execute("UPDATE workers SET expires_at = db_now() WHERE id = $1", owner)
    return owner


async def test_the_notes_of_the_dead_go_when_nothing_is_left_under_them(
    pool: Pool, tenant_id: UUID, target: UUID
) -> None:
    await _a_dead_one_with_one(pool, tenant_id, target)
    assert await _notes(pool, tenant_id) == [1]

    assert (await Rescuer(pool).run_once()).requeued == 1

    assert await _notes(pool, tenant_id) == []


async def test_a_note_stays_while_this_version_must_leave_alone_what_it_names(
    pool: Pool, tenant_id: UUID, target: UUID
) -> None:
    """A later version, which knows the type, finds it by the note although its owner's row is gone."""
    await _a_dead_one_with_one(pool, tenant_id, target)
    async with tenant(pool, tenant_id) as conn:
        await conn.execute("UPDATE operations SET operation_type = 'rename' WHERE tenant_id = $1", tenant_id)
    rescuer = Rescuer(pool)
    assert (await rescuer.run_once()).requeued == 0
    assert await _notes(pool, tenant_id) == [1]
    async with tenant(pool, tenant_id) as conn:
        await conn.execute("UPDATE operations SET operation_type = 'update' WHERE tenant_id = $1", tenant_id)

    requeued = [(await rescuer.run_once()).requeued for _ in range(ORPHANS_EVERY)]

    assert sum(requeued) == 1
    assert await _notes(pool, tenant_id) == []


@pytest.mark.parametrize("rounds", [pytest.param(0, id="at the start"), pytest.param(1, id="later")])
async def test_what_a_dead_process_of_an_older_version_held_is_found_without_a_note(
    pool: Pool, tenant_id: UUID, target: UUID, rounds: int
) -> None:
    rescuer = Rescuer(pool)
    for _ in range(rounds):
        await rescuer.run_once()
    await _an_older_one_with_one(pool, tenant_id, target)

    assert (await rescuer.run_once()).requeued == 1


async def _an_older_one_with_one(pool: Pool, tenant_id: UUID, target: UUID) -> UUID:
    """A dead process of the version before, which notes nothing."""
    owner = await _a_dead_one_with_one(pool, tenant_id, target)
    async with tenant(pool, tenant_id) as conn:
        await conn.execute("DELETE FROM claims WHERE tenant_id = $1", tenant_id)
    async with pool.acquire() as conn:
        await conn.execute("UPDATE workers SET notes_claims = false WHERE id = $1", owner)
    return owner


async def _rounds(rescuer: Rescuer, count: int) -> int:
    return sum([(await rescuer.run_once()).requeued for _ in range(count)])


async def test_what_was_locked_while_an_older_process_was_rescued_is_found_later(
    pool: Pool, tenant_id: UUID, target: UUID
) -> None:
    """Its owner's row is gone by then, and no note names it."""
    rescuer = Rescuer(pool)
    await _rounds(rescuer, 4 * ORPHANS_EVERY)
    await _an_older_one_with_one(pool, tenant_id, target)
    async with tenant(pool, tenant_id) as submitting:
        await submitting.fetch("SELECT 1 FROM operations WHERE tenant_id = $1 FOR UPDATE", tenant_id)
        assert await _rounds(rescuer, 1) == 0

    assert await _rounds(rescuer, ORPHANS_EVERY) == 1


async def test_what_an_older_process_left_behind_is_found_when_it_is_gone(
    pool: Pool, tenant_id: UUID, target: UUID
) -> None:
    rescuer = Rescuer(pool)
    await _rounds(rescuer, 4 * ORPHANS_EVERY)
    owner = await _an_older_one_with_one(pool, tenant_id, target)
    async with pool.acquire() as conn:
        await conn.execute("UPDATE workers SET expires_at = db_now() + interval '1 h' WHERE id = $1", owner)
    assert await _rounds(rescuer, 1) == 0
    async with pool.acquire() as conn:
        await workers.leave(conn, owner)

    assert await _rounds(rescuer, ORPHANS_EVERY) == 1


async def test_a_first_round_that_fails_is_made_again(
    pool: Pool, tenant_id: UUID, target: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    owner = await _an_older_one_with_one(pool, tenant_id, target)
    async with pool.acquire() as conn:
        await workers.leave(conn, owner)
    rescuer = Rescuer(pool)

    async def away(*_: object) -> None:
        raise ConnectionResetError

    with monkeypatch.context() as patched:
        patched.setattr(rescuer, "_orphaned", away)
        with pytest.raises(ConnectionResetError):
            await rescuer.run_once()

    assert await _rounds(rescuer, 1) == 1


@dataclass(frozen=True, slots=True)
class Lease:
    """A lease that holds."""

    owner: UUID


@pytest.mark.parametrize("is_committed", [pytest.param(True, id="committed"), pytest.param(False, id="rolled back")])
async def test_a_claim_whose_commit_arrives_late_is_put_back_all_the_same(
    pool: Pool, tenant_id: UUID, target: UUID, owner: UUID, *, is_committed: bool
) -> None:
    """Whoever claimed has lost the connection by then, and has heard nothing; nor would anybody else know of it."""
    (lane, other) = await accounts(pool, tenant_id, target, 2)
    await enqueue(pool, tenant_id, an_operation(target, lane))
    finisher = Finisher(pool, Lease(owner), rng=Random(1))
    with suppress(ConnectionResetError):
        async with tenant(pool, tenant_id) as claiming:
            (op,) = await operations.claim(claiming, tenant_id, connector_id=target, owner=owner, limit=1)
            writing = asyncio.create_task(finisher.run())
            finisher.put(owner, Finished(op, Released(is_unheard=True), 0))
            await _passes_by(pool, tenant_id, target, other, owner, finisher)
            assert op.id in finisher.pending
            if not is_committed:
                raise ConnectionResetError
    await finisher.drained()
    writing.cancel()

    async with tenant(pool, tenant_id) as conn:
        (row,) = await conn.fetch("SELECT status, attempt_number FROM operations WHERE tenant_id = $1", tenant_id)
        again = await operations.claim(conn, tenant_id, connector_id=target, owner=owner, limit=1)
    assert (row["status"], row["attempt_number"]) == ("pending", 0)
    assert [each.id for each in again] == [op.id]


async def _passes_by(pool: Pool, tenant_id: UUID, target: UUID, lane: UUID, owner: UUID, finisher: Finisher) -> None:
    """Another try that ends meanwhile is written."""
    await enqueue(pool, tenant_id, an_operation(target, lane))
    async with tenant(pool, tenant_id) as conn:
        (op,) = await operations.claim(conn, tenant_id, connector_id=target, owner=owner, limit=1)
    finisher.put(owner, Finished(op, Succeeded("u"), 0))

    async def is_written() -> bool:
        async with tenant(pool, tenant_id) as conn:
            return bool(await conn.fetch("SELECT 1 FROM operations_archive WHERE tenant_id = $1", tenant_id))

    await eventually(is_written)


@dataclass
class Processor:
    """Counts what it runs, at a target that is always open; ``fails``: what a claim brought cannot be prepared."""

    runs: int = 0
    fails: bool = False
    may_end: asyncio.Event = field(default_factory=asyncio.Event)

    async def gate(self, *_: UUID) -> Gate:
        return Gate(4)

    async def prepare(self, *_: object) -> None:
        if self.fails:
            raise ConnectionResetError

    async def process(self, operation: Operation) -> Finished:
        self.runs += 1
        await self.may_end.wait()
        return Finished(operation, Succeeded("u"), 1)


@dataclass
class Works:
    """A dispatcher whose results nobody writes yet, as while the database is away."""

    processor: Processor
    finisher: Finisher
    dispatcher: Dispatcher


async def _works(pool: Pool, tenant_id: UUID, target: UUID, owner: UUID) -> Works:
    """With one operation that runs."""
    (lane,) = await accounts(pool, tenant_id, target, 1)
    await enqueue(pool, tenant_id, an_operation(target, lane))
    processor, finisher = Processor(), Finisher(pool, Lease(owner), rng=Random(1))
    made = Dispatcher(pool, lease=Lease(owner), gate=processor, processor=processor, finisher=finisher)
    await made.run_once(tenant_id, target)
    await eventually(lambda: processor.runs == 1)
    return Works(processor, finisher, made)


async def _forget_the_claim(pool: Pool, tenant_id: UUID) -> None:
    """What a failover to a standby leaves that has not had the last commits."""
    async with tenant(pool, tenant_id) as conn:
        await conn.execute("DELETE FROM claims WHERE tenant_id = $1", tenant_id)
        await conn.execute(
            "UPDATE operations SET status = 'pending', owner = NULL, epoch = epoch - 1, "
            "attempt_number = attempt_number - 1 WHERE tenant_id = $1",
            tenant_id,
        )


@pytest.fixture
def always_from_the_front(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(marks, "BACK_EVERY_S", 0.0)
    monkeypatch.setattr(marks, "FRONT_SHARE", 1e9)


@pytest.mark.usefixtures("always_from_the_front")
async def test_what_a_failover_forgot_is_not_run_again_while_its_result_waits_to_be_written(
    pool: Pool, tenant_id: UUID, target: UUID, owner: UUID
) -> None:
    works = await _works(pool, tenant_id, target, owner)
    works.processor.may_end.set()
    await eventually(lambda: works.dispatcher.held == 0)
    await _forget_the_claim(pool, tenant_id)

    assert (await works.dispatcher.run_once(tenant_id, target)).claimed == 0
    assert (works.processor.runs, works.dispatcher.held) == (1, 0)


async def test_the_note_of_what_a_failover_brought_back_stays(
    pool: Pool, tenant_id: UUID, target: UUID, owner: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its end was written and is lost, and nobody knows: only the note leads to it when its owner is gone."""
    works = await _works(pool, tenant_id, target, owner)
    monkeypatch.setattr(works.finisher, "put", lambda *_: None)
    works.processor.may_end.set()
    await eventually(lambda: works.dispatcher.held == 0)

    assert await works.dispatcher.forget_claims() == 0
    assert await _notes(pool, tenant_id) == [1]
    async with pool.acquire() as conn:
        await conn.execute("UPDATE workers SET expires_at = db_now() WHERE id = $1", owner)
    assert (await Rescuer(pool).run_once()).requeued == 1


@pytest.mark.usefixtures("always_from_the_front")
async def test_a_note_that_names_what_runs_here_stays_though_its_own_claim_failed(
    pool: Pool, tenant_id: UUID, target: UUID, owner: UUID
) -> None:
    works = await _works(pool, tenant_id, target, owner)
    await _forget_the_claim(pool, tenant_id)
    (other,) = await accounts(pool, tenant_id, target, 1)
    await enqueue(pool, tenant_id, an_operation(target, other))
    works.processor.fails = True
    with suppress(ConnectionResetError):
        await works.dispatcher.run_once(tenant_id, target)
    writing = asyncio.create_task(works.finisher.run())
    await works.finisher.drained()

    await works.dispatcher.forget_claims()

    assert await _notes(pool, tenant_id) == [2]
    works.processor.may_end.set()
    await works.finisher.drained()
    writing.cancel()
