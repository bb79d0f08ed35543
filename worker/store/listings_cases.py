"""Lists of correlation cases with the names that people know the things by."""

from collections.abc import Sequence
from uuid import UUID

from worker.store.listings import LAST, custom_plans
from worker.store.pool import Connection
from worker.store.sql import Record, load

queries = load("listings_cases")


async def page(
    conn: Connection,
    tenant_id: UUID,
    *,
    is_open: bool | None = None,
    connector_id: UUID | None = None,
    q: str | None = None,
    case_id: UUID | None = None,
    before: UUID | None = None,
    after: UUID | None = None,
    limit: int,
) -> list[Record]:
    """Cases, the newest first: a row with ``subject_name``, the attributes of the subject, and names."""
    await custom_plans(conn)
    return await queries.page.rows(
        conn,
        tenant_id=tenant_id,
        is_open=is_open,
        connector_id=connector_id,
        q=q,
        q_end=q + LAST if q is not None else None,
        id=case_id,
        before=before,
        after=after,
        limit=limit,
    )


async def counts(
    conn: Connection, tenant_id: UUID, *, connector_id: UUID | None = None, q: str | None = None
) -> dict[bool, int]:
    """How many are open (True) and how many are decided (False)."""
    await custom_plans(conn)
    rows = await queries.counts.rows(
        conn, tenant_id=tenant_id, connector_id=connector_id, q=q, q_end=q + LAST if q is not None else None
    )
    return {row["is_open"]: row["n"] for row in rows}


async def candidates(conn: Connection, tenant_id: UUID, *, ids: Sequence[UUID]) -> dict[UUID, Record]:
    """What is known of candidates: (id, user_name, external_id, attributes, uid), by id."""
    rows = await queries.candidates.rows(conn, tenant_id=tenant_id, ids=list(ids))
    return {row["id"]: row for row in rows}
