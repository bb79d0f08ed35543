"""What hooks want to follow from an operation: written with its end, accepted when it is due, kept for a while."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from worker.domain.follow_up import WantedFollowUp
from worker.domain.hook import FollowUp, FollowUpType
from worker.domain.operation import Operation
from worker.store.pool import Connection
from worker.store.sql import Record, load

queries = load("follow_ups")


@dataclass(frozen=True, slots=True)
class Waiting:
    """A follow-up that is due: of which operation and hook, for whom, and what it wants."""

    operation_id: UUID
    hook_id: UUID
    number: int
    hook_name: str
    identity_id: UUID
    connector_id: UUID
    object_class: str
    correlation_id: UUID | None
    wanted: FollowUp

    @property
    def key(self) -> dict[str, Any]:
        return {"operation_id": self.operation_id, "hook_id": self.hook_id, "number": self.number}


async def insert(
    conn: Connection, tenant_id: UUID, wanted: Sequence[tuple[Operation, WantedFollowUp]]
) -> datetime | None:
    """Write them down; when the first is due, None when all were known."""
    rows = await queries.insert.rows(
        conn,
        tenant_id=tenant_id,
        operation_ids=[op.id for op, _ in wanted],
        hook_ids=[each.hook_id for _, each in wanted],
        numbers=[each.number for _, each in wanted],
        hook_names=[each.hook_name for _, each in wanted],
        identity_ids=[each.identity_id for _, each in wanted],
        connector_ids=[each.connector_id for _, each in wanted],
        object_classes=[op.object_class for op, _ in wanted],
        types=[str(each.wanted.type) for _, each in wanted],
        attributes=[each.wanted.attributes for _, each in wanted],
        correlation_ids=[op.correlation_id or op.id for op, _ in wanted],
        after_seconds=[float(each.wanted.after_seconds) for _, each in wanted],
    )
    return min((row["due_at"] for row in rows), default=None)


async def depth(conn: Connection, tenant_id: UUID, *, operation_id: UUID) -> int:
    """How many follow-ups led to this operation, itself counted."""
    return await queries.depth.value(conn, tenant_id=tenant_id, operation_id=operation_id) or 0


async def due(conn: Connection, tenant_id: UUID, *, limit: int) -> list[Waiting]:
    """What is due, the longest waiting first."""
    return [_from_row(row) for row in await queries.due.rows(conn, tenant_id=tenant_id, limit=limit)]


async def take(conn: Connection, tenant_id: UUID, waiting: Waiting) -> bool:
    """Have it alone until the transaction ends; False when somebody else has or had it."""
    return bool(await queries.take.value(conn, tenant_id=tenant_id, **waiting.key) == "waiting")


async def end(
    conn: Connection, tenant_id: UUID, waiting: Waiting, *, made_id: UUID | None = None, note: str | None = None
) -> None:
    """Accepted as an operation, or refused with a note; its values are not kept here any longer."""
    status = "refused" if made_id is None else "accepted"
    await queries.end.run(conn, tenant_id=tenant_id, **waiting.key, status=status, note=note, made_id=made_id)


async def accounts(conn: Connection, tenant_id: UUID, *, identity_id: UUID, connector_id: UUID) -> list[Record]:
    """The accounts that somebody has at a target."""
    return await queries.accounts.rows(conn, tenant_id=tenant_id, identity_id=identity_id, connector_id=connector_id)


async def of_operation(conn: Connection, tenant_id: UUID, *, operation_id: UUID) -> list[Record]:
    """What followed from an operation, and what it follows from itself (``made_id`` is then its id)."""
    return await queries.of_operation.rows(conn, tenant_id=tenant_id, operation_id=operation_id)


async def prune(conn: Connection, tenant_id: UUID, *, before: datetime, limit: int) -> int:
    """Drop some that ended before; how many."""
    return await queries.prune.run(conn, tenant_id=tenant_id, before=before, limit=limit)


def _from_row(row: Record) -> Waiting:
    return Waiting(
        operation_id=row["operation_id"],
        hook_id=row["hook_id"],
        number=row["number"],
        hook_name=row["hook_name"],
        identity_id=row["identity_id"],
        connector_id=row["connector_id"],
        object_class=row["object_class"],
        correlation_id=row["correlation_id"],
        wanted=FollowUp(FollowUpType(row["type"]), attributes=row["attributes"] or {}),
    )
