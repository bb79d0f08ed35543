"""Hooks as stored: scripts in immutable versions, and where they are bound."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any
from uuid import UUID

from worker.domain.errors import WrongState
from worker.domain.hook import FailurePolicy, HookPhase, HookScript, Library
from worker.domain.ids import uuid7
from worker.domain.operation import OperationType
from worker.store.pool import Connection
from worker.store.sql import Record, load

queries = load("hooks")


@dataclass(frozen=True, slots=True)
class Binding:
    """Where a hook runs: connector, object class, phase and operation types, in the order of ``position``.

    One that correlates is about no operation: its ``operation_types`` do not count.
    """

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
    enabled: bool = True
    #: what of its context would be masked otherwise: ``secrets``
    permissions: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class BoundHook:
    """A binding together with the script that is active now."""

    binding: Binding
    script: HookScript
    suspended_reason: str | None = None


@dataclass(frozen=True, slots=True)
class HookQuery:
    """Which hooks a list shows; ``q`` is a part of the name."""

    kind: str | None = None
    q: str | None = None
    is_suspended: bool | None = None
    connector_id: UUID | None = None
    id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Pin:
    """A library as a version of a script loads it, whatever becomes of it later."""

    name: str
    hook_id: str
    version: int
    sha: str


async def bound(conn: Connection, *, tenant_id: UUID, connector_ids: Sequence[UUID]) -> dict[UUID, list[BoundHook]]:
    """What runs around the operations of these connectors, by connector, in order within each phase."""
    found: dict[UUID, list[BoundHook]] = {each: [] for each in connector_ids}
    for row in await queries.bound.rows(conn, tenant_id=tenant_id, connector_ids=list(connector_ids)):
        found[row["connector_id"]].append(_bound(row, tenant_id))
    return found


async def get(conn: Connection, *, tenant_id: UUID, hook_id: UUID, lock: bool = False) -> Record | None:
    """(id, name, kind, description, active_version, suspended_at, suspended_reason, version, created_at, updated_at).

    With ``lock`` nobody else changes the hook, its versions, tests or bindings until the transaction ends.
    """
    query = queries.lock if lock else queries.get
    return await query.row(conn, tenant_id=tenant_id, hook_id=hook_id)


async def by_name(conn: Connection, *, tenant_id: UUID, name: str) -> Record | None:
    """(id, name, kind, active_version, suspended_at, suspended_reason)."""
    return await queries.by_name.row(conn, tenant_id=tenant_id, name=name)


async def page(
    conn: Connection, *, tenant_id: UUID, where: HookQuery | None = None, limit: int = 20, offset: int = 0
) -> list[Record]:
    """As ``get``, with ``latest_version``, and the numbers of ``bindings`` and ``tests``; by name."""
    asked = asdict(where or HookQuery())
    return await queries.page.rows(conn, tenant_id=tenant_id, limit=limit, offset=offset, **asked)


async def count(conn: Connection, *, tenant_id: UUID, where: HookQuery | None = None) -> int:
    """How many match."""
    return int(await queries.count.value(conn, tenant_id=tenant_id, **asdict(where or HookQuery())))


async def insert(conn: Connection, *, tenant_id: UUID, name: str, kind: str = "hook", description: str = "") -> UUID:
    """A hook or library without a script yet; its id. Raises WrongState when there is one of this name."""
    hook_id = uuid7()
    new = {"id": hook_id, "name": name, "kind": kind, "description": description}
    if not await queries.insert.run(conn, tenant_id=tenant_id, **new):
        raise WrongState(f"There is a hook called {name} already; choose another name.")
    return hook_id


async def describe(conn: Connection, *, tenant_id: UUID, hook_id: UUID, name: str, description: str) -> bool:
    """Change what a hook is called; False when another one has the name."""
    said = {"name": name, "description": description}
    return bool(await queries.describe.run(conn, tenant_id=tenant_id, hook_id=hook_id, **said))


async def delete(conn: Connection, *, tenant_id: UUID, hook_id: UUID) -> bool:
    """Delete a hook with all that is kept of it; False when it is bound, or is none."""
    where = {"tenant_id": tenant_id, "hook_id": hook_id}
    if not await queries.delete.run(conn, **where):
        return False
    for part in ("versions", "tests", "activations", "stats", "records"):
        await getattr(queries, f"delete_{part}").run(conn, **where)
    return True


async def versions(
    conn: Connection,
    *,
    tenant_id: UUID,
    hook_id: UUID,
    version: int | None = None,
    limit: int = 100,
    offset: int = 0,
) -> list[Record]:
    """(version, sha, api, note, functions, libraries, source, created_at, created_by, created_by_name, was_active).

    The newest first. ``was_active`` tells a rollback from a first activation.
    """
    which = {"hook_id": hook_id, "version": version, "limit": limit, "offset": offset}
    return await queries.versions.rows(conn, tenant_id=tenant_id, **which)


async def count_versions(conn: Connection, *, tenant_id: UUID, hook_id: UUID) -> int:
    """How many there are."""
    return int(await queries.count_versions.value(conn, tenant_id=tenant_id, hook_id=hook_id))


async def pinned(conn: Connection, *, tenant_id: UUID, hook_id: UUID, version: int) -> tuple[Library, ...]:
    """The libraries that a version was stored with, each before those that load it."""
    rows = await queries.pinned.rows(conn, tenant_id=tenant_id, hook_id=hook_id, version=version)
    return tuple(Library(row["name"], row["source"]) for row in rows)


async def libraries(conn: Connection, *, tenant_id: UUID, names: Sequence[str]) -> list[Record]:
    """(id, name, version, sha, source, loads) of libraries by name; without a source where none is active."""
    return await queries.libraries.rows(conn, tenant_id=tenant_id, names=list(names))


async def users(conn: Connection, *, tenant_id: UUID, hook_id: UUID) -> list[str]:
    """Names of at most five hooks of which a version was stored with this library."""
    rows = await queries.users.rows(conn, tenant_id=tenant_id, pin=[{"hook_id": str(hook_id)}])
    return [row["name"] for row in rows]


async def add_version(
    conn: Connection,
    *,
    tenant_id: UUID,
    hook_id: UUID,
    source: str,
    created_by: UUID | None = None,
    note: str = "",
    functions: Sequence[str] = (),
    loads: Sequence[str] = (),
    libraries: Sequence[tuple[Pin, Library]] = (),
) -> int:
    """Store a version of the script with the libraries that it loads, not active yet; its number."""
    await queries.lock.run(conn, tenant_id=tenant_id, hook_id=hook_id)
    number: int = await queries.insert_version.value(
        conn,
        tenant_id=tenant_id,
        hook_id=hook_id,
        source=source,
        sha=HookScript(source, libraries=tuple(library for _, library in libraries)).sha,
        api=1,
        note=note,
        functions=list(functions),
        loads=list(loads),
        libraries=[asdict(pin) for pin, _ in libraries],
        created_by=created_by,
    )
    await queries.touch.run(conn, tenant_id=tenant_id, hook_id=hook_id)
    return number


async def activate(
    conn: Connection, *, tenant_id: UUID, hook_id: UUID, version: int, activated_by: UUID | None = None
) -> bool:
    """Make a version the active one, and lift a suspension; False when there is no such version."""
    which = {"hook_id": hook_id, "version": version, "activated_by": activated_by}
    return bool(await queries.activate.run(conn, tenant_id=tenant_id, **which))


async def activations(conn: Connection, *, tenant_id: UUID, hook_id: UUID, limit: int = 50) -> list[Record]:
    """(activated_at, version, activated_by, activated_by_name), the newest first."""
    return await queries.activations.rows(conn, tenant_id=tenant_id, hook_id=hook_id, limit=limit)


async def suspend(conn: Connection, *, tenant_id: UUID, hook_id: UUID, reason: str) -> bool:
    """Stop a hook that keeps failing; False when it is suspended already."""
    return bool(await queries.suspend.run(conn, tenant_id=tenant_id, hook_id=hook_id, reason=reason))


async def resume(conn: Connection, *, tenant_id: UUID, hook_id: UUID) -> bool:
    """Let a suspended hook run again; False when it is not suspended."""
    return bool(await queries.resume.run(conn, tenant_id=tenant_id, hook_id=hook_id))


async def bind(conn: Connection, binding: Binding, *, tenant_id: UUID) -> None:
    await queries.bind.run(conn, tenant_id=tenant_id, **values_of(binding))


async def unbind(conn: Connection, *, tenant_id: UUID, binding_id: UUID) -> bool:
    return bool(await queries.unbind.run(conn, tenant_id=tenant_id, id=binding_id))


def values_of(binding: Binding) -> dict[str, Any]:
    """The columns of a binding."""
    is_correlating = binding.phase is HookPhase.CORRELATE
    return {
        "id": binding.id,
        "hook_id": binding.hook_id,
        "connector_id": binding.connector_id,
        "object_class": binding.object_class,
        # As a process knows it that has never heard of it: before a change of no kind.
        "phase": HookPhase.BEFORE.value if is_correlating else binding.phase.value,
        "is_correlating": is_correlating,
        "operation_types": [] if is_correlating else [each.value for each in binding.operation_types],
        "position": binding.position,
        "on_error": binding.on_error.value,
        "budget_ms": binding.budget_ms,
        "params": binding.params,
        "enabled": binding.enabled,
        "permissions": list(binding.permissions),
    }


def _bound(row: Record, tenant_id: UUID) -> BoundHook:
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
        permissions=tuple(row["permissions"]),
    )
    script = HookScript(
        row["source"],
        name=row["name"],
        version=row["version"],
        id=row["hook_id"],
        tenant_id=tenant_id,
        api=row["api"],
        libraries=tuple(Library(each["name"], each["source"]) for each in row["libraries"] or ()),
    )
    return BoundHook(binding, script, row["suspended_reason"] if row["suspended_at"] else None)
