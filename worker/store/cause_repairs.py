"""Findings by what made them, and the approvals to repair all of one cause. Causes are keys as findings keep them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from worker.domain.discrepancy import Discrepancy
from worker.domain.ids import uuid7
from worker.store.discrepancies import from_row as discrepancy_of
from worker.store.listings import custom_plans
from worker.store.pool import Connection
from worker.store.sql import Record, load

queries = load("cause_repairs")


@dataclass(frozen=True, slots=True)
class Group:
    """Findings with one cause: ``count`` of them, at ``alone`` of which nothing else differs, ``open`` not settled.

    ``sample`` is one of them: ``{"id", "external_uid", "identity_id", "attributes"}``. ``is_estimated``: the
    numbers are those of a sample, scaled.
    """

    cause: str
    count: int
    alone: int
    open: int
    sample: Record | None
    is_estimated: bool = False


@dataclass(frozen=True, slots=True)
class CauseRepair:
    """One approval, and how far it was carried out. ``status``: running, completed or cancelled."""

    tenant_id: UUID
    id: UUID
    connector_id: UUID
    run_id: UUID | None
    causes: tuple[str, ...]
    action: str
    direction: str
    status: str
    total: int
    done_to: UUID | None
    succeeded: int
    failed: int
    skipped: int
    approval_id: UUID | None
    created_at: datetime
    created_by: UUID
    updated_at: datetime
    finished_at: datetime | None


async def groups(
    conn: Connection,
    *,
    tenant_id: UUID,
    connector_id: UUID,
    run_id: UUID | None = None,
    settled: bool = False,
    least: int = 1,
    limit: int = 50,
) -> list[Group]:
    """Groups of at least so many mismatches, the largest first; ``settled``: those that are not open any more, too."""
    await custom_plans(conn)
    where = {"tenant_id": tenant_id, "connector_id": connector_id}
    rows = await queries.groups.rows(conn, run_id=run_id, settled=settled, least=least, limit=limit, **where)
    by_key = await samples(conn, keys=[row["sample"] for row in rows], **where)
    return [Group(r["cause"], r["n"], r["alone"], r["open"], by_key.get(r["sample"])) for r in rows]


async def samples(conn: Connection, *, tenant_id: UUID, connector_id: UUID, keys: Sequence[str]) -> dict[str, Record]:
    """Findings by their keys, as groups show one."""
    where = {"tenant_id": tenant_id, "connector_id": connector_id}
    rows = await queries.samples.rows(conn, keys=list(keys), **where) if keys else []
    return {row["finding_key"]: row for row in rows}


async def count(
    conn: Connection, *, tenant_id: UUID, connector_id: UUID, causes: Sequence[str], run_id: UUID | None = None
) -> tuple[int, int]:
    """How many open findings have these causes alone, and how many have others beside them."""
    row = await queries.count.row(
        conn, tenant_id=tenant_id, connector_id=connector_id, causes=list(causes), run_id=run_id
    )
    return (row["n"], row["mixed"]) if row else (0, 0)


async def batch(conn: Connection, repair: CauseRepair, *, limit: int) -> list[Discrepancy]:
    """The next findings in id order, none of which came after the approval."""
    await custom_plans(conn)
    rows = await queries.batch.rows(
        conn,
        tenant_id=repair.tenant_id,
        connector_id=repair.connector_id,
        causes=list(repair.causes),
        run_id=repair.run_id,
        after=repair.done_to,
        until=repair.created_at,
        limit=limit,
    )
    return [discrepancy_of(row) for row in rows]


async def insert(
    conn: Connection,
    *,
    tenant_id: UUID,
    connector_id: UUID,
    run_id: UUID | None,
    causes: Sequence[str],
    action: str,
    direction: str,
    total: int,
    by: UUID,
) -> CauseRepair | None:
    """Begin one; None while another of this connector is under way."""
    row = await queries.insert.row(
        conn,
        tenant_id=tenant_id,
        id=uuid7(),
        connector_id=connector_id,
        run_id=run_id,
        causes=list(causes),
        action=action,
        direction=direction,
        total=total,
        created_by=by,
    )
    return from_row(row) if row else None


async def lock(conn: Connection, *, tenant_id: UUID, repair_id: UUID) -> CauseRepair | None:
    """One that is under way, until the transaction ends; None when it is over, or another process is at it."""
    row = await queries.lock.row(conn, tenant_id=tenant_id, id=repair_id)
    return from_row(row) if row else None


async def advance(
    conn: Connection,
    repair: CauseRepair,
    *,
    done_to: UUID | None,
    succeeded: int,
    failed: int,
    skipped: int,
    approval_id: UUID | None,
    is_last: bool,
) -> None:
    """Note a batch that was carried out in this transaction."""
    await queries.advance.run(
        conn,
        tenant_id=repair.tenant_id,
        id=repair.id,
        done_to=done_to,
        succeeded=succeeded,
        failed=failed,
        skipped=skipped,
        approval_id=approval_id,
        is_last=is_last,
    )


async def cancel(conn: Connection, *, tenant_id: UUID, connector_id: UUID, repair_id: UUID) -> CauseRepair | None:
    """Leave the rest as it is; None when it is over already, or there is none."""
    row = await queries.cancel.row(conn, tenant_id=tenant_id, connector_id=connector_id, id=repair_id)
    return from_row(row) if row else None


async def get(conn: Connection, *, tenant_id: UUID, connector_id: UUID, repair_id: UUID) -> CauseRepair | None:
    row = await queries.get.row(conn, tenant_id=tenant_id, connector_id=connector_id, id=repair_id)
    return from_row(row) if row else None


async def page(
    conn: Connection, *, tenant_id: UUID, connector_id: UUID, before: UUID | None = None, limit: int = 20
) -> list[CauseRepair]:
    """The newest first."""
    rows = await queries.page.rows(conn, tenant_id=tenant_id, connector_id=connector_id, before=before, limit=limit)
    return [from_row(row) for row in rows]


async def running(conn: Connection, *, tenant_id: UUID) -> list[UUID]:
    """Those that are under way, of all connectors."""
    return [row["id"] for row in await queries.running.rows(conn, tenant_id=tenant_id)]


def from_row(row: Record) -> CauseRepair:
    fields: dict[str, Any] = {name: row[name] for name in CauseRepair.__dataclass_fields__}
    return CauseRepair(**{**fields, "causes": tuple(row["causes"])})
