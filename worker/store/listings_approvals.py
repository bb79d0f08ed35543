"""Lists of what the safeguard holds."""

from uuid import UUID

from worker.store import safeguard
from worker.store.listings import custom_plans
from worker.store.pool import Connection
from worker.store.sql import Record, load

queries = load("listings_approvals")


async def requesters(conn: Connection, tenant_id: UUID, *, approval_id: UUID) -> set[UUID]:
    """Who asked for what this approval holds."""
    return {row["id"] for row in await queries.requesters.rows(conn, tenant_id=tenant_id, id=approval_id)}


async def page(
    conn: Connection,
    tenant_id: UUID,
    *,
    status: str | None = None,
    is_decided: bool | None = None,
    connector_id: UUID | None = None,
    approval_id: UUID | None = None,
    limit: int = 20,
    offset: int = 0,
) -> list[Record]:
    """Approvals, the newest first: a row with ``connector_name``, ``decided_by_name``, the run's kind and requester,

    ``used`` removals of the last 24 hours and the active ``accounts`` of the connector. Of an open one ``held`` and
    ``sample`` are what waits now.
    """
    await custom_plans(conn)
    return await queries.page.rows(
        conn,
        tenant_id=tenant_id,
        status=status,
        is_decided=is_decided,
        connector_id=connector_id,
        id=approval_id,
        limit=limit,
        offset=offset,
        sample=safeguard.SAMPLE,
    )


async def count(
    conn: Connection, tenant_id: UUID, *, status: str | None = None, connector_id: UUID | None = None
) -> int:
    """How many match."""
    return int(await queries.count.value(conn, tenant_id=tenant_id, status=status, connector_id=connector_id))
