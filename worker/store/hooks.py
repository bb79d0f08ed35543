"""Hooks as stored: scripts in immutable versions, and where they are bound."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from worker.domain.hook import FailurePolicy, HookPhase, HookScript
from worker.domain.ids import uuid7
from worker.domain.operation import OperationType
from worker.store.pool import Connection
from worker.store.sql import Record, load

queries = load("hooks")


@dataclass(frozen=True, slots=True)
class Binding:
    """Where a hook runs: connector, object class, phase and operation types, in the order of ``position``."""

    hook_id: UUID
    connector_id: UUID
    phase: HookPhase
    operation_types: tuple[OperationType, ...] = tuple(OperationType)
    object_class: str = "user"
    position: int = 0
    on_error: FailurePolicy = FailurePolicy.FAIL
    budget_ms: int | None = None
    params: dict[str, Any] = field(default_factory=dict)
    id: UUID = field(default_factory=uuid7)


@dataclass(frozen=True, slots=True)
class BoundHook:
    """A binding together with the script that is active now."""

    binding: Binding
    script: HookScript
    suspended_reason: str | None = None


async def bound(conn: Connection, *, tenant_id: UUID, connector_ids: Sequence[UUID]) -> dict[UUID, list[BoundHook]]:
    """What runs around the operations of these connectors, by connector, in order within each phase."""
    found: dict[UUID, list[BoundHook]] = {each: [] for each in connector_ids}
    for row in await queries.bound.rows(conn, tenant_id=tenant_id, connector_ids=list(connector_ids)):
        found[row["connector_id"]].append(_bound(row))
    return found


async def by_name(conn: Connection, *, tenant_id: UUID, name: str) -> Record | None:
    """(id, name, active_version, suspended_at, suspended_reason)."""
    return await queries.by_name.row(conn, tenant_id=tenant_id, name=name)


async def everyone(conn: Connection, *, tenant_id: UUID) -> list[Record]:
    """(id, name, active_version, suspended_at, suspended_reason, created_at), by name."""
    return await queries.everyone.rows(conn, tenant_id=tenant_id)


async def versions(conn: Connection, *, tenant_id: UUID, hook_id: UUID) -> list[Record]:
    """(version, sha, source, created_at, created_by), the newest first."""
    return await queries.versions.rows(conn, tenant_id=tenant_id, hook_id=hook_id)


async def insert(conn: Connection, *, tenant_id: UUID, name: str) -> UUID:
    """A hook without a script yet; its id."""
    hook_id = uuid7()
    await queries.insert.run(conn, tenant_id=tenant_id, id=hook_id, name=name)
    return hook_id


async def add_version(
    conn: Connection, *, tenant_id: UUID, hook_id: UUID, source: str, created_by: UUID | None = None
) -> int:
    """Store a version of the script, not active yet; its number."""
    await queries.lock.run(conn, tenant_id=tenant_id, hook_id=hook_id)
    sha = HookScript(source).sha
    number: int = await queries.insert_version.value(
        conn, tenant_id=tenant_id, hook_id=hook_id, source=source, sha=sha, created_by=created_by
    )
    return number


async def activate(conn: Connection, *, tenant_id: UUID, hook_id: UUID, version: int) -> bool:
    """Make a version the active one, and lift a suspension; False when there is no such version."""
    return bool(await queries.activate.run(conn, tenant_id=tenant_id, hook_id=hook_id, version=version))


async def suspend(conn: Connection, *, tenant_id: UUID, hook_id: UUID, reason: str) -> bool:
    """Stop a hook that keeps failing; False when it is suspended already."""
    return bool(await queries.suspend.run(conn, tenant_id=tenant_id, hook_id=hook_id, reason=reason))


async def bind(conn: Connection, binding: Binding, *, tenant_id: UUID) -> None:
    await queries.bind.run(
        conn,
        tenant_id=tenant_id,
        id=binding.id,
        hook_id=binding.hook_id,
        connector_id=binding.connector_id,
        object_class=binding.object_class,
        phase=binding.phase.value,
        operation_types=[each.value for each in binding.operation_types],
        position=binding.position,
        on_error=binding.on_error.value,
        budget_ms=binding.budget_ms,
        params=binding.params,
    )


async def unbind(conn: Connection, *, tenant_id: UUID, binding_id: UUID) -> bool:
    return bool(await queries.unbind.run(conn, tenant_id=tenant_id, id=binding_id))


def _bound(row: Record) -> BoundHook:
    binding = Binding(
        hook_id=row["hook_id"],
        connector_id=row["connector_id"],
        phase=HookPhase(row["phase"]),
        operation_types=tuple(OperationType(each) for each in row["operation_types"]),
        object_class=row["object_class"],
        position=row["position"],
        on_error=FailurePolicy(row["on_error"]),
        budget_ms=row["budget_ms"],
        params=row["params"],
        id=row["id"],
    )
    script = HookScript(row["source"], name=row["name"], version=row["version"], id=row["hook_id"])
    return BoundHook(binding, script, row["suspended_reason"] if row["suspended_at"] else None)
