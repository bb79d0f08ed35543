"""The targets as this process knows them: their guards, whether they may be called, and how they answer.

One guard per connector and process, made anew when the connector's version changes. The breaker's state is shared
through the connector's row: opening it is one update, whatever waits behind it.
"""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

import structlog

from worker.connectors.base import ObjectSchema
from worker.connectors.breaker import PROBE_EVERY, Breaker
from worker.connectors.guard import CallObserver, ConnectorGuard
from worker.connectors.registry import guard_for
from worker.domain.connector import BreakerState, Connector, ConnectorStatus
from worker.domain.errors import ConnectorError, NotFound, OutcomeUnknown, SettingsError
from worker.domain.operation import WaitReason
from worker.domain.processing import Gate
from worker.security import Vault
from worker.store import connectors, due_work, operations
from worker.store.pool import Connection, Pool
from worker.store.tenant import tenant
from worker.telemetry import metrics

log = structlog.get_logger()

#: How long a connector's row is trusted before it is read again.
FRESH_S = 1.0
NOTE_EVERY_S = 60.0
_GAUGE = {BreakerState.CLOSED: 0, BreakerState.HALF_OPEN: 1, BreakerState.OPEN: 2}


@dataclass(slots=True)
class Target:
    """One target with its guard; ``schema`` is asked once per connection of the guard."""

    connector: Connector
    guard: ConnectorGuard
    breaker: Breaker
    read_at: float
    noted_at: float = 0.0
    schema: ObjectSchema | None = None

    async def object_schema(self) -> ObjectSchema:
        """The schema of the connector's object class."""
        if self.schema is None:
            self.schema = await self.guard.schema(self.connector.object_class)
        return self.schema


class Targets:
    """Guards by connector. ``may_change`` says whether this process still has its lease."""

    def __init__(self, pool: Pool, vault: Vault, *, may_change: Callable[[], bool] = lambda: True) -> None:
        self._pool = pool
        self._vault = vault
        self._may_change = may_change
        self._targets: dict[tuple[UUID, UUID], Target] = {}
        self._reading: dict[tuple[UUID, UUID], asyncio.Lock] = {}

    async def aclose(self) -> None:
        """Close every connection."""
        for target in self._targets.values():
            await target.guard.__aexit__(None, None, None)
        self._targets.clear()

    async def get(self, tenant_id: UUID, connector_id: UUID) -> Target:
        """The target, at most a second old; raises NotFound, or SettingsError for a configuration that cannot work."""
        key = (tenant_id, connector_id)
        if (target := self._fresh(key)) is not None:
            return target
        async with self._reading.setdefault(key, asyncio.Lock()):  # one reads, and makes the one guard, for all
            return self._fresh(key) or await self._read(key)

    def _fresh(self, key: tuple[UUID, UUID]) -> Target | None:
        target = self._targets.get(key)
        return target if target is not None and time.monotonic() - target.read_at < FRESH_S else None

    async def _read(self, key: tuple[UUID, UUID]) -> Target:
        tenant_id, connector_id = key
        target = self._targets.get(key)
        async with tenant(self._pool, tenant_id) as conn:
            connector = await connectors.get(conn, tenant_id=tenant_id, connector_id=connector_id)
            breaker = await connectors.breaker(conn, tenant_id=tenant_id, connector_id=connector_id)
            sealed = None
            if target is None or connector is None or target.connector.version != connector.version:
                sealed = await connectors.credentials(conn, tenant_id=tenant_id, connector_id=connector_id)
        if connector is None or breaker is None:
            raise NotFound(f"There is no connector {connector_id}.")
        found = Breaker(
            state=BreakerState(breaker["breaker_state"]),
            failures=breaker["breaker_failures"],
            opened_at=breaker["breaker_opened_at"],
            probe_at=breaker["breaker_probe_at"],
        )
        if target is None or target.connector.version != connector.version:
            target = await self._renew(key, connector, found, sealed)
        else:
            target.connector = connector
            if found.state is not target.breaker.state:  # another process moved it
                target.breaker = found
        target.read_at = time.monotonic()
        return target

    async def _renew(
        self, key: tuple[UUID, UUID], connector: Connector, breaker: Breaker, sealed: bytes | None
    ) -> Target:
        credentials = self._vault.open_credentials(sealed, tenant_id=connector.tenant_id, connector_id=connector.id)
        guard = guard_for(
            connector, credentials=credentials, may_change=self._may_change, observer=_Calls(connector.name)
        )
        target = Target(connector, guard, breaker, time.monotonic())
        old, self._targets[key] = self._targets.get(key), target
        if old is not None:
            await old.guard.__aexit__(None, None, None)
        return target

    async def gate(self, tenant_id: UUID, connector_id: UUID) -> Gate:
        """Whether operations of the target may run now, and how many at once."""
        try:
            target = await self.get(tenant_id, connector_id)
        except (NotFound, SettingsError) as error:
            log.warning("target.unusable", connector_id=str(connector_id), error=str(error), cause=str(connector_id))
            return Gate(0, reason=WaitReason.TARGET_DOWN, look_again=_now() + timedelta(seconds=30))
        connector = target.connector
        if connector.status is not ConnectorStatus.ACTIVE:  # inactive waits like maintenance: until a person opens it
            return Gate(0, connector.name, reason=WaitReason.MAINTENANCE)
        if not connector.has_baseline and connector.settings.get("require_baseline", True):
            return Gate(0, connector.name, reason=WaitReason.BASELINE)
        if target.breaker.state is BreakerState.OPEN:
            await self._probe_if_due(target)
        slots = target.breaker.allowed(connector.limits.concurrency)
        if slots == 0:
            return Gate(0, connector.name, reason=WaitReason.BREAKER, look_again=target.breaker.probe_at)
        return Gate(slots, connector.name)

    async def _probe_if_due(self, target: Target) -> None:
        connector = target.connector
        if not target.breaker.is_probe_due(_now()):
            return
        async with tenant(self._pool, connector.tenant_id) as conn:
            mine = await connectors.claim_probe(
                conn, tenant_id=connector.tenant_id, connector_id=connector.id, every_s=PROBE_EVERY.total_seconds()
            )
        if not mine:
            target.breaker = target.breaker.claim_probe(_now())
            return
        try:
            await target.guard.test_connection()
        except ConnectorError as error:
            log.info("target.probe_failed", connector=connector.name, error_code=error.code)
            await self._move(target, target.breaker.on_probe(_now(), succeeded=False), error)
            return
        await self._move(target, target.breaker.on_probe(_now(), succeeded=True), None)

    async def report(self, target: Target, error: ConnectorError | None) -> None:
        """Note how a call ended: a system failure counts against the target, anything else is an answer."""
        if error is not None and error.is_system_failure:
            await self._move(target, target.breaker.on_system_failure(_now()), error)
        elif not isinstance(error, OutcomeUnknown):  # a lost answer says nothing either way
            await self._move(target, target.breaker.on_success(target.connector.limits.concurrency), None)
            await self._note_success(target)

    async def _note_success(self, target: Target) -> None:
        """Show people when the target last answered; once a minute is often enough."""
        if time.monotonic() - target.noted_at < NOTE_EVERY_S:
            return
        target.noted_at = time.monotonic()
        connector = target.connector
        async with tenant(self._pool, connector.tenant_id) as conn:
            await connectors.note_success(conn, tenant_id=connector.tenant_id, connector_id=connector.id)

    async def _move(self, target: Target, after: Breaker, error: ConnectorError | None) -> None:
        before, target.breaker = target.breaker, after
        if (before.state, before.failures, before.probe_at) == (after.state, after.failures, after.probe_at):
            return
        connector = target.connector
        metrics.breaker_state.labels(connector.name).set(_GAUGE[after.state])
        async with tenant(self._pool, connector.tenant_id) as conn:
            where = {"tenant_id": connector.tenant_id, "connector_id": connector.id}
            await connectors.set_breaker(
                conn,
                **where,
                state=after.state,
                failures=after.failures,
                opened_at=after.opened_at,
                probe_at=after.probe_at,
            )
            if error is not None:
                await connectors.note_error(conn, **where, message=str(error))
            if before.state is not after.state:
                await self._moved(conn, target, after)

    async def _moved(self, conn: Connection, target: Target, after: Breaker) -> None:
        connector = target.connector
        if after.state is not BreakerState.OPEN:
            await operations.queries.wake_target.run(
                conn,
                tenant_id=connector.tenant_id,
                connector_id=connector.id,
                reasons=[WaitReason.TARGET_DOWN.value, WaitReason.BREAKER.value],
            )
            await due_work.ask(conn, connector.tenant_id, due_work.Kind.CLAIM, connector.id)
        log.warning("target.breaker_moved", connector=connector.name, state=after.state.value, failures=after.failures)


class _Calls(CallObserver):
    """Counts the calls of one connector."""

    def __init__(self, connector: str) -> None:
        self._connector = connector

    def observe_call(self, operation: str, *, result: str, seconds: float) -> None:
        metrics.target_calls_total.labels(self._connector, operation, result).inc()
        metrics.target_call_seconds.labels(self._connector, operation).observe(seconds)


def _now() -> datetime:
    return datetime.now(UTC)
