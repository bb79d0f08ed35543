"""Events as they came in: kept before they are acknowledged, applied later, each at most once."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any
from uuid import UUID

from worker.domain.ids import uuid7
from worker.store import due_work
from worker.store.due_work import Kind
from worker.store.pool import Connection
from worker.store.sql import load

queries = load("inbox")


class InboxStatus(StrEnum):
    RECEIVED = "received"
    DONE = "done"
    DROPPED = "dropped"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class NewEvent:
    """An event to be kept; (source, event_id) names it."""

    source: str
    event_id: str
    type: str
    subject: str | None
    data: dict[str, Any]


@dataclass(frozen=True, slots=True)
class InboxEvent:
    """A kept event; ``correlation_id`` follows what it causes."""

    source: str
    event_id: str
    id: UUID
    type: str
    subject: str | None
    data: Any
    correlation_id: UUID


@dataclass(frozen=True, slots=True)
class Settled:
    """How an event ended, in words when it changed nothing."""

    event: InboxEvent
    status: InboxStatus
    message: str | None = None


async def insert(conn: Connection, *, tenant_id: UUID, events: Sequence[NewEvent]) -> int:
    """Keep those that are new, and have them applied; how many were new."""
    new = await queries.insert.run(
        conn,
        tenant_id=tenant_id,
        sources=[each.source for each in events],
        event_ids=[each.event_id for each in events],
        ids=[uuid7() for _ in events],
        types=[each.type for each in events],
        subjects=[each.subject for each in events],
        data=[each.data for each in events],
    )
    if new:
        await due_work.ask(conn, tenant_id, Kind.INBOX, tenant_id)
    return new


async def batch(conn: Connection, *, tenant_id: UUID, limit: int) -> list[InboxEvent] | None:
    """The oldest events that wait, for us alone until this transaction ends; None when somebody else is at it."""
    if not await queries.try_lock.value(conn, tenant_id=tenant_id):
        return None
    rows = await queries.batch.rows(conn, tenant_id=tenant_id, limit=limit)
    return [InboxEvent(**dict(row.items())) for row in rows]


async def settle(conn: Connection, *, tenant_id: UUID, settled: Sequence[Settled]) -> None:
    await queries.settle.run(
        conn,
        tenant_id=tenant_id,
        sources=[each.event.source for each in settled],
        event_ids=[each.event.event_id for each in settled],
        statuses=[each.status.value for each in settled],
        messages=[each.message for each in settled],
    )


async def rest(conn: Connection, *, tenant_id: UUID) -> bool:
    """Put the inbox to sleep unless something is left or just coming in; whether it sleeps."""
    if not await due_work.quiet(conn, tenant_id, Kind.INBOX, tenant_id):
        return False
    if await queries.any_left.value(conn, tenant_id=tenant_id):
        return False
    await due_work.sleep(conn, tenant_id, Kind.INBOX, tenant_id)
    return True
