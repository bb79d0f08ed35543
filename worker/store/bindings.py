"""Bindings as people edit them; what runs around operations is read by ``hooks.bound``."""

from uuid import UUID

from worker.store import hooks
from worker.store.hooks import Binding
from worker.store.pool import Connection
from worker.store.sql import Record, load

queries = load("bindings")


async def page(
    conn: Connection,
    *,
    tenant_id: UUID,
    hook_id: UUID,
    binding_id: UUID | None = None,
    limit: int = 100,
    offset: int = 0,
) -> list[Record]:
    """The bindings of a hook as stored, with ``connector_name``, ``version`` and ``updated_at``; as they run."""
    which = {"hook_id": hook_id, "id": binding_id, "limit": limit, "offset": offset}
    return await queries.page.rows(conn, tenant_id=tenant_id, **which)


async def count(conn: Connection, *, tenant_id: UUID, hook_id: UUID) -> int:
    """How many there are."""
    return int(await queries.count.value(conn, tenant_id=tenant_id, hook_id=hook_id))


async def places(conn: Connection, *, tenant_id: UUID, hook_ids: list[UUID]) -> dict[UUID, list[str]]:
    """The names of the connectors at which each of these hooks runs; one that runs nowhere is left out."""
    found = await queries.places.rows(conn, tenant_id=tenant_id, hook_ids=hook_ids)
    return {row["hook_id"]: row["connectors"] for row in found}


async def replace(conn: Connection, binding: Binding, *, tenant_id: UUID) -> bool:
    """Write another binding in its place; False when there is none."""
    return bool(await queries.replace.run(conn, tenant_id=tenant_id, **hooks.values_of(binding)))


async def delete(conn: Connection, *, tenant_id: UUID, hook_id: UUID, binding_id: UUID) -> bool:
    """Delete a binding; False when there is none."""
    return bool(await queries.delete.run(conn, tenant_id=tenant_id, hook_id=hook_id, id=binding_id))
