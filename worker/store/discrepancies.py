"""Discrepancies as stored: one row per finding of a connector, whatever number of runs have seen it.

A finding seen again touches its row, one that is gone closes itself, one that returns opens again. A settled row stays,
with what settled it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from worker.domain.discrepancy import Discrepancy, DiscrepancyType, Finding, Resolution, Suggestion
from worker.domain.ids import uuid7
from worker.store.listings import custom_plans
from worker.store.pool import Connection
from worker.store.sql import Record, load

queries = load("discrepancies")


@dataclass(frozen=True, slots=True)
class Recorded:
    """What became of one finding; ``is_first_in_run`` is False when this run had recorded it before."""

    id: UUID
    key: str
    type: DiscrepancyType
    resolution: Resolution
    is_new: bool
    is_reopened: bool
    is_first_in_run: bool


async def record(
    conn: Connection, *, tenant_id: UUID, connector_id: UUID, run_id: UUID, findings: Sequence[Finding]
) -> list[Recorded]:
    """Write findings in one statement; keys must be distinct."""
    if not findings:
        return []
    rows = await queries.record.rows(
        conn,
        tenant_id=tenant_id,
        connector_id=connector_id,
        run_id=run_id,
        ids=[uuid7() for _ in findings],
        keys=[each.key for each in findings],
        types=[str(each.type) for each in findings],
        account_ids=[each.account_id for each in findings],
        identity_ids=[each.identity_id for each in findings],
        uids=[each.external_uid for each in findings],
        attributes=[each.attributes for each in findings],
        explanations=[each.explanation for each in findings],
        suggestions=[
            {"list": [one.as_json() for one in each.suggestions], "causes": list(each.causes)} for each in findings
        ],
        state_hashes=[each.state_hash for each in findings],
    )
    return [_recorded(row) for row in rows]


async def close_unseen(conn: Connection, *, tenant_id: UUID, connector_id: UUID, run_id: UUID) -> int:
    """Close every open finding that this complete run did not see; how many."""
    return await queries.close_unseen.run(conn, tenant_id=tenant_id, connector_id=connector_id, run_id=run_id)


async def close_settled(
    conn: Connection,
    *,
    tenant_id: UUID,
    connector_id: UUID,
    account_ids: Sequence[UUID],
    identity_ids: Sequence[UUID],
    found_keys: Sequence[str],
) -> int:
    """Close the open findings of these accounts and identities, but those just found; how many."""
    return await queries.close_settled.run(
        conn,
        tenant_id=tenant_id,
        connector_id=connector_id,
        account_ids=list(account_ids),
        identity_ids=list(identity_ids),
        found_keys=list(found_keys),
    )


async def get(conn: Connection, *, tenant_id: UUID, connector_id: UUID, ids: Sequence[UUID]) -> dict[UUID, Discrepancy]:
    rows = await queries.by_ids.rows(conn, tenant_id=tenant_id, connector_id=connector_id, ids=list(ids))
    return {row["id"]: from_row(row) for row in rows}


async def connectors_of(conn: Connection, *, tenant_id: UUID, ids: Sequence[UUID]) -> dict[UUID, UUID]:
    """Where these are, by their ids; what there is none of is left out."""
    rows = await queries.connectors_of.rows(conn, tenant_id=tenant_id, ids=list(ids))
    return {row["id"]: row["connector_id"] for row in rows}


async def lock(
    conn: Connection, *, tenant_id: UUID, connector_id: UUID, ids: Sequence[UUID]
) -> dict[UUID, Discrepancy]:
    """The same, locked until the transaction ends."""
    rows = await queries.lock.rows(conn, tenant_id=tenant_id, connector_id=connector_id, ids=list(ids))
    return {row["id"]: from_row(row) for row in rows}


async def page(
    conn: Connection,
    *,
    tenant_id: UUID,
    connector_id: UUID,
    run_id: UUID | None = None,
    types: Sequence[DiscrepancyType] | None = None,
    statuses: Sequence[Resolution] | None = None,
    identity_id: UUID | None = None,
    uid: str | None = None,
    attribute_name: str | None = None,
    from_date: datetime | None = None,
    to_date: datetime | None = None,
    before: UUID | None = None,
    limit: int = 20,
    offset: int = 0,
) -> list[Discrepancy]:
    """Discrepancies, the newest first; ``uid`` is a part of the account's uid, the dates say when it was last seen."""
    await custom_plans(conn)
    rows = await queries.page.rows(
        conn,
        tenant_id=tenant_id,
        connector_id=connector_id,
        run_id=run_id,
        types=[str(each) for each in types] if types is not None else None,
        statuses=[str(each) for each in statuses] if statuses is not None else None,
        identity_id=identity_id,
        uid=uid,
        attribute_name=attribute_name,
        from_date=from_date,
        to_date=to_date,
        before=before,
        limit=limit,
        offset=offset,
    )
    return [from_row(row) for row in rows]


async def counts(
    conn: Connection,
    *,
    tenant_id: UUID,
    connector_id: UUID,
    run_id: UUID | None = None,
    identity_id: UUID | None = None,
    uid: str | None = None,
    attribute_name: str | None = None,
    from_date: datetime | None = None,
    to_date: datetime | None = None,
) -> dict[tuple[DiscrepancyType, Resolution], int]:
    """How many of each kind and resolution."""
    await custom_plans(conn)
    rows = await queries.counts.rows(
        conn,
        tenant_id=tenant_id,
        connector_id=connector_id,
        run_id=run_id,
        identity_id=identity_id,
        uid=uid,
        attribute_name=attribute_name,
        from_date=from_date,
        to_date=to_date,
    )
    return {(DiscrepancyType(r["discrepancy_type"]), Resolution(r["resolution_status"])): r["n"] for r in rows}


async def claimed_of(
    conn: Connection, *, tenant_id: UUID, connector_id: UUID, run_id: UUID, identity_ids: Sequence[UUID]
) -> set[UUID]:
    """Those of these people to whom an open finding of a run gives an account that nobody owns."""
    rows = await queries.claimed_of.rows(
        conn, tenant_id=tenant_id, connector_id=connector_id, run_id=run_id, identity_ids=list(identity_ids)
    )
    return {row["identity_id"] for row in rows}


async def of_run(
    conn: Connection,
    *,
    tenant_id: UUID,
    connector_id: UUID,
    run_id: UUID,
    types: Sequence[DiscrepancyType],
    after: UUID,
    limit: int,
) -> list[Discrepancy]:
    """What this run saw, is open, and has no action of this run yet; in id order after ``after``."""
    rows = await queries.of_run.rows(
        conn,
        tenant_id=tenant_id,
        connector_id=connector_id,
        run_id=run_id,
        types=[str(each) for each in types],
        after=after,
        limit=limit,
    )
    return [from_row(row) for row in rows]


async def pending_of_run(
    conn: Connection, *, tenant_id: UUID, connector_id: UUID, run_id: UUID, types: Sequence[DiscrepancyType]
) -> dict[DiscrepancyType, int]:
    """How many of these kinds a run saw that nobody has settled, by kind."""
    rows = await queries.pending_of_run.rows(
        conn, tenant_id=tenant_id, connector_id=connector_id, run_id=run_id, types=[str(each) for each in types]
    )
    return {DiscrepancyType(row["discrepancy_type"]): row["n"] for row in rows}


async def settle(
    conn: Connection, *, tenant_id: UUID, settled: Sequence[tuple[UUID, str, UUID | None]], by: UUID | None
) -> None:
    """Close findings by (id, action, operation id or None)."""
    if settled:
        await queries.settle.run(
            conn,
            tenant_id=tenant_id,
            ids=[each[0] for each in settled],
            actions=[each[1] for each in settled],
            operation_ids=[each[2] for each in settled],
            resolved_by=by,
        )


async def ignore(
    conn: Connection,
    *,
    tenant_id: UUID,
    connector_id: UUID,
    ids: Sequence[UUID],
    reason: str,
    until: datetime | None,
    by: UUID,
) -> list[UUID]:
    """Ignore open findings, for good or until a time; the ids that were open."""
    rows = await queries.ignore.rows(
        conn,
        tenant_id=tenant_id,
        connector_id=connector_id,
        ids=list(ids),
        reason=reason,
        until=until,
        resolved_by=by,
    )
    return [row["id"] for row in rows]


async def reopen(
    conn: Connection, *, tenant_id: UUID, connector_id: UUID, ids: Sequence[UUID], is_undone: bool = False
) -> list[UUID]:
    """Open settled or ignored findings again; the ids that were not open. ``is_undone``: no policy repairs them."""
    rows = await queries.reopen.rows(
        conn, tenant_id=tenant_id, connector_id=connector_id, ids=list(ids), is_undone=is_undone
    )
    return [row["id"] for row in rows]


async def summary(
    conn: Connection, *, tenant_id: UUID, connector_id: UUID, run_id: UUID
) -> dict[tuple[DiscrepancyType, Resolution], int]:
    """How many of what a run saw last are of each kind and resolution now."""
    rows = await queries.summary.rows(conn, tenant_id=tenant_id, connector_id=connector_id, run_id=run_id)
    return {(DiscrepancyType(r["discrepancy_type"]), Resolution(r["resolution_status"])): r["n"] for r in rows}


async def of_changed(
    conn: Connection, *, tenant_id: UUID, connector_id: UUID, run_id: UUID, limit: int
) -> dict[str, DiscrepancyType]:
    """By uid, what a run found in accounts that it saw changed at the target; at most so many."""
    rows = await queries.of_changed.rows(
        conn, tenant_id=tenant_id, connector_id=connector_id, run_id=run_id, limit=limit
    )
    return {row["external_uid"]: DiscrepancyType(row["discrepancy_type"]) for row in rows}


async def mismatched_attributes(
    conn: Connection, *, tenant_id: UUID, connector_id: UUID, run_id: UUID, limit: int
) -> list[tuple[str, int]]:
    """The attributes that differ most often, with how often."""
    rows = await queries.mismatched_attributes.rows(
        conn, tenant_id=tenant_id, connector_id=connector_id, run_id=run_id, limit=limit
    )
    return [(row["name"], row["n"]) for row in rows]


def from_row(row: Record) -> Discrepancy:
    finding = Finding(
        type=DiscrepancyType(row["discrepancy_type"]),
        key=row["finding_key"],
        explanation=row["explanation"],
        suggestions=tuple(Suggestion.from_json(raw) for raw in row["suggested_actions"]),
        account_id=row["account_id"],
        identity_id=row["identity_id"],
        external_uid=row["external_uid"],
        attributes=row["attributes"],
        causes=tuple(row["causes"]),
        state_hash=row["state_hash"],
    )
    return Discrepancy(
        id=row["id"],
        connector_id=row["connector_id"],
        run_id=row["run_id"],
        finding=finding,
        resolution=Resolution(row["resolution_status"]),
        first_seen_at=row["first_seen_at"],
        last_seen_at=row["last_seen_at"],
        last_seen_run=row["last_seen_run"],
        resolved_action=row["resolved_action"],
        resolved_at=row["resolved_at"],
        resolved_by=row["resolved_by"],
        resolved_operation=row["resolved_operation"],
        ignored_reason=row["ignored_reason"],
        ignored_until=row["ignored_until"],
        undone_at=row["undone_at"],
        occurrences=row["occurrences"],
        version=row["version"],
    )


def _recorded(row: Record) -> Recorded:
    return Recorded(
        id=row["id"],
        key=row["finding_key"],
        type=DiscrepancyType(row["discrepancy_type"]),
        resolution=Resolution(row["resolution_status"]),
        is_new=row["is_new"],
        is_reopened=row["is_reopened"],
        is_first_in_run=row["is_first_in_run"],
    )
