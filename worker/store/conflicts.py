"""Conflicts, and what they make of operations that wait. Whoever settles one holds the lane of its account."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from worker.domain import sealing
from worker.domain.coalesce import Change
from worker.domain.conflict import ConflictOutcome, ConflictStatus, ConflictStrategy, ConflictType
from worker.domain.ids import uuid7
from worker.domain.operation import OperationType
from worker.store.listings import custom_plans
from worker.store.pool import Connection
from worker.store.sql import Record, load

queries = load("conflicts")


@dataclass(frozen=True, slots=True)
class Conflict:
    """A conflict that was found; ``outcome`` None: a person decides. ``newer`` None: the target is the other side."""

    conflict_type: ConflictType
    connector_id: UUID
    account_id: UUID
    older: UUID
    newer: UUID | None
    affected: tuple[str, ...]
    strategy: ConflictStrategy
    outcome: ConflictOutcome | None
    id: UUID = field(default_factory=uuid7)


@dataclass(frozen=True, slots=True)
class ConflictQuery:
    """Which conflicts are listed."""

    status: ConflictStatus | None = None
    conflict_type: ConflictType | None = None
    connector_id: UUID | None = None
    operation_id: UUID | None = None


async def record(conn: Connection, tenant_id: UUID, found: Sequence[Conflict]) -> None:
    """Write conflicts down; one between the same two that is known already stays as it is."""
    if not found:
        return
    await queries.record.run(
        conn,
        tenant_id=tenant_id,
        ids=[each.id for each in found],
        connector_ids=[each.connector_id for each in found],
        account_ids=[each.account_id for each in found],
        operation_ids_a=[each.older for each in found],
        operation_ids_b=[each.newer for each in found],
        conflict_types=[str(each.conflict_type) for each in found],
        affected=[list(each.affected) for each in found],
        outcomes=[str(each.outcome) if each.outcome else None for each in found],
        strategies=[str(each.strategy) for each in found],
    )


async def known(
    conn: Connection, tenant_id: UUID, *, older: UUID, newer: UUID | None, conflict_type: ConflictType
) -> Record | None:
    """(id, status, outcome) of a conflict that was found before."""
    return await queries.known.row(
        conn, tenant_id=tenant_id, older=older, newer=newer, conflict_type=str(conflict_type)
    )


async def next_of(conn: Connection, tenant_id: UUID, *, account_id: UUID, seq: int) -> Record | None:
    """What waits right behind the operation with this ``seq``, when its kind is known to us."""
    row = await queries.next_of.row(conn, tenant_id=tenant_id, account_id=account_id, seq=seq)
    is_known = row is not None and row["operation_type"] in set(map(str, OperationType))
    return row if is_known else None


async def live(conn: Connection, tenant_id: UUID, ids: Sequence[UUID]) -> dict[UUID, Record]:
    """Those of these operations that have not ended, locked: (id, account_id, connector_id, status, epoch, …)."""
    rows = await queries.live.rows(conn, tenant_id=tenant_id, ids=list(ids))
    return {row["id"]: row for row in rows}


async def amend(conn: Connection, tenant_id: UUID, changes: Mapping[UUID, Change]) -> None:
    """Have operations that wait say something else."""
    if changes:
        stored = [sealing.stored(payload) for _, payload in changes.values()]
        await queries.amend.run(
            conn,
            tenant_id=tenant_id,
            ids=list(changes),
            operation_types=[str(kind) for kind, _ in changes.values()],
            payloads=[payload for payload, _ in stored],
            secrets=[secrets for _, secrets in stored],
        )


async def park(conn: Connection, tenant_id: UUID, ids: Sequence[UUID]) -> None:
    if ids:
        await queries.park.run(conn, tenant_id=tenant_id, ids=list(ids))


async def wake(conn: Connection, tenant_id: UUID, ids: Sequence[UUID]) -> list[Record]:
    """Let these go on, as far as no other conflict keeps them: (id, connector_id)."""
    return await queries.wake.rows(conn, tenant_id=tenant_id, ids=list(ids)) if ids else []


async def settle(
    conn: Connection, tenant_id: UUID, conflict_id: UUID, *, outcome: ConflictOutcome, notes: str | None, by: UUID
) -> bool:
    """Write a person's decision down; False when there was one before."""
    where = {"tenant_id": tenant_id, "id": conflict_id}
    return bool(await queries.settle.run(conn, **where, outcome=str(outcome), notes=notes, by=by))


async def close(conn: Connection, tenant_id: UUID, ids: Sequence[UUID], *, notes: str) -> list[Record]:
    """These operations have ended: whatever they are in conflict with goes on; those that do (id, connector_id)."""
    rows = await queries.close.rows(conn, tenant_id=tenant_id, ids=list(ids), notes=notes)
    return await wake(conn, tenant_id, [row["other_id"] for row in rows if row["other_id"]])


async def drop_settled(conn: Connection, tenant_id: UUID, *, before: datetime, limit: int) -> int:
    """Forget up to ``limit`` settled conflicts that were found before that time; how many."""
    return await queries.drop_settled.run(conn, tenant_id=tenant_id, before=before, limit=limit)


async def bases(conn: Connection, tenant_id: UUID, account_ids: Sequence[UUID]) -> dict[UUID, dict[str, Any]]:
    """What accounts have as far as we know."""
    rows = await queries.bases.rows(conn, tenant_id=tenant_id, account_ids=list(account_ids))
    return {row["id"]: row["observed"] or {} for row in rows}


async def page(
    conn: Connection,
    tenant_id: UUID,
    *,
    where: ConflictQuery,
    limit: int,
    offset: int = 0,
    before: UUID | None = None,
    after: UUID | None = None,
) -> list[Record]:
    """Conflicts with the names of things, the newest first; those before or after an id."""
    await custom_plans(conn)
    return await queries.page.rows(
        conn,
        tenant_id=tenant_id,
        id=None,
        status=str(where.status) if where.status else None,
        limit=limit,
        offset=offset,
        before=before,
        after=after,
        **_where(where),
    )


async def get(conn: Connection, tenant_id: UUID, conflict_id: UUID) -> Record | None:
    """One conflict as ``page`` shows it."""
    where = {"status": None, "offset": 0, "before": None, "after": None, **_where(ConflictQuery())}
    return await queries.page.row(conn, tenant_id=tenant_id, id=conflict_id, limit=1, **where)


async def counts(conn: Connection, tenant_id: UUID, *, where: ConflictQuery) -> dict[ConflictStatus, int]:
    """How many there are by status, whatever status is asked for."""
    await custom_plans(conn)
    rows = await queries.counts.rows(conn, tenant_id=tenant_id, **_where(where))
    return {ConflictStatus(row["status"]): row["n"] for row in rows}


def _where(where: ConflictQuery) -> dict[str, Any]:
    return {
        "conflict_type": str(where.conflict_type) if where.conflict_type else None,
        "connector_id": where.connector_id,
        "operation_id": where.operation_id,
    }
