"""What rules are learnt from: accounts of a target, whoever owns them."""

from typing import Any
from uuid import UUID

from worker.store.pool import Connection
from worker.store.sql import load

queries = load("learning")


async def accounts(
    conn: Connection, *, tenant_id: UUID, connector_id: UUID, object_class: str, after: UUID, limit: int
) -> list[tuple[UUID, dict[str, Any]]]:
    """The next accounts in id order: (id, what was seen)."""
    rows = await queries.accounts.rows(
        conn, tenant_id=tenant_id, connector_id=connector_id, object_class=object_class, after=after, limit=limit
    )
    return [(row["id"], row["observed"] or {}) for row in rows]
