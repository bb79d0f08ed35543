"""Lists of identities by user name, and both sides of a person's accounts."""

from collections.abc import Sequence
from uuid import UUID

from worker.store.listings import LAST, custom_plans
from worker.store.pool import Connection
from worker.store.sql import Record, load

queries = load("listings_people")

#: A place in the list: the user name in lower case, and the id.
Place = tuple[str, UUID]


async def page(
    conn: Connection,
    tenant_id: UUID,
    *,
    q: str | None = None,
    active: bool | None = None,
    after: Place | None = None,
    before: Place | None = None,
    limit: int,
) -> list[Record]:
    """People by user name behind a place, or the last ones in front of one; ``accounts`` and ``trouble`` are counts.

    ``q`` is a whole id, or the beginning of a user name (whatever its case) or of an external id.
    """
    await custom_plans(conn)
    as_id, prefix = _read(q)
    return await queries.page.rows(
        conn,
        tenant_id=tenant_id,
        id=as_id,
        q=prefix,
        q_end=prefix + LAST if prefix is not None else None,
        active=active,
        after_key=after[0] if after else None,
        after_id=after[1] if after else None,
        before_key=before[0] if before else None,
        before_id=before[1] if before else None,
        limit=limit,
    )


async def get(conn: Connection, tenant_id: UUID, *, identity_id: UUID) -> Record | None:
    """One person as ``page`` gives them."""
    rows = await page(conn, tenant_id, q=str(identity_id), limit=1)
    return rows[0] if rows else None


async def counts(conn: Connection, tenant_id: UUID, *, q: str | None = None) -> dict[bool, int]:
    """How many are active (True) and how many are not."""
    await custom_plans(conn)
    as_id, prefix = _read(q)
    rows = await queries.counts.rows(
        conn, tenant_id=tenant_id, id=as_id, q=prefix, q_end=prefix + LAST if prefix is not None else None
    )
    return {row["active"]: row["n"] for row in rows}


async def accounts(
    conn: Connection, tenant_id: UUID, *, identity_id: UUID | None = None, account_id: UUID | None = None
) -> Sequence[Record]:
    """The accounts of a person, or one account: both sides, the head of its lane, and who changed it last."""
    await custom_plans(conn)
    return await queries.accounts.rows(conn, tenant_id=tenant_id, identity_id=identity_id, id=account_id)


def _read(q: str | None) -> tuple[UUID | None, str | None]:
    if q is None:
        return None, None
    try:
        return (UUID(q), None) if len(q) >= 32 else (None, q)
    except ValueError:
        return None, q
