"""The emergency disable of a person: the mark on the person, and the lanes of the accounts."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from worker.store.operations import Fence
from worker.store.pool import Connection
from worker.store.sql import load

queries = load("emergency")


@dataclass(frozen=True, slots=True)
class Lane:
    """One account of the person; without a uid its create is still to come. ``live`` operations wait or run."""

    account_id: UUID
    connector_id: UUID
    object_class: str
    uid: str | None
    live: int


async def disable(conn: Connection, tenant_id: UUID, *, identity_id: UUID, by: UUID) -> bool:
    """Mark the person; False when it was done before."""
    return bool(await queries.disable.run(conn, tenant_id=tenant_id, id=identity_id, by=by))


async def enable(conn: Connection, tenant_id: UUID, *, identity_id: UUID) -> bool:
    """Take the mark away; False when there was none."""
    return bool(await queries.enable.run(conn, tenant_id=tenant_id, id=identity_id))


async def lanes(conn: Connection, tenant_id: UUID, *, identity_id: UUID) -> list[Lane]:
    """The person's accounts at targets, locked until the transaction ends."""
    rows = await queries.lanes.rows(conn, tenant_id=tenant_id, identity_id=identity_id)
    return [Lane(row["id"], row["connector_id"], row["object_class"], row["uid"], row["live"]) for row in rows]


async def waiting(conn: Connection, tenant_id: UUID, *, account_ids: Sequence[UUID]) -> list[Fence]:
    """What waits in these lanes; what runs there is left to end."""
    rows = await queries.waiting.rows(conn, tenant_id=tenant_id, account_ids=list(account_ids))
    return [Fence(id=row["id"], epoch=row["epoch"], account_id=row["account_id"]) for row in rows]


async def want_inactive(conn: Connection, tenant_id: UUID, *, account_ids: Sequence[UUID]) -> None:
    """Write down that these accounts should be inactive."""
    await queries.want_inactive.run(conn, tenant_id=tenant_id, account_ids=list(account_ids))
