"""How soon an idle worker begins with what somebody in another process submits: alone, and where nobody is told."""

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from random import Random
from uuid import UUID

from tests import factories
from tests.benchmarks.figures import Figure, Size, at_most, left_out, not_above
from tests.benchmarks.ground import Ground
from tests.benchmarks.queue import filling, meter
from tests.benchmarks.queue.arena import Arena, ended
from tests.benchmarks.queue.contenders import GRAPHILE, PGBOSS, Contender, Ours, PgQueuer
from tests.benchmarks.queue.installing import NotToBeHad
from tests.benchmarks.queue.race import crew
from worker.service.listener import Listener
from worker.store import notify

P50_MS, P99_MS, DEAF_P99_S = 2.0, 10.0, 3.0
GAP_S = 0.02
#: Without NOTIFY: apart enough for the picks to spread over many polls.
DEAF_GAP_S = 0.15
#: Submitted first and not counted: connections and statements are warm then, ours and the peers'.
WARM_UP = 10
#: After the start, until a worker is idle and hears.
SETTLE_S = 1.5


async def measure(ground: Ground, size: Size) -> AsyncIterator[Figure]:
    """Ours with NOTIFY, beside what is promised and beside others; and without."""
    waits = await _ours(ground, Ours(), size.picks, gap_s=GAP_S)
    p50, p99 = _at(waits, 0.5), _at(waits, 0.99)
    yield at_most("pick-up p50", p50, "ms", P50_MS)
    yield at_most("pick-up p99", p99, "ms", P99_MS)
    for peer in _peers(size):
        try:
            theirs = await _peers_waits(ground, peer, size.picks)
        except NotToBeHad as reason:
            yield left_out(f"pick-up, beside {peer.name}", "ms", str(reason))
            continue
        for name, value, share in (("p50", p50, 0.5), ("p99", p99, 0.99)):
            peers_own = _at(theirs, share)
            yield not_above(f"pick-up {name}, beside {peer.name}", value, "ms", peer=peer.name, theirs=peers_own)
    deaf = await _ours(ground, Ours(is_notified=False), size.deaf_picks, gap_s=DEAF_GAP_S)
    yield at_most("pick-up p99 without NOTIFY", _at(deaf, 0.99) / 1000, "s", DEAF_P99_S)


def _peers(size: Size) -> Sequence[Contender]:
    named = [GRAPHILE] if size.has_peers else []
    return [*named, PGBOSS, PgQueuer()] if size.has_all_peers else named


def _at(waits: Sequence[float], share: float) -> float:
    ordered = sorted(waits)
    return ordered[min(int(len(ordered) * share), len(ordered) - 1)]


async def _ours(ground: Ground, ours: Ours, count: int, *, gap_s: float) -> list[float]:
    """Milliseconds from just before each submission to the first line of its handler."""
    async with ours.arena(ground) as arena:
        connector = await filling.target(arena.ours)
        lanes = await filling.lanes(arena.ours, connector, count + WARM_UP)
        listener = Listener(arena.ours.dsn, on_word=lambda _: None, rng=Random())
        telling = asyncio.create_task(listener.run())
        try:
            async with crew(ground, arena, 1) as workers:
                await workers.go()
                await asyncio.sleep(SETTLE_S)
                with ExitStack() as ears:
                    if ours.is_notified:
                        ears.enter_context(notify.hearing(listener.tell, mouth=listener.along))
                    for lane in lanes:
                        await _submit(arena, connector.id, lane)
                        await asyncio.sleep(gap_s)
                await workers.until(count + WARM_UP)
                return await _waits(workers.meters[0], count)
        finally:
            telling.cancel()
            await asyncio.gather(telling, return_exceptions=True)


async def _submit(arena: Arena, connector_id: UUID, lane: UUID) -> None:
    payload = {"attributes": {"submitted_ns": time.monotonic_ns()}}
    operation = factories.an_operation(connector_id, lane, payload=payload)
    await factories.enqueue(arena.ours.pool, arena.ours.tenant_id, operation)


async def _peers_waits(ground: Ground, peer: Contender, count: int) -> list[float]:
    async with peer.arena(ground) as arena, crew(ground, arena, 1) as workers:
        await workers.go()
        await asyncio.sleep(SETTLE_S)
        await ended([*(arena.single or ()), str(count + WARM_UP), str(GAP_S * 1000)], arena)
        await workers.until(count + WARM_UP)
        return await _waits(workers.meters[0], count)


async def _waits(path: Path, count: int) -> list[float]:
    await asyncio.sleep(4 * meter.FLUSH_S)  # the waits are written after the count
    waits = meter.waits_ms(path)[WARM_UP:]
    if len(waits) != count:
        raise RuntimeError(f"{len(waits)} of {count} waits were noted")
    return waits
