"""Claiming what is due and running it: per target at most as many at once as its gate allows.

A target has a short local queue, so that its slots never wait for a claim; what is in it was claimed and not started,
and goes back without a try spent when the daemon drains or the target closes. What is more urgent goes first there
too, and an emergency is claimed although the local queue is full.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import partial
from uuid import UUID

import structlog

from worker.domain.operation import Operation, WaitReason
from worker.domain.outcome import Cancelled, Outcome, Released, Retry
from worker.domain.processing import Finished, Gate, Lease, OperationProcessor, TargetGate
from worker.queue.cancelling import asked_to_cancel
from worker.queue.finisher import Finisher
from worker.queue.local import MOST_HELD, Target, Try, by_target, empty_target, fence
from worker.queue.marks import BACK_EVERY_S, Marks
from worker.queue.notes import Notes
from worker.store import due_work, operations
from worker.store.notify import Hints
from worker.store.pool import Connection, Pool
from worker.store.tenant import tenant
from worker.telemetry import logs, metrics

log = structlog.get_logger()

#: After a claim that failed, the next of the same target.
REST_S = 1.0
#: At most this many in one claim: one target's claims come one after the other, and each waits for its commit.
MOST_CLAIMED = 1000
#: So long a slot goes on before it lets others have a turn.
TURN_S = 0.001


@dataclass(frozen=True, slots=True)
class Claimed:
    """Counts of one look at one target."""

    claimed: int = 0
    is_closed: bool = False


_Claim = Callable[[Connection, UUID, UUID, Target], Awaitable[list[Operation]]]


class Dispatcher:
    """Runs the operations of every target; ``on_room`` is told which target can take more.

    What comes next in a lane is claimed together with the finish of what came before it, where a claim right behind it
    would have brought just that. ``is_crowded`` says whether others wait for a turn: then everybody does.
    """

    def __init__(
        self,
        pool: Pool,
        *,
        lease: Lease,
        gate: TargetGate,
        processor: OperationProcessor,
        finisher: Finisher,
        on_room: Callable[[Hints], None] = lambda _: None,
        is_crowded: Callable[[], bool] = lambda: False,
    ) -> None:
        self._pool = pool
        self._lease = lease
        self._gate = gate
        self._processor = processor
        self._finisher = finisher
        self._on_room = on_room
        self._is_crowded = is_crowded
        finisher.when_caught_up(self._caught_up)
        finisher.claim_for(self)
        self._targets: dict[tuple[UUID, UUID], Target] = {}
        self._notes = Notes()
        self._is_draining = False

    async def run_once(self, tenant_id: UUID, connector_id: UUID) -> Claimed:
        """Look at one target that is due: claim what its free slots can take, put it to sleep when nothing is left."""
        key = tenant_id, connector_id
        target = self._targets.get(key) or self._targets.setdefault(key, empty_target(tenant_id, connector_id))
        if target.claiming.locked() or not self._may_claim(target):
            target.looked_not()
            return Claimed()
        async with target.claiming:
            gate = await self._gate.gate(tenant_id, connector_id)
            if not self._may_claim(target):
                target.looked_not()
                return Claimed()
            if gate.slots == 0:
                await self._close(tenant_id, connector_id, target, gate)
                return Claimed(is_closed=True)
            target.slots, target.name = gate.slots, gate.connector
            self._give_back(target, beyond=2 * target.ahead)  # the target has become slower
            room = min(gate.slots + target.ahead, MOST_HELD) - target.held
            target.is_held_back = self._finisher.is_behind
            if room <= 0 or target.is_held_back:
                target.looked_not()
                target.has_asked = False  # who asked gets no answer now, and has to ask again when there is room
                self._start_runners(target)  # there may be more slots than when they were started
                if target.urgent_room == 0:
                    return Claimed()
                return await self._claim(tenant_id, connector_id, target, self._emergencies)
            return await self._claim(tenant_id, connector_id, target, self._next(min(room, MOST_CLAIMED)))

    def _may_claim(self, target: Target) -> bool:
        if self._is_draining or time.monotonic() < target.rests_until:
            return False
        return not target.unsure or target.unsure.isdisjoint(self._finisher.pending)

    async def _claim(self, tenant_id: UUID, connector_id: UUID, target: Target, claim: "_Claim") -> Claimed:
        claimed: list[Operation] = []
        found: list[Operation] = []
        try:
            async with tenant(self._pool, tenant_id, is_hot=True) as conn:
                claimed = await claim(conn, tenant_id, connector_id, target)
                found = target.new_of(claimed, ended=self._finisher.pending_tries) if claimed else []
            metrics.last_claim_timestamp.set_to_current_time()
            if found:
                await self._prepare(tenant_id, found)
        except BaseException:
            target.rests_until = time.monotonic() + REST_S
            target.looked_not()
            target.marks = Marks()  # what was passed is perhaps not ours, and as ready as before
            target.unsure = frozenset(op.id for op in found)
            for op in found:
                self._hand_in(op, Released(is_unheard=True))
            self._note(tenant_id, claimed, found)
            raise
        metrics.claims_total.labels("work" if found else "empty").inc()
        metrics.claimed_operations_total.labels(target.name).inc(len(found))
        target.line_up(found)
        self._note(tenant_id, claimed, found)
        target.has_asked = False
        if self._is_draining:  # asked to end while the claim was under way
            self._give_back(target)
        self._start_runners(target)
        if len(found) == MOST_CLAIMED:  # there is more, and may be room for it
            self._ask_for_more(target)
        return Claimed(claimed=len(found))

    def _note(self, tenant_id: UUID, claimed: Sequence[Operation], found: Sequence[Operation]) -> None:
        """Have the note of a claim cleared away in the end; but where some of it are tried here under an older claim,
        whose note was lost, this one stays; and so does that of a lease that is lost.
        """
        if len(found) == len(claimed) and all(op.owner == self._lease.owner for op in found):
            self._notes.add(tenant_id, found)

    def lanes_to_claim(self, tenant_id: UUID, owner: UUID, ended: Sequence[Operation]) -> set[UUID]:
        """Their lanes, where nothing else of their targets waits, as far as we know, and each has a free slot."""
        if self._is_draining or owner != self._lease.owner or self._finisher.is_behind or self._is_crowded():
            return set()
        now, found = time.monotonic(), set[UUID]()
        for connector_id, ops in by_target(ended):
            target = self._targets.get((tenant_id, connector_id))
            if target is not None and target.may_chain(now, lanes=len(ops)) and self._may_claim(target):
                found.update(op.account_id for op in ops)
        return found

    def take(self, tenant_id: UUID, claimed: Sequence[Operation]) -> None:
        """Run what was claimed together with a finish, as soon as there is all that it needs."""
        for connector_id, ops in by_target(claimed):
            target = self._targets[tenant_id, connector_id]
            found = target.new_of(ops, ended=self._finisher.pending_tries)
            target.marks.went_by(found)
            metrics.claimed_operations_total.labels(target.name).inc(len(found))
            if self._is_draining:
                self._turn_away(found)
                self._note(tenant_id, ops, found)
                continue
            task = asyncio.create_task(self._prepare(tenant_id, found))
            target.arriving[task] = found
            task.add_done_callback(partial(self._arrived, target, tenant_id, ops))

    async def _prepare(self, tenant_id: UUID, found: Sequence[Operation]) -> None:
        await self._processor.prepare(tenant_id, found)

    def _arrived(
        self, target: Target, tenant_id: UUID, claimed: Sequence[Operation], task: "asyncio.Task[None]"
    ) -> None:
        found = target.arriving.pop(task)
        self._note(tenant_id, claimed, found)
        if task.cancelled() or (error := task.exception()) is not None:
            if not task.cancelled():
                log.warning("claim.not_prepared", operations=len(found), error=type(error).__name__)
            target.rests_until = time.monotonic() + REST_S
            self._turn_away(found)
            return
        target.line_up(found)
        if self._is_draining:
            self._give_back(target)
        self._start_runners(target)

    def _turn_away(self, found: Sequence[Operation]) -> None:
        for op in found:
            self._hand_in(op, Released())

    def note(self, tenant_id: UUID, claimed: Sequence[Operation]) -> None:
        """These were claimed and went back: their note is over."""
        self._notes.add(tenant_id, claimed)

    def _next(self, limit: int) -> "_Claim":
        async def claim(conn: Connection, tenant_id: UUID, connector_id: UUID, target: Target) -> list[Operation]:
            now = time.monotonic()
            is_front, ranges = target.marks.is_front_due(now), target.marks.ranges(now)
            found = await operations.claim(
                conn, tenant_id, connector_id=connector_id, owner=self._lease.owner, limit=limit, ranges=ranges
            )
            if is_front:
                target.marks.looked_from_front(time.monotonic(), took_s=time.monotonic() - now)
            target.marks.passed(found, is_all=len(found) < limit)
            target.looked(now, found=len(found), limit=limit)
            if found:  # a claim that brings something is followed by another
                target.looks_again = True
                return found
            again_s = None if is_front else BACK_EVERY_S
            target.is_settled = await due_work.settle_claim(conn, tenant_id, connector_id, again_s=again_s)
            if target.looks_again:
                # Who made work due between the claim and this found it due already, and is in no hurry to tell us.
                target.looks_again = target.is_settled = False
                self._on_room(target.room)
            return found

        return claim

    async def _emergencies(
        self, conn: Connection, tenant_id: UUID, connector_id: UUID, target: Target
    ) -> list[Operation]:
        return await operations.claim_emergencies(
            conn, tenant_id, connector_id=connector_id, owner=self._lease.owner, limit=target.urgent_room
        )

    def _start_runners(self, target: Target) -> None:
        """Start a slot, and another one when that has to wait and there is work left: one may work off everything."""
        if len(target.runners) < min(target.slots, len(target.running) + len(target.waiting)):
            runner = asyncio.create_task(self._run(target))
            target.runners.add(runner)
            runner.add_done_callback(lambda ended: self._runner_ended(target, ended))
            asyncio.get_running_loop().call_soon(self._start_runners, target)

    def _runner_ended(self, target: Target, runner: "asyncio.Task[None]") -> None:
        """What was claimed while it came to its end counted on it to run; but when all is cancelled, nothing begins."""
        target.runners.discard(runner)
        is_all_over = runner.cancelling() and runner not in target.cut_off
        target.cut_off.discard(runner)
        if not self._is_draining and not is_all_over:
            self._start_runners(target)

    async def _run(self, target: Target) -> None:
        """One slot: run what waits, one after the other, until nothing is left or the target allows fewer."""
        runner = asyncio.current_task()
        if runner is None:
            raise RuntimeError("a slot is a task of its own")
        in_use = metrics.target_slots_in_use.labels(target.name)
        let_others_at = time.monotonic() + TURN_S
        with metrics.running_operations.track_inprogress(), in_use.track_inprogress():
            while target.waiting and len(target.running) < target.slots and not self._is_draining:
                op = target.waiting.popleft()
                if op.owner != self._lease.owner:  # its claim was under way when the lease was lost: it is not ours
                    continue
                target.running[fence(op)] = Try(op, runner)
                started = time.monotonic()
                try:
                    await self._process(op)
                finally:
                    del target.running[fence(op)]
                if runner.cancelling():  # cut off by a drain that took too long, or by a lease that is lost
                    return
                ended = time.monotonic()
                target.note(ended - started)
                if not target.has_asked and len(target.waiting) <= target.ahead // 2:
                    self._ask_for_more(target)
                if not target.held and not self.held:
                    self._finisher.hurry()
                if ended > let_others_at:  # tries that wait for nothing would keep claims and results from going on
                    await asyncio.sleep(0)
                    let_others_at = time.monotonic() + TURN_S

    def _caught_up(self) -> None:
        for target in self._targets.values():
            if target.is_held_back:
                self._ask_for_more(target)

    def _ask_for_more(self, target: Target) -> None:
        if not target.has_asked and not target.is_settled and target.held < min(target.slots + target.ahead, MOST_HELD):
            target.has_asked = True
            self._on_room(target.room)

    async def _process(self, op: Operation) -> None:
        """Run one operation and hand in how it ended; one that the drain cut off is released."""
        started = time.monotonic()
        try:
            with logs.bound(
                tenant_id=op.tenant_id, operation_id=op.id, correlation_id=op.correlation_id, run_id=op.run_id
            ):
                finished = await self._processor.process(op)
        except asyncio.CancelledError:
            took = int((time.monotonic() - started) * 1000)
            finished = Finished(op, Released(was_started=True), took)
        except Exception as error:  # a bug of ours must not leave the operation in progress for as long as we live
            log.exception("operation.bug", operation_id=str(op.id), cause=f"{op.connector_id} {type(error).__name__}")
            finished = Finished(op, Retry("internal_error", "The daemon failed; this is a bug of ours."), 0)
        if op.owner is not None:
            self._finisher.put(op.owner, finished)

    def _hand_in(self, op: Operation, outcome: Outcome) -> None:
        if op.owner is not None:
            self._finisher.put(op.owner, Finished(op, outcome, 0))

    async def _close(self, tenant_id: UUID, connector_id: UUID, target: Target, gate: Gate) -> None:
        """A closed target sleeps until it is worth a look; what was claimed and not started goes back.

        One whose slots are all with other processes stays due: there may be one for us at the next look.
        """
        target.slots = 0
        self._give_back(target)
        if gate.reason is None:
            return
        async with tenant(self._pool, tenant_id) as conn:
            if gate.reason is WaitReason.TARGET_DOWN:  # it cannot be used, whatever its row says
                await due_work.settle(conn, tenant_id, due_work.Kind.CLAIM, connector_id, next_due=gate.look_again)
            else:
                await due_work.settle_closed(conn, tenant_id, connector_id, next_due=gate.look_again)

    def _give_back(self, target: Target, *, beyond: int = 0) -> None:
        """Release what waits here, all but the first ``beyond``."""
        while len(target.waiting) > beyond:
            self._turn_away([target.waiting.pop()])

    async def look_for_cancels(self) -> int:
        """Drop what people asked to cancel and that waits here unstarted; how many.

        What runs already is left to end: a change that was sent must be written down. When it does not succeed, it is
        cancelled in place of its next try.
        """
        dropped = 0
        for (tenant_id, _), target in list(self._targets.items()):
            if not target.waiting:
                continue
            async with tenant(self._pool, tenant_id) as conn:
                asked = await asked_to_cancel(conn, tenant_id, [op.id for op in target.waiting])
            for op in [op for op in target.waiting if op.id in asked]:
                target.waiting.remove(op)
                self._hand_in(op, Cancelled("Cancelled by a person before it was tried."))
                dropped += 1
        return dropped

    async def forget_claims(self) -> int:
        """Clear away the notes of claims of which this process holds nothing any more; how many."""
        return await self._notes.clear_away(self._pool, self._lease.owner, held=self._held_claims())

    def _held_claims(self) -> set[UUID | None]:
        held = self._finisher.pending_claims
        for target in self._targets.values():
            held |= target.claims
        return held

    def forget_all(self) -> None:
        """The lease is lost: whatever is held here may be someone else's now, so it is dropped, not finished."""
        for target in self._targets.values():
            target.waiting.clear()
            for each in target.running.values():
                each.slot.cancel()
                target.cut_off.add(each.slot)
        self._notes.clear()

    async def drain(self, timeout_s: float) -> None:
        """Take no more, give back what is not started, wait for what runs; what is left after the time is released."""
        self._is_draining = True
        for target in self._targets.values():
            self._give_back(target)
        await self._stop_preparing()
        running = [each.slot for target in self._targets.values() for each in target.running.values()]
        if running:
            _, late = await asyncio.wait(running, timeout=timeout_s)
            for task in late:
                task.cancel()
            if late:
                await asyncio.wait(late, timeout=2)
        await self._finisher.drained()

    async def _stop_preparing(self) -> None:
        """What was claimed together with a finish, and has not come so far as to wait here, goes back."""
        tasks = [task for target in self._targets.values() for task in target.arriving]
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks, timeout=2)

    @property
    def held(self) -> int:
        """How many operations this process holds."""
        return sum(target.held for target in self._targets.values())
