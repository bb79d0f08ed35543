"""Accepting operations: each gets its place in the lane of its account, or is merged into one that waits there.

Where a new one disagrees with what stands in its lane, ``disputes`` says what becomes of both.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any
from uuid import UUID

from worker.domain import coalesce
from worker.domain.conflict import Settled
from worker.domain.errors import NotFound
from worker.domain.operation import NewOperation, WaitReason
from worker.queue.disputes import Disputes, InLane, Rules, carry_out, in_lane, rules_for, weigh
from worker.queue.opening import open_lanes
from worker.store import conflicts, due_work, operations
from worker.store.pool import Connection
from worker.store.sql import Record

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
class Placement:
    """Where everything goes: pure result of ``place``."""

    inserts: list[tuple[NewOperation, int, bool]] = field(default_factory=list)
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
        for connector_id in sorted({op.connector_id for op in operations}):
            await due_work.ask(conn, tenant_id, due_work.Kind.CLAIM, connector_id)
        return replace(queued, accepted=opened + queued.accepted)


def place(
    operations: Iterable[NewOperation],
    *,
    lanes: Mapping[UUID, Record],
    standing: Mapping[UUID, Sequence[InLane]],
    rules: Rules | None = None,
) -> Placement:
    """Decide for each operation: a new place at the end of its lane, or a change of the one that waits last there.

    ``lanes`` maps account ids to their live count and last seq; ``standing`` is what stands in those that are not
    empty, the oldest first. Only what is at the very end of a lane is merged with, so order is kept. ``rules`` settle
    what is in dispute.
    """
    placed = Placement()
    live = {account: row["live"] for account, row in lanes.items()}
    seq = {account: row["seq"] for account, row in lanes.items()}
    before = {account: list(found) for account, found in standing.items()}
    for op in operations:
        lane = before.get(op.account_id)
        wanted = _fit(placed, op, lane, last_seq=seq[op.account_id], rules=rules or Rules()) if lane else op
        if wanted is not None:
            seq[op.account_id] += 1
            placed.inserts.append((wanted, seq[op.account_id], live[op.account_id] == 0))
            live[op.account_id] += 1
    return placed


def _fit(
    placed: Placement, op: NewOperation, lane: list[InLane], *, last_seq: int, rules: Rules
) -> NewOperation | None:
    """Fit an operation into a lane that is not empty: what is to be put at its end, None when it was merged away."""
    older = lane[-1] if op.origin.is_coalesced and lane[-1].seq == last_seq and lane[-1].is_rewritable else None
    if older is not None and older.approval_id is not None and not op.is_removal:
        # a removal that waits for approval is wanted no more: it must not be let go afterwards
        placed.undone[older.id] = op.account_id
        lane.remove(older)
        older = None
    if older is not None and older.approval_id != op.approval_id:
        older = None
    settled = weigh(op, [each for each in lane if each is not older], rules)
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


def _merge(
    placed: Placement, op: NewOperation, older: InLane, merged: coalesce.Change | None, lane: list[InLane]
) -> None:
    lane.pop()
    if merged is None:
        placed.rewrites.pop(older.id, None)
        placed.undone[older.id] = op.account_id
        return
    placed.rewrites[older.id] = (op, merged)
    lane.append(replace(older, change=merged))


async def _queue(conn: Connection, tenant_id: UUID, wanted: Sequence[NewOperation]) -> Enqueued:
    """Put operations into the lanes of accounts that are there."""
    if not wanted:
        return Enqueued()
    lanes = await _lock(conn, tenant_id, wanted)
    standing = await _standing(conn, tenant_id, lanes)
    rules = await rules_for(conn, tenant_id, wanted, standing) if standing else Rules()
    placed = place(wanted, lanes=lanes, standing=standing, rules=rules)
    await _insert(conn, tenant_id, placed.inserts)
    await _rewrite(conn, tenant_id, placed)
    await _undo(conn, tenant_id, placed.undone)
    await carry_out(conn, tenant_id, placed.disputes)
    return Enqueued(
        accepted=tuple(op.id for op, _, _ in placed.inserts),
        coalesced=tuple(placed.rewrites),
        undone=tuple(placed.undone),
    )


async def _lock(conn: Connection, tenant_id: UUID, wanted: Sequence[NewOperation]) -> dict[UUID, Record]:
    lanes = await operations.lock_lanes(conn, tenant_id, [op.account_id for op in wanted])
    missing = {op.account_id for op in wanted} - lanes.keys()
    if missing:
        raise NotFound(f"There is no account {min(missing)}.")
    return lanes


async def _standing(conn: Connection, tenant_id: UUID, lanes: Mapping[UUID, Record]) -> dict[UUID, list[InLane]]:
    """What stands in the lanes that are not empty, the oldest first; of long ones the last."""
    busy = [account for account, lane in lanes.items() if lane["live"] > 0]
    if not busy:
        return {}
    rows = await operations.queries.standing_of.rows(
        conn,
        tenant_id=tenant_id,
        head_ids=[lanes[account]["head_id"] for account in busy if lanes[account]["head_id"]],
        account_ids=busy,
        most=MOST_STANDING,
    )
    found: dict[UUID, list[InLane]] = defaultdict(list)
    known = [each for each in map(in_lane, rows) if each is not None]
    for each in sorted(known, key=lambda each: each.seq):
        found[each.account_id].append(each)
    return dict(found)


async def _insert(conn: Connection, tenant_id: UUID, inserts: list[tuple[NewOperation, int, bool]]) -> None:
    if not inserts:
        return
    await operations.queries.insert.run(conn, tenant_id=tenant_id, **_columns(inserts))
    lanes: dict[UUID, list[Any]] = {}
    for op, seq, head in inserts:
        lane = lanes.setdefault(op.account_id, [0, 0, None])
        lane[0] += 1
        lane[1] = max(lane[1], seq)
        lane[2] = op.id if head else lane[2]
    await operations.queries.take_places.run(
        conn,
        tenant_id=tenant_id,
        account_ids=list(lanes),
        added=[lane[0] for lane in lanes.values()],
        seqs=[lane[1] for lane in lanes.values()],
        head_ids=[lane[2] for lane in lanes.values()],
    )


def _columns(inserts: list[tuple[NewOperation, int, bool]]) -> dict[str, list[Any]]:
    columns: dict[str, list[Any]] = defaultdict(list)
    for op, seq, head in inserts:
        columns["ids"].append(op.id)
        columns["connector_ids"].append(op.connector_id)
        columns["account_ids"].append(op.account_id)
        columns["user_ids"].append(op.user_id)
        columns["seqs"].append(seq)
        columns["heads"].append(head)
        columns["operation_types"].append(str(op.operation_type))
        columns["object_classes"].append(op.object_class)
        columns["target_uids"].append(op.target_uid)
        columns["wait_reasons"].append(str(op.wait_reason) if op.wait_reason else None)
        columns["priorities"].append(op.priority)
        columns["max_retries"].append(op.max_retries)
        columns["payloads"].append(op.payload)
        columns["idempotency_keys"].append(op.idempotency_key)
        columns["origins"].append(str(op.origin))
        columns["identity_versions"].append(op.identity_version)
        columns["mapping_versions"].append(op.mapping_version)
        columns["run_ids"].append(op.run_id)
        columns["correlation_ids"].append(op.correlation_id)
        columns["discrepancy_ids"].append(op.discrepancy_id)
        columns["expected_hashes"].append(op.expected_hash)
        columns["approval_ids"].append(op.approval_id)
        columns["redrive_ofs"].append(op.redrive_of)
        columns["created_bys"].append(op.created_by)
    return columns


async def _rewrite(conn: Connection, tenant_id: UUID, placed: Placement) -> None:
    if not placed.rewrites:
        return
    newer = [op for op, _ in placed.rewrites.values()]
    changes = [change for _, change in placed.rewrites.values()]
    await operations.queries.rewrite.run(
        conn,
        tenant_id=tenant_id,
        ids=list(placed.rewrites),
        operation_types=[str(kind) for kind, _ in changes],
        payloads=[payload for _, payload in changes],
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
        await operations.cancel(conn, tenant_id, fences, notes=notes, by=None)
        await conflicts.close(conn, tenant_id, list(undone), notes=notes)
