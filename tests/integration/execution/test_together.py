"""Two processes and their targets, over one database: what one of them meets, both of them heed."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from random import Random
from typing import Any, cast
from uuid import UUID

import pytest

from tests.factories import a_connector, accounts, an_operation, enqueue, registered_worker
from tests.fakes import MemoryTarget
from tests.integration.execution.conftest import ATTRIBUTES, RULES, Lease, Site
from tests.waiting import eventually
from worker.connectors import ConnectorGuard, Targets, targets
from worker.connectors.base import capabilities_of
from worker.correlation import CorrelationService
from worker.domain.account import TargetAccount
from worker.domain.connector import Connector, Limits
from worker.domain.errors import TargetBusy, TargetUnavailable
from worker.domain.operation import EMERGENCY_PRIORITY
from worker.execution import Executor, Journal, Matching, Names, Scripting, Secrets, WorkLoader
from worker.hooks import HookExecutor
from worker.mapping import MappingEngine
from worker.queue import Dispatcher, Finisher
from worker.security import Vault, new_key, parse_key
from worker.service.loop import DuePoller
from worker.store import mappings, notify
from worker.store.due_work import Kind
from worker.store.notify import Hints
from worker.store.pool import Pool
from worker.store.tenant import tenant

SLOTS = 4
OPERATIONS = 40


@dataclass
class Weather(MemoryTarget):
    """A target that is well, or raises, or hangs; it notes its calls, and how many there are at once."""

    attributes: tuple[str, ...] = ATTRIBUTES
    raises: Exception | None = None
    hangs: asyncio.Event | None = None
    probes: int = 0
    seen: list[str] = field(default_factory=list)
    at_once: int = 0
    most: int = 0

    async def test_connection(self) -> str:
        self.probes += 1
        if self.raises is not None:
            raise self.raises
        return "It is well."

    async def create(self, object_class: str, attributes: dict[str, Any], *, active: bool | None) -> str:
        made = super().create
        return cast(
            "str", await self._meets(attributes["login"], lambda: made(object_class, attributes, active=active))
        )

    async def find(self, object_class: str, attribute: str, value: str) -> list[TargetAccount]:
        found = super().find
        return cast("list[TargetAccount]", await self._meets("find", lambda: found(object_class, attribute, value)))

    async def _meets(self, what: str, call: Callable[[], Any]) -> Any:
        self.seen.append(what)
        self.at_once += 1
        self.most = max(self.most, self.at_once)
        try:
            await asyncio.sleep(0)
            if self.raises is not None:
                raise self.raises
            if self.hangs is not None:
                await self.hangs.wait()
            return await call()
        finally:
            self.at_once -= 1


@dataclass
class Process:
    """What a daemon has for its operations."""

    targets: Targets
    dispatcher: Dispatcher
    poller: DuePoller


@asynccontextmanager
async def process(pool: Pool, vault: Vault) -> AsyncIterator[Process]:
    async with registered_worker(pool) as owner:
        lease = Lease(owner)
        known = Targets(pool, vault, worker=lambda: owner)
        secrets = Secrets(pool, vault, MappingEngine())
        executor = Executor(
            known,
            WorkLoader(pool, known),
            Scripting(
                cast("HookExecutor", None), names=Names(pool), journal=Journal(pool), secrets=secrets, key=bytes(32)
            ),
            Matching(pool, CorrelationService()),
            secrets=secrets,
            attempt_s=30,
        )
        finisher = Finisher(pool, lease, rng=Random(1))

        def hear(hints: Hints) -> None:
            poller.hear(hints)

        dispatcher = Dispatcher(pool, lease=lease, gate=known, processor=executor, finisher=finisher, on_room=hear)
        poller = DuePoller(pool, {Kind.CLAIM: dispatcher.run_once}, poll_s=0.1, at_once=2)
        stop = asyncio.Event()
        running = [asyncio.create_task(finisher.run()), asyncio.create_task(poller.run(stop))]
        try:
            with notify.hearing(poller.hear):
                yield Process(known, dispatcher, poller)
        finally:
            stop.set()
            await dispatcher.drain(0)
            await running[1]
            await finisher.drained()
            running[0].cancel()
            await asyncio.gather(*running, return_exceptions=True)
            await known.aclose()


@dataclass
class Town:
    """Targets by connector, and the processes that work on them."""

    site: Site
    weather: dict[UUID, Weather]
    processes: list[Process]

    @property
    def here(self) -> Weather:
        return self.weather[self.site.connector.id]

    async def states(self) -> set[tuple[str, str | None, int]]:
        """(status, reason, tries spent) of all that is live."""
        rows = await self.site.rows("SELECT DISTINCT status, wait_reason, retry_count FROM operations")
        return {tuple(row) for row in rows}

    async def is_over(self) -> bool:
        return not await self.site.rows("SELECT 1 FROM operations LIMIT 1")

    async def looks(self, times: int = 5) -> None:
        """Let both processes look at what is due, several times."""
        for _ in range(times):
            for each in self.processes:
                await each.poller.run_once()
            await asyncio.sleep(0.01)


@pytest.fixture
async def town(site: Site, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Town]:
    weather: dict[UUID, Weather] = {site.connector.id: Weather()}

    def guard_for(connector: Connector, *, may_change: Callable[[], bool], **_: Any) -> ConnectorGuard:
        made = weather[connector.id]
        return ConnectorGuard(
            lambda: made, capabilities=capabilities_of(Weather), limits=connector.limits, may_change=may_change
        )

    monkeypatch.setattr(targets, "guard_for", guard_for)
    monkeypatch.setattr(targets, "FRESH_S", 0.02)
    monkeypatch.setattr(targets, "ASK_S", 0.02)
    monkeypatch.setattr(targets, "ASK_SOON_S", 0.02)
    await site.rows(
        f"UPDATE connectors SET baseline_at = now(), limits = '{{\"concurrency\": {SLOTS}}}', version = version + 1"
    )
    vault = Vault([parse_key(new_key())])
    async with AsyncExitStack() as stack:
        made = [await stack.enter_async_context(process(site.pool, vault)) for _ in range(2)]
        yield Town(site, weather, made)


async def hire(site: Site, count: int) -> list[UUID]:
    return [await site.hires("Ada", f"Moss{number}") for number in range(count)]


async def test_together_they_keep_to_the_slots_of_the_target_and_use_all_of_them(town: Town) -> None:
    """While none of their calls ends, however often both of them look."""
    town.here.hangs = hangs = asyncio.Event()
    await hire(town.site, OPERATIONS)
    await eventually(lambda: town.here.at_once == SLOTS, timeout=60)
    await town.looks(20)
    assert town.here.most == SLOTS

    town.here.hangs = None
    hangs.set()
    await eventually(town.is_over, timeout=60)
    assert len(town.here.accounts) == OPERATIONS
    assert town.here.most == SLOTS


async def test_an_outage_costs_a_few_calls_and_no_try_and_ends_by_itself(town: Town) -> None:
    """Five failures and what was under way; then one probe when it is due, whoever sends it; then all is done once."""
    town.here.raises = TargetUnavailable()
    await hire(town.site, OPERATIONS)

    async def is_open() -> bool:
        rows = await town.site.rows("SELECT breaker_state FROM connectors WHERE breaker_state = 'open'")
        return bool(rows) and not any(each.dispatcher.held for each in town.processes)

    await eventually(is_open, timeout=60)
    calls = len(town.here.seen)
    await town.looks()
    states = await town.states()
    for number in range(1, 4):
        await town.site.rows("UPDATE connectors SET breaker_probe_at = now()")
        await town.site.rows("UPDATE due_work SET due_at = now()")
        await eventually(lambda number=number: town.here.probes == number, timeout=30)  # type: ignore[misc]  # a lambda that binds its variable
        await town.looks()
        assert (town.here.probes, len(town.here.seen)) == (number, calls)

    assert calls <= 5 + SLOTS
    assert {tries for _, _, tries in states} == {0}
    assert {(status, reason) for status, reason, _ in states} <= {("pending", None), ("awaiting_system", "target_down")}

    town.here.raises = None
    town.here.most = 0
    await town.site.rows("UPDATE connectors SET breaker_probe_at = now()")
    await town.site.rows("UPDATE due_work SET due_at = now()")
    await eventually(town.is_over, timeout=60)

    made = town.here.seen[calls:]
    assert len([login for login in made if login != "find"]) == OPERATIONS
    assert town.here.most <= SLOTS
    assert await town.site.rows("SELECT 1 FROM dead_letters") == []
    assert [row["n"] for row in await town.site.rows("SELECT DISTINCT retry_count AS n FROM operations_archive")] == [0]


async def test_a_target_that_asks_for_a_pause_is_left_alone_by_both(town: Town) -> None:
    town.here.raises = TargetBusy(retry_after=timedelta(hours=5))
    await hire(town.site, OPERATIONS)

    async def is_held() -> bool:
        rows = await town.site.rows("SELECT 1 FROM target_shares WHERE held_until > now() + interval '50 minutes'")
        return bool(rows) and not any(each.dispatcher.held for each in town.processes)

    await eventually(is_held, timeout=60)
    calls = len(town.here.seen)
    await town.site.rows("UPDATE due_work SET due_at = now()")
    await town.looks()

    assert calls <= SLOTS, "what was under way when the target first said it"
    assert len(town.here.seen) == calls
    assert {tries for _, _, tries in await town.states()} == {0}
    due = await town.site.rows("SELECT 1 FROM due_work WHERE kind = 'claim' AND due_at < now() + interval '50 minutes'")
    assert due == [], "nobody looks before the time is over"
    assert (
        await town.site.rows(
            "SELECT 1 FROM due_work WHERE due_at > now() + interval '61 minutes' AND due_at < 'infinity'"
        )
        == []
    )


async def test_targets_that_hang_hold_up_no_other(town: Town) -> None:
    """Eight of them, each with more than it takes at once; one process takes two turns at once."""
    healthy, hung = town.site.connector, asyncio.Event()
    for number in range(8):
        connector = await _another_target(town, f"hung{number}")
        town.weather[connector.id].hangs = hung
        lanes = await accounts(town.site.pool, town.site.tenant_id, connector.id, 3 * SLOTS)
        payload = {"attributes": {"login": "x"}, "active": True}
        await enqueue(
            town.site.pool,
            town.site.tenant_id,
            *(an_operation(connector.id, lane, operation_type="create", payload=payload) for lane in lanes),
        )
    await hire(town.site, 20)

    async def is_done() -> bool:
        return not await town.site.rows("SELECT 1 FROM operations WHERE connector_id = $1", healthy.id)

    await eventually(is_done, timeout=60)
    assert len(town.here.accounts) == 20
    for each in town.processes:
        each.dispatcher.forget_all()
    hung.set()


async def test_an_emergency_goes_before_what_both_hold_already(town: Town) -> None:
    town.here.hangs = asyncio.Event()
    await hire(town.site, OPERATIONS)
    await eventually(lambda: town.here.at_once == SLOTS, timeout=60)
    before = len(town.here.seen)
    owner = await town.site.person("Eve", "Urgent")
    wanted = {"login": "eve.urgent", "mail": "eve.urgent@example.org", "given": "Eve", "family": "Urgent"}
    account = await town.site.account(owner, wanted=wanted, wanted_active=True)
    await town.site.asks("create", account, owner, active=True, priority=EMERGENCY_PRIORITY, **wanted)

    def is_next() -> bool:
        held = [target.waiting for each in town.processes for target in each.dispatcher._targets.values()]
        return any(waiting and waiting[0].priority == EMERGENCY_PRIORITY for waiting in held)

    await eventually(is_next, timeout=60)
    hangs, town.here.hangs = town.here.hangs, None
    hangs.set()
    await eventually(town.is_over, timeout=60)

    after = [login for login in town.here.seen[before:] if login != "find"]
    assert after.index("eve.urgent") < OPERATIONS // 2, "in the order of submission it would have been the last"


async def _another_target(town: Town, name: str) -> Connector:
    site = town.site
    connector = await a_connector(site.pool, site.tenant_id, name=name, type="memory", limits=Limits(concurrency=SLOTS))
    town.weather[connector.id] = Weather()
    async with tenant(site.pool, site.tenant_id) as conn:
        await conn.execute("UPDATE connectors SET baseline_at = now() WHERE id = $1", connector.id)
        where = {"tenant_id": site.tenant_id, "connector_id": connector.id, "object_class": "user"}
        version = await mappings.insert(conn, **where, rules=RULES)
        await mappings.activate(conn, **where, version=version)
    return connector
