"""Whatever people, workers and death do to the queue in whatever order, it is as a model of a few dicts says.

After every step all rows are compared with the model, and every invariant is asked; at the end of every example the
whole history of moves is judged. A longer search is ``pytest --hypothesis-profile thorough``.
"""

import asyncio
import json
from collections import Counter, defaultdict
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from random import Random
from typing import Any, TypeVar
from uuid import UUID, uuid4

import asyncpg
import hypothesis.strategies as st
import pytest
from hypothesis import Phase, settings
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from tests import invariants
from tests.factories import a_connector, accounts, an_operation
from tests.integration.queue.model import Model, Op
from worker.domain.errors import WrongState
from worker.domain.operation import EMERGENCY_PRIORITY, NewOperation, Operation, OperationStatus, Origin, WaitReason
from worker.domain.outcome import Cancelled, DeadLettered, Outcome, Parked, Released, Retry, Succeeded
from worker.domain.processing import Finished
from worker.queue import DeadLetters, Finisher, OperationQueue, Rescuer
from worker.queue.rescuer import Rescued
from worker.store import due_work, emergency, operations, workers
from worker.store.pool import Connection, Pool, open_pool
from worker.store.tenant import tenant

T = TypeVar("T")
S = OperationStatus
#: Few lanes, so that operations meet in them.
TARGETS, LANES = 2, 3
SOON, LATE = timedelta(0), timedelta(hours=1)
#: What waits for its target, so that its return wakes it.
OF_TARGET = (WaitReason.TARGET_DOWN, WaitReason.BREAKER, WaitReason.MAINTENANCE)
LEASE_S = 3600.0
#: A search of so many examples at most says what it found as it found it: to make it short takes minutes.
SHORT = 100
RULES = (*invariants.ROWS, invariants.ASKED)

LIVE = """
SELECT id, account_id, seq, head, status, wait_reason, epoch, attempt_number, retry_count, crashed_leases, owner,
    next_retry_at <= db_now(), operation_type, payload::text FROM operations
"""
DEAD = "SELECT id, status, epoch, attempt_number FROM dead_letters"
OVER = "SELECT id, status, epoch, attempt_number FROM operations_archive"
ATTEMPTS = "SELECT operation_id, epoch, outcome, attempt_number, worker FROM attempts"
LANE_ROWS = "SELECT id, live, seq, head_id FROM accounts WHERE seq > 0"
EMPTIED = (
    "operations",
    "dead_letters",
    "operations_archive",
    "attempts",
    "operation_logs",
    "live_counts",
    "operation_counts",
    "accounts",
    "due_work",
    "workers",
    "idempotency_keys",
    "watched.events",
)

numbers = st.integers(0, 999)
_QUIET = ["released", "started", "cancelled", "already so", "skipped", "gone"]
outcomes = st.sampled_from(["done", "retry", "retry", "parked", "case", "breaker", "dead", *_QUIET])


@dataclass(frozen=True, slots=True)
class Lease:
    """A lease that holds, as far as its process knows."""

    owner: UUID

    def is_held(self) -> bool:
        return True


@dataclass(slots=True)
class Along:
    """Wants whatever comes next to be claimed with the finish of what came before."""

    claimed: list[Operation] = field(default_factory=list)

    def lanes_to_claim(self, _tenant_id: UUID, _owner: UUID, ended: Sequence[Operation]) -> set[UUID]:
        return {op.account_id for op in ended}

    def take(self, _tenant_id: UUID, claimed: Sequence[Operation]) -> None:
        self.claimed += claimed

    def note(self, _tenant_id: UUID, claimed: Sequence[Operation]) -> None: ...


@dataclass(slots=True)
class World:
    """One database for all examples, and the loop that talks to it."""

    runner: "asyncio.Runner"
    pool: Pool
    admin: "asyncpg.Connection[Any]"
    tenant_id: UUID
    targets: list[UUID]
    #: what was met, so that one can see what a search is worth
    seen: "Counter[str]" = field(default_factory=Counter)

    def run(self, work: Awaitable[T]) -> T:
        async def waited() -> T:
            async with asyncio.timeout(60):
                return await work

        return self.runner.run(waited())

    def inside(self, work: Callable[[Connection], Awaitable[T]]) -> T:
        """Do something in one tenant transaction."""

        async def done() -> T:
            async with tenant(self.pool, self.tenant_id) as conn:
                return await work(conn)

        return self.run(done())


class Queue(RuleBasedStateMachine):
    """Acts on the real queue, and on the model beside it."""

    world: World

    @initialize(picks=st.lists(st.tuples(numbers, st.integers(0, 3), st.integers(0, 2)), min_size=4, max_size=10))
    def begin(self, picks: list[tuple[int, int, int]]) -> None:
        self.model = Model()
        self.tries: list[tuple[UUID, Operation]] = []
        self.approvals = [uuid4(), uuid4()]
        self.cases = [uuid4(), uuid4()]
        self.closed: set[UUID] = set()
        self.keys: dict[str, UUID] = {}
        self.letters = DeadLetters(OperationQueue())
        self.lanes: dict[UUID, UUID] = {}
        self.words = 0
        for target in self.world.targets:
            for lane in self.world.run(accounts(self.world.pool, self.world.tenant_id, target, LANES)):
                self.lanes[lane] = target
        self._register()
        self._ask(picks)

    def teardown(self) -> None:
        world = self.world
        broken = world.run(invariants.broken_history(world.admin))
        world.run(world.admin.execute("; ".join(f"DELETE FROM {table}" for table in EMPTIED)))
        for target in getattr(self, "closed", ()):
            self._set_status(target, "active")

        assert broken == []

    # accepting

    @rule(
        picks=st.lists(
            st.tuples(numbers, st.sampled_from(["create", "update", "update", "delete"])), min_size=1, max_size=4
        )
    )
    def plan(self, picks: list[tuple[int, str]]) -> None:
        """Plans of several accounts at once; a newer one may be merged into an older one."""
        self._submit([self._new(pick, operation_type=kind, origin=Origin.EVENT) for pick, kind in picks])

    @rule(picks=st.lists(st.tuples(numbers, st.integers(0, 3), st.integers(0, 2)), min_size=1, max_size=6))
    def ask(self, picks: list[tuple[int, int, int]]) -> None:
        """What people and programs ask for keeps its place."""
        self._ask(picks)

    def _ask(self, picks: list[tuple[int, int, int]]) -> None:
        self._submit([self._new(pick, priority=urgency * 33, max_retries=tries) for pick, urgency, tries in picks])

    @rule(pick=numbers, which=st.integers(0, 1), key=st.sampled_from("abc"), is_held=st.booleans())
    def ask_for_what_is_held_or_was_asked_before(self, pick: int, which: int, key: str, is_held: bool) -> None:
        if is_held:
            self._hold(pick, which)
        else:
            self._ask_with_key(pick, key)

    def _hold(self, pick: int, which: int) -> None:
        """A removal that waits for a person."""
        held = {"wait_reason": WaitReason.APPROVAL, "approval_id": self.approvals[which]}
        self._submit([self._new(pick, origin=Origin.SOURCE, payload={"attributes": {}, "active": False}, **held)])

    def _ask_with_key(self, pick: int, key: str) -> None:
        """The second with a key is the first."""
        new = self._new(pick, idempotency_key=key)

        async def submit(conn: Connection) -> UUID:
            where = {"tenant_id": self.world.tenant_id, "key": key}
            if not await operations.queries.idempotent.run(conn, **where, body_hash=b"", operation_id=new.id):
                row = await operations.queries.idempotency_key.row(conn, **where)
                assert row is not None
                return UUID(str(row["operation_id"]))
            await OperationQueue().enqueue(conn, tenant_id=self.world.tenant_id, operations=[new])
            return new.id

        found = self.world.inside(submit)
        assert found == self.keys.setdefault(key, new.id)
        if found == new.id:
            self.model.submit([new])

    def _new(self, pick: int, **fields: Any) -> NewOperation:
        """An operation that disagrees with no other: each has an attribute of its own."""
        lane = list(self.lanes)[pick % len(self.lanes)]
        self.words += 1
        fields.setdefault("payload", {"attributes": {f"a{self.words}": "x"}})
        return an_operation(self.lanes[lane], lane, **fields)

    def _submit(self, new: list[NewOperation]) -> None:
        done = self.world.inside(
            lambda conn: OperationQueue().enqueue(conn, tenant_id=self.world.tenant_id, operations=new)
        )
        accepted, rewritten, undone = self.model.submit(new)
        assert (list(done.accepted), set(done.coalesced), set(done.undone)) == (accepted, set(rewritten), set(undone))
        self.world.seen.update({"accepted": len(accepted), "rewritten": len(rewritten), "undone": len(undone)})

    # workers

    @rule(act=st.sampled_from(["start", "beat", "expire", "forget", "rescue"]), pick=numbers)
    def befall_a_worker(self, act: str, pick: int) -> None:
        acts = {"beat": self._beat, "expire": self._expire, "forget": self._forget}
        if act == "rescue":
            self._rescue()
        elif act == "start" or not self.model.workers:
            self._register()
        else:
            acts[act](list(self.model.workers)[pick % len(self.model.workers)])

    def _register(self) -> UUID:
        owner = uuid4()
        fields = {"host": "test", "pid": 1, "version": "0", "roles": ["worker"], "lease_s": LEASE_S}
        self.world.run(self._platform(lambda conn: workers.register(conn, owner, **fields)))
        self.model.workers[owner] = True
        return owner

    async def _platform(self, work: Callable[[Connection], Awaitable[T]]) -> T:
        async with self.world.pool.acquire() as conn:
            return await work(conn)

    def _beat(self, owner: UUID) -> None:
        beaten = self.world.run(
            self._platform(lambda conn: workers.beat(conn, owner, lease_s=LEASE_S, is_draining=False))
        )
        assert beaten == self.model.workers[owner]

    def _expire(self, owner: UUID) -> None:
        """A worker is not heard of for longer than its lease."""
        self._as_admin("UPDATE workers SET expires_at = db_now() - interval '1 second' WHERE id = $1", owner)
        self.model.workers[owner] = False

    def _forget(self, owner: UUID) -> None:
        """Somebody removed a worker that still holds something."""
        self._as_admin("DELETE FROM workers WHERE id = $1", owner)
        del self.model.workers[owner]
        self.model.forgotten.add(owner)

    def _rescue(self) -> None:
        dead = sum(not is_alive for is_alive in self.model.workers.values())
        counts = self.world.run(Rescuer(self.world.pool).run_once())
        requeued, buried = self.model.rescue()
        assert counts == Rescued(requeued, buried, dead)
        self.world.seen.update({"rescued": requeued, "crash loops": buried})

    @precondition(lambda self: self.model.in_state(S.IN_PROGRESS))
    @rule(pick=numbers)
    def crash_with_what_it_holds(self, pick: int) -> None:
        """Expiry and rescue at once, so that a search comes to the third crash."""
        held = self.model.in_state(S.IN_PROGRESS)
        owner = held[pick % len(held)].owner
        if owner is not None and self.model.workers.get(owner):
            self._expire(owner)
        self._rescue()

    @precondition(lambda self: self.model.workers)
    @rule(pick=numbers, limit=st.integers(1, 5))
    def claim(self, pick: int, limit: int) -> None:
        owners, targets = list(self.model.workers), [t for t in self.world.targets if t not in self.closed]
        self._claim(owners[pick % len(owners)], targets[pick % len(targets)], limit)

    @rule(limit=st.integers(1, 3))
    def claim_of_every_target(self, limit: int) -> None:
        alive = [owner for owner, is_alive in self.model.workers.items() if is_alive] or [self._register()]
        for at, target in enumerate(self.world.targets):
            owner = alive[(at + limit) % len(alive)]
            if target not in self.closed:
                self._claim(owner, target, limit)

    def _claim(self, owner: UUID, target: UUID, limit: int) -> None:
        tenant_id = self.world.tenant_id

        async def claim(conn: Connection) -> list[Operation]:
            await operations.wake_due(conn, tenant_id, connector_id=target, limit=100)
            found = await operations.claim(conn, tenant_id, connector_id=target, owner=owner, limit=limit)
            if len(found) < limit:
                assert await due_work.settle_claim(conn, tenant_id, target)
            return found

        found = self.world.inside(claim)
        self.model.wake_due(target)
        self._check_claimed(found, *self.model.claimable(target, owner, limit))
        self.world.seen.update({"claimed": len(found), "claimed suspects": sum(op.crashed_leases > 0 for op in found)})
        for op in found:
            self._note_claimed(owner, op)

    def _note_claimed(self, owner: UUID, op: Operation) -> None:
        self.model.claimed(op.id, owner)
        assert (op.epoch, op.attempt_number) == (self.model.ops[op.id].epoch, self.model.ops[op.id].tries)
        self.tries.append((owner, op))

    def _check_claimed(
        self,
        found: list[Operation],
        suspects: list[Op],
        n_suspects: int,
        due: list[Op],
        n_due: int,
        ready: list[Op],
        n: int,
    ) -> None:
        """As many of each as there may be, and of those that are ready no less urgent one before a more urgent one."""
        ids = {op.id for op in found}
        assert len(ids & {op.id for op in suspects}) == n_suspects
        assert len(ids & {op.id for op in due}) == n_due
        taken = [op.priority for op in ready if op.id in ids]
        assert len(taken) == n
        assert len(ids) == n_suspects + n_due + n
        left = [op.priority for op in ready if op.id not in ids]
        assert not taken or not left or min(taken) >= max(left)

    @precondition(lambda self: self.tries)
    @rule(
        picks=st.lists(st.tuples(numbers, outcomes), min_size=1, max_size=4, unique_by=lambda pick: pick[0]),
        is_due=st.booleans(),
        goes_on=st.booleans(),
    )
    def finish(self, picks: list[tuple[int, str]], is_due: bool, goes_on: bool) -> None:
        """Tries that were ever claimed end: the present ones, and those of whoever comes too late."""
        present = {(op.id, op.epoch, op.owner) for op in self.model.in_state(S.IN_PROGRESS)}
        held = [at for at, (owner, op) in enumerate(self.tries) if (op.id, op.epoch, owner) in present]
        among = [held if held and pick % 3 else range(len(self.tries)) for pick, _ in picks]
        ends = {found[pick % len(found)]: word for found, (pick, word) in zip(among, picks, strict=True)}
        outcomes = [(*self.tries[at], self._outcome(word, self.tries[at][1], is_due)) for at, word in ends.items()]
        self._finish(outcomes, is_due, goes_on=goes_on)

    @precondition(lambda self: self.model.in_state(S.IN_PROGRESS))
    @rule(word=outcomes, is_due=st.booleans(), goes_on=st.booleans())
    def finish_all(self, word: str, is_due: bool, goes_on: bool) -> None:
        """Everybody ends alike."""
        held = {(op.id, op.epoch) for op in self.model.in_state(S.IN_PROGRESS)}
        ends = [(owner, op) for owner, op in self.tries if (op.id, op.epoch) in held]
        self._finish([(owner, op, self._outcome(word, op, is_due)) for owner, op in ends], is_due, goes_on=goes_on)

    @rule(words=st.lists(outcomes, min_size=1, max_size=4), limit=st.integers(1, 3))
    def work(self, words: list[str], limit: int) -> None:
        """A worker goes on for a while."""
        for word in words:
            self.claim_of_every_target(limit)
            if self.model.in_state(S.IN_PROGRESS):
                self.finish_all(word, is_due=True, goes_on=limit == 1)

    def _outcome(self, word: str, op: Operation, is_due: bool) -> Outcome:
        when = SOON if is_due else LATE
        account = op.account_id
        made: dict[str, Outcome] = {
            "done": Succeeded(f"u-{account}", observed={"a": 1}),
            "already so": Succeeded(f"u-{account}", already_so=True),
            "skipped": Succeeded(f"u-{account}", skipped="A hook said so."),
            "gone": Succeeded(None, account_gone=True),
            "retry": Retry("timeout", "No answer.", retry_after=when),
            "parked": Parked(WaitReason.TARGET_DOWN, "Down.", look_after=when),
            "case": Parked(WaitReason.CASE, "Whose is it?", case_id=self.cases[op.priority % 2]),
            "breaker": Parked(WaitReason.BREAKER, "Open."),
            "dead": DeadLettered("invalid", "No."),
            "released": Released(),
            "started": Released(was_started=True),
            "cancelled": Cancelled("By a person."),
        }
        return made[word]

    def _finish(self, ends: list[tuple[UUID, Operation, Outcome]], is_due: bool, *, goes_on: bool) -> None:
        along = Along()

        async def write() -> None:
            finisher = Finisher(self.world.pool, Lease(ends[0][0]), rng=Random(1))
            if goes_on:
                finisher.claim_for(along)
            writing = asyncio.create_task(finisher.run())
            for owner, op, outcome in ends:
                finisher.put(owner, Finished(op, outcome, 1))
            await finisher.drained()
            assert not writing.done()
            writing.cancel()
            await asyncio.wait([writing])

        self.world.run(write())
        troubled = {(owner, op.connector_id) for owner, op, outcome in ends if not isinstance(outcome, Succeeded)}
        lanes: dict[UUID, list[UUID]] = defaultdict(list)
        for owner, op, outcome in ends:
            is_present = self.model.finish(op, owner, outcome, is_due=is_due)
            self.world.seen[type(outcome).__name__ if is_present else "too late"] += 1
            if goes_on and is_present and (owner, op.connector_id) not in troubled:
                lanes[owner].append(op.account_id)
        expected = {op.id: owner for owner in lanes for op in self.model.next_of(lanes[owner], owner)}
        assert {op.id for op in along.claimed} == expected.keys()
        self.world.seen["claimed along"] += len(expected)
        for op in along.claimed:
            self._note_claimed(expected[op.id], op)

    # people

    @precondition(lambda self: self.model.ops)
    @rule(
        act=st.sampled_from(["cancel", "retry", "resolve", "redrive", "correct", "disable", "decide", "case"]),
        pick=numbers,
    )
    def act(self, act: str, pick: int) -> None:
        match act:
            case "cancel":
                self._cancel(self._op(pick, prefer=(S.IN_PROGRESS, S.FAILED)))
            case "retry":
                self._retry(self._op(pick, prefer=(S.FAILED, S.DEAD_LETTER)))
            case "resolve":
                self._resolve(self._op(pick, prefer=(S.DEAD_LETTER,)))
            case "redrive" | "correct":
                self._redrive(self._op(pick, prefer=(S.DEAD_LETTER,)), is_corrected=act == "correct")
            case "disable":
                self._disable_in_an_emergency(pick)
            case "decide" | "case":
                self._decide(pick % 2, is_case=act == "case")

    def _cancel(self, op: Op) -> None:
        by = uuid4()
        with self._refused(op.status not in {S.PENDING, S.FAILED, S.AWAITING_SYSTEM, S.IN_PROGRESS}):
            at_once = self.world.inside(
                lambda conn: self.letters.cancel(conn, **self._of(op), notes="Not wanted.", by=by)
            )
            assert at_once == self.model.cancel(op)

    def _disable_in_an_emergency(self, pick: int) -> None:
        """What waits for the account is cancelled, and what disables it comes before everything else."""
        new = self._new(
            pick, origin=Origin.EMERGENCY, priority=EMERGENCY_PRIORITY, payload={"attributes": {}, "active": False}
        )
        tenant_id, account = self.world.tenant_id, new.account_id

        async def disable(conn: Connection) -> list[UUID]:
            await operations.lock_lanes(conn, tenant_id, [account])
            waiting = await emergency.waiting(conn, tenant_id, account_ids=[account])
            gone = await operations.cancel(conn, tenant_id, waiting, notes="Emergency.", by=None)
            await OperationQueue().enqueue(conn, tenant_id=tenant_id, operations=[new])
            return gone

        gone = self.world.inside(disable)
        waiting = self.model.waiting_of(account)
        assert set(gone) == {op.id for op in waiting}
        for op in waiting:
            self.model.cancel(op)
        self.model.submit([new])

    def _retry(self, op: Op) -> None:
        with self._refused(op.status not in {S.FAILED, S.DEAD_LETTER}):
            self.world.inside(lambda conn: self.letters.retry(conn, **self._of(op)))
            self.model.retry(op)

    def _resolve(self, op: Op) -> None:
        by = uuid4()
        with self._refused(op.status is not S.DEAD_LETTER):
            self.world.inside(lambda conn: self.letters.resolve(conn, **self._of(op), notes="Done by hand.", by=by))
            self.model.resolve(op)

    def _redrive(self, op: Op, *, is_corrected: bool) -> None:
        payload = {"attributes": {f"corrected{self.words}": "y"}} if is_corrected else None
        fields = {"by": uuid4(), "origin": Origin.CONSOLE, "payload": payload}
        with self._refused(op.status is not S.DEAD_LETTER):
            new = self.world.inside(lambda conn: self.letters.redrive(conn, **self._of(op), **fields))
            kind, old = op.change
            again = {"id": new, "operation_type": kind, "payload": payload or old, "origin": Origin.CONSOLE}
            self.model.submit(
                [an_operation(op.connector, op.account, priority=op.priority, max_retries=op.max_retries, **again)]
            )
            self.model.resolve(op)

    def _decide(self, which: int, *, is_case: bool) -> None:
        """A person decides an approval or a case: what waited for it goes on."""
        about = (
            {"approval": None, "case": self.cases[which]}
            if is_case
            else {"approval": self.approvals[which], "case": None}
        )

        async def wake(conn: Connection) -> list[UUID]:
            values = {f"{name}_id": value for name, value in about.items()}
            rows = await operations.queries.wake.rows(conn, tenant_id=self.world.tenant_id, **values)
            for target in {row["connector_id"] for row in rows}:
                await due_work.ask(conn, self.world.tenant_id, due_work.Kind.CLAIM, target)
            return [row["id"] for row in rows]

        assert set(self.world.inside(wake)) == set(self.model.wake(**about))

    # targets

    @rule(where=numbers)
    def close_or_open_target(self, where: int) -> None:
        target = self.world.targets[where % TARGETS]
        if self.closed:  # one at a time, or little would happen
            self._open(min(self.closed))
        else:
            self._set_status(target, "maintenance")
            self.world.inside(lambda conn: due_work.settle_closed(conn, self.world.tenant_id, target, next_due=None))
            self.closed.add(target)

    def _open(self, target: UUID) -> None:
        tenant_id = self.world.tenant_id

        async def wake(conn: Connection) -> None:
            reasons = [str(reason) for reason in OF_TARGET]
            await operations.queries.wake_target.run(conn, tenant_id=tenant_id, connector_id=target, reasons=reasons)
            await due_work.ask(conn, tenant_id, due_work.Kind.CLAIM, target)

        self._set_status(target, "active")
        self.world.inside(wake)
        self.model.wake_target(target, OF_TARGET)
        self.closed.discard(target)

    def _set_status(self, target: UUID, status: str) -> None:
        self._as_admin("UPDATE connectors SET status = $2 WHERE id = $1", target, status)

    # after every step

    @invariant()
    def everything_is_as_the_model_says(self) -> None:
        model, world = self.model, self.world
        world.seen["steps"] += 1

        async def look() -> list[list[tuple[Any, ...]]]:
            return [
                [tuple(row) for row in await world.admin.fetch(query)]
                for query in (LIVE, DEAD, OVER, ATTEMPTS, LANE_ROWS)
            ]

        live, dead, over, attempts, lanes = world.run(look())
        assert sorted((*row[:-1], json.loads(row[-1])) for row in live) == model.live_rows()
        assert sorted(dead) == model.rows_of(S.DEAD_LETTER)
        assert sorted(over) == model.rows_of(S.COMPLETED, S.RESOLVED, S.CANCELLED)
        assert sorted(attempts) == model.attempts()
        assert sorted(lanes) == model.lane_rows()

    @invariant()
    def every_invariant_holds(self) -> None:
        assert self.world.run(invariants.broken(self.world.admin, rules=RULES)) == []

    # picking

    def _op(self, pick: int, *, prefer: tuple[OperationStatus, ...] = ()) -> Op:
        """One of all there ever were; mostly one in the preferred states."""
        found = self.model.in_state(*prefer) if pick % 4 else []
        found = found or list(self.model.ops.values())
        return found[pick % len(found)]

    def _of(self, op: Op) -> dict[str, UUID]:
        return {"tenant_id": self.world.tenant_id, "operation_id": op.id}

    def _as_admin(self, statement: str, *values: Any) -> None:
        self.world.run(self.world.admin.execute(statement, *values))

    @contextmanager
    def _refused(self, is_wrong_state: bool) -> Iterator[None]:
        if not is_wrong_state:
            yield
            return
        with pytest.raises(WrongState):
            yield


@pytest.mark.timeout(600)  # a counterexample is worth the time that it takes to make it short
def test_the_queue_does_what_its_model_says(database: Any, tenant_id: UUID) -> None:
    with asyncio.Runner() as runner:
        world = runner.run(_settle(runner, database, tenant_id))
        try:
            machine = type("QueueOfThisTest", (Queue,), {"world": world})
            run_state_machine_as_test(machine, settings=_settings())
        finally:
            runner.run(_leave(world))
    print(dict(world.seen))
    assert world.seen["steps"] > 0


def _settings() -> settings:
    """As many examples as the profile says; only a long search goes on to make what it found short."""
    examples = settings.default.max_examples
    phases = (Phase.generate, Phase.shrink) if examples > SHORT else (Phase.generate,)
    return settings(max_examples=examples, stateful_step_count=40, phases=phases, database=None)


async def _settle(runner: "asyncio.Runner", database: Any, tenant_id: UUID) -> World:
    pool = await open_pool(database.daemon_dsn, size=3)
    admin: asyncpg.Connection[Any] = await asyncpg.connect(database.admin_dsn)
    await admin.execute("SET plan_cache_mode = force_generic_plan; SET synchronous_commit = off")
    await invariants.watch(admin)
    made = [
        await a_connector(pool, tenant_id, name=f"t{n}", settings={"require_baseline": False}) for n in range(TARGETS)
    ]
    return World(runner, pool, admin, tenant_id, [connector.id for connector in made])


async def _leave(world: World) -> None:
    await world.admin.close()
    await world.pool.close()
