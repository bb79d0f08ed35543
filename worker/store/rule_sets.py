"""Rule sets of correlation in versions that never change: saved, put in force, taken back."""

from typing import Any
from uuid import UUID

from worker.store.pool import Connection
from worker.store.sql import Record, load

queries = load("rule_sets")

#: The version that stands for the rules we ship.
SHIPPED = 0


async def lock(conn: Connection, *, tenant_id: UUID, connector_id: UUID) -> None:
    """Let nobody else save or activate rules of this connector until the transaction ends."""
    await queries.lock.run(conn, tenant_id=tenant_id, connector_id=connector_id)


async def insert(
    conn: Connection, *, tenant_id: UUID, connector_id: UUID, rules: dict[str, Any], note: str, created_by: UUID | None
) -> int:
    """Store a new version, not in force yet; its number."""
    await lock(conn, tenant_id=tenant_id, connector_id=connector_id)
    number: int = await queries.insert.value(
        conn, tenant_id=tenant_id, connector_id=connector_id, rules=rules, note=note, created_by=created_by
    )
    return number


async def get(conn: Connection, *, tenant_id: UUID, connector_id: UUID, version: int) -> Record | None:
    """One version with its document."""
    return await queries.get.row(conn, tenant_id=tenant_id, connector_id=connector_id, version=version)


async def versions(
    conn: Connection, *, tenant_id: UUID, connector_id: UUID, limit: int, offset: int = 0
) -> tuple[list[Record], int]:
    """A page of versions, the newest first, and how many there are."""
    where = {"tenant_id": tenant_id, "connector_id": connector_id}
    rows = await queries.versions.rows(conn, **where, limit=limit, offset=offset)
    return rows, await queries.count.value(conn, **where)


async def activate(
    conn: Connection, *, tenant_id: UUID, connector_id: UUID, version: int, activated_by: UUID | None
) -> bool:
    """Put a version in force, ``SHIPPED`` for none of them; False when there is no such version."""
    which = {"tenant_id": tenant_id, "connector_id": connector_id, "version": version}
    await queries.retire.run(conn, **which)
    if version != SHIPPED and not await queries.activate.run(conn, **which):
        return False
    await queries.note_activation.run(conn, **which, activated_by=activated_by)
    return True


async def put(
    conn: Connection,
    *,
    tenant_id: UUID,
    connector_id: UUID,
    rules: dict[str, Any],
    note: str = "",
    by: UUID | None = None,
) -> int:
    """Store a version and put it in force; its number."""
    where = {"tenant_id": tenant_id, "connector_id": connector_id}
    number = await insert(conn, rules=rules, note=note, created_by=by, **where)
    await activate(conn, version=number, activated_by=by, **where)
    return number


async def before(conn: Connection, *, tenant_id: UUID, connector_id: UUID, version: int) -> int:
    """What was in force before ``version``, which is now; ``SHIPPED`` when nothing else ever was."""
    found: int | None = await queries.before.value(
        conn, tenant_id=tenant_id, connector_id=connector_id, version=version
    )
    return found if found is not None else SHIPPED
