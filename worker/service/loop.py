"""Background duties: when they run, how their failures are met, how they stop. Once, for all of them."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from random import Random
from typing import Any
from uuid import UUID

import structlog

from worker.store import due_work
from worker.store.due_work import Due, Kind
from worker.store.pool import DatabaseGone, Pool
from worker.telemetry import metrics

log = structlog.get_logger()

Duty = Callable[[], Awaitable[Any]]
Handler = Callable[[UUID, UUID], Awaitable[Any]]

#: A duty that failed waits this long, doubled each time, before its next round.
FIRST_PAUSE_S = 0.2
LONGEST_PAUSE_S = 15.0
JITTER = 0.1


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

    A sick target or a long run holds up nothing else: every handler runs in a task of its own.
    """

    def __init__(self, pool: Pool, handlers: dict[Kind, Handler], *, poll_s: float, drain_s: float = 5.0) -> None:
        self._pool = pool
        self._handlers = handlers
        self._poll_s = poll_s
        self._drain_s = drain_s
        self._busy: dict[_Key, asyncio.Task[bool]] = {}
        #: Seen due while its handler ran: what made it so may be younger than what the handler saw.
        self._missed: set[_Key] = set()
        self._wake = asyncio.Event()

    def wake(self) -> None:
        """Look now: somebody in this process made work, or has room for more."""
        self._wake.set()

    async def run(self, stop: asyncio.Event) -> None:
        """Poll until stopped, then wait for the handlers that run."""
        pause = FIRST_PAUSE_S
        while not stop.is_set():
            self._wake.clear()
            ok = await guarded(self.run_once, name="poll")
            pause = self._poll_s if ok else min(max(pause, FIRST_PAUSE_S) * 2, LONGEST_PAUSE_S)
            await _first_of(self._wake, stop, timeout_s=pause)
        await self._end(list(self._busy.values()))

    async def run_once(self) -> int:
        """Start the handler of everything that is due and not being handled; how many were started."""
        async with self._pool.acquire() as conn:
            found = await due_work.due(conn, [kind.value for kind in self._handlers])
        fresh = [due for due in found if _key(due) not in self._busy]
        self._missed |= {_key(due) for due in found} & self._busy.keys()
        for due in fresh:
            self._start(due)
        return len(fresh)

    def _start(self, due: Due) -> None:
        key = _key(due)
        handler = self._handlers[due.kind]
        task = asyncio.create_task(
            guarded(lambda: handler(due.tenant_id, due.ref_id), name=due.kind.value), name=f"{due.kind}:{due.ref_id}"
        )
        self._busy[key] = task
        task.add_done_callback(lambda _: self._ended(key))

    def _ended(self, key: _Key) -> None:
        self._busy.pop(key, None)
        if key in self._missed:
            self._missed.discard(key)
            self.wake()

    async def _end(self, tasks: Sequence["asyncio.Task[bool]"]) -> None:
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
