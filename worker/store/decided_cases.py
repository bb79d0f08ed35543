"""Cases that people decided: which were like another one, and what it takes to ask again."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from worker.domain.discrepancy import DiscrepancyType, finding_key
from worker.store.pool import Connection
from worker.store.sql import Record, load

queries = load("decided_cases")

#: How many decisions of a target are looked through for those like a case.
LAST_DECIDED = 500


async def alike(conn: Connection, *, tenant_id: UUID, connector_id: UUID, case_id: UUID) -> list[Record]:
    """Decided cases of whose best candidate the rules said the same: (id, status, decision, best, …), newest first."""
    return await queries.alike.rows(conn, tenant_id=tenant_id, connector_id=connector_id, id=case_id, last=LAST_DECIDED)


async def about(
    conn: Connection,
    *,
    tenant_id: UUID,
    connector_id: UUID,
    account_ids: Sequence[UUID],
    identity_ids: Sequence[UUID],
    limit: int,
) -> list[Record]:
    """What people said of any of these: (verdict, uid, user_name, decided_at, decided_by_name, …), newest first."""
    return await queries.about.rows(
        conn,
        tenant_id=tenant_id,
        connector_id=connector_id,
        account_ids=list(account_ids),
        identity_ids=list(identity_ids),
        limit=limit,
    )


async def reopen(conn: Connection, *, tenant_id: UUID, case_id: UUID, account_id: UUID | None) -> bool:
    """Ask again; ``account_id`` is the row that the account has now. False where that cannot be."""
    row = await queries.reopen.row(conn, tenant_id=tenant_id, id=case_id, account_id=account_id)
    return row is not None


async def linked_by(
    conn: Connection, *, tenant_id: UUID, connector_id: UUID, object_class: str, identity_id: UUID, case_id: UUID
) -> Record | None:
    """(id, uid, observed) of the account that this case gave to somebody who still has it."""
    return await queries.linked_by.row(
        conn,
        tenant_id=tenant_id,
        connector_id=connector_id,
        object_class=object_class,
        identity_id=identity_id,
        case_id=str(case_id),
    )


async def forget_reviews(conn: Connection, *, tenant_id: UUID, case_id: UUID) -> None:
    """What was said by mistake tells nothing about the rules."""
    await queries.forget_reviews.run(conn, tenant_id=tenant_id, case_id=case_id)


async def settled_by_link(
    conn: Connection, *, tenant_id: UUID, connector_id: UUID, uid: str, since: datetime
) -> list[UUID]:
    """Findings about an account that its link settled since then."""
    keys = [finding_key(kind, uid) for kind in DiscrepancyType]
    rows = await queries.settled_by_link.rows(
        conn, tenant_id=tenant_id, connector_id=connector_id, keys=keys, since=since
    )
    return [row["id"] for row in rows]
