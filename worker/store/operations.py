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
from typing import Any
from uuid import UUID

from worker.domain.ids import uuid7
from worker.domain.operation import MAX_CRASHED_LEASES, Operation, OperationStatus, OperationType, Origin, WaitReason
from worker.store.pool import Connection
from worker.store.sql import Record, load

queries = load("operations")


@dataclass(frozen=True, slots=True)
class Fence:
    """The right to finish one try."""

    id: UUID
    epoch: int
    account_id: UUID


@dataclass(frozen=True, slots=True)
class Completion:
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
    changed: bool = True
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
    """Lock the lanes and return their rows (live, seq, head_id) by account id."""
    rows = await queries.lock_lanes.rows(conn, tenant_id=tenant_id, account_ids=list(set(account_ids)))
    return {row["id"]: row for row in rows}


async def claim(conn: Connection, tenant_id: UUID, *, connector_id: UUID, owner: UUID, limit: int) -> list[Operation]:
    """Claim up to ``limit`` operations of one target: a few that a process died with, retries that are due, then the
    most urgent heads.

    Returns nothing when the owner's lease has run out.
    """
    where = {"tenant_id": tenant_id, "connector_id": connector_id, "owner": owner}
    found: list[Record] = []
    for query in (queries.claim_suspects, queries.claim_due, queries.claim):
        if len(found) < limit:
            found += await query.rows(conn, **where, limit=limit - len(found))
    return sorted((from_row(row) for row in found), key=lambda op: (-op.priority, op.id))


async def complete(conn: Connection, tenant_id: UUID, owner: UUID, ends: Sequence[Completion]) -> dict[UUID, bool]:
    """Finish these tries; the ids that were really finished, each with whether its lane has a next one."""
    await lock_lanes(conn, tenant_id, [e.fence.account_id for e in ends])
    linked = [e for e in ends if e.uid is not None and not e.account_gone]
    if linked:
        await queries.absorb.run(
            conn,
            tenant_id=tenant_id,
            account_ids=[e.fence.account_id for e in linked],
            connector_ids=[e.connector_id for e in linked],
            uids=[e.uid for e in linked],
        )
    rows = await queries.complete.rows(
        conn,
        tenant_id=tenant_id,
        owner=owner,
        ids=[e.fence.id for e in ends],
        epochs=[e.fence.epoch for e in ends],
        durations=[e.duration_ms for e in ends],
        endings=[e.ending for e in ends],
        uids=[e.uid for e in ends],
        observed=[e.observed for e in ends],
        observed_active=[e.observed_active for e in ends],
        observed_hashes=[e.observed_hash for e in ends],
        hooked=[e.hooked for e in ends],
        matches=[e.match for e in ends],
        gone=[e.account_gone for e in ends],
        changed=[e.changed for e in ends],
        agrees=[e.agrees for e in ends],
        sent=[e.sent for e in ends],
    )
    return {row["id"]: row["goes_on"] for row in rows}


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


async def held(conn: Connection, tenant_id: UUID, *, connector_id: UUID, owner: UUID) -> list[Fence]:
    """The fences of everything an owner holds of one target."""
    rows = await queries.held.rows(conn, tenant_id=tenant_id, connector_id=connector_id, owner=owner)
    return [Fence(id=row["id"], epoch=row["epoch"], account_id=row["account_id"]) for row in rows]


async def rescue(conn: Connection, tenant_id: UUID, dead: Sequence[UUID], *, limit: int) -> list[Record]:
    """Put back what expired owners held (id, connector_id); crash loops are left to ``crash_looping``."""
    return await queries.rescue.rows(conn, tenant_id=tenant_id, dead=list(dead), most=MAX_CRASHED_LEASES, limit=limit)


async def crash_looping(conn: Connection, tenant_id: UUID, dead: Sequence[UUID], *, limit: int) -> list[Record]:
    """What expired owners held for the third time (id, epoch, owner, account_id, connector_id)."""
    return await queries.crash_looping.rows(
        conn, tenant_id=tenant_id, dead=list(dead), most=MAX_CRASHED_LEASES, limit=limit
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


def from_row(row: Record) -> Operation:
    """A row of operations or dead_letters as a value."""
    return Operation(
        tenant_id=row["tenant_id"],
        id=row["id"],
        connector_id=row["connector_id"],
        account_id=row["account_id"],
        operation_type=OperationType(row["operation_type"]),
        status=OperationStatus(row["status"]),
        object_class=row["object_class"],
        payload=row["payload"],
        user_id=row["user_id"],
        target_uid=row["target_uid"],
        priority=row["priority"],
        retry_count=row["retry_count"],
        max_retries=row["max_retries"],
        attempt_number=row["attempt_number"],
        crashed_leases=row["crashed_leases"],
        seq=row["seq"],
        epoch=row["epoch"],
        owner=row.get("owner"),
        origin=Origin(row["origin"]),
        wait_reason=WaitReason(row["wait_reason"]) if row["wait_reason"] else None,
        error_code=row["error_code"],
        error_message=row["error_message"],
        identity_version=row["identity_version"],
        mapping_version=row["mapping_version"],
        run_id=row["run_id"],
        correlation_id=row["correlation_id"],
        discrepancy_id=row["discrepancy_id"],
        expected_hash=row["expected_hash"],
        case_id=row["case_id"],
        redrive_of=row["redrive_of"],
        created_by=row["created_by"],
        parks=row["parks"],
        version=row["version"],
        created_at=row["created_at"],
    )


def _common(ends: Sequence[Failure]) -> dict[str, Any]:
    return {
        "ids": [e.fence.id for e in ends],
        "epochs": [e.fence.epoch for e in ends],
        "durations": [e.duration_ms for e in ends],
        "codes": [e.code for e in ends],
        "messages": [e.message[:1000] for e in ends],
    }
