"""What people do with bindings: say around which operations a hook runs, or that it says whose accounts are.

In which order, and what its failure means, is said there as well.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from worker.actions.hook_scripts import the_hook
from worker.actions.house import Act, House, acting, refuse_outdated, refuse_unstorable
from worker.domain.errors import InvalidRequest, NotFound
from worker.domain.hook import FailurePolicy, HookPhase, Permission, default_policy
from worker.domain.ids import uuid7
from worker.domain.operation import OperationType
from worker.security import Principal, Role
from worker.store import bindings, connectors, hooks
from worker.store.hooks import Binding
from worker.store.sql import Record

MAX_BUDGET_MS = 5000
MAX_POSITION = 10_000
MAX_PARAMS = 16 * 1024
MAX_BINDINGS = 500


@dataclass(frozen=True, slots=True)
class Wanted:
    """A binding as a person wants it; ``on_error`` None: what is usual in its phase.

    ``object_class`` None is that of the connector. One that correlates runs around no operation.
    """

    connector_id: UUID
    phase: HookPhase
    object_class: str | None = None
    operation_types: Sequence[OperationType] = tuple(OperationType)
    position: int = 0
    on_error: FailurePolicy | None = None
    budget_ms: int | None = None
    enabled: bool = True
    params: dict[str, Any] = field(default_factory=dict)
    permissions: Sequence[Permission] = ()


async def add(house: House, principal: Principal, wanted: Wanted, *, hook_id: UUID) -> UUID:
    """Bind a hook; the binding's id. Raises NotFound for the hook or the connector, InvalidRequest."""
    async with acting(house, principal, Role.ADMIN) as act:
        hook = await _bindable(act, hook_id)
        binding = await _binding(act, wanted, hook_id=hook_id, binding_id=uuid7())
        if await bindings.count(act.conn, tenant_id=act.tenant_id, hook_id=hook_id) >= MAX_BINDINGS:
            raise InvalidRequest(f"A hook has at most {MAX_BINDINGS} bindings.")
        await hooks.bind(act.conn, binding, tenant_id=act.tenant_id)
        act.note("hook.bind", "hook", hook_id, name=hook["name"], binding_id=binding.id, **_noted(binding))
    return binding.id


async def change(
    house: House,
    principal: Principal,
    wanted: Wanted,
    *,
    hook_id: UUID,
    binding_id: UUID,
    seen: int | None = None,
) -> None:
    """Write another binding in its place. Raises NotFound, Outdated, InvalidRequest."""
    async with acting(house, principal, Role.ADMIN) as act:
        hook = await _bindable(act, hook_id)
        row = await _row(act, hook_id, binding_id)
        refuse_outdated(row["version"], seen=seen)
        binding = await _binding(act, wanted, hook_id=hook_id, binding_id=binding_id)
        await bindings.replace(act.conn, binding, tenant_id=act.tenant_id)
        act.note("hook.rebind", "hook", hook_id, name=hook["name"], binding_id=binding_id, **_noted(binding))


async def remove(
    house: House, principal: Principal, *, hook_id: UUID, binding_id: UUID, seen: int | None = None
) -> None:
    """Delete a binding. Raises NotFound, Outdated."""
    async with acting(house, principal, Role.ADMIN) as act:
        hook = await the_hook(act.conn, act.tenant_id, hook_id, lock=True)
        row = await _row(act, hook_id, binding_id)
        refuse_outdated(row["version"], seen=seen)
        await bindings.delete(act.conn, tenant_id=act.tenant_id, hook_id=hook_id, binding_id=binding_id)
        where = {"connector_id": row["connector_id"], "phase": row["phase"]}
        act.note("hook.unbind", "hook", hook_id, name=hook["name"], binding_id=binding_id, **where)


def doubt(row: Record) -> str | None:
    """Why a binding (a row of ``bindings.page``) is unlikely to ever run, for people to look at; None: it may well."""
    ours = row["connector_object_class"]
    if ours is None or ours == row["object_class"]:
        return None
    if row["phase"] == HookPhase.CORRELATE:
        return (
            f"Accounts at {row['connector_name']} have the object class {ours!r}: the hook is never asked about them."
        )
    return (
        f"What is planned for {row['connector_name']} has the object class {ours!r}: the hook runs there only for "
        f"operations that somebody submits for {row['object_class']!r}."
    )


async def _bindable(act: Act, hook_id: UUID) -> Record:
    """The hook, which nobody else changes meanwhile."""
    hook = await the_hook(act.conn, act.tenant_id, hook_id, lock=True)
    if hook["kind"] == "library":
        raise InvalidRequest("A library is loaded by hooks and runs nowhere by itself; bind a hook that loads it.")
    return hook


async def _row(act: Act, hook_id: UUID, binding_id: UUID) -> Record:
    rows = await bindings.page(act.conn, tenant_id=act.tenant_id, hook_id=hook_id, binding_id=binding_id)
    if not rows:
        raise NotFound(f"This hook has no binding {binding_id}.")
    return rows[0]


async def _binding(act: Act, wanted: Wanted, *, hook_id: UUID, binding_id: UUID) -> Binding:
    _refuse_invalid(wanted)
    connector = await connectors.get(act.conn, tenant_id=act.tenant_id, connector_id=wanted.connector_id)
    if connector is None:
        raise NotFound(f"There is no connector {wanted.connector_id}.")
    if not connector.is_target:
        raise InvalidRequest(
            f"{connector.name} is a source only: nothing is changed or correlated there, so no hook would run."
        )
    return Binding(
        hook_id=hook_id,
        connector_id=wanted.connector_id,
        phase=wanted.phase,
        operation_types=_types(wanted),
        object_class=(wanted.object_class or connector.object_class).strip(),
        position=wanted.position,
        on_error=wanted.on_error or default_policy(wanted.phase),
        budget_ms=wanted.budget_ms,
        params=wanted.params,
        id=binding_id,
        enabled=wanted.enabled,
        permissions=tuple(each.value for each in Permission if each in wanted.permissions),
    )


def _refuse_invalid(wanted: Wanted) -> None:
    refuse_unstorable("object class", wanted.object_class)
    refuse_unstorable("parameters", wanted.params)
    if not wanted.operation_types and wanted.phase is not HookPhase.CORRELATE:
        raise InvalidRequest("Say for which operations the hook runs: create, update, delete.")
    if wanted.object_class is not None and not (wanted.object_class.strip() and len(wanted.object_class) <= 100):
        raise InvalidRequest("An object class has a name of 1 to 100 characters.")
    if not 0 <= wanted.position <= MAX_POSITION:
        raise InvalidRequest(f"The position is a number from 0 to {MAX_POSITION}; the lowest runs first.")
    if wanted.budget_ms is not None and not 1 <= wanted.budget_ms <= MAX_BUDGET_MS:
        raise InvalidRequest(f"A call may take 1 to {MAX_BUDGET_MS} ms.")
    if len(json.dumps(wanted.params)) > MAX_PARAMS:
        raise InvalidRequest(f"The parameters are larger than {MAX_PARAMS // 1024} KiB.")


def _types(wanted: Wanted) -> tuple[OperationType, ...]:
    if wanted.phase is HookPhase.CORRELATE:
        return ()
    return tuple(each for each in OperationType if each in wanted.operation_types)


def _noted(binding: Binding) -> dict[str, Any]:
    """What of a binding the audit keeps: no parameters, which may hold anything."""
    return {
        "connector_id": binding.connector_id,
        "phase": binding.phase.value,
        "operation_types": [each.value for each in binding.operation_types],
        "position": binding.position,
        "on_error": binding.on_error.value,
        "enabled": binding.enabled,
        "permissions": list(binding.permissions),
    }
