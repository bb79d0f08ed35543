"""Recovering what dead processes held: an expired owner is an expired lease for every operation under it."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

import structlog

from worker.queue.cancelling import ASKED, cancel
from worker.store import due_work, operations, workers
from worker.store.operations import Failure, Fence
from worker.store.pool import Connection, Pool
from worker.store.tenant import tenant
from worker.telemetry import metrics

log = structlog.get_logger()

BATCH = 500
#: Every so many rounds, and in the first, those are looked for who hold something and are no workers any more.
ORPHANS_EVERY = 24


@dataclass(frozen=True, slots=True)
class Rescued:
    """Counts of one round."""

    requeued: int = 0
    dead_lettered: int = 0
    owners: int = 0


class Rescuer:
    """Puts back what expired owners held, in every tenant, and only then forgets the owners."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._rounds = 0

    async def run_once(self) -> Rescued:
        """One round; an owner's row goes only when nothing is left under it, so a crash here loses nothing."""
        async with self._pool.acquire() as conn:
            dead = await workers.expired(conn)
            looks_for_orphans = self._rounds % ORPHANS_EVERY == 0
            self._rounds += 1
            tenants = [row["id"] for row in await workers.tenants(conn)] if dead or looks_for_orphans else []
        requeued = buried = 0
        for tenant_id in tenants:
            orphaned = await self._orphaned(tenant_id) if looks_for_orphans else []
            back, lost = await self._rescue_tenant(tenant_id, [*dead, *orphaned])
            requeued, buried = requeued + back, buried + lost
        for owner in dead:
            async with self._pool.acquire() as conn:
                await workers.leave(conn, owner)
        metrics.rescued_total.inc(requeued + buried)
        if dead or requeued or buried:
            log.warning("workers.rescued", owners=len(dead), requeued=requeued, dead_lettered=buried)
        return Rescued(requeued, buried, len(dead))

    async def _orphaned(self, tenant_id: UUID) -> list[UUID]:
        async with tenant(self._pool, tenant_id) as conn:
            rows = await operations.queries.orphaned.rows(conn, tenant_id=tenant_id)
        return [row["owner"] for row in rows]

    async def _rescue_tenant(self, tenant_id: UUID, dead: Sequence[UUID]) -> tuple[int, int]:
        requeued = buried = 0
        if not dead:
            return requeued, buried
        while True:
            async with tenant(self._pool, tenant_id, is_hot=True, by_hash=True) as conn:
                looping = await self._bury_crash_loops(conn, tenant_id, dead)
                back = await operations.rescue(conn, tenant_id, dead, limit=BATCH)
                asked = [Fence(r["id"], r["epoch"], r["account_id"]) for r in back if r["cancel_requested_by"]]
                await cancel(conn, tenant_id, asked, notes=ASKED)
                for connector_id in sorted({row["connector_id"] for row in back}):
                    await due_work.ask(conn, tenant_id, due_work.Kind.CLAIM, connector_id)
            requeued, buried = requeued + len(back), buried + looping
            if len(back) < BATCH and looping < BATCH:
                return requeued, buried

    async def _bury_crash_loops(self, conn: Connection, tenant_id: UUID, dead: Sequence[UUID]) -> int:
        rows = await operations.crash_looping(conn, tenant_id, dead, limit=BATCH)
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
