"""Lists of audit entries with the names of who acted."""

from collections.abc import Sequence
from uuid import UUID

from worker.store.listings import LAST, custom_plans
from worker.store.pool import Connection
from worker.store.sql import Record, load

queries = load("listings_audit")


async def page(
    conn: Connection,
    tenant_id: UUID,
    *,
    actor: str | None = None,
    action: str | None = None,
    object_type: str | None = None,
    object_id: str | None = None,
    before: int | None = None,
    after: int | None = None,
    limit: int,
) -> list[Record]:
    """Entries, the newest first; ``actor`` is a principal's name, ``action`` the beginning of one."""
    await custom_plans(conn)
    actors = await queries.actors.rows(conn, tenant_id=tenant_id, name=actor) if actor is not None else None
    return await queries.page.rows(
        conn,
        tenant_id=tenant_id,
        actor_ids=[row["id"] for row in actors] if actors is not None else None,
        action=action,
        action_end=action + LAST if action is not None else None,
        object_type=object_type,
        object_id=object_id,
        before=before,
        after=after,
        limit=limit,
    )


async def names(conn: Connection, tenant_id: UUID, *, ids: Sequence[UUID]) -> dict[UUID, str]:
    """Names of principals by id."""
    rows = await queries.names.rows(conn, tenant_id=tenant_id, ids=list(ids))
    return {row["id"]: row["name"] for row in rows}
