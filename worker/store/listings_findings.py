"""Lists of findings, with the names that people know the things by."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from worker.store.listings import LAST, custom_plans
from worker.store.pool import Connection
from worker.store.sql import Record, load

queries = load("listings_findings")


@dataclass(frozen=True, slots=True)
class FindingQuery:
    """Which findings of one connector; None: any. ``q`` is the beginning of a uid or of a user name."""

    connector_id: UUID
    discrepancy_type: str | None = None
    resolution_status: str | None = None
    attribute_name: str | None = None
    run_id: UUID | None = None
    q: str | None = None


async def open_of_account(conn: Connection, tenant_id: UUID, *, connector_id: UUID, account_id: UUID) -> list[UUID]:
    """Open findings about an account."""
    rows = await queries.open_of_account.rows(
        conn, tenant_id=tenant_id, connector_id=connector_id, account_id=account_id
    )
    return [row["id"] for row in rows]


async def open_of_identity(conn: Connection, tenant_id: UUID, *, identity_id: UUID) -> list[Record]:
    """Open findings about a person at every target: (id, connector_id, discrepancy_type)."""
    return await queries.open_of_identity.rows(conn, tenant_id=tenant_id, identity_id=identity_id)


async def page(
    conn: Connection,
    tenant_id: UUID,
    *,
    where: FindingQuery,
    before: UUID | None = None,
    after: UUID | None = None,
    limit: int,
) -> list[Record]:
    """Findings, the newest first: a row of discrepancies with ``identity_name``, ``account_name`` and

    ``resolved_by_name``, and ``operation_status`` of the repair while it is live or given up.
    """
    await custom_plans(conn)
    return await queries.page.rows(
        conn,
        tenant_id=tenant_id,
        ids=None,
        discrepancy_type=where.discrepancy_type,
        resolution_status=where.resolution_status,
        before=before,
        after=after,
        limit=limit,
        **_common(where),
    )


async def by_ids(conn: Connection, tenant_id: UUID, *, connector_id: UUID, ids: Sequence[UUID]) -> list[Record]:
    """These findings as ``page`` gives them."""
    await custom_plans(conn)
    return await queries.page.rows(
        conn,
        tenant_id=tenant_id,
        ids=list(ids),
        discrepancy_type=None,
        resolution_status=None,
        before=None,
        after=None,
        limit=len(ids),
        **_common(FindingQuery(connector_id)),
    )


async def counts(conn: Connection, tenant_id: UUID, *, where: FindingQuery) -> dict[tuple[str, str], int]:
    """How many by (type, resolution), with every filter but those two."""
    await custom_plans(conn)
    rows = await queries.counts.rows(conn, tenant_id=tenant_id, **_common(where))
    return {(row["discrepancy_type"], row["resolution_status"]): row["n"] for row in rows}


async def actions(
    conn: Connection,
    tenant_id: UUID,
    *,
    connector_id: UUID,
    run_id: UUID | None = None,
    discrepancy_id: UUID | None = None,
    before: UUID | None = None,
    after: UUID | None = None,
    limit: int,
) -> list[Record]:
    """The record of repairs, the newest first: a row with ``performed_by_name`` and whose finding it was."""
    await custom_plans(conn)
    return await queries.actions.rows(
        conn,
        tenant_id=tenant_id,
        connector_id=connector_id,
        run_id=run_id,
        discrepancy_id=discrepancy_id,
        before=before,
        after=after,
        limit=limit,
    )


async def names(conn: Connection, tenant_id: UUID, *, ids: Sequence[UUID]) -> dict[UUID, tuple[str, str]]:
    """User names and external ids by identity id."""
    rows = await queries.names.rows(conn, tenant_id=tenant_id, ids=list(ids))
    return {row["id"]: (row["user_name"], row["external_id"]) for row in rows}


def _common(where: FindingQuery) -> dict[str, Any]:
    return {
        "connector_id": where.connector_id,
        "run_id": where.run_id,
        "attribute_name": where.attribute_name,
        "q": where.q,
        "q_end": where.q + LAST if where.q is not None else None,
    }
