"""Background duties: when they run, how their failures are met, how they stop. Once, for all of them."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from random import Random
from typing import Any
from uuid import UUID

import structlog

from worker.service.turns import Turns
from worker.store import due_work
from worker.store.due_work import Due, Kind
from worker.store.notify import Hints
from worker.store.pool import DatabaseGone, Pool
from worker.telemetry import metrics

log = structlog.get_logger()

Duty = Callable[[], Awaitable[Any]]
Handler = Callable[[UUID, UUID], Awaitable[Any]]

#: A duty that failed waits this long, doubled each time, before its next round.
FIRST_PAUSE_S = 0.2
#: A database that is back is noticed within this.
LONGEST_PAUSE_S = 3.0
JITTER = 0.1
#: Who is told by others polls less often; together with the jitter below three seconds where a poll is a second.
TOLD_FACTOR = 2
#: However soon something is due: polls are not closer together because of it.
LEAST_PAUSE_S = 0.005
#: Handlers at once, but for runs, where nobody says otherwise.
AT_ONCE = 4
#: Kinds whose handlers last long, and are few.
_LONG = frozenset({Kind.RUN, Kind.RANGE})


async def every(duty: Duty, *, name: str, interval_s: float, stop: asyncio.Event, rng: Random) -> None:
    """Run a duty again and again, a little irregularly, until stopped; its failures are logged and it goes on."""
    failures = 0
    while not stop.is_set():
        ok = await guarded(duty, name=name)
        failures = 0 if ok else failures + 1
        wait = interval_s if ok else min(FIRST_PAUSE_S * 2**failures, LONGEST_PAUSE_S)
        await wait_for(stop, wait * rng.uniform(1 - JITTER, 1 + JITTER))


async def guarded(duty: Duty, *, name: str) -> bool:
    """One round of a duty; False when it failed. A database that is away is a warning, anything else an error."""
    started = time.monotonic()
    try:
        await duty()
    except DatabaseGone as error:
        log.warning("duty.database_away", duty=name, error=type(error).__name__, cause=name)
        metrics.loop_runs_total.labels(name, "database_away").inc()
        return False
    except Exception as error:  # a duty never dies of one bad round
        log.exception("duty.failed", duty=name, cause=f"{name} {type(error).__name__}")
        metrics.loop_runs_total.labels(name, "failed").inc()
        return False
    metrics.loop_runs_total.labels(name, "ok").inc()
    metrics.loop_seconds.labels(name).observe(time.monotonic() - started)
    return True


async def wait_for(event: asyncio.Event, seconds: float) -> bool:
    """Wait for an event at most so long; whether it came."""
    try:
        async with asyncio.timeout(max(seconds, 0)):
            await event.wait()
    except TimeoutError:
        return False
    return True


_Key = tuple[Kind, UUID, UUID]


class DuePoller:
    """The one poll behind all duties that react: asks what is due and runs its handlers, one at a time per thing.

    Every handler runs in a task of its own. Runs last long and are few: they begin at once. All else takes turns
    (``turns``), so that no tenant and no target has all connections and all attention of this process; what we are
    told is urgent goes before. A handler's answer may say how many it ``claimed``: that is what
    its turn has cost.

    A poll comes each ``poll_s``, half as often while ``is_told`` says that others tell us what they make due, and at
    the moment when something is due that waited for its time.
    """

    def __init__(
        self,
        pool: Pool,
        handlers: dict[Kind, Handler],
        *,
        poll_s: float,
        drain_s: float = 5.0,
        at_once: int = AT_ONCE,
        rng: Random | None = None,
        is_told: Callable[[], bool] = lambda: False,
    ) -> None:
        self._pool = pool
        self._handlers = handlers
        self._poll_s = poll_s
        self._drain_s = drain_s
        self._rng = rng or Random()
        self._is_told = is_told
        self._turns: Turns[_Key] = Turns(at_once=at_once, per_tenant=max(at_once - 1, 1))
        self._busy: dict[_Key, asyncio.Task[Any]] = {}
        #: Asked for while its handler ran: what made it due may be younger than what the handler saw.
        self._missed: dict[_Key, Due] = {}
        self._weights: dict[_Key, int] = {}
        self._next_in_s: float | None = None
        self._polled_at = 0.0
        self._wake = asyncio.Event()
        self._is_over = False

    @property
    def is_crowded(self) -> bool:
        """Whether somebody waits for a turn."""
        return self._turns.is_waited_for

    def wake(self) -> None:
        """Look now: somebody made work that we were not told by name."""
        self._wake.set()

    def hear(self, hints: Hints) -> None:
        """This process has committed work: go for it at once, without asking the database what it is."""
        if any(asked.is_later for asked in hints.asked):
            self.wake()
        for asked in hints.asked:
            kind = next((each for each in self._handlers if each == asked.kind), None)
            if kind is not None and not asked.is_later:
                weight = self._weights.get((kind, asked.tenant_id, asked.ref_id), 1)
                self._meet(Due(asked.tenant_id, kind, asked.ref_id, weight, asked.is_urgent))
        self._fill()

    async def run(self, stop: asyncio.Event) -> None:
        """Poll until stopped, then wait for the handlers that run."""
        pause = FIRST_PAUSE_S
        while not stop.is_set():
            await asyncio.sleep(self._polled_at + LEAST_PAUSE_S - time.monotonic())  # who wakes often wakes for many
            self._wake.clear()
            self._polled_at = time.monotonic()
            ok = await guarded(self.run_once, name="poll")
            pause = self._pause() if ok else min(max(pause, FIRST_PAUSE_S) * 2, LONGEST_PAUSE_S)
            await _first_of(self._wake, stop, timeout_s=pause)
        self._is_over = True
        await self._end(list(self._busy.values()))

    def _pause(self) -> float:
        """Until the next poll: not all processes at once, and not past the moment at which something is due."""
        usual = self._poll_s * (TOLD_FACTOR if self._is_told() else 1) * self._rng.uniform(1 - JITTER, 1 + JITTER)
        return usual if self._next_in_s is None else min(usual, max(self._next_in_s, LEAST_PAUSE_S))

    async def run_once(self) -> int:
        """Start the handlers of what is due and whose turn it is; how many of those found were not at work yet."""
        async with self._pool.acquire() as conn:
            look = await due_work.look(conn, [kind.value for kind in self._handlers])
        self._next_in_s = look.next_in_s
        self._weights = {_key(due): due.weight for due in look.due}
        fresh = sum(self._meet(due) for due in look.due)
        self._fill()
        return fresh

    def _meet(self, due: Due) -> bool:
        """Let something that is due begin, wait for its turn, or begin again after what runs; whether it was idle."""
        key = _key(due)
        if key in self._busy:
            before = self._missed.get(key)
            self._missed[key] = before if before is not None and before.is_urgent else due
            return False
        if due.kind in _LONG or due.is_urgent:
            self._start(key, self._handle(key))
        else:
            self._turns.offer(due.tenant_id, key, weight=due.weight)
        return True

    def _fill(self) -> None:
        while not self._is_over and (turn := self._turns.take()) is not None:
            tenant_id, key = turn
            if key in self._busy:  # it became urgent while it waited, and runs
                self._turns.end(tenant_id, key, cost=1)
            else:
                self._start(key, self._take_turn(key))

    def _start(self, key: _Key, work: Coroutine[Any, Any, Any]) -> None:
        kind, _, ref_id = key
        task = asyncio.create_task(work, name=f"{kind}:{ref_id}")
        self._busy[key] = task
        task.add_done_callback(lambda _: self._ended(key))

    async def _take_turn(self, key: _Key) -> None:
        cost = 1
        try:
            cost = await self._handle(key)
        finally:
            self._turns.end(key[1], key, cost=cost)

    async def _handle(self, key: _Key) -> int:
        kind, tenant_id, ref_id = key
        handler, counts = self._handlers[kind], None

        async def work() -> None:
            nonlocal counts
            counts = await handler(tenant_id, ref_id)

        await guarded(work, name=kind.value)
        return int(getattr(counts, "claimed", 1))

    def _ended(self, key: _Key) -> None:
        self._busy.pop(key, None)
        if (due := self._missed.pop(key, None)) is not None and not self._is_over:
            self._meet(due)
        self._fill()

    async def _end(self, tasks: Sequence["asyncio.Task[Any]"]) -> None:
        """What runs may come to its next stop by itself; what does not is cancelled, and found again by its lease."""
        if tasks:
            _, late = await asyncio.wait(tasks, timeout=self._drain_s)
            for task in late:
                task.cancel()
            if late:
                await asyncio.wait(late, timeout=2)


def _key(due: Due) -> _Key:
    return due.kind, due.tenant_id, due.ref_id


async def _first_of(*events: asyncio.Event, timeout_s: float) -> None:
    waits = [asyncio.create_task(event.wait()) for event in events]
    try:
        await asyncio.wait(waits, timeout=timeout_s, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for wait in waits:
            wait.cancel()
