"""Versions of mappings: immutable, one active per connector and object class."""

from collections.abc import Sequence
from dataclasses import asdict, fields
from typing import Any
from uuid import UUID

from worker.domain.mapping import Direction, MappingRule, MappingVersion
from worker.store import due_work
from worker.store.due_work import Kind
from worker.store.pool import Connection
from worker.store.sql import Record, load

queries = load("mappings")

_FIELDS = frozenset(each.name for each in fields(MappingRule))
_TUPLES = ("transforms", "on")


async def active(
    conn: Connection, *, tenant_id: UUID, connector_ids: Sequence[UUID]
) -> dict[tuple[UUID, str], MappingVersion]:
    """The active mapping by (connector id, object class)."""
    rows = await queries.active.rows(conn, tenant_id=tenant_id, connector_ids=list(connector_ids))
    return {(row["connector_id"], row["object_class"]): from_row(row) for row in rows}


async def get(
    conn: Connection, *, tenant_id: UUID, connector_id: UUID, object_class: str, version: int
) -> MappingVersion | None:
    row = await queries.get.row(
        conn, tenant_id=tenant_id, connector_id=connector_id, object_class=object_class, version=version
    )
    return from_row(row) if row else None


async def stored(
    conn: Connection, *, tenant_id: UUID, connector_id: UUID, object_class: str, version: int
) -> Record | None:
    """(version, rules, is_active, note, created_at, created_by); ``from_row`` reads its rules."""
    return await queries.get.row(
        conn, tenant_id=tenant_id, connector_id=connector_id, object_class=object_class, version=version
    )


async def versions(
    conn: Connection, *, tenant_id: UUID, connector_id: UUID, object_class: str, limit: int = 100, offset: int = 0
) -> tuple[list[Record], int]:
    """(version, is_active, note, rules: how many, created_at, created_by, created_by_name, activated_at), newest first.

    Beside them how many versions there are.
    """
    which = {"tenant_id": tenant_id, "connector_id": connector_id, "object_class": object_class}
    rows = await queries.versions.rows(conn, **which, limit=limit, offset=offset)
    return rows, int(await queries.count.value(conn, **which))


async def attribute_names(conn: Connection, *, tenant_id: UUID, limit: int = 1_000) -> frozenset[str]:
    """The names of attributes that people have, as so many of the first and of the last show them."""
    rows = await queries.attribute_names.rows(conn, tenant_id=tenant_id, limit=limit)
    return frozenset(row["name"] for row in rows)


async def insert(
    conn: Connection,
    *,
    tenant_id: UUID,
    connector_id: UUID,
    object_class: str,
    rules: Sequence[MappingRule],
    note: str = "",
    created_by: UUID | None = None,
) -> int:
    """Store a new version, not active yet; its number."""
    await queries.lock.run(conn, tenant_id=tenant_id, connector_id=connector_id)
    number: int = await queries.insert.value(
        conn,
        tenant_id=tenant_id,
        connector_id=connector_id,
        object_class=object_class,
        rules=[_to_json(rule) for rule in rules],
        note=note,
        created_by=created_by,
    )
    return number


async def lock(conn: Connection, *, tenant_id: UUID, connector_id: UUID) -> None:
    """Let nobody else save or activate versions of this connector until the transaction ends."""
    await queries.lock.run(conn, tenant_id=tenant_id, connector_id=connector_id)


async def before(
    conn: Connection, *, tenant_id: UUID, connector_id: UUID, object_class: str, version: int
) -> int | None:
    """The version that was active before ``version``, which is now; None when there was none."""
    found: int | None = await queries.before.value(
        conn, tenant_id=tenant_id, connector_id=connector_id, object_class=object_class, version=version
    )
    return found


async def activate(
    conn: Connection,
    *,
    tenant_id: UUID,
    connector_id: UUID,
    object_class: str,
    version: int,
    activated_by: UUID | None = None,
) -> bool:
    """Make this version the active one, and planning look at it; False when there is none."""
    await lock(conn, tenant_id=tenant_id, connector_id=connector_id)
    which = {"tenant_id": tenant_id, "connector_id": connector_id, "object_class": object_class, "version": version}
    if await queries.get.row(conn, **which) is None:
        return False
    await queries.deactivate.run(conn, **which)
    await queries.note_activation.run(conn, **which, activated_by=activated_by)
    await due_work.ask(conn, tenant_id, Kind.PLAN, tenant_id)
    return bool(await queries.activate.run(conn, **which))


def from_row(row: Record) -> MappingVersion:
    rules = tuple(_from_json(raw) for raw in row["rules"])
    return MappingVersion(row["connector_id"], row["object_class"], row["version"], rules)


def _from_json(raw: dict[str, Any]) -> MappingRule:
    values = {name: value for name, value in raw.items() if name in _FIELDS}
    values |= {name: tuple(values[name]) for name in _TUPLES if name in values}
    return MappingRule(**{**values, "direction": Direction(values.get("direction", Direction.OUTBOUND))})


def _to_json(rule: MappingRule) -> dict[str, Any]:
    values = asdict(rule)
    return values | {name: list(values[name]) for name in _TUPLES}
