"""A worker process of ours: the daemon's own dispatcher, finisher, poller and lease, and a processor that does nothing.

    python -m tests.benchmarks.queue.worker DSN POLL_S on|off whole|parts     with BENCH_METER and BENCH_GO

``on``: processes tell each other of new work by NOTIFY. ``whole``: all that a daemon consists of is loaded, which takes
its time and matters to nothing but memory. Works until SIGTERM, then gives everything back as the daemon does.
"""

import asyncio
import importlib
import os
import signal
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from random import Random
from typing import Any
from uuid import UUID

import uvloop

from tests.benchmarks.queue.meter import Meter
from worker.domain.operation import Operation
from worker.domain.outcome import Succeeded
from worker.domain.processing import Finished, Gate
from worker.queue import Dispatcher, Finisher
from worker.service.collector import tune_collector
from worker.service.heartbeat import Heartbeat
from worker.service.listener import Listener
from worker.service.loop import DuePoller
from worker.store import notify
from worker.store.due_work import Kind
from worker.store.pool import open_pool
from worker.telemetry import logs

SLOTS = 100
#: As the daemon's settings have it.
POOL_SIZE = 8
LEASE_S = 60.0
BEAT_S = 15.0
DRAIN_S = 5.0


class Nothing:
    """The processor and the gate: always open, does nothing, counts."""

    def __init__(self, meter: Meter) -> None:
        self._meter = meter

    async def prepare(self, tenant_id: UUID, operations: Sequence[Operation]) -> None:
        """There is nothing to read."""

    async def process(self, operation: Operation) -> Finished:
        self._meter.hit(int(operation.attributes.get("submitted_ns", 0)))
        return Finished(operation, Succeeded(None), 0)

    async def gate(self, tenant_id: UUID, connector_id: UUID) -> Gate:
        return Gate(SLOTS, "nothing")


async def work(dsn: str, meter: Meter, *, poll_s: float, notified: bool) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    tune_collector()
    await meter.begin()
    pool = await open_pool(dsn, size=POOL_SIZE)
    nothing, rng = Nothing(meter), Random()

    def lost() -> None:
        dispatcher.forget_all()

    def wake(_: Any = None) -> None:
        poller.wake()

    def hear(hints: notify.Hints) -> None:
        poller.hear(hints)

    heartbeat = Heartbeat(dsn, version="0", roles=["worker"], lease_s=LEASE_S, beat_s=BEAT_S, on_lost=lost)
    await heartbeat.start()
    listener = Listener(dsn, on_word=wake, on_asked=hear, rng=rng) if notified else None
    finisher = Finisher(pool, heartbeat, rng=rng)
    dispatcher = Dispatcher(
        pool,
        lease=heartbeat,
        gate=nothing,
        processor=nothing,
        finisher=finisher,
        on_room=hear,
        is_crowded=lambda: poller.is_crowded,
    )
    poller = DuePoller(
        pool,
        {Kind.CLAIM: dispatcher.run_once},
        poll_s=poll_s,
        at_once=POOL_SIZE // 2,
        rng=rng,
        is_told=lambda: listener is not None and listener.is_hearing,
    )
    running = [asyncio.create_task(finisher.run()), *([asyncio.create_task(listener.run())] if listener else [])]
    with ExitStack() as ears:
        ears.enter_context(notify.hearing(poller.hear))
        if listener is not None:
            ears.enter_context(notify.hearing(listener.tell, mouth=listener.along))
        await poller.run(stop)
    await dispatcher.drain(DRAIN_S)
    await finisher.drained()
    for task in running:
        task.cancel()
    await asyncio.gather(*running, return_exceptions=True)
    await heartbeat.stop()
    await pool.close()


def main(dsn: str, poll_s: str, notified: str, loaded: str) -> None:
    if loaded == "whole":
        importlib.import_module("worker.service.daemon")
    # the lines are made as in a daemon, and go nowhere
    with open(os.devnull, "w", encoding="utf-8") as nowhere:  # noqa: PTH123 - a device, not a path
        logs.configure(format="json", stream=nowhere)
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(work(dsn, Meter(), poll_s=float(poll_s), notified=notified == "on"))


if __name__ == "__main__":
    main(*sys.argv[1:])
