"""What the safeguard remembers: removals accepted per hour, and what waits for somebody's approval."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from worker.domain.ids import uuid7
from worker.domain.operation import NewOperation
from worker.store.operations import Fence
from worker.store.pool import Connection
from worker.store.sql import Record, load
from worker.store.submission import spelt

queries = load("safeguard")

#: How many of the things held are shown to whoever decides.
SAMPLE = 20


@dataclass(frozen=True, slots=True)
class Held:
    """What an approval is about; ``sample`` rows are ``{"what", "who", "uid"}``."""

    connector_id: UUID
    kind: str
    count: int
    sample: list[dict[str, Any]]
    reason: str
    threshold: int | None = None
    run_id: UUID | None = None


async def lock(conn: Connection, *, tenant_id: UUID, connector_id: UUID) -> None:
    """Weigh the removals of one target alone until this transaction ends; lock several in the order of their ids."""
    await queries.lock.run(conn, tenant_id=tenant_id, connector_id=connector_id)


async def used(conn: Connection, *, tenant_id: UUID, connector_id: UUID) -> int:
    """Removals accepted in the last 24 hours."""
    return int(await queries.used.value(conn, tenant_id=tenant_id, connector_id=connector_id))


async def active_accounts(conn: Connection, *, tenant_id: UUID, connector_id: UUID, most: int) -> int:
    """The accounts of a target, counted up to ``most``."""
    return int(await queries.active_accounts.value(conn, tenant_id=tenant_id, connector_id=connector_id, most=most))


async def count(conn: Connection, *, tenant_id: UUID, connector_id: UUID, accepted: int) -> None:
    if accepted:
        await queries.count.run(conn, tenant_id=tenant_id, connector_id=connector_id, accepted=accepted)


async def hold(conn: Connection, held: Held, *, tenant_id: UUID) -> UUID:
    """Ask for an approval, or add to the one that is open for the same target, kind and run; its id.

    What is added raises its version: whoever was shown less must look again.
    """
    row = await queries.open_approval.row(
        conn, tenant_id=tenant_id, connector_id=held.connector_id, kind=held.kind, run_id=held.run_id
    )
    if row is not None:
        # more removals join those that wait; a listing that is judged again is one judgement still
        joins = held.kind == "removals"
        sample = [*row["sample"], *held.sample] if joins else held.sample
        count = row["held"] + held.count if joins else held.count
        await queries.grow_approval.run(conn, tenant_id=tenant_id, id=row["id"], held=count, sample=sample[:SAMPLE])
        return UUID(str(row["id"]))
    approval_id = uuid7()
    await queries.insert_approval.run(
        conn,
        tenant_id=tenant_id,
        id=approval_id,
        connector_id=held.connector_id,
        run_id=held.run_id,
        kind=held.kind,
        held=held.count,
        threshold=held.threshold,
        sample=held.sample[:SAMPLE],
        reason=held.reason,
    )
    return approval_id


async def approval(conn: Connection, *, tenant_id: UUID, approval_id: UUID) -> Record | None:
    return await queries.approval.row(conn, tenant_id=tenant_id, id=approval_id)


async def lock_approval(conn: Connection, *, tenant_id: UUID, approval_id: UUID) -> Record | None:
    """(id, connector_id, run_id, kind, status, held, version, threshold, sample, reason)."""
    return await queries.lock_approval.row(conn, tenant_id=tenant_id, id=approval_id)


async def decide(
    conn: Connection, *, tenant_id: UUID, approval_id: UUID, status: str, held: int, by: UUID, notes: str | None
) -> bool:
    """Write the decision about so many down; False when it was decided before."""
    return bool(
        await queries.decide.run(
            conn, tenant_id=tenant_id, id=approval_id, status=status, held=held, by=by, notes=notes
        )
    )


async def due(conn: Connection, *, tenant_id: UUID, days: int) -> list[Record]:
    """Open approvals for which nothing was asked in so many days, or nothing waits any more: (id, version, is_idle)."""
    return await queries.due.rows(conn, tenant_id=tenant_id, days=days)


async def held_operations(conn: Connection, *, tenant_id: UUID, approval_id: UUID) -> list[Fence]:
    """The operations that wait for this approval."""
    rows = await queries.held.rows(conn, tenant_id=tenant_id, approval_id=approval_id)
    return [Fence(row["id"], row["epoch"], row["account_id"]) for row in rows]


async def forget_removals(conn: Connection, *, tenant_id: UUID, account_ids: Sequence[UUID]) -> None:
    """The planned removals of these accounts will not happen: nothing is known of whether they should be active.

    Call it after their operations were cancelled. An account that is inactive already stays wanted so. The next removal
    of these accounts waits for a person, until one is approved or they are wanted active again.
    """
    if account_ids:
        await queries.forget_removals.run(conn, tenant_id=tenant_id, account_ids=list(account_ids))


async def refused_before(conn: Connection, *, tenant_id: UUID, account_ids: Sequence[UUID]) -> set[UUID]:
    """Those of these accounts whose removal a person refused."""
    rows = await queries.refused_before.rows(conn, tenant_id=tenant_id, account_ids=list(account_ids))
    return {row["id"] for row in rows}


async def forgive(conn: Connection, *, tenant_id: UUID, account_ids: Sequence[UUID]) -> None:
    """A person approved the removal of these accounts: what was refused before is over."""
    if account_ids:
        await queries.forgive.run(conn, tenant_id=tenant_id, account_ids=list(account_ids))


async def who(conn: Connection, *, tenant_id: UUID, account_ids: Sequence[UUID]) -> dict[UUID, Record]:
    """(uid, user_name) of accounts, for a sample."""
    rows = await queries.who.rows(conn, tenant_id=tenant_id, account_ids=list(account_ids))
    return {row["id"]: row for row in rows}


async def refuse(
    conn: Connection, *, tenant_id: UUID, operations: Sequence[NewOperation], code: str, message: str
) -> None:
    """Keep these as dead letters that were never tried; one that says the same already is enough."""
    if operations:
        await queries.refuse.run(
            conn,
            tenant_id=tenant_id,
            code=code,
            message=message,
            ids=[each.id for each in operations],
            account_ids=[each.account_id for each in operations],
            **spelt(operations),
        )
