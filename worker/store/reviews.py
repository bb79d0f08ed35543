"""What people said of what the rules were sure of: how right the rules are, and what waits for people."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from worker.domain.ids import uuid7
from worker.store.pool import Connection
from worker.store.sql import Record, load

queries = load("reviews")


@dataclass(frozen=True, slots=True)
class Reviewed:
    """One pair that a person decided about: how sure the rules were that it is the one, and whether it is."""

    account_id: UUID
    identity_id: UUID
    confidence: float
    is_one: bool


@dataclass(frozen=True, slots=True)
class Check:
    """A link to look at: whom the rules chose, as a case's candidate."""

    account_id: UUID
    candidate: dict[str, Any]
    explanation: str
    rule_set_version: int | None


async def record(
    conn: Connection,
    *,
    tenant_id: UUID,
    connector_id: UUID,
    kind: str,
    pairs: Sequence[Reviewed],
    rule_set_version: int | None,
    by: UUID,
    case_id: UUID | None = None,
) -> None:
    """Keep what a person said; ``kind`` is that of the case."""
    if pairs:
        await queries.insert.run(
            conn,
            tenant_id=tenant_id,
            connector_id=connector_id,
            kind=kind,
            ids=[uuid7() for _ in pairs],
            account_ids=[each.account_id for each in pairs],
            identity_ids=[each.identity_id for each in pairs],
            confidences=[each.confidence for each in pairs],
            are_one=[each.is_one for each in pairs],
            rule_set_version=rule_set_version,
            reviewed_by=by,
            case_id=case_id,
        )


async def last(
    conn: Connection, *, tenant_id: UUID, connector_id: UUID | None = None, kind: str | None = None, limit: int
) -> list[Record]:
    """(connector_id, account_id, confidence, is_one, reviewed_at) of the last pairs, the newest first."""
    return await queries.last.rows(conn, tenant_id=tenant_id, connector_id=connector_id, kind=kind, limit=limit)


async def queue(conn: Connection, *, tenant_id: UUID, connector_id: UUID | None = None) -> dict[str, Record]:
    """Open cases by kind: (n, oldest_at, operations)."""
    rows = await queries.queue.rows(conn, tenant_id=tenant_id, connector_id=connector_id)
    return {row["kind"]: row for row in rows}


async def said(conn: Connection, *, tenant_id: UUID, connector_id: UUID | None = None) -> dict[str, int]:
    """How many decisions of each kind are in force."""
    rows = await queries.said.rows(conn, tenant_id=tenant_id, connector_id=connector_id)
    return {row["verdict"]: row["n"] for row in rows}


async def now(conn: Connection) -> datetime:
    found: datetime = await queries.now.value(conn)
    return found


async def checkable(conn: Connection, *, tenant_id: UUID, ids: Sequence[UUID]) -> list[Record]:
    """(id, identity_id, match, user_name) of those of these accounts whose links can be checked."""
    return await queries.checkable.rows(conn, tenant_id=tenant_id, ids=list(ids))


async def open_checks(conn: Connection, *, tenant_id: UUID, connector_id: UUID, checks: Sequence[Check]) -> list[UUID]:
    """Ask people to look at links that the rules made; ids of the cases."""
    rows = await queries.open_checks.rows(
        conn,
        tenant_id=tenant_id,
        connector_id=connector_id,
        ids=[uuid7() for _ in checks],
        account_ids=[each.account_id for each in checks],
        candidates=[{"list": [each.candidate]} for each in checks],
        explanations=[each.explanation for each in checks],
        rule_set_versions=[each.rule_set_version for each in checks],
    )
    return [row["id"] for row in rows]
