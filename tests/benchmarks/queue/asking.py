"""``GET /api/operations`` with many stored: one reader, one kept connection, filters of all kinds in turns."""

import asyncio
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import aiohttp

from tests.benchmarks.figures import Figure, Size, at_most
from tests.benchmarks.ground import Ground, Site
from tests.benchmarks.queue import filling
from tests.benchmarks.queue.contenders import Ours
from tests.benchmarks.queue.race import settle
from tests.benchmarks.served import serve
from worker.domain.ids import uuid7
from worker.security import Role, create_token
from worker.store.tenant import tenant

P99_MS = 100.0
#: Of those that are stored, the share that is finished.
FINISHED = 0.8
#: Each kind of question once before the clock runs.
WARM_ROUNDS = 1
#: What is made in one second is counted as one; a million in each are not.
A_SECOND = 1.0


async def measure(ground: Ground, size: Size) -> AsyncIterator[Figure]:
    """Exact totals are asked for, and looked at, in each of them."""
    finished = round(size.stored * FINISHED)
    waiting = size.stored - finished
    async with Ours().arena(ground) as arena:
        past = await filling.make_finished(arena, finished)
        await asyncio.sleep(A_SECOND)
        between = datetime.now(UTC)
        await asyncio.sleep(A_SECOND)
        present = await filling.make_waiting(arena, waiting, is_open=False)
        await settle(arena)
        questions = _questions(past.id, present.id, between, finished=finished, waiting=waiting)
        async with serve(arena.ours) as daemon:
            times = await _ask(f"http://127.0.0.1:{daemon.port}", arena.ours, questions, size.asked)
    ordered = sorted(times)
    worst = ordered[min(int(len(ordered) * 0.99), len(ordered) - 1)]
    yield at_most(f"GET operations p99, {size.stored:,} stored", worst * 1000, "ms", P99_MS)


def _questions(
    past: UUID, present: UUID, between: datetime, *, finished: int, waiting: int
) -> list[tuple[dict[str, Any], int]]:
    """What is asked, and the total that must come with the answer; ``between`` the first was made and the second."""
    hour = timedelta(hours=1)
    now = datetime.now(UTC)
    recent = {"from_date": (now - hour).isoformat(), "to_date": (now + hour).isoformat()}
    every = finished + waiting
    return [
        ({}, every),
        ({"limit": 100}, every),
        ({"offset": 1_000}, every),
        ({"status": "completed"}, finished),
        ({"status": "completed", "limit": 100, "connector_id": str(past)}, finished),
        ({"status": "awaiting_system"}, waiting),
        ({"connector_id": str(present)}, waiting),
        ({"operation_type": "update"}, every),
        ({"operation_type": "delete"}, 0),
        ({"status": "dead_letter"}, 0),
        (recent, every),
        ({"status": "completed", **recent}, finished),
        ({"from_date": between.isoformat()}, waiting),
        ({"to_date": between.isoformat()}, finished),
        ({"status": "completed", "to_date": between.isoformat(), "limit": 100}, finished),
        ({"q": "nobody"}, 0),
        ({"user_id": str(uuid7())}, 0),
        ({"error_code": "target_timeout"}, 0),
        ({"run_id": str(uuid7())}, 0),
    ]


async def _ask(base: str, site: Site, questions: list[tuple[dict[str, Any], int]], count: int) -> list[float]:
    """Seconds of each answer, whole."""
    async with tenant(site.pool, site.tenant_id) as conn:
        token = await create_token(conn, site.tenant_id, name="reader", roles=frozenset({Role.VIEWER}))
    times = []
    async with aiohttp.ClientSession(headers={"Authorization": f"Bearer {token}"}) as session:
        for n in range(len(questions) * WARM_ROUNDS + count):
            asked, total = questions[n % len(questions)]
            started = time.monotonic()
            async with session.get(f"{base}/api/operations", params=asked) as answer:
                answer.raise_for_status()
                found = await answer.json()
            if n >= len(questions) * WARM_ROUNDS:
                times.append(time.monotonic() - started)
            if found["total"] != total:
                raise RuntimeError(f"the total of {asked} is {total}, not {found['total']}")
    return times
