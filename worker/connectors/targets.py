"""The targets as this process knows them: their guards, whether they may be called, and how they answer.

One guard per connector and process, made anew when the connector's version changes. What all processes share of a
target is in its rows: the breaker, so that opening it is one update, whatever waits behind it; its own wish to be left
alone; and its limits, of which each process that works on it asks for a share every few seconds.
"""

import asyncio
import math
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache, partial
from uuid import UUID

import structlog

from worker.connectors.base import ObjectSchema
from worker.connectors.breaker import PROBE_EVERY, Breaker
from worker.connectors.guard import CallObserver, ConnectorGuard
from worker.connectors.registry import guard_for
from worker.domain.connector import BreakerState, Connector, ConnectorStatus
from worker.domain.errors import ConnectorError, HeldStill, NotFound, OutcomeUnknown, SettingsError
from worker.domain.operation import WaitReason
from worker.domain.processing import Gate
from worker.domain.share import VALID_S, Need, Share
from worker.security import Vault
from worker.store import connectors, due_work, notify, operations, shares
from worker.store.pool import Connection, DatabaseTrouble, Pool
from worker.store.tenant import tenant
from worker.telemetry import metrics
from worker.telemetry.pulse import boottime

log = structlog.get_logger()

#: How long a connector's row is trusted before it is read again.
FRESH_S = 1.0
NOTE_EVERY_S = 60.0
#: How often a share is asked for; and while there is more to come, or less to be had.
ASK_S = 1.5
ASK_SOON_S = 0.5
#: Whoever is beyond this number asks when the target is next used.
RENEWED_AT_ONCE = 50
#: Who has not used a target for so long leaves its share to others.
IDLE_S = 5.0
#: A share is not used up to the last moment: clocks and answers take their time.
MARGIN_S = 1.0
_GAUGE = {BreakerState.CLOSED: 0, BreakerState.HALF_OPEN: 1, BreakerState.OPEN: 2}
_Key = tuple[UUID, UUID]


@dataclass(slots=True)
class Target:
    """One target with its guard; ``schema`` is asked once per connection of the guard."""

    connector: Connector
    guard: ConnectorGuard
    breaker: Breaker
    read_at: float
    noted_at: float = 0.0
    schema: ObjectSchema | None = None
    #: what of its limits is ours, and when we asked for it
    share: Share | None = None
    asked_at: float = -math.inf
    #: when it was last used, and when somebody last had operations for it
    used_at: float = -math.inf
    worked_at: float = -math.inf
    #: until when everybody knows that it wants to be left alone
    held_until: float = 0.0

    async def object_schema(self) -> ObjectSchema:
        """The schema of the connector's object class."""
        if self.schema is None:
            self.schema = await self.guard.schema(self.connector.object_class)
        return self.schema


class Targets:
    """Guards by connector. ``may_change`` says whether this process still has its lease.

    ``worker`` says as whom we share the targets' limits with others; without it we keep to the limits by ourselves.
    """

    def __init__(
        self,
        pool: Pool,
        vault: Vault,
        *,
        may_change: Callable[[], bool] = lambda: True,
        worker: Callable[[], UUID] | None = None,
    ) -> None:
        self._pool = pool
        self._vault = vault
        self._may_change = may_change
        self._worker = worker
        self._targets: dict[_Key, Target] = {}
        self._reading: dict[_Key, asyncio.Lock] = {}
        self._probes: dict[_Key, asyncio.Task[None]] = {}

    async def aclose(self) -> None:
        """Close every connection, and leave our shares to others."""
        for probe in self._probes.values():
            probe.cancel()
        await asyncio.gather(*self._probes.values(), return_exceptions=True)
        for key, target in self._targets.items():
            await target.guard.__aexit__(None, None, None)
            with suppress(*DatabaseTrouble):  # then the others wait until its time is over
                await self._give_back(key, target)
        self._targets.clear()

    async def get(self, tenant_id: UUID, connector_id: UUID) -> Target:
        """The target, at most a second old; raises NotFound, or SettingsError for a configuration that cannot work."""
        key, asked_at = (tenant_id, connector_id), time.monotonic()
        target = self._fresh(key)
        if target is None:
            async with self._reading.setdefault(key, asyncio.Lock()):  # one reads, and makes the one guard, for all
                target = self._fresh(key) or await self._read(key)
        target.used_at = asked_at
        return target

    def look_again(self) -> None:
        """Another process has moved something: what is known of targets is read again before it is relied on."""
        for target in self._targets.values():
            target.read_at = -math.inf

    async def renew(self) -> int:
        """Keep our shares of what is in use, and leave the others what is not; how many of our shares have grown."""
        if self._worker is None:
            return 0
        known = sorted(self._targets.items(), key=lambda each: each[1].asked_at)
        for key, target in [each for each in known if not _is_used(each[1])]:
            await self._give_back(key, target)
        due = [key for key, target in known if _is_used(target) and _is_share_due(target) and not _rests(target)]
        grown = 0
        for key in due[:RENEWED_AT_ONCE]:
            before = self._targets[key].share
            async with self._reading.setdefault(key, asyncio.Lock()):
                after = (await self._read(key)).share
            grown += before is not None and after is not None and after.slots > before.slots
        return grown

    def _fresh(self, key: _Key) -> Target | None:
        target = self._targets.get(key)
        return target if target is not None and time.monotonic() - target.read_at < FRESH_S else None

    async def _read(self, key: _Key) -> Target:
        tenant_id, connector_id = key
        target = self._targets.get(key)
        sealed, share, asked_at = None, None, boottime()
        async with tenant(self._pool, tenant_id) as conn:
            connector = await connectors.get(conn, tenant_id=tenant_id, connector_id=connector_id)
            standing = await shares.standing(conn, tenant_id, connector_id)
            if connector is None or standing is None:
                raise NotFound(f"There is no connector {connector_id}.")
            is_new = target is None or target.connector.version != connector.version
            if is_new:
                sealed = await connectors.credentials(conn, tenant_id=tenant_id, connector_id=connector_id)
                await due_work.weigh(conn, tenant_id, connector_id, weight=connector.limits.weight)
            if self._worker is not None and (target is None or is_new or _is_share_due(target)):
                share = await self._ask(conn, self._worker(), connector, target, standing.state)
        breaker = Breaker(standing.state, standing.failures, standing.opened_at, standing.probe_at, standing.ramp)
        if target is None or is_new:
            target = await self._renew(key, connector, breaker, sealed)
        target.connector, target.read_at = connector, time.monotonic()
        _is_now(target, breaker)
        if share is not None:
            _keep_to(target, share, asked_at)
        if standing.held_s:
            target.guard.hold(standing.held_s)
            target.held_until = time.monotonic() + standing.held_s
        return target

    async def _ask(
        self, conn: Connection, worker: UUID, connector: Connector, target: Target | None, state: BreakerState
    ) -> Share:
        limits = connector.limits
        return await shares.take(
            conn,
            connector.tenant_id,
            connector.id,
            worker=worker,
            need=Need(0, limits.concurrency, 0.0) if target is None else _need(target, limits.concurrency),
            slots=limits.concurrency,
            rate=limits.rate,
            is_back=state is BreakerState.HALF_OPEN,
        )

    async def _renew(self, key: _Key, connector: Connector, breaker: Breaker, sealed: bytes | None) -> Target:
        credentials = self._vault.open_credentials(sealed, tenant_id=connector.tenant_id, connector_id=connector.id)
        guard = guard_for(
            connector, credentials=credentials, may_change=self._may_change, observer=_Calls(connector.name)
        )
        target = Target(connector, guard, breaker, time.monotonic())
        old, self._targets[key] = self._targets.get(key), target
        if old is not None:
            target.used_at, target.worked_at = old.used_at, old.worked_at
            await old.guard.__aexit__(None, None, None)
        return target

    async def _give_back(self, key: _Key, target: Target) -> None:
        """Leave the whole to the others, if there are any; alone, our time just runs out."""
        share, target.share = target.share, None
        target.asked_at = target.read_at = -math.inf
        if share is None or self._worker is None:
            return
        target.guard.keep_to(0, None, until=boottime())
        if not share.is_alone:
            async with tenant(self._pool, key[0]) as conn:
                await shares.give_back(conn, *key, worker=self._worker())

    async def gate(self, tenant_id: UUID, connector_id: UUID) -> Gate:
        """Whether operations of the target may run now, and how many at once.

        No slots and no reason: other processes use all of them at the moment.
        """
        try:
            target = await self.get(tenant_id, connector_id)
        except (NotFound, SettingsError) as error:
            log.warning("target.unusable", connector_id=str(connector_id), error=str(error), cause=str(connector_id))
            return Gate(0, reason=WaitReason.TARGET_DOWN, look_again=_now() + timedelta(seconds=30))
        connector, target.worked_at = target.connector, time.monotonic()
        if connector.status is not ConnectorStatus.ACTIVE:  # inactive waits like maintenance: until a person opens it
            return Gate(0, connector.name, reason=WaitReason.MAINTENANCE)
        if not connector.has_baseline and connector.settings.get("require_baseline", True):
            return Gate(0, connector.name, reason=WaitReason.BASELINE)
        if target.breaker.state is BreakerState.OPEN:
            self._probe_if_due(target)
        slots = target.breaker.allowed(connector.limits.concurrency)
        if slots == 0:
            return Gate(0, connector.name, reason=WaitReason.BREAKER, look_again=target.breaker.probe_at)
        if (held_s := target.guard.held_s) > 0:
            return Gate(0, connector.name, reason=WaitReason.TARGET_DOWN, look_again=_now() + timedelta(seconds=held_s))
        return Gate(slots if target.share is None else min(slots, target.share.slots), connector.name)

    def _probe_if_due(self, target: Target) -> None:
        """Have a due probe sent. Nobody waits for it: a target that does not answer would keep them for long."""
        key = (target.connector.tenant_id, target.connector.id)
        if key in self._probes or not target.breaker.is_probe_due(_now()):
            return
        probe = asyncio.create_task(self._probe(target), name=f"probe:{target.connector.name}")
        self._probes[key] = probe
        probe.add_done_callback(lambda _: self._probes.pop(key, None))
        target.breaker = target.breaker.claim_probe(_now())

    async def _probe(self, target: Target) -> None:
        connector = target.connector
        try:
            async with tenant(self._pool, connector.tenant_id) as conn:
                mine = await connectors.claim_probe(
                    conn, tenant_id=connector.tenant_id, connector_id=connector.id, every_s=PROBE_EVERY.total_seconds()
                )
            if not mine:
                return
            error = None
            try:
                if self._worker is not None:  # a probe goes beside all shares
                    until = boottime() + connector.limits.deadline_s
                    target.guard.keep_to(1, connector.limits.rate, until=until)
                await target.guard.test_connection()
            except ConnectorError as failed:
                log.info("target.probe_failed", connector=connector.name, error_code=failed.code)
                error = failed
            if not isinstance(error, HeldStill):
                await self._move(target, lambda found: found.on_probe(_now(), succeeded=error is None), error)
        except DatabaseTrouble as error:  # the next probe is due in half a minute, for whoever looks then
            log.warning("target.probe_lost", connector=connector.name, error=type(error).__name__)

    async def report(self, target: Target, error: ConnectorError | None) -> None:
        """Note how a call ended: a system failure counts against the target, anything else is an answer.

        A process without a lease may just have been held still: that is no time to say who did not answer.
        """
        limit = target.connector.limits.concurrency
        if error is not None and error.is_system_failure:
            if self._may_change():
                await self._move(target, lambda found: found.on_system_failure(_now()), error)
        elif not isinstance(error, OutcomeUnknown | HeldStill):  # a lost answer says nothing either way
            await self._move(target, lambda found: found.on_success(limit), None)
            await self._note_success(target)
        await self._note_hold(target)

    async def _note_success(self, target: Target) -> None:
        """Show people when the target last answered; once a minute is often enough."""
        if time.monotonic() - target.noted_at < NOTE_EVERY_S:
            return
        target.noted_at = time.monotonic()
        connector = target.connector
        async with tenant(self._pool, connector.tenant_id) as conn:
            await connectors.note_success(conn, tenant_id=connector.tenant_id, connector_id=connector.id)

    async def _note_hold(self, target: Target) -> None:
        """Let all processes know for how long the target wants to be left alone."""
        left = target.guard.held_s
        if time.monotonic() + left <= target.held_until + MARGIN_S or not left:
            return
        target.held_until = time.monotonic() + left
        async with tenant(self._pool, target.connector.tenant_id) as conn:
            await shares.hold(conn, target.connector.tenant_id, target.connector.id, seconds=left)
            notify.note_moved(conn)

    async def _move(self, target: Target, move: Callable[[Breaker], Breaker], error: ConnectorError | None) -> None:
        """Move the breaker, as it is in its row by now: other processes move it, too."""
        if move(target.breaker) is target.breaker:
            return
        connector = target.connector
        async with tenant(self._pool, connector.tenant_id) as conn:
            found = await shares.lock_breaker(conn, connector.tenant_id, connector.id)
            if found is None:
                return
            before = Breaker(found.state, found.failures, found.opened_at, found.probe_at, found.ramp)
            after = move(before)
            if after is not before:
                await self._write(conn, connector, before, after, error)
        _is_now(target, after)
        target.read_at = target.asked_at = -math.inf  # there are more slots now, or fewer
        metrics.breaker_state.labels(connector.name).set(_GAUGE[after.state])

    async def _write(
        self, conn: Connection, connector: Connector, before: Breaker, after: Breaker, error: ConnectorError | None
    ) -> None:
        ids = {"tenant_id": connector.tenant_id, "connector_id": connector.id}
        await connectors.set_breaker(
            conn, **ids, state=after.state, failures=after.failures, opened_at=after.opened_at, probe_at=after.probe_at
        )
        if after.ramp != before.ramp:
            await shares.set_ramp(conn, connector.tenant_id, connector.id, ramp=after.ramp)
        if error is not None:
            await connectors.note_error(conn, **ids, message=str(error))
        if after.state is not before.state:
            await _tell(conn, connector, after)
        elif after.ramp > before.ramp:  # there is room for more
            await due_work.ask(conn, connector.tenant_id, due_work.Kind.CLAIM, connector.id)


def _is_now(target: Target, breaker: Breaker) -> None:
    target.breaker = breaker
    target.guard.is_shut = breaker.state is BreakerState.OPEN


def _is_used(target: Target) -> bool:
    return any(target.guard.calls) or time.monotonic() - target.used_at < IDLE_S


def _rests(target: Target) -> bool:
    """Nobody else is at it, and nobody has used it since it was read: who uses it next reads it first."""
    is_whole = target.share is not None and target.share.is_alone and target.share.is_settled
    return is_whole and not any(target.guard.calls) and target.used_at < target.read_at


def _is_share_due(target: Target) -> bool:
    share = target.share
    is_soon = share is None or not share.is_settled or target.breaker.state is BreakerState.HALF_OPEN
    return boottime() - target.asked_at >= (ASK_SOON_S if is_soon else ASK_S)


def _need(target: Target, concurrency: int) -> Need:
    """Who has operations of the target could use all of it; who only reads it, as many calls as it makes."""
    under_way, waiting = target.guard.calls
    works = time.monotonic() - target.worked_at < IDLE_S
    rate = target.guard.rate if target.share is not None else 0.0
    return Need(under_way, concurrency if works else max(under_way + waiting, 1), rate)


def _keep_to(target: Target, share: Share, asked_at: float) -> None:
    is_newcomer = target.share is None and not share.is_alone
    target.share, target.asked_at = share, asked_at
    until = asked_at + VALID_S - MARGIN_S
    target.guard.keep_to(share.slots, share.rate, until=until, is_newcomer=is_newcomer)


async def _tell(conn: Connection, connector: Connector, after: Breaker) -> None:
    """Wake what waited for the target when it is back, and let all processes know."""
    if after.state is not BreakerState.OPEN:
        await operations.queries.wake_target.run(
            conn,
            tenant_id=connector.tenant_id,
            connector_id=connector.id,
            reasons=[WaitReason.TARGET_DOWN.value, WaitReason.BREAKER.value],
        )
        await due_work.ask(conn, connector.tenant_id, due_work.Kind.CLAIM, connector.id)
    notify.note_moved(conn)
    log.warning("target.breaker_moved", connector=connector.name, state=after.state.value, failures=after.failures)


class _Calls(CallObserver):
    """Counts the calls of one connector."""

    def __init__(self, connector: str) -> None:
        self._calls = cache(partial(metrics.target_calls_total.labels, connector))
        self._seconds = cache(partial(metrics.target_call_seconds.labels, connector))

    def observe_call(self, operation: str, *, result: str, seconds: float) -> None:
        self._calls(operation, result).inc()
        self._seconds(operation).observe(seconds)


def _now() -> datetime:
    return datetime.now(UTC)
