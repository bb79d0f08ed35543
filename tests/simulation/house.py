"""Processes made of the real dispatcher, finisher, poller and rescuer, in virtual time, and what befalls them."""

import asyncio
import contextvars
import sys
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from random import Random
from typing import Any
from unittest import mock
from uuid import UUID

from tests.factories import an_operation
from tests.simulation.clock import Clock, VirtualLoop
from tests.simulation.store import Store
from worker.domain.operation import EPOCH, NewOperation, Operation, OperationStatus, WaitReason
from worker.domain.outcome import DeadLettered, Outcome, Parked, Released, Retry, Succeeded
from worker.domain.processing import Finished, Gate
from worker.queue import Dispatcher, Finisher, Rescuer, cancelling, dispatcher, finisher, rescuer
from worker.service import loop as service_loop
from worker.service.loop import DuePoller
from worker.store.due_work import Kind
from worker.store.notify import Hints

S = OperationStatus
LEASE_S, BEAT_S, POLL_S, RESCUE_S = 6.0, 1.5, 1.0, 0.5
#: The faults end here; everything has to be over so much later.
HEALED_S, OVER_S = 30.0, 9_000.0

_process: contextvars.ContextVar["Process | None"] = contextvars.ContextVar("process", default=None)


@dataclass(slots=True)
class Target:
    """Takes its time, is closed at times, and remembers every change that reached it."""

    loop: VirtualLoop
    rng: Random
    slowest_s: float
    is_open: bool = True
    #: (account, place in its lane, operation, epoch)
    changes: list[tuple[UUID, int, UUID, int]] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)


class Process:
    """One worker process: a lease, a pool, and the duties of a daemon."""

    def __init__(self, store: Store, target: Target, connector: UUID, *, slots: int, trouble: bool = True) -> None:
        self.store, self.target, self.connector, self.slots, self.trouble = store, target, connector, slots, trouble
        self.rng, self.loop = store.rng, store.loop
        self.tasks: set[asyncio.Task[Any]] = set()
        self.runs = asyncio.Event()
        self.runs.set()
        self.stop = asyncio.Event()
        self.owner = self._uuid()
        self.held_until = 0.0
        self.finisher = Finisher(self, self, rng=self.rng, on_written=self.wake)
        self.dispatcher = Dispatcher(
            self,
            lease=self,
            gate=self,
            processor=self,
            finisher=self.finisher,
            on_room=self._hear,
            is_crowded=lambda: self.poller.is_crowded,
        )
        self.poller = DuePoller(self, {Kind.CLAIM: self.dispatcher.run_once}, poll_s=POLL_S, rng=self.rng)

    def start(self) -> None:
        self._take_lease()
        token = _process.set(self)
        for work in (self.finisher.run(), self.poller.run(self.stop), self._beat(), self._rescue()):
            asyncio.create_task(work)  # noqa: RUF006 - kept by the task factory
        _process.reset(token)

    def wake(self) -> None:
        self.poller.wake()

    def _hear(self, hints: Hints) -> None:
        self.poller.hear(hints)

    def kill(self) -> None:
        """Nothing of it does anything any more, and it gives back nothing."""
        for task in list(self.tasks):
            task.cancel()

    async def pause(self, seconds: float) -> None:
        """Stop it where it next breathes."""
        self.runs.clear()
        await asyncio.sleep(seconds)
        self.runs.set()

    async def drain(self) -> None:
        self.stop.set()
        await self.dispatcher.drain(5.0)
        self.kill()
        self.store.leases.pop(self.owner, None)

    # a pool

    @asynccontextmanager
    async def acquire(self) -> AsyncIterator["Process"]:
        await self.breathe()
        yield self

    async def breathe(self) -> None:
        await self.runs.wait()
        await asyncio.sleep(self.rng.uniform(0, 0.01))

    # a lease

    def is_held(self) -> bool:
        return self.loop.now < self.held_until

    def _take_lease(self) -> None:
        self.store.leases[self.owner] = self.loop.now + LEASE_S
        self.held_until = self.loop.now + LEASE_S * 0.9

    async def _beat(self) -> None:
        while True:
            await asyncio.sleep(BEAT_S)
            await self.runs.wait()
            if self.store.leases.get(self.owner, 0.0) > self.loop.now:
                self._take_lease()
                continue
            self.owner = self._uuid()
            self.dispatcher.forget_all()
            self._take_lease()

    def _uuid(self) -> UUID:
        return UUID(int=self.rng.getrandbits(128), version=4)

    async def _rescue(self) -> None:
        duty = Rescuer(self)
        while True:
            await asyncio.sleep(RESCUE_S)
            await service_loop.guarded(duty.run_once, name="rescue")

    # a gate

    async def gate(self, _tenant_id: UUID, _connector_id: UUID) -> Gate:
        if not self.target.is_open:
            return Gate(0, reason=WaitReason.BREAKER, look_again=EPOCH + timedelta(seconds=self.loop.now + 1))
        return Gate(self.slots)

    # a processor

    async def prepare(self, _tenant_id: UUID, _operations: object) -> None:
        await self.breathe()

    async def process(self, op: Operation) -> Finished:
        await asyncio.sleep(self.rng.uniform(0, self.target.slowest_s))
        await self.runs.wait()
        if not self.is_held() or op.owner != self.owner:
            return Finished(op, Released(was_started=True), 1)
        outcome = self._change(op)
        await asyncio.sleep(self.rng.uniform(0, self.target.slowest_s))
        await self.runs.wait()
        return Finished(op, outcome, 1)

    def _change(self, op: Operation) -> Outcome:
        """What reaches the target does so under the present claim, and in the order of its account."""
        present = self.store.model.ops[op.id]
        if (present.epoch, present.owner) != (op.epoch, op.owner):
            self.target.wrong.append(f"{op.id} changed under epoch {op.epoch}, its epoch is {present.epoch}")
        chance = self.rng.random() if self.trouble and self.loop.now < HEALED_S else 0.0
        if chance > 0.9:
            return Parked(WaitReason.TARGET_DOWN, "Down.")
        if chance > 0.8:
            return Retry("timeout", "No answer.", retry_after=timedelta(seconds=self.rng.uniform(0, 5)))
        if chance > 0.77:
            return DeadLettered("invalid", "No.")
        self.target.changes.append((op.account_id, op.seq, op.id, op.epoch))
        return Succeeded(str(op.account_id))


@dataclass(frozen=True, slots=True)
class Told:
    """A story that is over: what was wrong, what was met and how often, and what reached the target."""

    wrong: list[str]
    met: dict[str, int]
    changes: list[tuple[UUID, int, UUID, int]]


def storm(seed: int) -> Told:
    """One story: a few processes, accounts with some operations each, and faults."""
    rng = Random(seed)
    loop = VirtualLoop()
    try:
        with _stood_in(loop) as (set_store, bugs):
            loop.set_task_factory(_remembered)
            told = loop.run_until_complete(_story(loop, rng, set_store))
            return replace(told, wrong=[*told.wrong, *bugs])
    finally:
        loop.close()


async def _story(loop: VirtualLoop, rng: Random, set_store: Any) -> Told:
    connector, tenant_id = (UUID(int=rng.getrandbits(128), version=4) for _ in range(2))
    store = Store(loop, rng, tenant_id)
    set_store(store)
    store.lost_replies = rng.choice([0.0, 0.0, 0.05, 0.2])
    target = Target(loop, rng, slowest_s=rng.choice([0.01, 0.2, 3.0]))
    fleet = [Process(store, target, connector, slots=rng.randint(1, 3)) for _ in range(rng.randint(1, 3))]
    for process in fleet:
        process.start()
    lanes = [UUID(int=rng.getrandbits(128), version=4) for _ in range(rng.randint(1, 4))]
    for _ in range(rng.randint(2, 5)):
        await _submit(store, connector, [_new(rng, connector, lanes) for _ in range(rng.randint(1, 4))])
        await asyncio.sleep(rng.expovariate(0.5))
        await _befall(store, fleet, target, connector)
    wrong = await _heal(store, fleet, target, connector)
    outcomes = Counter(outcome for op in store.model.ops.values() for _, outcome, _, _ in op.attempts)
    return Told(wrong, dict(outcomes + store.met), target.changes)


async def _befall(store: Store, fleet: list[Process], target: Target, connector: UUID) -> None:
    rng = store.rng
    at = rng.randrange(len(fleet))
    match rng.choice(["kill", "kill", "pause", "pause", "drain", "close", "forget", "nothing"]):
        case "kill":
            store.met["killed holding"] += bool(store.model.held_by([fleet[at].owner]))
            fleet[at].kill()
            fleet[at] = _started(store, target, connector)
        case "pause":
            asyncio.create_task(fleet[at].pause(rng.uniform(0, 3 * LEASE_S)))  # noqa: RUF006 - kept by the task factory
        case "drain":
            await fleet[at].drain()
            fleet[at] = _started(store, target, connector)
        case "close":
            target.is_open = not target.is_open
        case "forget":  # somebody removes the row of a process that died
            fleet[at].kill()
            store.leases.pop(fleet[at].owner, None)
            fleet[at] = _started(store, target, connector)


def _started(store: Store, target: Target, connector: UUID) -> Process:
    process = Process(store, target, connector, slots=store.rng.randint(1, 3))
    process.start()
    return process


def _new(rng: Random, connector: UUID, lanes: list[UUID]) -> NewOperation:
    urgent = rng.choice([0, 0, 0, 50, 100])
    one = UUID(int=rng.getrandbits(128), version=4)
    return an_operation(connector, rng.choice(lanes), priority=urgent, max_retries=3, id=one)


async def _submit(store: Store, connector: UUID, new: list[NewOperation]) -> None:
    async with store.lock:
        store.model.submit(new)
        await store.due_work.ask(None, store.tenant_id, Kind.CLAIM, connector)
        store._refresh()


async def _heal(store: Store, fleet: list[Process], target: Target, connector: UUID) -> list[str]:
    """No more faults: then all that was accepted comes to an end, by the poll alone."""
    await asyncio.sleep(max(HEALED_S - store.loop.now, 0.0))
    store.lost_replies, target.is_open = 0.0, True
    async with store.lock:  # whoever opens a target asks
        await store.due_work.ask(None, store.tenant_id, Kind.CLAIM, connector)
    live = (S.PENDING, S.IN_PROGRESS, S.FAILED, S.AWAITING_SYSTEM)
    while store.model.in_state(*live) and store.loop.now < OVER_S:
        await asyncio.sleep(1.0)
    await asyncio.sleep(2 * BEAT_S)
    wrong = [*target.wrong, *_inversions(target)]
    wrong += [f"{op.id} is {op.status} in the end" for op in store.model.in_state(*live)]
    wrong += [f"a process still holds {process.dispatcher.held}" for process in fleet if process.dispatcher.held]
    wrong += [f"{one} succeeded {n} times" for one, n in _successes(store).items() if n != 1]
    others = asyncio.all_tasks() - {asyncio.current_task()}
    for task in others:
        task.cancel()
    await asyncio.wait(others)
    return wrong


def _inversions(target: Target) -> Iterator[str]:
    """Changes of one account in another order than that of its lane."""
    last: dict[UUID, int] = {}
    for account, seq, one, _ in target.changes:
        if seq < last.get(account, 0):
            yield f"{one}, place {seq}, reached the target after place {last[account]}"
        last[account] = seq


def _successes(store: Store) -> dict[UUID, int]:
    done = store.model.in_state(S.COMPLETED)
    return {op.id: sum(outcome == "done" for _, outcome, _, _ in op.attempts) for op in done}


def _remembered(loop: asyncio.AbstractEventLoop, work: Any, **fields: Any) -> "asyncio.Task[Any]":
    """Every task belongs to the process whose task made it, and dies with it."""
    task: asyncio.Task[Any] = asyncio.Task(work, loop=loop, **fields)
    if (process := _process.get()) is not None:
        process.tasks.add(task)
        task.add_done_callback(process.tasks.discard)
    return task


@contextmanager
def _stood_in(loop: VirtualLoop) -> Iterator[Any]:
    """The one place where the duties get another store, another clock and nobody to tell."""
    clock, log = Clock(loop), _Log()
    modules = [cancelling, dispatcher, finisher, rescuer, service_loop]
    patches: list[Any] = []

    def put(name: str, value: Any) -> None:
        for module in modules:
            if hasattr(module, name):
                patches.append(mock.patch.object(module, name, value))
                patches[-1].start()

    def set_store(store: Store) -> None:
        for name in ("operations", "conflicts", "due_work", "workers", "claims", "tenant"):
            put(name, getattr(store, name))

    put("time", clock)
    put("log", log)
    put("tell", lambda *_: None)
    try:
        yield set_store, log.bugs
    finally:
        for patch in reversed(patches):
            patch.stop()


class _Log:
    """A logger to which everything may be said; bugs are kept."""

    def __init__(self) -> None:
        self.bugs: list[str] = []

    def exception(self, event: str, **_: Any) -> None:
        self.bugs.append(f"{event}: {sys.exception()!r}")

    def __getattr__(self, _: str) -> Any:
        return lambda *_, **__: None
