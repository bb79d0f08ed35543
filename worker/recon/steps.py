"""What every phase of a run shares: stopping where people or the process ask for it, and patience with a target."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TypeVar

import structlog

from worker.correlation import Asker
from worker.domain.errors import HookError, LeaseLost, ListingChanged, TransientError
from worker.domain.run import PauseReason
from worker.mapping import Evaluator
from worker.recon.context import RunContext
from worker.safeguard import DEFAULT_LIMITS, SafeguardLimits
from worker.store import runs
from worker.store.pool import Connection, Pool
from worker.store.runs import Checkpoint, Progress, Requests
from worker.store.tenant import tenant

T = TypeVar("T")
log = structlog.get_logger()

#: Tries of one read before the run fails, and the wait before the second, which doubles.
TRIES = 6
FIRST_WAIT = timedelta(seconds=0.5)
LONGEST_WAIT = timedelta(seconds=30)


#: Tries of what needs the sandbox before the run is put down; together they wait for almost two minutes.
TRIES_FOR_ROOM = 9


class Stop(Exception):
    """The run is put down here: ``reason`` None means that it is cancelled; ``is_noted``: its row says so already."""

    def __init__(self, reason: PauseReason | None, *, is_noted: bool = False) -> None:
        super().__init__(str(reason))
        self.reason = reason
        self.is_noted = is_noted


@dataclass(frozen=True, slots=True)
class Steps:
    """How a phase writes. ``stop`` is set when this process drains; ``limits`` say which listing is believed.

    ``evaluator`` computes expressions of mappings, ``asker`` asks hooks and rules whose accounts are; never within a
    step.
    """

    pool: Pool
    stop: asyncio.Event
    limits: SafeguardLimits = DEFAULT_LIMITS
    evaluator: Evaluator | None = None
    asker: Asker | None = None

    @asynccontextmanager
    async def step(
        self, context: RunContext, progress: Progress | None = None, *, checkpoint: Checkpoint | None = None
    ) -> AsyncIterator[Connection]:
        """One transaction of a run, fenced; raises LeaseLost, and after its commit Stop when somebody asked for it."""
        async with tenant(self.pool, context.run.tenant_id) as conn:
            noted = progress or Progress()
            noted = replace(noted, tally={**noted.tally, **context.take_calls()})
            requests = await runs.advance(conn, context.run, noted, checkpoint=checkpoint)
            yield conn
        self._heed(requests)

    def _heed(self, requests: Requests) -> None:
        if requests.cancel:
            raise Stop(None)
        if requests.pause:
            raise Stop(PauseReason.PERSON)
        if self.stop.is_set():
            raise Stop(PauseReason.SHUTDOWN)

    async def patiently(self, context: RunContext, read: Callable[[], Awaitable[T]]) -> T:
        """Read from the target, again when it is busy or away for a moment; every try counts as a call."""
        wait = FIRST_WAIT
        for attempt in range(1, TRIES + 1):
            context.calls += 1
            try:
                return await read()
            except (ListingChanged, LeaseLost):
                raise
            except TransientError as error:
                if attempt == TRIES:
                    raise
                await self.sleep(min(max(wait, error.retry_after or wait), LONGEST_WAIT).total_seconds())
                wait *= 2
        raise AssertionError("unreachable")

    async def with_room(self, context: RunContext, work: Callable[[], Awaitable[T]]) -> T:
        """Do what needs the sandbox, again while it has no room; what it says of a value is for others to judge.

        People can stop the run meanwhile. After a while it is put down for whoever has room; see ``_no_room``.
        """
        wait = FIRST_WAIT
        for _ in range(TRIES_FOR_ROOM - 1):
            try:
                return await work()
            except HookError as error:
                if not error.retryable:
                    raise
                log.warning("reconciliation.no_room", run_id=str(context.run.id), reason=str(error))
            await self.sleep(min(wait, LONGEST_WAIT).total_seconds())
            wait *= 2
            async with self.step(context):
                pass  # a stop that was asked for while we waited
        try:
            return await work()
        except HookError as error:
            raise _no_room(error) from error

    async def sleep(self, seconds: float) -> None:
        """Wait; raises Stop when this process drains meanwhile."""
        try:
            async with asyncio.timeout(seconds):
                await self.stop.wait()
        except TimeoutError:
            return
        raise Stop(PauseReason.SHUTDOWN)


def _no_room(error: HookError) -> Exception:
    """As when a process drains: the run is taken up again where it is, by whoever claims it next."""
    return Stop(PauseReason.SHUTDOWN) if error.retryable else error
