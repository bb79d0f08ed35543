"""Submission in bulk: ``OperationQueue.enqueue``, one connection, two thousand a call, each call a transaction."""

import time
from collections.abc import AsyncIterator
from statistics import median

from tests import factories
from tests.benchmarks.figures import Figure, Size, at_least, beside
from tests.benchmarks.ground import Ground
from tests.benchmarks.queue import filling
from tests.benchmarks.queue.arena import Arena
from tests.benchmarks.queue.contenders import Ours
from tests.benchmarks.queue.race import settle
from worker.queue import OperationQueue
from worker.store.tenant import transaction

A_SECOND = 50_000
AT_ONCE = 2_000
DEEP = 20
UNIT = "operations/s"


async def measure(ground: Ground, size: Size) -> AsyncIterator[Figure]:
    """One operation an account, and twenty an account in one call."""
    wide, deep = [], []
    for _ in range(size.turns):
        wide.append(await _rate(ground, size.submitted, each=1))
        deep.append(await _rate(ground, size.submitted, each=DEEP))
    yield at_least("submission in bulk", median(wide), UNIT, A_SECOND)
    yield beside(f"submission, {DEEP} an account", median(deep), UNIT, peer="one an account", rate=median(wide))


async def _rate(ground: Ground, count: int, *, each: int) -> float:
    async with Ours().arena(ground) as arena:
        site, queue = arena.ours, OperationQueue()
        connector = await filling.target(site)
        lanes = await filling.lanes(site, connector, -(-count // each))
        await settle(arena)
        # made before the clock runs, as a caller has them
        wanted = [factories.an_operation(connector.id, lane, payload=filling.PAYLOAD) for lane in lanes * each]
        wanted.sort(key=lambda operation: operation.account_id)
        took = 0.0
        async with site.pool.acquire() as conn:
            for at in range(0, count, AT_ONCE):
                part = wanted[at : at + AT_ONCE]
                started = time.monotonic()
                async with transaction(conn, site.tenant_id):
                    done = await queue.enqueue(conn, tenant_id=site.tenant_id, operations=part)
                took += time.monotonic() - started
                if len(done.accepted) != min(AT_ONCE, count - at):
                    raise RuntimeError(f"{len(done.accepted)} operations were accepted")
        await _check(arena, count)
    return count / took


async def _check(arena: Arena, count: int) -> None:
    if (stored := await filling.waiting(arena)) != count:
        raise RuntimeError(f"{stored} of {count} operations were stored")
