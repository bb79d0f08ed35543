"""Claiming and running: how many at once, in which order, and what goes back."""

import asyncio
from collections.abc import AsyncIterator
from random import Random
from uuid import UUID, uuid4

import pytest

from tests.integration.execution.conftest import HAPPENS_AND_HANGS, Site
from tests.integration.execution.running import Processor, Works, at_work, waiting
from tests.waiting import eventually
from worker.domain.operation import Operation, WaitReason
from worker.domain.outcome import Outcome, Succeeded
from worker.domain.processing import Finished, Gate
from worker.queue import DeadLetters, Dispatcher, Finisher, OperationQueue, finisher, local, marks
from worker.store import due_work
from worker.store.due_work import Kind
from worker.store.notify import Hints
from worker.store.tenant import tenant


@pytest.fixture
async def works(site: Site) -> AsyncIterator[Works]:
    async with at_work(site) as made:
        yield made


async def test_never_more_run_at_once_than_the_target_has_slots(site: Site, works: Works) -> None:
    site.targets.slots = 3
    await waiting(site, 20)
    works.processor.tries.set()

    async def is_over() -> bool:
        await works.look()
        return await works.is_over()

    await eventually(is_over)
    assert (len(works.processor.started), works.processor.most) == (20, 3)


async def test_the_more_urgent_run_first(site: Site, works: Works) -> None:
    site.targets.slots = 1
    for priority in (0, 50, 100, 50):
        await waiting(site, 1, priority=priority)
    works.processor.tries.set()

    await works.look()

    await eventually(lambda: len(works.processor.started) == 4)
    assert [op.priority for op in works.processor.started] == [100, 50, 50, 0]


async def test_a_second_look_claims_nothing_while_there_is_no_room(site: Site, works: Works) -> None:
    site.targets.slots = 2
    await waiting(site, 40)

    await works.look()
    before = works.dispatcher.held
    await works.look()

    assert 2 < before < 40
    assert works.dispatcher.held == before


async def test_an_emergency_that_failed_is_tried_again_though_there_is_no_room(site: Site, works: Works) -> None:
    """And nothing else that is due with it."""
    site.targets.slots = 2
    urgent, late = [(await waiting(site, 1, priority=priority))[0] for priority in (100, 0)]
    await site.rows("UPDATE operations SET status = 'failed', next_retry_at = db_now() + interval '1 h' RETURNING id")
    await waiting(site, 40)
    await works.look()
    await site.rows("UPDATE operations SET next_retry_at = db_now() WHERE status = 'failed' RETURNING id")

    await works.look()

    (left,) = await site.rows("SELECT id FROM operations WHERE status = 'failed'")
    assert left["id"] == late
    works.processor.tries.set()
    await eventually(lambda: urgent in [op.id for op in works.processor.started])


async def test_two_looks_at_once_claim_once(site: Site, works: Works) -> None:
    site.targets.slots = 2
    await waiting(site, 40)

    await asyncio.gather(works.look(), works.look())

    assert len(works.processor.prepared) == 1


async def test_what_a_target_that_became_slow_will_not_reach_goes_back_without_a_try_spent(
    site: Site, works: Works, monkeypatch: pytest.MonkeyPatch
) -> None:
    """That it is slow shows in that the same time ahead is less work; here the time is made less."""
    site.targets.slots = 2
    ids = await waiting(site, 10)
    await works.look()
    await eventually(lambda: works.processor.running == 2)
    assert works.dispatcher.held == 10

    monkeypatch.setattr(local, "AHEAD_S", 0.0)
    await works.look()

    assert works.dispatcher.held == 6

    async def are_back() -> bool:
        return [state for state in await works.states() if state[0] == "pending"] == [("pending", 0, 0)] * 4

    await eventually(are_back)
    pending = await site.rows("SELECT id FROM operations WHERE status = 'pending' ORDER BY id")
    assert [row["id"] for row in pending] == ids[-4:]
    assert await site.rows("SELECT 1 FROM attempts") == []


async def test_a_closed_target_gives_back_what_was_not_started(site: Site, works: Works) -> None:
    site.targets.slots = 1
    await waiting(site, 3)
    await works.look()
    await eventually(lambda: works.processor.running == 1)

    site.targets.slots = 0
    await works.look()

    async def are_back() -> bool:
        return sorted(await works.states()) == [("in_progress", 1, 0), ("pending", 0, 0), ("pending", 0, 0)]

    await eventually(are_back)


async def test_more_slots_are_used_though_nothing_more_is_claimed(
    site: Site, works: Works, monkeypatch: pytest.MonkeyPatch
) -> None:
    site.targets.slots = 1
    await waiting(site, 5)
    await works.look()
    await eventually(lambda: works.processor.running == 1)

    monkeypatch.setattr(local, "AHEAD_S", 0.0)
    site.targets.slots = 2
    await works.look()

    await eventually(lambda: works.processor.running == 2)


async def test_a_claim_whose_preparation_fails_gives_everything_back(site: Site, works: Works) -> None:
    await waiting(site, 3)
    works.processor.refuses = OSError("the database is away")

    with pytest.raises(OSError, match="away"):
        await works.look()

    async def are_back() -> bool:
        return await works.states() == [("pending", 0, 0)] * 3

    await eventually(are_back)
    assert (works.processor.started, works.dispatcher.held) == ([], 0)
    assert [due.ref_id for due in await due(site)] == [site.connector.id]

    await works.look()
    assert await works.states() == [("pending", 0, 0)] * 3, "what failed a moment ago is not claimed again at once"

    works.processor.refuses = None
    works.processor.tries.set()

    async def is_over() -> bool:
        await works.look()
        return await works.is_over()

    await eventually(is_over)


async def due(site: Site) -> list[due_work.Due]:
    async with site.pool.acquire() as conn:
        return await due_work.due(conn, [Kind.CLAIM])


async def test_a_claim_that_is_cut_off_while_it_prepares_gives_everything_back(site: Site, works: Works) -> None:
    await waiting(site, 3)
    works.processor.looks.clear()
    looking = asyncio.create_task(works.look())
    await eventually(lambda: works.processor.prepared)

    looking.cancel()
    await asyncio.gather(looking, return_exceptions=True)

    async def are_back() -> bool:
        return await works.states() == [("pending", 0, 0)] * 3

    await eventually(are_back)


async def test_a_drain_while_a_batch_is_prepared_starts_none_of_it(site: Site, works: Works) -> None:
    await waiting(site, 3)
    works.processor.looks.clear()
    looking = asyncio.create_task(works.look())
    await eventually(lambda: works.processor.prepared)

    await works.dispatcher.drain(1.0)
    works.processor.looks.set()
    await looking

    async def are_back() -> bool:
        return await works.states() == [("pending", 0, 0)] * 3

    await eventually(are_back)
    assert works.processor.started == []


async def test_a_drain_lets_what_runs_end_and_gives_back_the_rest(site: Site, works: Works) -> None:
    site.targets.slots = 1
    await waiting(site, 3)
    await works.look()
    await eventually(lambda: works.processor.running == 1)
    draining = asyncio.create_task(works.dispatcher.drain(10.0))
    await asyncio.sleep(0)
    works.processor.tries.set()
    await draining

    assert await works.states() == [("pending", 0, 0)] * 2
    assert len(works.processor.started) == 1
    await works.look()
    assert len(works.processor.prepared) == 1


async def test_what_a_drain_cuts_off_keeps_the_number_of_its_try_and_spends_none(site: Site, works: Works) -> None:
    """It may have reached its target, so the next try has to look there first."""
    await waiting(site, 1)
    await works.look()
    await eventually(lambda: works.processor.running == 1)

    await works.dispatcher.drain(0.01)

    assert await works.states() == [("pending", 1, 0)]
    [operation] = await site.claim()
    assert operation.attempt_number == 2


async def test_a_lost_lease_drops_what_waits_and_cuts_off_what_runs(site: Site, works: Works) -> None:
    """Whatever waits is left to be rescued; what ran goes back only while nobody else has it."""
    site.targets.slots = 1
    await waiting(site, 3)
    await works.look()
    await eventually(lambda: works.processor.running == 1)

    site.lease.owner = uuid4()
    works.dispatcher.forget_all()

    await eventually(lambda: works.dispatcher.held == 0)

    async def is_released() -> bool:
        return await works.states() == [("pending", 1, 0), ("in_progress", 1, 0), ("in_progress", 1, 0)]

    await eventually(is_released)
    assert len(works.processor.started) == 1


async def test_a_lease_lost_while_a_batch_is_prepared_starts_none_of_it(site: Site, works: Works) -> None:
    """By then others may have rescued the batch, and our new lease would let us change their target."""
    await waiting(site, 3)
    works.processor.looks.clear()
    works.processor.tries.set()
    looking = asyncio.create_task(works.look())
    await eventually(lambda: works.processor.prepared)

    site.lease.owner = uuid4()
    works.dispatcher.forget_all()
    works.processor.looks.set()
    await looking

    await eventually(lambda: works.dispatcher.held == 0)
    assert works.processor.started == []


async def test_an_operation_whose_run_breaks_is_retried_and_the_slot_goes_on(site: Site, works: Works) -> None:
    site.targets.slots = 1
    first, _ = await waiting(site, 2)

    def breaks(op: Operation) -> Outcome:
        if op.id == first:
            raise KeyError(op.id)
        return Succeeded("u")

    works.processor.answers = breaks
    works.processor.tries.set()
    await works.look()

    async def is_retried() -> bool:
        return await works.states() == [("failed", 1, 1)]

    await eventually(is_retried)
    assert await site.row("SELECT error_code FROM operations") == ("internal_error",)


async def test_what_a_person_cancels_before_it_was_started_is_never_tried(site: Site, works: Works) -> None:
    site.targets.slots = 1
    _, second = await waiting(site, 2)
    await works.look()
    await eventually(lambda: works.processor.running == 1)
    async with tenant(site.pool, site.tenant_id) as conn:
        await DeadLetters(OperationQueue()).cancel(
            conn, tenant_id=site.tenant_id, operation_id=second, notes="no", by=uuid4()
        )

    dropped = await works.dispatcher.look_for_cancels()
    works.processor.tries.set()

    await eventually(works.is_over)
    assert (dropped, len(works.processor.started)) == (1, 1)
    assert await site.row("SELECT status FROM operations_archive WHERE id = $1", second) == ("cancelled",)


async def test_a_create_that_a_drain_cuts_off_is_found_by_the_next_try(site: Site) -> None:
    await site.hires("Ada", "Moss")
    site.target.next("create", HAPPENS_AND_HANGS)
    async with site.writer() as finisher:
        made = Dispatcher(site.pool, lease=site.lease, gate=site.targets, processor=site.executor, finisher=finisher)
        await made.run_once(site.tenant_id, site.connector.id)
        await eventually(site.logins)
        await made.drain(0.01)

    [finished] = (await site.run()).values()

    assert isinstance(finished.outcome, Succeeded)
    assert finished.operation.attempt_number == 2
    assert (site.target.count("create"), site.logins()) == (1, ["ada.moss"])


@pytest.mark.parametrize("reason", [WaitReason.MAINTENANCE, WaitReason.TARGET_DOWN])
async def test_a_target_that_is_closed_is_not_claimed_from(
    site: Site, works: Works, monkeypatch: pytest.MonkeyPatch, reason: WaitReason
) -> None:
    await waiting(site, 2)

    async def closed(tenant_id: UUID, connector_id: UUID) -> Gate:
        del tenant_id, connector_id
        return Gate(0, "app", reason=reason)

    monkeypatch.setattr(site.targets, "gate", closed)
    await works.look()

    assert works.processor.prepared == []
    assert await works.states() == [("pending", 0, 0)] * 2


async def test_what_is_not_written_holds_back_further_claims(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever ended and is not written would be tried again after a crash, and fills the memory meanwhile."""
    monkeypatch.setattr(finisher, "BACKLOG", 20)
    site.targets.slots = 10
    await waiting(site, 60)
    processor = Processor()
    processor.tries.set()
    processor.looks.set()
    rooms: list[Hints] = []
    writer = Finisher(site.pool, site.lease, rng=Random(1))
    made = Dispatcher(
        site.pool, lease=site.lease, gate=site.targets, processor=processor, finisher=writer, on_room=rooms.append
    )
    for _ in range(4):
        await made.run_once(site.tenant_id, site.connector.id)
        await eventually(lambda: made.held == 0)
    behind, asked = len(processor.started), len(rooms)

    writing = asyncio.create_task(writer.run())
    await eventually(lambda: len(rooms) > asked)
    await made.run_once(site.tenant_id, site.connector.id)
    await eventually(lambda: made.held == 0)
    await writer.drained()
    writing.cancel()

    assert 20 <= behind < 60
    assert len(processor.started) > behind


async def test_what_a_failover_forgot_that_we_claimed_is_not_begun_again(
    site: Site, works: Works, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The server that took over has the row as it was before the claim."""
    monkeypatch.setattr(marks, "BACK_EVERY_S", 0.0)  # every look is from the front
    monkeypatch.setattr(marks, "FRONT_SHARE", 1e9)
    site.targets.slots = 1
    first, second = await waiting(site, 2)
    await works.look()
    await eventually(lambda: works.processor.running == 1)
    async with tenant(site.pool, site.tenant_id) as conn:
        await conn.execute(
            "UPDATE operations SET status = 'pending', owner = NULL, epoch = epoch - 1, "
            "attempt_number = attempt_number - 1 WHERE tenant_id = $1",
            site.tenant_id,
        )
        await due_work.ask(conn, site.tenant_id, Kind.CLAIM, site.connector.id)

    await works.look()
    assert works.dispatcher.held == 2
    works.processor.tries.set()

    await eventually(works.is_over)
    assert sorted(op.id for op in works.processor.started) == sorted([first, second])


async def test_what_is_claimed_anew_is_tried_though_the_try_of_a_lost_lease_has_not_ended_yet(
    site: Site, works: Works, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Left out as held already it would be in progress for as long as this process lives."""
    monkeypatch.setattr(marks, "BACK_EVERY_S", 0.0)  # every look is from the front
    monkeypatch.setattr(marks, "FRONT_SHARE", 1e9)
    site.targets.slots = 2
    (only,) = await waiting(site, 1)
    await works.look()
    await eventually(lambda: works.processor.running == 1)
    async with tenant(site.pool, site.tenant_id) as conn:  # what rescue leaves: the epoch goes on
        await conn.execute(
            "UPDATE operations SET status = 'pending', owner = NULL WHERE tenant_id = $1", site.tenant_id
        )

    await works.look()
    await eventually(lambda: len(works.processor.started) == 2)
    works.processor.tries.set()

    await eventually(works.is_over)
    assert [op.id for op in works.processor.started] == [only, only]


async def test_what_was_claimed_while_the_only_slot_came_to_its_end_is_run(
    site: Site, works: Works, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The slot that was counted on ends without taking it, and nothing is due any more that would begin another."""
    unwinds, process = asyncio.Event(), works.processor.process

    async def ends_slowly(operation: Operation) -> Finished:
        try:
            return await process(operation)
        except asyncio.CancelledError:
            await unwinds.wait()
            raise

    monkeypatch.setattr(works.processor, "process", ends_slowly)
    site.targets.slots = 1
    await waiting(site, 1)
    await works.look()
    await eventually(lambda: works.processor.running == 1)

    works.dispatcher.forget_all()
    (other,) = await waiting(site, 1)
    works.processor.tries.set()
    await works.look()
    await eventually(lambda: works.processor.running == 0)
    unwinds.set()

    await eventually(lambda: other in [op.id for op in works.processor.started])


async def test_a_process_clears_its_notes_away_when_the_last_of_a_claim_has_ended(site: Site, works: Works) -> None:
    site.targets.slots = 1
    await waiting(site, 2)
    await works.look()
    await eventually(lambda: works.processor.running == 1)
    await works.let_one_through()
    await eventually(lambda: len(works.processor.started) == 2)
    assert await works.dispatcher.forget_claims() == 0
    assert await _notes(site) == [2]

    works.processor.tries.set()
    await eventually(works.is_over)

    async def is_cleared() -> bool:
        return await works.dispatcher.forget_claims() == 1

    await eventually(is_cleared)
    assert await _notes(site) == []


async def _notes(site: Site) -> list[int]:
    return [row["n"] for row in await site.rows("SELECT cardinality(operation_ids) AS n FROM claims")]
