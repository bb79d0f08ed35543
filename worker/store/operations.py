"""The queue's rows: accepted, claimed, finished, put back, given up.

Guarantees:

- every function that ends or releases a try carries the fence (id, epoch, owner) and returns the ids it really
  changed; an id that is missing in the answer was fenced off, and nothing of it was written;
- lanes are locked in account order by a statement of its own before they change (``lock_lanes``);
- a finished operation, its attempt, its account and the promotion of the lane's next one are one statement.
"""

import hashlib
import json
from collections.abc import Container, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from worker.domain.ids import uuid7
from worker.domain.operation import (
    EMERGENCY_PRIORITY,
    MAX_CRASHED_LEASES,
    Operation,
    OperationType,
    Origin,
    WaitReason,
)
from worker.store.pool import Connection
from worker.store.ranges import FRONT, Range
from worker.store.sql import Record, load

queries = load("operations")


class Fence(NamedTuple):
    """The right to finish one try."""

    id: UUID
    epoch: int
    account_id: UUID


class Completion(NamedTuple):
    """How a try ended well, and what its account is like now; see ``worker.domain.outcome.Succeeded``."""

    fence: Fence
    duration_ms: int
    connector_id: UUID
    uid: str | None
    ending: str | None = None
    observed: dict[str, Any] | None = None
    observed_active: bool | None = None
    observed_hash: int | None = None
    hooked: dict[str, Any] | None = None
    match: dict[str, Any] | None = None
    account_gone: bool = False
    agrees: bool = False
    sent: dict[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Failure:
    """How a try ended badly. ``delay_s`` until the next one; ``reason`` and ``case_id`` when it is parked."""

    fence: Fence
    duration_ms: int
    code: str | None
    message: str
    delay_s: float | None = None
    reason: str | None = None
    case_id: UUID | None = None
    sent: dict[str, Any] | None = None


async def lock_lanes(conn: Connection, tenant_id: UUID, account_ids: Sequence[UUID]) -> dict[UUID, Record]:
    """Lock the lanes and return their rows (live, seq, head_id, identity_id) by account id."""
    rows = await queries.lock_lanes.rows(conn, tenant_id=tenant_id, account_ids=list(set(account_ids)))
    return {row["id"]: row for row in rows}


#: So many retries that are due are claimed although heads have taken all the room.
LEAST_BESIDE = 8


async def claim(
    conn: Connection,
    tenant_id: UUID,
    *,
    connector_id: UUID,
    owner: UUID,
    limit: int,
    ranges: Sequence[Range] = (FRONT,),
) -> list[Operation]:
    """Claim up to ``limit`` operations of one target, in the order in which they should run: the most urgent heads of
    ``ranges``, and a few that a process died with and retries that are due, which come on top when there is no room.

    Returns nothing when the owner's lease has run out. Types that this version does not know are left alone.
    """
    where = {"tenant_id": tenant_id, "connector_id": connector_id, "owner": owner, "types": _KNOWN}
    found, beside = await _claim_heads(conn, tenant_id, connector_id, owner=owner, limit=limit, ranges=ranges)
    if beside["is_suspect"]:
        room, claim_id = max(limit - len(found), min(limit, LEAST_BESIDE)), uuid7()
        rows = await queries.claim_suspects.rows(conn, **where, claim_id=claim_id, limit=room)
        found += [_claimed(row, claim_id) for row in rows]
    if beside["is_due"]:
        room, claim_id = max(limit - len(found), min(limit, LEAST_BESIDE)), uuid7()
        rows = await queries.claim_due.rows(conn, **where, claim_id=claim_id, limit=room, others=room)
        found += [_claimed(row, claim_id) for row in rows]
    if beside["waits"]:
        woken = await wake_due(conn, tenant_id, connector_id=connector_id, limit=limit)
        if woken and len(found) < limit:  # nobody else is told of them
            room = limit - len(found)
            heads, _ = await _claim_heads(conn, tenant_id, connector_id, owner=owner, limit=room, ranges=ranges)
            found += heads
    return sorted(found, key=_turn)


async def wake_due(conn: Connection, tenant_id: UUID, *, connector_id: UUID, limit: int) -> int:
    """Those that waited for their target for a moment go on when it is over; how many."""
    return await queries.wake_due.run(
        conn, tenant_id=tenant_id, connector_id=connector_id, reasons=_KNOWN_REASONS, limit=limit
    )


async def claim_emergencies(
    conn: Connection, tenant_id: UUID, *, connector_id: UUID, owner: UUID, limit: int
) -> list[Operation]:
    """Claim of the emergency lane alone: up to ``limit`` heads that are ready and retries that are due."""
    where = {"connector_id": connector_id, "owner": owner}
    ranges = [FRONT.up_to_urgency(-EMERGENCY_PRIORITY)]
    found, beside = await _claim_heads(conn, tenant_id, **where, limit=limit, ranges=ranges)
    if beside["is_due"] and len(found) < limit:
        among, room, claim_id = {"tenant_id": tenant_id, "types": _KNOWN, **where}, limit - len(found), uuid7()
        rows = await queries.claim_due.rows(conn, **among, claim_id=claim_id, limit=room, others=0)
        found += [_claimed(row, claim_id) for row in rows]
    return sorted(found, key=_turn)


async def _claim_heads(
    conn: Connection, tenant_id: UUID, connector_id: UUID, *, owner: UUID, limit: int, ranges: Sequence[Range]
) -> tuple[list[Operation], Record]:
    """Heads, and a row that says what there is beside them."""
    claim_id = uuid7()
    rows = await queries.claim.rows(
        conn,
        tenant_id=tenant_id,
        connector_id=connector_id,
        owner=owner,
        claim_id=claim_id,
        types=_KNOWN,
        limit=limit,
        urgencies=[r.urgency for r in ranges],
        times=[r.ready_at for r in ranges],
        after_ids=[r.id for r in ranges],
        up_to=[r.up_to for r in ranges],
    )
    return [_claimed(row, claim_id) for row in rows if row["id"] is not None], rows[0]


def _turn(op: Operation) -> tuple[int, datetime, UUID]:
    return -op.priority, op.ready_at, op.id


@dataclass(frozen=True, slots=True)
class Completed:
    """Tries that really ended well, each with whether the next of its lane waits for a claim, and what was claimed."""

    done: dict[UUID, bool]
    claimed: list[Operation]


async def complete(conn: Connection, tenant_id: UUID, owner: UUID, ends: Sequence[Completion]) -> dict[UUID, bool]:
    """Finish these tries; the ids that were really finished, each with whether its lane has a next one."""
    return (await complete_and_claim(conn, tenant_id, owner, ends, lanes=frozenset())).done


async def complete_and_claim(
    conn: Connection, tenant_id: UUID, owner: UUID, ends: Sequence[Completion], *, lanes: Container[UUID]
) -> Completed:
    """Finish these tries, and claim what comes next in these ``lanes`` (by account) for the same owner, where a claim
    could: nothing when its lease has run out.
    """
    linked = [e for e in ends if e.uid is not None and not e.account_gone]
    if linked:
        await queries.absorb.run(
            conn,
            tenant_id=tenant_id,
            account_ids=[e.fence.account_id for e in linked],
            connector_ids=[e.connector_id for e in linked],
            uids=[e.uid for e in linked],
        )
    rows = await _complete(conn, tenant_id, owner, ends)
    goes_on = sorted(row["account_id"] for row in rows if row["live"])
    at_once, later = [one for one in goes_on if one in lanes], [one for one in goes_on if one not in lanes]
    if later:
        await queries.promote.rows(conn, tenant_id=tenant_id, account_ids=later)
    claimed = await _promote_and_claim(conn, tenant_id, owner, at_once) if at_once else []
    taken = {op.account_id for op in claimed}
    return Completed({row["id"]: row["live"] > 0 and row["account_id"] not in taken for row in rows}, claimed)


async def _complete(conn: Connection, tenant_id: UUID, owner: UUID, ends: Sequence[Completion]) -> list[Record]:
    return await queries.complete.rows(
        conn,
        tenant_id=tenant_id,
        owner=owner,
        account_ids=[e.fence.account_id for e in ends],
        ids=[e.fence.id for e in ends],
        epochs=[e.fence.epoch for e in ends],
        durations=[e.duration_ms for e in ends],
        endings=_sparse([e.ending for e in ends]),
        uids=_sparse([e.uid for e in ends]),
        observed=_sparse([e.observed for e in ends]),
        observed_active=_sparse([e.observed_active for e in ends]),
        observed_hashes=_sparse([e.observed_hash for e in ends]),
        hooked=_sparse([e.hooked for e in ends]),
        matches=_sparse([e.match for e in ends]),
        gone=_sparse([e.account_gone or None for e in ends]),
        agrees=_sparse([e.agrees or None for e in ends]),
        sent=_sparse([e.sent for e in ends]),
    )


async def _promote_and_claim(conn: Connection, tenant_id: UUID, owner: UUID, lanes: list[UUID]) -> list[Operation]:
    claim_id = uuid7()
    rows = await queries.promote_and_claim.rows(
        conn, tenant_id=tenant_id, owner=owner, claim_id=claim_id, types=_KNOWN, account_ids=lanes
    )
    return sorted((_claimed(row, claim_id) for row in rows), key=_turn)


def _sparse(values: list[Any]) -> list[Any]:
    """A column in which nobody has anything is sent as none at all: ``unnest`` fills it up with NULL."""
    return values if any(value is not None for value in values) else []


async def fail(conn: Connection, tenant_id: UUID, owner: UUID, ends: Sequence[Failure]) -> set[UUID]:
    """The next try of these comes after their ``delay_s``."""
    rows = await queries.fail.rows(
        conn,
        tenant_id=tenant_id,
        owner=owner,
        delays=[e.delay_s for e in ends],
        sent=[e.sent for e in ends],
        **_common(ends),
    )
    return {row["id"] for row in rows}


async def park(conn: Connection, tenant_id: UUID, owner: UUID, ends: Sequence[Failure]) -> set[UUID]:
    """These wait for something outside; with a ``delay_s`` they look again by themselves."""
    rows = await queries.park.rows(
        conn,
        tenant_id=tenant_id,
        owner=owner,
        delays=[e.delay_s for e in ends],
        reasons=[e.reason for e in ends],
        case_ids=[e.case_id for e in ends],
        **_common(ends),
    )
    return {row["id"] for row in rows}


async def bury(conn: Connection, tenant_id: UUID, owner: UUID, ends: Sequence[Failure]) -> set[UUID]:
    """These are dead letters."""
    await lock_lanes(conn, tenant_id, [e.fence.account_id for e in ends])
    rows = await queries.bury.rows(conn, tenant_id=tenant_id, owner=owner, sent=[e.sent for e in ends], **_common(ends))
    return {row["id"] for row in rows}


async def release(
    conn: Connection,
    tenant_id: UUID,
    owner: UUID,
    fences: Sequence[Fence],
    *,
    started: Container[UUID] = frozenset(),
) -> set[UUID]:
    """These go back; those in ``started`` keep the number of their try, for it may have reached the target."""
    rows = await queries.release.rows(
        conn,
        tenant_id=tenant_id,
        owner=owner,
        ids=[f.id for f in fences],
        epochs=[f.epoch for f in fences],
        started=[f.id in started for f in fences],
    )
    return {row["id"] for row in rows}


async def cancel(
    conn: Connection,
    tenant_id: UUID,
    fences: Sequence[Fence],
    *,
    notes: str,
    by: UUID | None,
    owner: UUID | None = None,
) -> list[UUID]:
    """Cancel what waits, or for an ``owner`` what it runs under these fences; ids that were really cancelled."""
    await lock_lanes(conn, tenant_id, [f.account_id for f in fences])
    rows = await queries.cancel.rows(
        conn,
        tenant_id=tenant_id,
        ids=[f.id for f in fences],
        epochs=[f.epoch for f in fences],
        owner=owner,
        notes=notes,
        cancelled_by=by,
    )
    return [row["id"] for row in rows]


async def rescue(conn: Connection, tenant_id: UUID, dead: Sequence[UUID], ids: Sequence[UUID]) -> list[Record]:
    """Put back what of these expired owners hold (id, connector_id, account_id, epoch, cancel_requested_by).

    Crash loops are left to ``crash_looping``.
    """
    return await queries.rescue.rows(
        conn, tenant_id=tenant_id, dead=list(dead), ids=list(ids), most=MAX_CRASHED_LEASES, types=_KNOWN
    )


async def crash_looping(conn: Connection, tenant_id: UUID, dead: Sequence[UUID], ids: Sequence[UUID]) -> list[Record]:
    """What of these expired owners hold for the third time (id, epoch, owner, account_id, connector_id)."""
    return await queries.crash_looping.rows(
        conn, tenant_id=tenant_id, dead=list(dead), ids=list(ids), most=MAX_CRASHED_LEASES, types=_KNOWN
    )


async def exhume(conn: Connection, tenant_id: UUID, ids: Sequence[UUID]) -> list[Record]:
    """Put dead letters back to work (id, connector_id); those whose account we no longer know stay."""
    letters = await queries.dead_letter_lanes.rows(conn, tenant_id=tenant_id, ids=list(ids))
    lanes = await lock_lanes(conn, tenant_id, [row["account_id"] for row in letters])
    known = [row["id"] for row in letters if row["account_id"] in lanes]
    return await queries.exhume.rows(conn, tenant_id=tenant_id, ids=known) if known else []


async def log(conn: Connection, tenant_id: UUID, lines: Sequence[tuple[UUID, str, str]]) -> None:
    """Write log lines: (operation id, level info|warn|error, message)."""
    if lines:
        await queries.log.run(
            conn,
            tenant_id=tenant_id,
            operation_ids=[line[0] for line in lines],
            ids=[uuid7() for _ in lines],
            levels=[line[1] for line in lines],
            messages=[line[2][:4000] for line in lines],
        )


async def find(conn: Connection, tenant_id: UUID, operation_id: UUID) -> Record | None:
    """The row of an operation wherever it is: live, dead letter, or archive."""
    for query in (queries.live, queries.dead, queries.archived):
        row = await query.row(conn, tenant_id=tenant_id, id=operation_id)
        if row is not None:
            return row
    return None


def body_hash(body: Any) -> bytes:
    """What makes two submissions with one idempotency key the same: SHA-256 of the body with sorted keys."""
    text = json.dumps(body, sort_keys=True, separators=(",", ":"), ensure_ascii=False, default=str)
    return hashlib.sha256(text.encode()).digest()


_TYPES = {str(kind): kind for kind in OperationType}
_KNOWN = list(_TYPES)
_KNOWN_REASONS = [str(reason) for reason in WaitReason]
_ORIGINS = {str(origin): origin for origin in Origin}
_TYPE, _ORIGIN = 4, 16
_FIELDS = len(Operation._fields) - 1


def _claimed(row: Record, claim_id: UUID) -> Operation:
    """A row as the statements that claim return it: their columns stand in the order of Operation's fields, of which
    the last is not among them.
    """
    values = [*row[:_FIELDS], claim_id]
    values[_TYPE] = _TYPES[values[_TYPE]]
    values[_ORIGIN] = _ORIGINS.get(values[_ORIGIN], Origin.API)  # a later version's: let alone as what people asked for
    return Operation._make(values)


def from_row(row: Record) -> Operation:
    """A whole row of operations, dead_letters or the archive as a value."""
    values = {name: row[name] for name in Operation._fields if name in row}
    values |= {"operation_type": OperationType(row["operation_type"]), "origin": Origin(row["origin"])}
    return Operation(**values)


def _common(ends: Sequence[Failure]) -> dict[str, Any]:
    return {
        "ids": [e.fence.id for e in ends],
        "epochs": [e.fence.epoch for e in ends],
        "durations": [e.duration_ms for e in ends],
        "codes": [e.code for e in ends],
        "messages": [e.message[:1000] for e in ends],
    }
