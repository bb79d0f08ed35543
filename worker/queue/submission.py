"""Accepting operations: each gets its place in the lane of its account, or is merged into one that waits there.

Where a new one disagrees with what stands in its lane, ``disputes`` says what becomes of both.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import groupby
from uuid import UUID

from worker.domain import coalesce, sealing
from worker.domain.conflict import Settled
from worker.domain.errors import NotFound
from worker.domain.operation import EMERGENCY_PRIORITY, NewOperation, WaitReason
from worker.queue.cancelling import cancel
from worker.queue.disputes import Disputes, InLane, Rules, Standings, carry_out, in_lane, rules_for, weigh
from worker.queue.opening import open_lanes
from worker.store import due_work, operations, submission
from worker.store.pool import Connection

#: So many at the end of a lane are looked at when something new comes.
MOST_STANDING = 32


@dataclass(frozen=True, slots=True)
class Enqueued:
    """What became of a submission.

    An operation that was merged away is in ``undone`` and was cancelled. One whose account was to be opened and is
    somebody's by now is nowhere: it was left out. An accepted one that gave way in a conflict is cancelled by now.
    """

    accepted: tuple[UUID, ...] = ()
    coalesced: tuple[UUID, ...] = ()
    undone: tuple[UUID, ...] = ()


@dataclass(slots=True)
class Lane:
    """A lane while operations are put into it.

    ``live`` operations are in it, ``seq`` is the last place that was given; ``standing`` is what is seen there, the
    oldest first. ``added`` and ``head_id`` say what is new: so many, and which of them is the head.
    """

    account_id: UUID
    live: int
    seq: int
    identity_id: UUID | None = None
    standing: Standings | None = None
    added: int = 0
    head_id: UUID | None = None


@dataclass(slots=True)
class Placement:
    """Where everything goes: pure result of ``place``. An insert is an operation, its place, whether it is the head.

    ``others``: accounts that get operations of other people than their owner.
    """

    inserts: list[tuple[NewOperation, int, bool]] = field(default_factory=list)
    grown: list[Lane] = field(default_factory=list)
    others: set[UUID] = field(default_factory=set)
    rewrites: dict[UUID, tuple[NewOperation, coalesce.Change]] = field(default_factory=dict)
    undone: dict[UUID, UUID] = field(default_factory=dict)
    disputes: Disputes = field(default_factory=Disputes)


class OperationQueue:
    """The door for everybody who wants something changed at a target."""

    async def enqueue(self, conn: Connection, *, tenant_id: UUID, operations: Sequence[NewOperation]) -> Enqueued:
        """Accept operations inside the caller's tenant transaction; account rows exist, or are made with ``opens``.

        Raises NotFound when an account row does not exist. Set-based: a handful of statements, however many.
        """
        if not operations:
            return Enqueued()
        opened = await open_lanes(conn, tenant_id, [op for op in operations if op.opens is not None])
        queued = await _queue(conn, tenant_id, [op for op in operations if op.opens is None])
        urgent = {op.connector_id for op in operations if op.priority >= EMERGENCY_PRIORITY}
        for connector_id in sorted({op.connector_id for op in operations}):
            is_urgent = connector_id in urgent
            await due_work.ask(conn, tenant_id, due_work.Kind.CLAIM, connector_id, is_urgent=is_urgent)
        return replace(queued, accepted=opened + queued.accepted)


def place(operations: Iterable[NewOperation], *, lanes: Mapping[UUID, Lane], rules: Rules | None = None) -> Placement:
    """Decide for each operation: a new place at the end of its lane, or a change of the one that waits last there.

    ``lanes`` by account id are changed. Only what is at the very end of a lane is merged with, so order is kept.
    ``rules`` settle what is in dispute. Raises KeyError for an account that has no lane.
    """
    placed = Placement()
    for op in operations:
        lane = lanes[op.account_id]  # looked up once: ids are slow to hash
        standing = lane.standing
        wanted = _fit(placed, op, standing, last_seq=lane.seq, rules=rules or Rules()) if standing else op
        if wanted is None:
            continue
        lane.seq += 1
        placed.inserts.append((wanted, lane.seq, lane.live == 0))
        if wanted.user_id is not None and wanted.user_id != lane.identity_id:
            placed.others.add(lane.account_id)
        if lane.live == 0:
            lane.head_id = wanted.id
        if lane.added == 0:
            placed.grown.append(lane)
        lane.live += 1
        lane.added += 1
    return placed


def _fit(placed: Placement, op: NewOperation, lane: Standings, *, last_seq: int, rules: Rules) -> NewOperation | None:
    """Fit an operation into a lane that is not empty: what is to be put at its end, None when it was merged away."""
    last = lane.ops[-1] if lane.ops else None
    is_end = last is not None and last.seq == last_seq and last.is_rewritable
    older = last if op.origin.is_coalesced and is_end else None
    if older is not None and older.approval_id is not None and not op.is_removal:
        # a removal that waits for approval is wanted no more: it must not be let go afterwards
        placed.undone[older.id] = op.account_id
        lane.replace(lane.ops[:-1])
        older = None
    if older is not None and older.approval_id != op.approval_id:
        older = None
    settled = weigh(op, lane, rules, without=older)
    if settled.newer is None:
        placed.disputes.note(op, lane, settled, newer_id=op.id, rules=rules)
        placed.disputes.reject(op)
        return op
    placed.disputes.note(op, lane, settled, newer_id=older.id if older else op.id, rules=rules)
    if older is None:
        return _as_settled(op, settled)
    _merge(placed, _as_settled(op, settled), older, coalesce.merge(older.change, settled.newer), lane)
    if settled.waits:
        placed.disputes.parked.append(older.id)
    return None


def _as_settled(op: NewOperation, settled: Settled) -> NewOperation:
    """The operation with what it took over from others; one that waits for a person does so from the start."""
    if not settled.clashes or settled.newer is None:
        return op
    if settled.waits:
        return replace(op, wait_reason=WaitReason.CONFLICT)
    kind, payload = settled.newer
    # a repair is dropped when its account has moved: what holds the change of another, too, is not
    expected = op.expected_hash if payload == op.payload else None
    return replace(op, operation_type=kind, payload=payload, expected_hash=expected)


def _merge(placed: Placement, op: NewOperation, older: InLane, merged: coalesce.Change | None, lane: Standings) -> None:
    others = lane.ops[:-1]
    if merged is None:
        lane.replace(others)
        placed.rewrites.pop(older.id, None)
        placed.undone[older.id] = op.account_id
        return
    placed.rewrites[older.id] = (op, merged)
    lane.replace([*others, replace(older, change=merged)])


async def _queue(conn: Connection, tenant_id: UUID, wanted: Sequence[NewOperation]) -> Enqueued:
    """Put operations into the lanes of accounts that are there."""
    if not wanted:
        return Enqueued()
    if len(wanted) == 1 and await submission.begin_lane(conn, tenant_id, wanted[0]):
        return Enqueued(accepted=(wanted[0].id,))
    lanes = await _lock(conn, tenant_id, wanted)
    busy = {lane.account_id: lane.standing for lane in lanes.values() if lane.standing}
    rules = await rules_for(conn, tenant_id, wanted, busy) if busy else None
    try:
        placed = place(wanted, lanes=lanes, rules=rules)
    except KeyError as error:
        raise NotFound(f"There is no account {error.args[0]}.") from error
    await _insert(conn, tenant_id, placed)
    await _rewrite(conn, tenant_id, placed)
    await _undo(conn, tenant_id, placed.undone)
    await carry_out(conn, tenant_id, placed.disputes)
    return Enqueued(
        accepted=tuple(op.id for op, _, _ in placed.inserts),
        coalesced=tuple(placed.rewrites),
        undone=tuple(placed.undone),
    )


async def _lock(conn: Connection, tenant_id: UUID, wanted: Sequence[NewOperation]) -> dict[UUID, Lane]:
    """Lock the lanes of the accounts that are there, and look at what stands in those that are not empty."""
    rows = await operations.lock_lanes(conn, tenant_id, [op.account_id for op in wanted])
    lanes = {account: Lane(account, row["live"], row["seq"], row["identity_id"]) for account, row in rows.items()}
    busy = [lane for lane in lanes.values() if lane.live > 0]
    if not busy:
        return lanes
    found = await operations.queries.standing_of.rows(
        conn,
        tenant_id=tenant_id,
        head_ids=[head for lane in busy if (head := rows[lane.account_id]["head_id"])],
        account_ids=[lane.account_id for lane in busy],
        most=MOST_STANDING,
    )
    known = [each for each in map(in_lane, found) if each is not None]
    for account_id, ops in groupby(sorted(known, key=_place), key=lambda each: each.account_id):
        lanes[account_id].standing = Standings(list(ops))
    return lanes


def _place(op: InLane) -> tuple[UUID, int]:
    return op.account_id, op.seq


async def _insert(conn: Connection, tenant_id: UUID, placed: Placement) -> None:
    if not placed.inserts:
        return
    await submission.insert(conn, tenant_id, placed.inserts)
    is_one_each = len(placed.grown) == len(placed.inserts)
    await operations.queries.take_places.run(
        conn,
        tenant_id=tenant_id,
        account_ids=[lane.account_id for lane in placed.grown],
        added=1,
        each_added=[] if is_one_each else [lane.added for lane in placed.grown],
        head_ids=[lane.head_id for lane in placed.grown],
    )
    if placed.others:
        await operations.queries.note_others.run(conn, tenant_id=tenant_id, account_ids=list(placed.others))


async def _rewrite(conn: Connection, tenant_id: UUID, placed: Placement) -> None:
    if not placed.rewrites:
        return
    newer = [op for op, _ in placed.rewrites.values()]
    changes = [change for _, change in placed.rewrites.values()]
    stored = [sealing.stored(payload) for _, payload in changes]
    await operations.queries.rewrite.run(
        conn,
        tenant_id=tenant_id,
        ids=list(placed.rewrites),
        operation_types=[str(kind) for kind, _ in changes],
        payloads=[payload for payload, _ in stored],
        secrets=[secrets for _, secrets in stored],
        identity_versions=[op.identity_version for op in newer],
        mapping_versions=[op.mapping_version for op in newer],
        correlation_ids=[op.correlation_id for op in newer],
        run_ids=[op.run_id for op in newer],
        expected_hashes=[op.expected_hash for op in newer],
    )
    await operations.log(
        conn,
        tenant_id,
        [(i, "info", "A newer plan of the same account was merged into this operation.") for i in placed.rewrites],
    )


async def _undo(conn: Connection, tenant_id: UUID, undone: dict[UUID, UUID]) -> None:
    if undone:
        notes = "A newer plan took this back before it was tried."
        fences = [operations.Fence(id=op, epoch=0, account_id=account) for op, account in undone.items()]
        await cancel(conn, tenant_id, fences, notes=notes)
