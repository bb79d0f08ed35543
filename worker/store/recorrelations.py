"""Whom to look at again among the accounts that nobody owns: somebody is new or has changed, or rules have."""

from collections.abc import Sequence
from uuid import UUID

from worker.store import due_work
from worker.store.accounts import Observed
from worker.store.due_work import Kind
from worker.store.pool import Connection
from worker.store.sql import load

queries = load("recorrelations")


async def ask_people(conn: Connection, *, tenant_id: UUID, ids: Sequence[UUID]) -> None:
    """These people are new or have changed; nothing is noted where nobody asks by keys."""
    if ids:
        await queries.ask_people.run(conn, tenant_id=tenant_id, ids=list(ids))


async def ask_target(conn: Connection, *, tenant_id: UUID, connector_id: UUID) -> None:
    """The accounts of nobody at this target need other keys."""
    await queries.ask_target.run(conn, tenant_id=tenant_id, ref_id=connector_id)
    await due_work.ask(conn, tenant_id, Kind.PLAN, tenant_id)


async def people(conn: Connection, *, tenant_id: UUID, limit: int) -> list[UUID]:
    return [row["ref_id"] for row in await queries.next.rows(conn, tenant_id=tenant_id, kind="person", limit=limit)]


async def targets(conn: Connection, *, tenant_id: UUID) -> list[UUID]:
    return [row["ref_id"] for row in await queries.next.rows(conn, tenant_id=tenant_id, kind="target", limit=100)]


async def remove_people(conn: Connection, *, tenant_id: UUID, ids: Sequence[UUID]) -> None:
    await queries.remove.run(conn, tenant_id=tenant_id, kind="person", ids=list(ids))


async def remove_target(conn: Connection, *, tenant_id: UUID, connector_id: UUID) -> None:
    await queries.remove.run(conn, tenant_id=tenant_id, kind="target", ids=[connector_id])


async def with_keys(conn: Connection, *, tenant_id: UUID, connector_ids: Sequence[UUID]) -> set[UUID]:
    """Those of these targets that have accounts of nobody."""
    rows = await queries.has_keys.rows(conn, tenant_id=tenant_id, connector_ids=list(connector_ids))
    return {row["id"] for row in rows}


async def unowned(conn: Connection, *, tenant_id: UUID, ids: Sequence[UUID]) -> list[Observed]:
    """Of these accounts those that nobody owns, with nothing under way."""
    rows = await queries.unowned.rows(conn, tenant_id=tenant_id, ids=list(ids))
    return [
        Observed(row["id"], row["uid"], row["observed"] or {}, row["observed_active"], row["observed_hash"] or 0)
        for row in rows
    ]


async def last_run(conn: Connection, *, tenant_id: UUID, connector_id: UUID) -> UUID | None:
    """The run that looked at a target last."""
    found: UUID | None = await queries.last_run.value(conn, tenant_id=tenant_id, connector_id=connector_id)
    return found
