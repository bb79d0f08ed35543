"""Recovering what dead processes held: an expired owner is an expired lease for every operation under it."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from uuid import UUID

import structlog

from worker.queue.cancelling import ASKED, cancel
from worker.store import claims, due_work, operations, workers
from worker.store.operations import Failure, Fence
from worker.store.pool import Connection, Pool
from worker.store.tenant import tenant
from worker.store.workers import Expired
from worker.telemetry import metrics

log = structlog.get_logger()

BATCH = 500
#: Every so many rounds, and in the first, those are looked for who have claimed something and are no workers any more.
ORPHANS_EVERY = 24
#: So often, at the start and after a process of an older version was last seen, they are looked for among all that
#: lives: such a process notes no claims, and may have left something that was locked at that moment, or came late.
LOOKS_EVERYWHERE = 3


@dataclass(frozen=True, slots=True)
class Rescued:
    """Counts of one round."""

    requeued: int = 0
    dead_lettered: int = 0
    owners: int = 0


@dataclass(frozen=True, slots=True)
class _Held:
    """Owners without a lease, and what they may hold."""

    owners: list[UUID]
    ids: list[UUID]


class Rescuer:
    """Puts back what expired owners held, in every tenant, and only then forgets the owners."""

    def __init__(self, pool: Pool, *, rest_s: float = 0.0, clock: Callable[[], float] = time.monotonic) -> None:
        """``rest_s``: while no lease that was seen can be over, rounds pass for so long without asking the database."""
        self._pool = pool
        self._rest_s = rest_s
        self._clock = clock
        self._rests_until = clock()
        self._rounds = 0
        self._looks_left = LOOKS_EVERYWHERE

    async def run_once(self) -> Rescued:
        """One round; an owner's row goes only when nothing is left under it, so a crash here loses nothing."""
        looks_for_orphans = self._rounds % ORPHANS_EVERY == 0
        if not looks_for_orphans and self._clock() < self._rests_until:
            self._rounds += 1
            return Rescued()
        async with self._pool.acquire() as conn:
            expired = await workers.expired(conn)
            dead, has_older = expired.owners, expired.has_older
            if has_older:
                self._looks_left = LOOKS_EVERYWHERE
            looks_everywhere = (looks_for_orphans and self._looks_left > 0) or (has_older and bool(dead))
            tenants = [row["id"] for row in await workers.tenants(conn)] if dead or looks_for_orphans else []
        requeued = buried = 0
        for tenant_id in tenants:
            orphaned = await self._orphaned(tenant_id) if looks_for_orphans else []
            held = await self._held(tenant_id, {*dead, *orphaned}, everywhere=looks_everywhere)
            back, lost = await self._rescue_tenant(tenant_id, held)
            requeued, buried = requeued + back, buried + lost
        for owner in dead:
            async with self._pool.acquire() as conn:
                await workers.leave(conn, owner)
        metrics.rescued_total.inc(requeued + buried)
        self._rounds += 1
        self._rests_until = self._clock() + rest(expired, at_most_s=self._rest_s)
        if looks_for_orphans and not has_older:
            self._looks_left = max(self._looks_left - 1, 0)
        if dead or requeued or buried:
            log.warning("workers.rescued", owners=len(dead), requeued=requeued, dead_lettered=buried)
        return Rescued(requeued, buried, len(dead))

    async def _orphaned(self, tenant_id: UUID) -> list[UUID]:
        async with tenant(self._pool, tenant_id) as conn:
            return await claims.orphaned(conn, tenant_id)

    async def _held(self, tenant_id: UUID, owners: set[UUID], *, everywhere: bool) -> "_Held":
        """What these owners have claimed; ``everywhere``: and what others hold without a lease who noted nothing."""
        async with tenant(self._pool, tenant_id) as conn:
            ids = set(await claims.held(conn, tenant_id, sorted(owners)) if owners else [])
            rows = await claims.unnoted(conn, tenant_id) if everywhere else []
        return _Held(sorted(owners | {row["owner"] for row in rows}), sorted(ids | {row["id"] for row in rows}))

    async def _rescue_tenant(self, tenant_id: UUID, held: "_Held") -> tuple[int, int]:
        requeued = buried = 0
        for first in range(0, len(held.ids), BATCH):
            ids = held.ids[first : first + BATCH]
            async with tenant(self._pool, tenant_id, is_hot=True, by_hash=True) as conn:
                buried += await self._bury_crash_loops(conn, tenant_id, held.owners, ids)
                back = await operations.rescue(conn, tenant_id, held.owners, ids)
                asked = [Fence(r["id"], r["epoch"], r["account_id"]) for r in back if r["cancel_requested_by"]]
                await cancel(conn, tenant_id, asked, notes=ASKED)
                for connector_id in sorted({row["connector_id"] for row in back}):
                    await due_work.ask(conn, tenant_id, due_work.Kind.CLAIM, connector_id)
            requeued += len(back)
        if held.owners:
            async with tenant(self._pool, tenant_id) as conn:
                await claims.forget(conn, tenant_id, held.owners)
        return requeued, buried

    async def _bury_crash_loops(
        self, conn: Connection, tenant_id: UUID, dead: Sequence[UUID], ids: Sequence[UUID]
    ) -> int:
        rows = await operations.crash_looping(conn, tenant_id, dead, ids)
        buried = 0
        for owner in {row["owner"] for row in rows}:
            ends = [
                Failure(
                    Fence(id=row["id"], epoch=row["epoch"], account_id=row["account_id"]),
                    0,
                    "crash_loop",
                    "Three processes died while they ran this operation; it may be what kills them.",
                )
                for row in rows
                if row["owner"] == owner
            ]
            done = await operations.bury(conn, tenant_id, owner, ends)
            await operations.log(
                conn, tenant_id, [(e.fence.id, "error", e.message) for e in ends if e.fence.id in done]
            )
            buried += len(done)
        for connector_id in sorted({row["connector_id"] for row in rows}):
            await due_work.ask(conn, tenant_id, due_work.Kind.CLAIM, connector_id)
        return buried


def rest(expired: Expired, *, at_most_s: float) -> float:
    """Seconds in which no lease can run out that was seen; none with somebody to look after, or an older version."""
    if expired.owners or expired.has_older:
        return 0.0
    return at_most_s if expired.next_in_s is None else min(expired.next_in_s, at_most_s)
