"""One daemon process: everything it is made of, how it starts, and how it stops without losing anything.

Start: database and schema, lease, sandbox, duties, doors. Stop: readiness falls, no new claim, what is claimed and not
started goes back, what runs may end, results are written, runs are put down at their next page, the lease is returned.
A stop ends ``CLOSE_S`` after the drain whatever hangs: what it had to leave is found by the lease.
"""

import asyncio
import contextlib
import math
import time
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass
from importlib.metadata import version
from platform import python_version
from random import SystemRandom
from typing import Any
from uuid import UUID

import structlog

from worker.actions import House, Suspending
from worker.connectors import Targets
from worker.correlation import Asker, CorrelationService
from worker.domain.errors import SurroundingsError
from worker.domain.hook import HookLimits
from worker.execution import (
    Executor,
    HookTidying,
    Journal,
    Matching,
    Names,
    Scripting,
    Secrets,
    WorkLoader,
)
from worker.hooks import SEEDS, HookExecutor
from worker.intake import EventReceiver, Importer, InboxProcessor, SourceWatcher
from worker.mapping import MappingEngine
from worker.planning import Following, Planner
from worker.queue import Counting, Dispatcher, Finisher, Pruner, Rescuer
from worker.recon import CauseRepairing, Keeping, ReconciliationEngine
from worker.schedule import Ticker
from worker.service.afterwards import planning
from worker.service.closing import Closing
from worker.service.collector import tune_collector
from worker.service.gauges import Gauges
from worker.service.heartbeat import Heartbeat
from worker.service.house import assemble, check_schema, check_standing, database_of, limits_of, pooler_of, vault_of
from worker.service.http import Doors
from worker.service.listener import Listener
from worker.service.loop import DuePoller, Handler, every
from worker.service.runs import handlers_of_runs
from worker.service.sweeping import retire, sweep
from worker.settings import Role, Settings
from worker.store import notify, workers
from worker.store.due_work import Kind
from worker.store.notify import Hints, Word
from worker.store.pool import Pool, open_pool
from worker.telemetry import metrics

log = structlog.get_logger()

#: What expired owners held is looked for so often within the time of a lease.
RESCUES_A_LEASE = 12
#: And where no lease is near its end, so often at least: somebody with a shorter one may have come.
RESTS_A_LEASE = 4
LEAST_RESCUE_S = 0.25
CANCELS_S = 1.0
CLAIMS_S = 5.0
JOURNAL_S = 10.0
SWEEP_S = 60.0
SHARES_S = 1.0
SOURCES_KNOWN_S = 30.0
PRUNE_S = 3600.0
COUNT_S = 60.0
KEEP_S = 300.0
GAUGES_S = 15.0
SUSPEND_S = 1.0
KEEP_DAYS = 90
KEEP_HOOKS_DAYS = 30
#: What a stop may take beyond the drain, and how much of that is for the steps behind it.
CLOSE_S = 2.5
AFTER_DRAIN_S = 1.5


@dataclass(slots=True)
class Parts:
    """What a running daemon consists of."""

    pool: Pool
    heartbeat: Heartbeat
    targets: Targets
    hooks: HookExecutor
    finisher: Finisher
    dispatcher: Dispatcher
    planner: Planner
    inbox: InboxProcessor
    importer: Importer
    engine: ReconciliationEngine
    ticker: Ticker
    watcher: SourceWatcher
    house: House
    receiver: EventReceiver
    journal: Journal


class Daemon:
    """Serves until ``stop`` is set; ``on_ready`` is told the port it listens on."""

    def __init__(self, settings: Settings, *, stop: asyncio.Event) -> None:
        self._settings = settings
        self._stop = stop
        self._rng = SystemRandom()
        self._poller: DuePoller | None = None
        self._closing = Closing(within_s=settings.drain_s + CLOSE_S)
        self.version = version("provisiond")

    async def run(self, *, on_ready: Callable[[int], Awaitable[None]] | None = None) -> None:
        """Run until stopped. Raises SurroundingsError or SettingsError when it cannot start."""
        settings = self._settings
        metrics.build_info.info({"version": self.version, "python": python_version()})
        dsn = database_of(settings)
        async with contextlib.AsyncExitStack() as stack:
            pool = await open_pool(dsn, size=settings.pool_size, pooler=pooler_of(settings))
            stack.push_async_callback(self._close, pool)
            await check_standing(pool, settings)
            await check_schema(pool)
            heartbeat = self._heartbeat(dsn)
            await heartbeat.start()
            stack.push_async_callback(self._leave, heartbeat)
            hooks = await stack.enter_async_context(self._hooks())
            parts = self._assemble(pool, heartbeat, hooks)
            tune_collector()
            stack.push_async_callback(self._let_go, parts.targets)
            await self._serve(parts, on_ready)

    def wake(self) -> None:
        """Look for work now."""
        if self._poller is not None:
            self._poller.wake()

    async def _serve(self, parts: Parts, on_ready: Callable[[int], Awaitable[None]] | None) -> None:
        listener = self._listener(parts)
        self._poller = DuePoller(
            parts.pool,
            self._handlers(parts),
            poll_s=self._settings.poll_s,
            drain_s=self._settings.drain_s,
            at_once=max(self._settings.pool_size // 2, 1),
            rng=self._rng,
            is_told=lambda: listener is not None and listener.is_hearing,
        )
        writing = asyncio.create_task(parts.finisher.run(), name="finisher")
        duties = [asyncio.create_task(duty, name=name) for name, duty in self._duties(parts).items()]
        if listener is not None:
            duties.append(asyncio.create_task(listener.run(), name="listener"))
        polling = asyncio.create_task(self._poller.run(self._stop), name="poll")
        doors = Doors(self._settings, parts.house, parts.receiver, version=self.version, stop=self._stop)
        try:
            port = await doors.open()
            log.info("daemon.ready", version=self.version, port=port, owner=str(parts.heartbeat.owner))
            if on_ready is not None:
                await on_ready(port)
            with contextlib.ExitStack() as ears:
                ears.enter_context(notify.hearing(self._poller.hear))
                if listener is not None:
                    ears.enter_context(notify.hearing(listener.tell, mouth=listener.along))
                beating = asyncio.create_task(parts.heartbeat.ended(), name="heartbeat")
                duties.append(beating)
                await self._until_stopped(polling, writing, beating, *doors.tasks)
        finally:
            self._stop.set()
            parts.heartbeat.drain()
            await self._closing.step("drain", self._drain(parts, polling), sparing_s=AFTER_DRAIN_S)
            await self._closing.step("journal", parts.journal.close(), sparing_s=AFTER_DRAIN_S)
            await self._closing.step("doors", doors.close(), sparing_s=AFTER_DRAIN_S / 2)
            for task in (*duties, polling, writing):
                task.cancel()
            await self._closing.step("duties", asyncio.gather(*duties, polling, writing, return_exceptions=True))
            log.info("daemon.stopped")

    async def _drain(self, parts: Parts, polling: "asyncio.Task[None]") -> None:
        await asyncio.gather(parts.dispatcher.drain(self._settings.drain_s), polling, return_exceptions=True)
        await parts.finisher.drained()  # what a claim gave back that was under way when we were asked to stop

    async def _let_go(self, targets: Targets) -> None:
        await self._closing.step("targets", targets.aclose(), sparing_s=AFTER_DRAIN_S / 3)

    async def _leave(self, heartbeat: Heartbeat) -> None:
        await heartbeat.stop(within_s=self._closing.left_s)

    async def _close(self, pool: Pool) -> None:
        if not await self._closing.step("database", pool.close()):
            pool.terminate()

    def _listener(self, parts: Parts) -> Listener | None:
        if not self._settings.notify:
            return None

        def on_word(word: Word) -> None:
            if word is Word.TARGETS:
                parts.targets.look_again()
            self.wake()

        return Listener(database_of(self._settings), on_word=on_word, on_asked=self._hear, rng=self._rng)

    async def _until_stopped(self, *vital: "asyncio.Task[Any]") -> None:
        """Wait for the stop; a vital task that ends by itself takes the daemon with it, loudly."""
        stopped = asyncio.create_task(self._stop.wait())
        done, _ = await asyncio.wait([stopped, *vital], return_when=asyncio.FIRST_COMPLETED)
        stopped.cancel()
        for task in done - {stopped}:
            if not self._stop.is_set():
                task.result()
                raise SurroundingsError(f"A vital part of the daemon ended by itself: {task.get_name()}.")

    def _handlers(self, parts: Parts) -> dict[Kind, Handler]:
        roles = self._settings.roles
        handlers: dict[Kind, Handler] = {}
        if Role.WORKER in roles:
            handlers[Kind.CLAIM] = parts.dispatcher.run_once
            following = Following(parts.pool, parts.targets, parts.house.acceptance)
            handlers[Kind.FOLLOW_UP] = self._again(following.run_once)
        if Role.SCHEDULER in roles:
            handlers |= handlers_of_runs(
                parts.pool, parts.engine, parts.importer, owner=lambda: parts.heartbeat.owner, stop=self._stop
            )
            handlers[Kind.SCHEDULE] = parts.ticker.run_once
            handlers[Kind.REPAIR] = self._again(CauseRepairing(parts.pool, parts.house.remediation).run_once)
        if Role.INTAKE in roles:
            asker = Asker(parts.hooks, parts.journal)
            handlers[Kind.PLAN] = self._again(planning(parts.pool, parts.targets, parts.planner, asker=asker))
            handlers[Kind.INBOX] = self._again(parts.inbox.run_once)
        return handlers

    def _again(self, handler: Handler) -> Handler:
        """A handler whose work may leave more of it: when it did anything, look again at once."""

        async def handled(tenant_id: UUID, ref_id: UUID) -> None:
            counts = await handler(tenant_id, ref_id)
            if counts != type(counts)():
                self.wake()

        return handled

    def _duties(self, parts: Parts) -> dict[str, Coroutine[Any, Any, None]]:
        roles = self._settings.roles
        duties: dict[str, Callable[[], Awaitable[Any]]] = {}
        seconds: dict[str, float] = {}
        if Role.WORKER in roles:
            rescuer = Rescuer(parts.pool, rest_s=self._settings.lease_s / RESTS_A_LEASE)
            duties |= {"rescue": rescuer.run_once, "cancels": parts.dispatcher.look_for_cancels}
            seconds |= {"rescue": max(self._settings.lease_s / RESCUES_A_LEASE, LEAST_RESCUE_S), "cancels": CANCELS_S}
            duties["claims"], seconds["claims"] = parts.dispatcher.forget_claims, CLAIMS_S
            duties["journal"], seconds["journal"] = parts.journal.run_once, JOURNAL_S
        if Role.SCHEDULER in roles:
            duties |= {
                "prune": Pruner(parts.pool, keep_days=KEEP_DAYS, rng=self._rng).run_once,
                "sweep": sweep(parts.house),
            }
            duties["count"] = Counting(parts.pool).run_once
            duties["tidy"] = HookTidying(parts.pool, keep_days=KEEP_HOOKS_DAYS).run_once
            duties["keep"] = Keeping(parts.pool).run_once
            duties["retire"], seconds["retire"] = retire(parts.house, self._settings), PRUNE_S
            seconds |= {"prune": PRUNE_S, "sweep": SWEEP_S, "count": COUNT_S, "tidy": PRUNE_S, "keep": KEEP_S}
        if Role.INTAKE in roles:
            duties["watch"] = _watch(parts)
            seconds["watch"] = self._settings.csv_watch_s
        duties["shares"] = self._renew(parts)
        seconds["shares"] = SHARES_S
        duties["suspend"] = Suspending(parts.pool, parts.hooks).run_once
        seconds["suspend"] = SUSPEND_S
        duties["gauges"] = Gauges(parts.pool, parts.hooks).run_once
        seconds["gauges"] = GAUGES_S
        return {
            name: every(duty, name=name, interval_s=seconds[name], stop=self._stop, rng=self._rng)
            for name, duty in duties.items()
        }

    def _renew(self, parts: Parts) -> Callable[[], Awaitable[None]]:
        async def renew() -> None:
            if await parts.targets.renew():  # there is room for more than at the last look
                self.wake()

        return renew

    def _heartbeat(self, dsn: str) -> Heartbeat:
        settings = self._settings
        return Heartbeat(
            dsn,
            version=self.version,
            roles=[role.value for role in settings.roles],
            lease_s=settings.lease_s,
            beat_s=settings.beat_s,
            on_lost=self._on_lost,
        )

    def _hear(self, hints: Hints) -> None:
        if self._poller is not None:
            self._poller.hear(hints)

    def _is_crowded(self) -> bool:
        return self._poller is not None and self._poller.is_crowded

    def _on_lost(self) -> None:
        if self._dispatcher is not None:
            self._dispatcher.forget_all()
        self.wake()

    def _hooks(self) -> HookExecutor:
        hooks = self._settings.hooks
        limits = HookLimits(budget_ms=hooks.call_ms, memory_mb=hooks.memory_mb)
        return HookExecutor(
            workers=hooks.workers, limits=limits, require_seccomp=hooks.require_seccomp, log=structlog.get_logger()
        )

    _dispatcher: Dispatcher | None = None

    def _assemble(self, pool: Pool, heartbeat: Heartbeat, hooks: HookExecutor) -> Parts:
        targets = Targets(pool, vault_of(self._settings), may_change=heartbeat.is_held, worker=lambda: heartbeat.owner)
        house = assemble(pool, targets, self._settings, scripts=hooks)
        journal = Journal(pool)
        asker = Asker(hooks, journal)
        executor = self._executor(pool, targets, hooks, house, journal)
        finisher = Finisher(pool, heartbeat, rng=self._rng)
        dispatcher = Dispatcher(
            pool,
            lease=heartbeat,
            gate=targets,
            processor=executor,
            finisher=finisher,
            on_room=self._hear,
            is_crowded=self._is_crowded,
        )
        self._dispatcher = dispatcher
        limits = limits_of(self._settings)
        return Parts(
            pool=pool,
            heartbeat=heartbeat,
            targets=targets,
            hooks=hooks,
            finisher=finisher,
            dispatcher=dispatcher,
            planner=Planner(pool, mapper=MappingEngine(hooks), acceptance=house.acceptance, vault=house.vault),
            inbox=InboxProcessor(pool),
            importer=Importer(pool, sources=targets, is_stopping=self._stop.is_set, limits=limits),
            engine=ReconciliationEngine(
                pool, targets, house.acceptance, asker=asker, stop=self._stop, limits=limits, evaluator=hooks
            ),
            ticker=Ticker(pool),
            watcher=SourceWatcher(pool, known_s=SOURCES_KNOWN_S),
            house=house,
            receiver=EventReceiver(pool),
            journal=journal,
        )

    def _executor(self, pool: Pool, targets: Targets, hooks: HookExecutor, house: House, journal: Journal) -> Executor:
        secrets = Secrets(pool, house.vault, MappingEngine(hooks))
        return Executor(
            targets,
            WorkLoader(pool, targets),
            Scripting(hooks, names=Names(pool), journal=journal, secrets=secrets, key=house.vault.derive(SEEDS)),
            Matching(pool, CorrelationService(), Asker(hooks, journal)),
            secrets=secrets,
            attempt_s=self._settings.attempt_s,
        )


def _watch(parts: Parts) -> Callable[[], Awaitable[None]]:
    """Look at the files of all tenants; who they are is asked seldom, for it hardly changes."""
    known: list[UUID] = []
    asked_at = -math.inf

    async def watch() -> None:
        nonlocal known, asked_at
        if time.monotonic() - asked_at >= SOURCES_KNOWN_S:
            async with parts.pool.acquire() as conn:
                known = [row["id"] for row in await workers.tenants(conn)]
            asked_at = time.monotonic()
        for tenant_id in known:
            await parts.watcher.run_once(tenant_id, tenant_id)

    return watch
