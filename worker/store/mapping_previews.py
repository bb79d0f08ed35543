"""Dry runs of mapping versions: what is asked for, how far it is, what was found."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from worker.domain.account import Account, AccountState
from worker.domain.ids import uuid7
from worker.store import due_work
from worker.store.due_work import Kind
from worker.store.pool import Connection
from worker.store.sql import Record, load

queries = load("mapping_previews")

#: Previews of one target that are kept beside the newest.
KEPT = 20


@dataclass(frozen=True, slots=True)
class Preview:
    """One dry run. ``status``: pending, running, completed, failed or cancelled.

    ``counts``, ``samples`` and ``verdict`` are as ``planning`` writes them; they grow until it is completed.
    """

    id: UUID
    connector_id: UUID
    object_class: str
    version: int
    base_version: int | None
    scope: str | None
    status: str
    people_total: int | None
    people_done: int
    done_to: UUID | None
    counts: dict[str, Any] = field(default_factory=dict)
    samples: list[dict[str, Any]] = field(default_factory=list)
    verdict: dict[str, Any] | None = None
    error_message: str | None = None
    created_at: datetime | None = None
    created_by: UUID | None = None
    updated_at: datetime | None = None
    finished_at: datetime | None = None

    @property
    def is_live(self) -> bool:
        return self.status in {"pending", "running"}


async def start(
    conn: Connection,
    *,
    tenant_id: UUID,
    connector_id: UUID,
    object_class: str,
    version: int,
    base_version: int | None,
    scope: str | None = None,
    created_by: UUID | None = None,
) -> UUID:
    """Ask for a dry run, in place of one of the same target that is still on its way; its id."""
    preview_id = uuid7()
    await queries.supersede.run(conn, tenant_id=tenant_id, connector_id=connector_id)
    await queries.forget.run(conn, tenant_id=tenant_id, connector_id=connector_id, kept=KEPT)
    await queries.insert.run(
        conn,
        tenant_id=tenant_id,
        id=preview_id,
        connector_id=connector_id,
        object_class=object_class,
        version=version,
        base_version=base_version,
        scope=scope,
        created_by=created_by,
    )
    await due_work.ask(conn, tenant_id, Kind.PLAN, tenant_id)
    return preview_id


async def get(conn: Connection, *, tenant_id: UUID, preview_id: UUID) -> Preview | None:
    row = await queries.get.row(conn, tenant_id=tenant_id, id=preview_id)
    return _preview(row) if row else None


async def of_connector(conn: Connection, *, tenant_id: UUID, connector_id: UUID, limit: int = KEPT) -> list[Preview]:
    """The dry runs of one target, the newest first."""
    rows = await queries.of_connector.rows(conn, tenant_id=tenant_id, connector_id=connector_id, limit=limit)
    return [_preview(row) for row in rows]


async def next_one(conn: Connection, *, tenant_id: UUID) -> Preview | None:
    """The dry run to go on with."""
    row = await queries.next.row(conn, tenant_id=tenant_id)
    return _preview(row) if row else None


async def advance(conn: Connection, preview: Preview, *, tenant_id: UUID, seen_to: UUID | None) -> bool:
    """Write how far it is, unless somebody else has looked at the same page or it was cancelled; whether it was."""
    return bool(
        await queries.advance.run(
            conn,
            tenant_id=tenant_id,
            id=preview.id,
            status=preview.status,
            people_total=preview.people_total,
            people_done=preview.people_done,
            done_to=preview.done_to,
            counts=preview.counts,
            samples=preview.samples,
            verdict=preview.verdict,
            error_message=preview.error_message,
            seen_to=seen_to,
        )
    )


async def cancel(conn: Connection, *, tenant_id: UUID, preview_id: UUID) -> bool:
    """Stop one that is on its way; whether it was."""
    return bool(await queries.cancel.run(conn, tenant_id=tenant_id, id=preview_id))


async def accounts_of(
    conn: Connection, *, tenant_id: UUID, connector_id: UUID, object_class: str, identity_ids: Sequence[UUID]
) -> dict[UUID, Account]:
    """The accounts of these people at one target, by person."""
    rows = await queries.accounts.rows(
        conn,
        tenant_id=tenant_id,
        connector_id=connector_id,
        object_class=object_class,
        identity_ids=list(identity_ids),
    )
    return {row["identity_id"]: _account(row) for row in rows}


def _preview(row: Record) -> Preview:
    return Preview(**dict(row.items()))


def _account(row: Record) -> Account:
    return Account(**{**dict(row.items()), "state": AccountState(row["state"])})
