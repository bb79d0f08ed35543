"""Children to lend: a few busy ones, one warm spare, and a bounded queue in front of them.

Guarantees: at most ``workers`` children are busy, and at most ``workers`` - 1 (but one) for the same program or for a
group (a tenant) that has lost children lately, so that neither a script that hangs nor many of them can take them all;
groups that wait are served in turns; a dead child is replaced at once while deaths are rare and ever more slowly when
they are not; who waits longer than ``wait_s``, or comes when ``max_waiting`` wait already, gets ``hook.busy``, but for
who has fewer waiting than others: then the last one of the largest group goes.
"""

import asyncio
import time
from collections import Counter, deque
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any

from structlog.typing import FilteringBoundLogger

from worker.domain.errors import HookError
from worker.domain.hook import HookClass, HookLimits
from worker.hooks.child import Child, StartFailed
from worker.telemetry import metrics

DEATHS_WINDOW_S = 10.0
FREE_DEATHS = 10
MAX_RESPAWN_S = 1.0
MAX_RESTART_S = 5.0
#: For so long a group does not get all children after one died in its hands.
BLAME_S = 60.0

Launch = Callable[[], Awaitable[Child]]


@dataclass(frozen=True, slots=True)
class PoolStatus:
    """A look at the pool: children by what they do, requests that wait, and counts since the start."""

    idle: int
    busy: int
    starting: int
    waiting: int
    started: int
    lost: int


@dataclass(slots=True, eq=False)
class _Waiter:
    key: str
    group: str
    child: asyncio.Future[Child]


def respawn_delay(deaths: int) -> float:
    """Seconds before a child is replaced, by the deaths of the last ten seconds: the first ten cost nothing."""
    return 0.0 if deaths <= FREE_DEATHS else min(0.05 * 2 ** (deaths - FREE_DEATHS - 1), MAX_RESPAWN_S)


def restart_delay(failures: int) -> float:
    """Seconds before a start is tried again that failed ``failures`` times in a row."""
    return min(0.05 * 2 ** min(failures, 10), MAX_RESTART_S) if failures else 0.0


class Pool:
    """Lends children. ``start`` first, ``aclose`` at the end."""

    def __init__(self, launch: Launch, *, workers: int, limits: HookLimits, log: FilteringBoundLogger) -> None:
        self._launch = launch
        self._workers = max(workers, 1)
        self._per_key = max(self._workers - 1, 1)
        self._limits = limits
        self._log = log
        self._idle: list[Child] = []
        self._busy: set[Child] = set()
        self._keys: Counter[str] = Counter()
        self._groups: Counter[str] = Counter()
        self._blamed: dict[str, float] = {}
        #: By group; who was served last comes last.
        self._waiting: dict[str, deque[_Waiter]] = {}
        self._starting = 0
        self._started = 0
        self._lost = 0
        self._deaths: deque[float] = deque(maxlen=100)
        self._starts: set[asyncio.Task[None]] = set()
        self._stops: set[asyncio.Task[None]] = set()
        self._is_open = False

    async def start(self) -> Child:
        """Start the first child, whose hardening speaks for all. Raises StartFailed."""
        first = await self._launch()
        self._started += 1
        self._is_open = True
        self._idle.append(first)
        return first

    async def aclose(self) -> None:
        """Refuse those who wait and end every child."""
        self._is_open = False
        for waiter in [waiter for group in self._waiting.values() for waiter in group]:
            _refuse(waiter, "hooks are being shut down")
        self._waiting.clear()
        for task in self._starts:
            task.cancel()
        await asyncio.gather(*self._starts, return_exceptions=True)
        children = [*self._idle, *self._busy]
        self._idle.clear()
        await asyncio.gather(*(child.stop() for child in children), *self._stops)

    @property
    def status(self) -> PoolStatus:
        """Counts of this moment."""
        return PoolStatus(
            idle=len(self._idle),
            busy=len(self._busy),
            starting=self._starting,
            waiting=self._waiting_now,
            started=self._started,
            lost=self._lost,
        )

    @asynccontextmanager
    async def lend(self, key: str, *, group: str = "") -> AsyncIterator[Child]:
        """A child for the program ``key`` of ``group``, one that knows it if possible.

        Raises HookError (hook.busy, retryable).
        """
        child = self._take(key, group) or await self._wait(key, group)
        try:
            yield child
        finally:
            self._take_back(child, key, group)

    @property
    def _waiting_now(self) -> int:
        return sum(len(group) for group in self._waiting.values())

    def _may_take(self, key: str, group: str) -> bool:
        if len(self._busy) >= self._workers or self._keys[key] >= self._per_key:
            return False
        return self._groups[group] < self._per_key or not self._is_blamed(group)

    def _is_blamed(self, group: str) -> bool:
        return time.monotonic() - self._blamed.get(group, -BLAME_S) < BLAME_S

    def _take(self, key: str, group: str) -> Child | None:
        self._bury_dead()
        if not self._idle or not self._may_take(key, group):
            return None
        child = next((child for child in reversed(self._idle) if key in child.known), self._idle[-1])
        self._idle.remove(child)
        self._busy.add(child)
        self._keys[key] += 1
        self._groups[group] += 1
        self._grow()
        return child

    def _bury_dead(self) -> None:
        """An idle child that somebody else killed must not be lent."""
        for child in [child for child in self._idle if not child.is_alive]:
            self._idle.remove(child)
            metrics.hook_restarts_total.labels("lost").inc()
            _keep(self._stops, child.stop())

    async def _wait(self, key: str, group: str) -> Child:
        if not self._is_open:
            raise _busy("hooks are not running")
        if self._waiting_now >= self._limits.max_waiting:
            self._make_room(group)
        waiter = _Waiter(key, group, asyncio.get_running_loop().create_future())
        self._waiting.setdefault(group, deque()).append(waiter)
        self._grow()
        try:
            async with asyncio.timeout(self._limits.wait_s):
                return await waiter.child
        except BaseException as error:
            self._withdraw(waiter)
            if isinstance(error, TimeoutError):
                raise _busy("no sandbox was free in time") from error
            raise

    def _make_room(self, group: str) -> None:
        """Send the last one of the largest group away, unless that is no larger than ``group`` would be."""
        largest = max(self._waiting.values(), key=len, default=None)
        if largest is None or len(largest) <= len(self._waiting.get(group, ())) + 1:
            raise _busy("too many scripts wait for a sandbox")
        waiter = largest[-1]
        self._forget(waiter)
        _refuse(waiter, "too many scripts wait for a sandbox, most of them of the same tenant")

    def _forget(self, waiter: _Waiter) -> None:
        group = self._waiting.get(waiter.group, deque())
        with suppress(ValueError):
            group.remove(waiter)
        if not group:
            self._waiting.pop(waiter.group, None)

    def _withdraw(self, waiter: _Waiter) -> None:
        self._forget(waiter)
        given = waiter.child
        if given.done() and not given.cancelled() and given.exception() is None:
            self._take_back(given.result(), waiter.key, waiter.group)

    def _take_back(self, child: Child, key: str, group: str) -> None:
        self._busy.discard(child)
        for counter, name in ((self._keys, key), (self._groups, group)):
            counter[name] -= 1
            if not counter[name]:
                del counter[name]
        if child.is_lost or child.is_worn:
            metrics.hook_restarts_total.labels("lost" if child.is_lost else "worn").inc()
        if child.is_lost:
            self._lost += 1
            self._deaths.append(time.monotonic())
            self._blame(group)
        if child.is_lost or child.is_worn or not self._is_open:
            _keep(self._stops, child.stop())
        else:
            self._idle.append(child)
        self._hand_out()
        self._grow()

    def _blame(self, group: str) -> None:
        for each in [each for each in self._blamed if not self._is_blamed(each)]:
            del self._blamed[each]
        self._blamed[group] = time.monotonic()

    def _hand_out(self) -> None:
        """Give idle children to those who wait, one for each group in turn."""
        while self._idle and (waiter := self._next()) is not None:
            child = self._take(waiter.key, waiter.group)
            if child is None:
                return
            self._forget(waiter)
            if waiter.group in self._waiting:
                self._waiting[waiter.group] = self._waiting.pop(waiter.group)
            waiter.child.set_result(child)

    def _next(self) -> _Waiter | None:
        """Who may have a child: the first of the group that was not served for longest."""
        for group in self._waiting.values():
            refused: set[str] = set()
            for waiter in group:
                if waiter.key in refused or waiter.child.done():
                    continue
                if self._may_take(waiter.key, waiter.group):
                    return waiter
                refused.add(waiter.key)
        return None

    def _grow(self) -> None:
        """Start children until everybody who may work can, and one spare is warm."""
        wanted = min(self._workers, len(self._busy) + self._waiting_now) + 1
        missing = wanted - len(self._idle) - len(self._busy) - self._starting
        for _ in range(missing if self._is_open else 0):
            self._starting += 1
            _keep(self._starts, self._add_child())

    async def _add_child(self) -> None:
        """Start one child, however often that takes."""
        failures = 0
        try:
            while self._is_open:
                await asyncio.sleep(max(self._delay(), restart_delay(failures)))
                try:
                    self._idle.append(await self._launch())
                except StartFailed as error:
                    failures += 1
                    self._log.error("hook.sandbox_start_failed", error=str(error), failures=failures)
                    continue
                self._started += 1
                break
        finally:
            self._starting -= 1
        self._hand_out()

    def _delay(self) -> float:
        horizon = time.monotonic() - DEATHS_WINDOW_S
        return respawn_delay(sum(died > horizon for died in self._deaths))


def _keep(tasks: set[asyncio.Task[None]], work: Coroutine[Any, Any, None]) -> None:
    task = asyncio.create_task(work)
    tasks.add(task)
    task.add_done_callback(tasks.discard)


def _refuse(waiter: _Waiter, message: str) -> None:
    if not waiter.child.done():
        waiter.child.set_exception(_busy(message))


def _busy(message: str) -> HookError:
    return HookError(message, hook_class=HookClass.BUSY, retryable=True)
