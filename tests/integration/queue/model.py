"""The queue as it should be, without a database: a few dicts, and for each act what it leaves behind.

Lanes are lists, a lane's first one is its head. Time is two words: what waits is due now, or later.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from worker.domain import coalesce
from worker.domain.operation import (
    MAX_CRASHED_LEASES,
    NewOperation,
    Operation,
    OperationStatus,
    OperationType,
    Origin,
    WaitReason,
)
from worker.domain.outcome import Cancelled, DeadLettered, Outcome, Parked, Released, Retry, Succeeded
from worker.store.operations import LEAST_BESIDE

S = OperationStatus
#: Of those that one process died with, so many are tried at once; of those that two died with, one.
SUSPECTS, PRIME_SUSPECTS = 8, 1


@dataclass(slots=True)
class Op:
    """One operation as it should be; ``tries`` is its attempt number, ``is_due`` whether its time has come."""

    id: UUID
    connector: UUID
    account: UUID
    seq: int
    change: coalesce.Change
    origin: Origin
    priority: int
    max_retries: int
    approval: UUID | None
    status: OperationStatus = S.PENDING
    reason: WaitReason | None = None
    case: UUID | None = None
    is_due: bool | None = None
    epoch: int = 0
    tries: int = 0
    retries: int = 0
    crashes: int = 0
    owner: UUID | None = None
    is_cancel_asked: bool = False
    #: (epoch, outcome, attempt number, who wrote it)
    attempts: list[tuple[int, str, int, UUID | None]] = field(default_factory=list)

    @property
    def may_be_rewritten(self) -> bool:
        return self.tries == 0 and self.origin.is_coalesced and self.status in {S.PENDING, S.AWAITING_SYSTEM}


@dataclass(slots=True)
class Model:
    """Everything there is."""

    ops: dict[UUID, Op] = field(default_factory=dict)
    lanes: dict[UUID, list[UUID]] = field(default_factory=dict)
    seqs: dict[UUID, int] = field(default_factory=dict)
    #: whether the lease holds, by worker
    workers: dict[UUID, bool] = field(default_factory=dict)
    forgotten: set[UUID] = field(default_factory=set)

    # what is there

    def heads(self, connector: UUID) -> list[Op]:
        found = [self.ops[lane[0]] for lane in self.lanes.values() if lane]
        return [op for op in found if op.connector == connector]

    def in_state(self, *states: OperationStatus) -> list[Op]:
        return [op for op in self.ops.values() if op.status in states]

    def held_by(self, owners: Iterable[UUID]) -> list[Op]:
        return [op for op in self.in_state(S.IN_PROGRESS) if op.owner in set(owners)]

    # accepting

    def submit(self, new: Sequence[NewOperation]) -> tuple[list[UUID], list[UUID], list[UUID]]:
        """Accept; the ids that were accepted, rewritten and undone."""
        last = {op.account: op for a in {n.account_id for n in new} if (op := self._last_of(a)) is not None}
        accepted: list[UUID] = []
        rewritten: dict[UUID, coalesce.Change] = {}
        undone: list[UUID] = []
        for op in new:
            older = last.get(op.account_id) if op.origin.is_coalesced else None
            if older is not None and older.approval is not None and not op.is_removal:
                undone.append(older.id)
                del last[op.account_id]
            elif older is not None and older.approval == op.approval_id:
                merged = coalesce.merge(rewritten.pop(older.id, older.change), (op.operation_type, op.payload))
                if merged is None:
                    undone.append(older.id)
                    del last[op.account_id]
                else:
                    rewritten[older.id] = merged
                continue
            self._append(op)
            last.pop(op.account_id, None)
            accepted.append(op.id)
        for one, change in rewritten.items():
            self.ops[one].change = change
        for one in undone:
            self._end(self.ops[one], S.CANCELLED)
        return accepted, list(rewritten), undone

    def _last_of(self, account: UUID) -> Op | None:
        """The last of a lane, while it is the last that was ever put there and may still be another."""
        lane = self.lanes.get(account)
        last = self.ops[lane[-1]] if lane else None
        return last if last is not None and last.may_be_rewritten and last.seq == self.seqs[account] else None

    def _append(self, new: NewOperation) -> None:
        self.ops[new.id] = Op(
            id=new.id,
            connector=new.connector_id,
            account=new.account_id,
            seq=self._next_seq(new.account_id),
            change=(new.operation_type, new.payload),
            origin=new.origin,
            priority=new.priority,
            max_retries=new.max_retries,
            approval=new.approval_id,
            status=S.AWAITING_SYSTEM if new.wait_reason else S.PENDING,
            reason=new.wait_reason,
        )
        self.lanes.setdefault(new.account_id, []).append(new.id)

    def _next_seq(self, account: UUID) -> int:
        self.seqs[account] = self.seqs.get(account, 0) + 1
        return self.seqs[account]

    # claiming

    def claimable(self, connector: UUID, owner: UUID, limit: int) -> tuple[list[Op], int, list[Op], int, list[Op], int]:
        """Suspects, due retries and ready ones, each with how many of them a claim takes."""
        if not self.workers.get(owner):
            return [], 0, [], 0, [], 0
        heads = self.heads(connector)
        pending = [op for op in heads if op.status is S.PENDING]
        suspects, most = self._suspects(pending, connector, owner)
        due = [op for op in heads if op.status is S.FAILED and op.is_due]
        ready = [op for op in pending if op.crashes == 0]
        n_ready = min(len(ready), limit)
        n_suspects = min(len(suspects), most, max(limit - n_ready, min(limit, LEAST_BESIDE)))
        n_due = min(len(due), max(limit - n_ready - n_suspects, min(limit, LEAST_BESIDE)))
        return suspects, n_suspects, due, n_due, ready, n_ready

    def _suspects(self, pending: list[Op], connector: UUID, owner: UUID) -> tuple[list[Op], int]:
        if any(op.crashes and op.connector == connector for op in self.held_by([owner])):
            return [], 0
        if once := [op for op in pending if op.crashes == 1]:
            return once, SUSPECTS
        return [op for op in pending if op.crashes == 2], PRIME_SUSPECTS

    def wake_due(self, connector: UUID) -> None:
        for op in self.heads(connector):
            if op.status is S.AWAITING_SYSTEM and op.is_due:
                self._wake(op)

    def next_of(self, lanes: Iterable[UUID], owner: UUID) -> list[Op]:
        """What a finish of what came before them may claim along."""
        if not self.workers.get(owner):
            return []
        heads = [self.ops[self.lanes[lane][0]] for lane in lanes if self.lanes[lane]]
        return [op for op in heads if op.status is S.PENDING and op.crashes == 0]

    def claimed(self, one: UUID, owner: UUID) -> None:
        op = self.ops[one]
        op.status, op.owner, op.is_due, op.reason = S.IN_PROGRESS, owner, None, None
        op.epoch += 1
        op.tries += 1

    # finishing

    def finish(self, try_: Operation, owner: UUID, outcome: Outcome, *, is_due: bool) -> bool:
        """End a try; False when it is not the present one, and nothing changes."""
        op = self.ops.get(try_.id)
        if op is None or op.status is not S.IN_PROGRESS or (op.epoch, op.owner) != (try_.epoch, owner):
            return False
        match outcome:
            case Succeeded():
                ending = "skipped" if outcome.skipped else "already_so" if outcome.already_so else "done"
                self._end(op, S.COMPLETED, ending)
            case DeadLettered():
                self._end(op, S.DEAD_LETTER, "dead_letter")
            case Retry() if op.retries >= op.max_retries:
                self._end(op, S.DEAD_LETTER, "dead_letter")
            case Retry():
                self._waits(op, S.FAILED, "failed", is_due=is_due)
                op.retries += 1
                self._cancel_if_asked(op)
            case Parked():
                self._waits(op, S.AWAITING_SYSTEM, "waits", is_due=None if outcome.look_after is None else is_due)
                op.reason = outcome.reason
                op.case = outcome.case_id or op.case
                self._cancel_if_asked(op)
            case Released():
                op.status, op.owner = S.PENDING, None
                op.tries -= 0 if outcome.was_started else 1
                self._cancel_if_asked(op)
            case Cancelled():
                self._end(op, S.CANCELLED)
        return True

    def _waits(self, op: Op, status: OperationStatus, outcome: str, *, is_due: bool | None) -> None:
        op.attempts.append((op.epoch, outcome, op.tries, op.owner))
        op.status, op.owner, op.is_due = status, None, is_due

    def _cancel_if_asked(self, op: Op) -> None:
        if op.is_cancel_asked:
            self._end(op, S.CANCELLED)

    def _end(self, op: Op, status: OperationStatus, outcome: str | None = None) -> None:
        """The operation leaves its lane; with an outcome, a try of it was made."""
        if outcome is not None:
            op.attempts.append((op.epoch, outcome, op.tries, op.owner))
        op.status, op.owner, op.is_due, op.reason = status, None, None, None
        self.lanes[op.account].remove(op.id)

    # death

    def rescue(self) -> tuple[int, int]:
        """What dead workers held goes back, or is given up: how many of each."""
        back = buried = 0
        dead = [owner for owner, is_alive in self.workers.items() if not is_alive]
        for op in self.held_by([*dead, *self.forgotten]):
            if op.crashes + 1 >= MAX_CRASHED_LEASES:
                self._end(op, S.DEAD_LETTER, "dead_letter")
                buried += 1
            else:
                op.attempts.append((op.epoch, "lost", op.tries, op.owner))
                op.status, op.owner = S.PENDING, None
                op.crashes += 1
                back += 1
                self._cancel_if_asked(op)
        for owner in dead:
            del self.workers[owner]
        return back, buried

    # people

    def cancel(self, op: Op) -> bool:
        """Cancel what waits (True), ask who runs it (False)."""
        if op.status is S.IN_PROGRESS:
            op.is_cancel_asked = True
            return False
        self._end(op, S.CANCELLED)
        return True

    def waiting_of(self, account: UUID) -> list[Op]:
        return [self.ops[one] for one in self.lanes.get(account, []) if self.ops[one].status is not S.IN_PROGRESS]

    def retry(self, op: Op) -> None:
        op.retries = 0
        if op.status is S.DEAD_LETTER:
            op.seq = self._next_seq(op.account)
            op.crashes, op.is_cancel_asked = 0, False
            self.lanes.setdefault(op.account, []).append(op.id)
        op.status, op.is_due = S.PENDING, None

    def resolve(self, op: Op) -> None:
        op.status = S.RESOLVED

    def wake(self, *, approval: UUID | None = None, case: UUID | None = None) -> list[UUID]:
        found = [
            op
            for op in self.in_state(S.AWAITING_SYSTEM)
            if (approval and op.approval == approval) or (case and op.case == case)
        ]
        return [self._wake(op) for op in found]

    def wake_target(self, connector: UUID, reasons: Iterable[WaitReason]) -> None:
        for op in self.in_state(S.AWAITING_SYSTEM):
            if op.connector == connector and op.reason in set(reasons):
                self._wake(op)

    def _wake(self, op: Op) -> UUID:
        op.status, op.reason, op.is_due = S.PENDING, None, None
        return op.id

    # what should be stored

    def live_rows(self) -> list[tuple[Any, ...]]:
        """(id, account, seq, is head, status, reason, epoch, tries, retries, crashes, owner, is due, type, payload)."""
        rows = []
        for lane in self.lanes.values():
            for at, one in enumerate(lane):
                op = self.ops[one]
                kind, payload = op.change
                place = (op.id, op.account, op.seq, at == 0, str(op.status), str(op.reason) if op.reason else None)
                counts = (op.epoch, op.tries, op.retries, op.crashes, op.owner, op.is_due)
                rows.append((*place, *counts, str(OperationType(kind)), payload))
        return sorted(rows)

    def rows_of(self, *states: OperationStatus) -> list[tuple[Any, ...]]:
        """(id, status, epoch, tries) of what has left its lane."""
        return sorted((op.id, str(op.status), op.epoch, op.tries) for op in self.in_state(*states))

    def attempts(self) -> list[tuple[Any, ...]]:
        """(operation, epoch, outcome, attempt number, worker)."""
        return sorted((op.id, *attempt) for op in self.ops.values() for attempt in op.attempts)

    def lane_rows(self) -> list[tuple[Any, ...]]:
        """(account, how many, last place, head)."""
        return sorted((a, len(lane), self.seqs[a], lane[0] if lane else None) for a, lane in self.lanes.items())
