"""A dispatcher over a processor whose tries end when a test says so."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from tests.factories import accounts, an_operation, enqueue
from tests.integration.execution.conftest import Site
from tests.waiting import eventually
from worker.domain.operation import Operation
from worker.domain.outcome import Outcome, Succeeded
from worker.domain.processing import Finished
from worker.queue import Dispatcher
from worker.service.loop import DuePoller
from worker.store.due_work import Kind
from worker.store.notify import Hints


@dataclass
class Processor:
    """Runs operations as long as the doors are open; remembers which, and how many at once."""

    tries: asyncio.Event = field(default_factory=asyncio.Event)
    looks: asyncio.Event = field(default_factory=asyncio.Event)
    started: list[Operation] = field(default_factory=list)
    prepared: list[int] = field(default_factory=list)
    running: int = 0
    most: int = 0
    refuses: Exception | None = None
    held: set[UUID] = field(default_factory=set)
    answers: Callable[[Operation], Outcome] = lambda op: Succeeded(f"uid-{op.account_id}")

    async def prepare(self, tenant_id: UUID, operations: Sequence[Operation]) -> None:
        del tenant_id
        self.prepared.append(len(operations))
        await self.looks.wait()
        if self.refuses is not None:
            raise self.refuses

    async def process(self, operation: Operation) -> Finished:
        self.started.append(operation)
        self.running += 1
        self.most = max(self.most, self.running)
        try:
            await self.tries.wait()
            await (asyncio.Event().wait() if operation.account_id in self.held else asyncio.sleep(0))
            return Finished(operation, self.answers(operation), 1)
        finally:
            self.running -= 1


@dataclass
class Works:
    """A dispatcher with its finisher, and how often it said that there is room."""

    site: Site
    processor: Processor
    dispatcher: Dispatcher
    rooms: list[int]

    async def look(self) -> None:
        await self.dispatcher.run_once(self.site.tenant_id, self.site.connector.id)

    async def states(self) -> list[tuple[str, int, int]]:
        """(status, number of the try, tries spent) of all that is live."""
        query = "SELECT status, attempt_number, retry_count FROM operations ORDER BY id"
        return [tuple(row) for row in await self.site.rows(query)]

    async def is_over(self) -> bool:
        return not await self.site.rows("SELECT 1 FROM operations")

    async def let_one_through(self) -> None:
        """Let those that run now end, and no other."""
        count = len(self.processor.started)
        self.processor.tries.set()
        await asyncio.sleep(0)
        self.processor.tries.clear()
        await eventually(lambda: len(self.processor.started) > count or not self.processor.running)


@asynccontextmanager
async def at_work(site: Site, **fields: Any) -> AsyncIterator[Works]:
    processor, rooms = Processor(**fields), list[int]()
    processor.looks.set()
    async with site.writer() as finisher:
        made = Dispatcher(
            site.pool,
            lease=site.lease,
            gate=site.targets,
            processor=processor,
            finisher=finisher,
            on_room=lambda _: rooms.append(len(processor.started)),
        )
        yield Works(site, processor, made, rooms)
        await made.drain(0)


async def waiting(site: Site, count: int, **fields: Any) -> list[UUID]:
    """Operations of as many accounts."""
    lanes = await accounts(site.pool, site.tenant_id, site.connector.id, count)
    return await enqueue(
        site.pool, site.tenant_id, *(an_operation(site.connector.id, lane, **fields) for lane in lanes)
    )


@asynccontextmanager
async def polled_once(site: Site, processor: Processor) -> AsyncIterator[Callable[[], None]]:
    """Everything as the daemon has it, with a poll that comes once: what follows has to be woken."""
    poller: list[DuePoller] = []
    stop = asyncio.Event()

    def wake() -> None:
        poller[0].wake()

    def hear(hints: Hints) -> None:
        poller[0].hear(hints)

    async with site.writer(on_written=wake) as finisher:
        made = Dispatcher(
            site.pool, lease=site.lease, gate=site.targets, processor=processor, finisher=finisher, on_room=hear
        )
        poller.append(DuePoller(site.pool, {Kind.CLAIM: made.run_once}, poll_s=3600))
        polling = asyncio.create_task(poller[0].run(stop))
        try:
            yield wake
        finally:
            stop.set()
            await polling
            await made.drain(1)
