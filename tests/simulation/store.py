"""The store functions that the queue's duties call, over the model of the queue: one transaction at a time.

What the statements do is tried on a real server against the same model; here it is taken as given. A connection may
be cut before a commit, or after it and before its answer.
"""

import asyncio
import math
from collections import Counter
from collections.abc import AsyncIterator, Container, Sequence
from contextlib import asynccontextmanager
from copy import copy
from dataclasses import replace
from datetime import timedelta
from random import Random
from types import SimpleNamespace
from typing import Any
from uuid import UUID

from tests.integration.queue.model import Model, Op
from tests.simulation.clock import VirtualLoop
from worker.domain.operation import (
    EMERGENCY_PRIORITY,
    EPOCH,
    MAX_CRASHED_LEASES,
    Operation,
    OperationStatus,
    WaitReason,
)
from worker.domain.outcome import Cancelled, DeadLettered, Parked, Released, Retry, Succeeded
from worker.store import due_work as real_due_work
from worker.store.due_work import Due, Kind, Look
from worker.store.operations import Completed, Completion, Failure, Fence
from worker.store.ranges import FRONT, Range
from worker.store.workers import Expired

S = OperationStatus
LATENCY_S = 0.01
_TAKING = ("claim", "claim_emergencies", "rescue", "crash_looping")
_EMERGENCIES = FRONT.up_to_urgency(-EMERGENCY_PRIORITY)
_ENDING = ("complete_and_claim", "fail", "park", "bury", "release", "cancel")


class Store:
    """All that is committed. ``lost_replies``: the part of transactions whose end is not heard."""

    def __init__(self, loop: VirtualLoop, rng: Random, tenant_id: UUID) -> None:
        self.loop, self.rng, self.tenant_id = loop, rng, tenant_id
        self.model = Model()
        self.leases: dict[UUID, float] = {}
        self.due_at: dict[UUID, float] = {}
        self.times: dict[UUID, float] = {}
        self.ready: dict[UUID, float] = {}
        self.lost_replies = 0.0
        self.met: Counter[str] = Counter()
        self.lock = asyncio.Lock()
        self._is_committed = False
        self.operations = self._operations()
        self.due_work = self._due_work()
        self.conflicts = SimpleNamespace(close=self._nothing)
        self.workers = self._workers()
        self.claims = self._claims()

    @asynccontextmanager
    async def tenant(self, pool: Any, _tenant_id: UUID, **_: Any) -> AsyncIterator[Any]:
        """One transaction of the process whose pool this is."""
        await pool.breathe()
        async with self.lock:
            saved = self._saved()
            try:
                yield pool
                await asyncio.sleep(self.rng.uniform(0, LATENCY_S))
                self._say_how_it_ended(saved)
            except BaseException:
                if not self._is_committed:
                    self._restore(saved)
                self._is_committed = False
                raise
            self._refresh()

    def _say_how_it_ended(self, saved: Any) -> None:
        chance = self.rng.random()
        if chance < self.lost_replies / 2:
            raise ConnectionResetError
        if chance < self.lost_replies:
            self._is_committed = True
            self.met["commit unheard"] += 1
            self._refresh()
            raise ConnectionResetError

    def _saved(self) -> Any:
        self._refresh()
        model = self.model
        ops = {one: replace(op, attempts=list(op.attempts)) for one, op in model.ops.items()}
        lanes = {lane: list(ids) for lane, ids in model.lanes.items()}
        return ops, lanes, dict(model.seqs), dict(self.leases), dict(self.due_at), dict(self.times), dict(self.ready)

    def _restore(self, saved: Any) -> None:
        model = self.model
        model.ops, model.lanes, model.seqs, self.leases, self.due_at, self.times, self.ready = saved

    def _refresh(self) -> None:
        """What time has brought: leases that are over, retries that are due, heads that have become ready."""
        now = self.loop.now
        self.model.workers = {owner: until > now for owner, until in self.leases.items()}
        for op in self.model.ops.values():
            if op.is_due is not None:
                op.is_due = self.times.get(op.id, math.inf) <= now
            is_ready = op.status is S.PENDING and self.model.lanes[op.account][:1] == [op.id]
            if not is_ready:
                self.ready.pop(op.id, None)
            else:
                self.ready.setdefault(op.id, now)

    # operations

    def _operations(self) -> SimpleNamespace:
        queries = SimpleNamespace(
            cancel_requested=SimpleNamespace(rows=self._cancel_requested), undecided=SimpleNamespace(rows=self._none)
        )
        named = SimpleNamespace(Completion=Completion, Failure=Failure, Fence=Fence)
        named.queries = queries
        for name in (*_TAKING, *_ENDING):
            setattr(named, name, getattr(self, f"_{name}"))
        named.lock_lanes = named.log = self._nothing
        return named

    async def _nothing(self, *_: Any, **__: Any) -> None:
        await asyncio.sleep(self.rng.uniform(0, LATENCY_S))

    async def _none(self, *_: Any, **__: Any) -> list[Any]:
        """A transaction is over here before its process hears that it has lost the connection."""
        await self._nothing()
        return []

    async def _claim(
        self, conn: Any, _: UUID, *, connector_id: UUID, owner: UUID, limit: int, ranges: Sequence[Range]
    ) -> list[Operation]:
        await self._nothing()
        self._refresh()
        self.model.wake_due(connector_id)
        self._refresh()
        suspects, n_suspects, due, n_due, *_rest = self.model.claimable(connector_id, owner, limit)
        found = [*suspects[:n_suspects], *due[:n_due]]
        found += self._ready_in(connector_id, owner, limit - len(found), ranges)
        return self._taken(found, owner)

    async def _claim_emergencies(
        self, conn: Any, _: UUID, *, connector_id: UUID, owner: UUID, limit: int
    ) -> list[Operation]:
        await self._nothing()
        self._refresh()
        found = self._ready_in(connector_id, owner, limit, [_EMERGENCIES])
        _, _, due, *_rest = self.model.claimable(connector_id, owner, limit)
        urgent = [op for op in due if op.priority >= EMERGENCY_PRIORITY]
        return self._taken([*found, *urgent[: limit - len(found)]], owner)

    def _ready_in(self, connector: UUID, owner: UUID, limit: int, ranges: Sequence[Range]) -> list[Op]:
        if not self.model.workers.get(owner):
            return []
        found = [op for op in self.model.heads(connector) if op.status is S.PENDING and op.crashes == 0]
        placed = sorted((-op.priority, EPOCH + timedelta(seconds=self.ready[op.id]), op.id) for op in found)
        within = [at for r in ranges for at in placed if at > r.start and at[0] <= r.up_to]
        return [self.model.ops[one] for _, _, one in within[: max(limit, 0)]]

    def _taken(self, found: list[Op], owner: UUID) -> list[Operation]:
        taken = []
        for op in found:
            ready_at = EPOCH + timedelta(seconds=self.ready.get(op.id, 0.0))
            self.model.claimed(op.id, owner)
            taken.append(self._value(op, ready_at))
        return sorted(taken, key=lambda op: -op.priority)

    def _value(self, op: Op, ready_at: Any) -> Operation:
        kind, payload = op.change
        return Operation(
            tenant_id=self.tenant_id,
            id=op.id,
            connector_id=op.connector,
            account_id=op.account,
            operation_type=kind,
            object_class="user",
            payload=payload,
            priority=op.priority,
            retry_count=op.retries,
            max_retries=op.max_retries,
            attempt_number=op.tries,
            crashed_leases=op.crashes,
            seq=op.seq,
            epoch=op.epoch,
            owner=op.owner,
            ready_at=ready_at,
        )

    async def _complete_and_claim(
        self, conn: Any, _: UUID, owner: UUID, ends: Sequence[Completion], *, lanes: Container[UUID]
    ) -> Completed:
        done = await self._end(owner, [(e.fence, Succeeded(e.uid)) for e in ends])
        self._refresh()
        goes_on = {account for one in done if self.model.lanes[account := self.model.ops[one].account]}
        next_ones = [self.model.ops[self.model.lanes[account][0]] for account in goes_on if account in lanes]
        found = [op for op in next_ones if op.status is S.PENDING and op.crashes == 0]
        claimed = self._taken(found if self.model.workers.get(owner) else [], owner)
        self.met["claimed along"] += len(claimed)
        waits = goes_on - {op.account_id for op in claimed}
        return Completed({one: self.model.ops[one].account in waits for one in done}, claimed)

    async def _fail(self, conn: Any, _: UUID, owner: UUID, ends: Sequence[Failure]) -> set[UUID]:
        return await self._end(owner, [(e.fence, Retry("e", "")) for e in ends], [e.delay_s for e in ends])

    async def _park(self, conn: Any, _: UUID, owner: UUID, ends: Sequence[Failure]) -> set[UUID]:
        parked = [Parked(WaitReason.TARGET_DOWN, "", look_after=timedelta(seconds=e.delay_s or 0)) for e in ends]
        pairs = list(zip((e.fence for e in ends), parked, strict=True))
        return await self._end(owner, pairs, [e.delay_s for e in ends])

    async def _bury(self, conn: Any, _: UUID, owner: UUID, ends: Sequence[Failure]) -> set[UUID]:
        return await self._end(owner, [(e.fence, DeadLettered("e", "")) for e in ends])

    async def _release(
        self, conn: Any, _: UUID, owner: UUID, fences: Sequence[Fence], *, started: Any = frozenset()
    ) -> set[UUID]:
        return await self._end(owner, [(f, Released(was_started=f.id in started)) for f in fences])

    async def _end(self, owner: UUID, ends: Sequence[tuple[Fence, Any]], delays: Sequence[Any] = ()) -> set[UUID]:
        """The model cancels by itself what a person asked to cancel, where the duties do so in a step of their own."""
        await self._nothing()
        self._refresh()
        done = set()
        for at, (fence, outcome) in enumerate(ends):
            if self.model.finish(fence, owner, outcome, is_due=False):  # type: ignore[arg-type]  # has id and epoch
                done.add(fence.id)
                if delays and delays[at] is not None:
                    self.times[fence.id] = self.loop.now + delays[at]
            else:
                self.met["refused"] += 1
        return done

    async def _cancel(
        self, conn: Any, _: UUID, fences: Sequence[Fence], *, owner: UUID | None = None, **__: Any
    ) -> Any:
        if owner is not None:
            return list(await self._end(owner, [(f, Cancelled("")) for f in fences]))
        await self._nothing()
        return []

    async def _rescue(self, conn: Any, _: UUID, dead: Sequence[UUID], ids: Sequence[UUID]) -> list[dict[str, Any]]:
        await self._nothing()
        found = [op for op in self._held_of(dead, ids) if op.crashes + 1 < MAX_CRASHED_LEASES]
        for op in found:
            op.attempts.append((op.epoch, "lost", op.tries, op.owner))
            op.status, op.owner, op.crashes = S.PENDING, None, op.crashes + 1
        return [self._row(op) for op in found]

    async def _crash_looping(
        self, conn: Any, _: UUID, dead: Sequence[UUID], ids: Sequence[UUID]
    ) -> list[dict[str, Any]]:
        await self._nothing()
        found = [op for op in self._held_of(dead, ids) if op.crashes + 1 >= MAX_CRASHED_LEASES]
        return [self._row(op) for op in found]

    def _held_of(self, owners: Sequence[UUID], ids: Sequence[UUID]) -> list[Op]:
        return [op for op in self.model.held_by(owners) if op.id in set(ids)]

    def _row(self, op: Op) -> dict[str, Any]:
        return {
            "id": op.id,
            "epoch": op.epoch,
            "owner": op.owner,
            "account_id": op.account,
            "connector_id": op.connector,
            "cancel_requested_by": None,  # nobody asks for it in these stories
        }

    async def _cancel_requested(self, conn: Any, *, tenant_id: UUID, ids: Sequence[UUID]) -> list[dict[str, UUID]]:
        await self._nothing()
        return [{"id": one} for one in ids if self.model.ops[one].is_cancel_asked]

    async def _orphaned(self, conn: Any, _: UUID) -> list[UUID]:
        await self._nothing()
        owners = {op.owner for op in self.model.in_state(S.IN_PROGRESS) if op.owner is not None}
        return sorted(owners - self.leases.keys())

    async def _held(self, conn: Any, _: UUID, owners: Sequence[UUID]) -> list[UUID]:
        await self._nothing()
        return [op.id for op in self.model.held_by(owners)]

    async def _unnoted(self, conn: Any, _: UUID) -> list[dict[str, Any]]:
        """Each claim of the model is noted."""
        await self._nothing()
        return []

    async def _forget(self, conn: Any, _: UUID, owners: Sequence[UUID]) -> int:
        await self._nothing()
        return len(owners)

    def _claims(self) -> SimpleNamespace:
        named = SimpleNamespace(orphaned=self._orphaned, held=self._held, unnoted=self._unnoted)
        named.forget, named.end = self._forget, self._nothing
        return named

    # where there is something to do

    def _due_work(self) -> SimpleNamespace:
        named = copy(SimpleNamespace(Kind=Kind, Due=Due, Look=Look))
        for name in ["ask", "settle", "settle_claim", "settle_closed", "look"]:
            setattr(named, name, getattr(self, f"_{name}"))
        named.PAGE = real_due_work.PAGE
        return named

    async def _ask(self, conn: Any, _: UUID, kind: Any, ref_id: UUID, **__: Any) -> None:
        await self._nothing()
        self.due_at[ref_id] = min(self.due_at.get(ref_id, math.inf), self.loop.now)

    async def _settle_claim(self, conn: Any, _: UUID, connector_id: UUID, *, again_s: float | None = None) -> bool:
        await self._nothing()
        self._refresh()
        heads = self.model.heads(connector_id)
        waits = [self.times.get(op.id, math.inf) for op in heads if op.is_due is not None]
        if any(op.status is S.PENDING for op in heads):
            waits.append(self.loop.now)
        again = math.inf if again_s is None else self.loop.now + again_s
        self.due_at[connector_id] = min([again, *waits])
        return True

    async def _settle(self, conn: Any, _: UUID, kind: Any, ref_id: UUID, *, next_due: Any) -> bool:
        await self._nothing()
        self.due_at[ref_id] = math.inf if next_due is None else (next_due - EPOCH).total_seconds()
        return True

    async def _settle_closed(self, conn: Any, tenant_id: UUID, connector_id: UUID, *, next_due: Any) -> bool:
        return await self._settle(conn, tenant_id, Kind.CLAIM, connector_id, next_due=next_due)

    async def _look(self, conn: Any, kinds: list[str]) -> Look:
        await self._nothing()
        now = self.loop.now
        due = [Due(self.tenant_id, Kind.CLAIM, ref) for ref, at in self.due_at.items() if at <= now]
        later = [at - now for at in self.due_at.values() if now < at < math.inf]
        return Look(due, min(later) if later else None)

    # workers

    def _workers(self) -> SimpleNamespace:
        return SimpleNamespace(expired=self._expired, tenants=self._tenants, leave=self._leave)

    async def _expired(self, conn: Any) -> Expired:
        await self._nothing()
        return Expired([owner for owner, until in self.leases.items() if until <= self.loop.now])

    async def _tenants(self, conn: Any) -> list[dict[str, UUID]]:
        return [{"id": self.tenant_id}]

    async def _leave(self, conn: Any, owner: UUID) -> None:
        await self._nothing()
        self.leases.pop(owner, None)
