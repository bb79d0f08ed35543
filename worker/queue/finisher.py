"""Writing down how tries ended: many at a time, each fenced, none forgotten while our lease holds."""

import asyncio
import time
from collections import defaultdict, deque
from collections.abc import Callable, Container, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import chain
from random import Random
from typing import Protocol
from uuid import UUID

import structlog

from worker.domain.operation import Operation
from worker.domain.outcome import DeadLettered, Released, Succeeded
from worker.domain.processing import Finished, Lease
from worker.queue.cancelling import cancel, cancel_asked
from worker.queue.ends import Ends, sorted_ends
from worker.queue.following import write_follow_ups
from worker.queue.local import FenceKey, fence
from worker.queue.telling import tell
from worker.store import due_work, operations
from worker.store.pool import Connection, DatabaseTrouble, Pool, RowRefused, UniqueViolation
from worker.store.tenant import tenant
from worker.telemetry import metrics

log = structlog.get_logger()

BATCH = 500
#: Full batches that are written beside each other.
WRITERS = 2
#: After a quiet moment a try is written down almost at once; while many end, one batch in a pace: what a batch costs is
#: mostly the same for one as for fifty.
GATHER_S = 0.003
PACE_S = 0.03
#: With so many tries that ended and are not written, no more is claimed.
BACKLOG = (WRITERS + 1) * BATCH
LONGEST_DRAIN_S = 10.0
#: Between two looks at claims whose commit was never heard of, and may still be on its way.
UNDECIDED_S = 0.2


class Claimant(Protocol):
    """Whoever runs what is claimed together with a finish: the next ones of lanes."""

    def lanes_to_claim(self, tenant_id: UUID, owner: UUID, ended: Sequence[Operation]) -> Container[UUID]:
        """The accounts of those that ended well whose next one is to be claimed for this owner."""
        ...

    def take(self, tenant_id: UUID, claimed: Sequence[Operation]) -> None:
        """Run what was claimed, or give it back."""
        ...

    def note(self, tenant_id: UUID, claimed: Sequence[Operation]) -> None:
        """Have the note of what was perhaps claimed, and went back, cleared away."""
        ...


@dataclass(frozen=True, slots=True)
class Written:
    """Counts of one batch; ``asked``: there is more to claim now than before; ``later``: what is not decided yet."""

    finished: int = 0
    fenced: int = 0
    asked: bool = False
    later: Sequence[Finished] = ()


class Finisher:
    """Takes finished tries and writes them in batches; ``on_written`` is called when lanes have moved."""

    def __init__(self, pool: Pool, lease: Lease, *, rng: Random, on_written: Callable[[], None] = lambda: None) -> None:
        self._pool = pool
        self._lease = lease
        self._rng = rng
        self._on_written = on_written
        self._handed_in: deque[tuple[UUID, Finished]] = deque()
        #: The batches that are being written.
        self._writing: list[list[tuple[UUID, Finished]]] = []
        self._gathering = asyncio.Lock()
        #: A batch is full, or one was written.
        self._may_go_on = asyncio.Event()
        self._has_some = asyncio.Event()
        self._is_full = asyncio.Event()
        self._is_empty = asyncio.Event()
        self._is_empty.set()
        self._written_at = 0.0
        self._on_caught_up: Callable[[], None] = lambda: None
        self._claimant: Claimant | None = None

    def when_caught_up(self, tell: Callable[[], None]) -> None:
        """Have somebody told whenever so much is written that there is no backlog any more."""
        self._on_caught_up = tell

    def claim_for(self, claimant: Claimant) -> None:
        """Have the next ones of lanes claimed with the finish of those before them, where this one wants it."""
        self._claimant = claimant

    @property
    def is_behind(self) -> bool:
        """Whether tries end faster than they are written: what is not written would be tried again after a crash."""
        return len(self._handed_in) + sum(map(len, self._writing)) >= BACKLOG

    def put(self, owner: UUID, finished: Finished) -> None:
        """Hand in a try; ``owner`` is the lease under which it was claimed."""
        self._handed_in.append((owner, finished))
        if len(self._handed_in) == 1:
            self._is_empty.clear()
            self._has_some.set()
        elif len(self._handed_in) == BATCH:
            self._is_full.set()
            self._may_go_on.set()

    def hurry(self) -> None:
        """Nothing else is about to end: what is here need not wait for company."""
        if self._handed_in:
            self._is_full.set()

    @property
    def pending(self) -> frozenset[UUID]:
        """Ids of operations with tries that were handed in and are not written yet."""
        return frozenset(finished.operation.id for _, finished in self._unwritten())

    @property
    def pending_tries(self) -> set[FenceKey]:
        """Their fences."""
        return {fence(finished.operation) for _, finished in self._unwritten()}

    @property
    def pending_claims(self) -> set[UUID | None]:
        """The claims that brought them."""
        return {finished.operation.claim_id for _, finished in self._unwritten()}

    def _unwritten(self) -> Iterator[tuple[UUID, Finished]]:
        return chain(*self._writing, self._handed_in)

    async def drained(self) -> None:
        """Wait until everything handed in is written, at most ``LONGEST_DRAIN_S``; the rest is found by its lease."""
        try:
            async with asyncio.timeout(LONGEST_DRAIN_S):
                await self._is_empty.wait()
        except TimeoutError:
            log.warning("finish.not_drained", operations=len(self.pending))

    async def run(self) -> None:
        """Write batches until cancelled: full ones beside each other, for while the database works on one the next is
        made.
        """
        async with asyncio.TaskGroup() as writers:
            for _ in range(WRITERS):
                writers.create_task(self._write_batches())

    async def _write_batches(self) -> None:
        while True:
            async with self._gathering:
                batch = await self._gather()
                self._writing.append(batch)
            await self._write_surely(batch)  # what it dies of ends the daemon: this batch stays unwritten till then
            was_behind = self.is_behind
            self._writing.remove(batch)
            if was_behind and not self.is_behind:
                self._on_caught_up()
            if not self._handed_in and not self._writing:
                self._is_empty.set()
            self._written_at = time.monotonic()
            self._may_go_on.set()

    async def _gather(self) -> list[tuple[UUID, Finished]]:
        """Wait for tries, a little longer for more of them, and take a batch; while one is written, a full one."""
        await self._has_some.wait()
        wait_s = max(GATHER_S, self._written_at + PACE_S - time.monotonic())
        with suppress(TimeoutError):
            async with asyncio.timeout(wait_s):
                await self._is_full.wait()
        while self._writing and len(self._handed_in) < BATCH:
            self._may_go_on.clear()
            await self._may_go_on.wait()
        batch = [self._handed_in.popleft() for _ in range(min(BATCH, len(self._handed_in)))]
        if not self._handed_in:
            self._has_some.clear()
        if len(self._handed_in) < BATCH:
            self._is_full.clear()
        return batch

    async def _write_surely(self, batch: Sequence[tuple[UUID, Finished]]) -> None:
        """Write each tenant's part, waiting for a database that is away; without a lease there is nothing to write."""
        parts: dict[tuple[UUID, UUID], list[Finished]] = defaultdict(list)
        for owner, finished in batch:
            parts[finished.operation.tenant_id, owner].append(finished)
        for (tenant_id, owner), part in parts.items():
            delay = 0.1
            unheard: list[Operation] = []
            while True:
                try:
                    await self._put_back(tenant_id, owner, unheard)
                    await self._write(tenant_id, owner, part, unheard)
                    break
                except DatabaseTrouble as error:
                    if owner != self._lease.owner:  # one that has only not been renewed in time may still be
                        log.warning("finish.abandoned", operations=len(part), reason="lease lost")
                        metrics.fenced_total.inc(len(part))
                        break
                    log.warning("finish.waits", operations=len(part), error=type(error).__name__)
                    await asyncio.sleep(delay)
                    delay = min(delay * 2, 2.0)

    async def _put_back(self, tenant_id: UUID, owner: UUID, unheard: list[Operation]) -> None:
        """What was claimed with a finish whose commit was never heard of goes back before that is written again: it
        would be claimed under the same fence once more, and what came back late would be taken from who works on it.
        """
        while unheard and owner == self._lease.owner:
            back = [Finished(op, Released(is_unheard=True), 0) for op in unheard]
            written = await self._write_part(tenant_id, owner, back, [])
            if written.finished and self._claimant is not None:
                self._claimant.note(tenant_id, unheard)
            unheard[:] = [finished.operation for finished in written.later]
            if unheard:
                await asyncio.sleep(UNDECIDED_S)

    async def _write(self, tenant_id: UUID, owner: UUID, part: list[Finished], unheard: list[Operation]) -> None:
        """Write a part; ``unheard`` is filled with what was claimed with it, when nobody knows whether it was."""
        try:
            written = await self._write_part(tenant_id, owner, part, unheard)
        except RowRefused as refused:
            if len(part) == 1:
                is_taken = isinstance(refused, UniqueViolation)
                written = await self._write_refused(tenant_id, owner, part[0], unheard, is_taken=is_taken)
            else:
                for one in part:
                    await self._write(tenant_id, owner, [one], unheard)
                return
        metrics.fenced_total.inc(written.fenced)
        if written.asked:
            self._on_written()
        if written.later:
            await self._put_again(owner, written.later)

    async def _write_refused(
        self, tenant_id: UUID, owner: UUID, finished: Finished, unheard: list[Operation], *, is_taken: bool
    ) -> Written:
        """Write one again that the database would not have; as a dead letter, when that is no use."""
        if not is_taken:
            return await self._write_part(tenant_id, owner, [_unstorable(finished)], unheard)
        try:  # somebody may have seen the account at the target, and recorded it as nobody's, while we wrote
            return await self._write_part(tenant_id, owner, [finished], unheard)
        except UniqueViolation:
            return await self._write_part(tenant_id, owner, [_uid_taken(finished)], unheard)

    async def _write_part(
        self, tenant_id: UUID, owner: UUID, part: list[Finished], unheard: list[Operation]
    ) -> Written:
        claimed: list[Operation] = []
        try:
            async with tenant(self._pool, tenant_id, is_hot=True, by_hash=True) as conn:
                undecided = await _undecided(conn, tenant_id, part)
                later = [finished for finished in part if finished.operation.id in undecided]
                part = [finished for finished in part if finished.operation.id not in undecided]
                ends = sorted_ends(part, rng=self._rng)
                lanes = self._lanes(tenant_id, owner, part)
                done, claimed = await _write_all(conn, tenant_id, owner, part, ends, lanes=lanes)
                await write_follow_ups(conn, tenant_id, part, done=done)
                asked = len(ends.completions) < len(part) or any(done.values()) or _were_suspects(part)
                if asked:
                    for connector_id in sorted({f.operation.connector_id for f in part}):
                        await due_work.ask(conn, tenant_id, due_work.Kind.CLAIM, connector_id)
        except DatabaseTrouble:
            unheard += claimed
            raise
        tell([finished for finished in part if finished.operation.id in done])
        if claimed and self._claimant is not None:
            self._claimant.take(tenant_id, claimed)
        return Written(len(done), len(part) - len(done), asked, later)

    def _lanes(self, tenant_id: UUID, owner: UUID, part: Sequence[Finished]) -> Container[UUID]:
        """In which lanes to claim what comes next together with this part: of targets where all of it ended well."""
        if self._claimant is None:
            return ()
        troubled = {each.operation.connector_id for each in part if not isinstance(each.outcome, Succeeded)}
        ended = [each.operation for each in part if each.operation.connector_id not in troubled]
        return self._claimant.lanes_to_claim(tenant_id, owner, ended) if ended else ()

    async def _put_again(self, owner: UUID, later: Sequence[Finished]) -> None:
        """Look again at what is not decided, as long as it would be ours."""
        if owner != self._lease.owner:
            return
        if not self._handed_in:
            await asyncio.sleep(UNDECIDED_S)
        for finished in later:
            self.put(owner, finished)


async def _undecided(conn: Connection, tenant_id: UUID, part: Sequence[Finished]) -> set[UUID]:
    """Of those whose claim was never heard of, those that it may still bring: to put them back now would miss them."""
    unheard = [each.operation for each in part if isinstance(each.outcome, Released) and each.outcome.is_unheard]
    if not unheard:
        return set()
    await operations.lock_lanes(conn, tenant_id, [each.operation.account_id for each in part])
    rows = await operations.queries.undecided.rows(conn, tenant_id=tenant_id, ids=[op.id for op in unheard])
    return {row["id"] for row in rows}


async def _write_all(
    conn: Connection, tenant_id: UUID, owner: UUID, part: list[Finished], ends: Ends, *, lanes: Container[UUID]
) -> tuple[dict[UUID, bool], list[Operation]]:
    """Write one part; the ids that were written, each with whether the next of its lane waits to be claimed (known of
    those that completed), and what was claimed along.
    """
    if len(ends.completions) < len(part):  # several statements will lock lanes: all in one order, at once
        await operations.lock_lanes(conn, tenant_id, [f.operation.account_id for f in part])
    ended, claimed = ends.completions, list[Operation]()
    done: dict[UUID, bool] = {}
    if ended:
        completed = await operations.complete_and_claim(conn, tenant_id, owner, ended, lanes=lanes)
        done, claimed = completed.done, completed.claimed
    others = await _write_others(conn, tenant_id, owner, ends)
    done = done | dict.fromkeys(others, False)
    await operations.log(conn, tenant_id, [line for line in ends.lines if line[0] in done])
    return done, claimed


async def _write_others(conn: Connection, tenant_id: UUID, owner: UUID, ends: Ends) -> set[UUID]:
    """Those that did not complete; the ids that were written."""
    done: set[UUID] = set()
    if ends.failures:
        done |= await operations.fail(conn, tenant_id, owner, ends.failures)
    if ends.parked:
        done |= await operations.park(conn, tenant_id, owner, ends.parked)
    if ends.buried:
        done |= await operations.bury(conn, tenant_id, owner, ends.buried)
    if ends.released:
        done |= await operations.release(conn, tenant_id, owner, ends.released, started=ends.started)
    again = [*(end.fence for end in (*ends.failures, *ends.parked)), *ends.released]
    await cancel_asked(conn, tenant_id, [fence for fence in again if fence.id in done])
    for notes, fences in ends.cancelled.items():
        done |= set(await cancel(conn, tenant_id, fences, notes=notes, owner=owner))
    return done


def _were_suspects(part: Sequence[Finished]) -> bool:
    """Whether a process died with some of these: the next few of their kind are claimed when these are written."""
    return any(finished.operation.crashed_leases for finished in part)


def _uid_taken(finished: Finished) -> Finished:
    outcome = DeadLettered("uid_taken", "Another identity already owns the account with this uid at the target.")
    return Finished(finished.operation, outcome, finished.duration_ms)


def _unstorable(finished: Finished) -> Finished:
    """One result that cannot be kept must not hold up the others, nor be tried for ever."""
    outcome = DeadLettered("unstorable", "The target answered with characters or sizes that cannot be stored.")
    return Finished(finished.operation, outcome, finished.duration_ms)
