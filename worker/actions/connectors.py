"""What people do with connectors: maintenance, activate, deactivate, test."""

import time
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

from worker.actions.house import House, acting
from worker.domain.connector import ConnectorStatus
from worker.domain.errors import ConnectorError, NotFound, SettingsError
from worker.domain.operation import WaitReason
from worker.security import Principal, Role, require
from worker.store import connectors, due_work, operations


@dataclass(frozen=True, slots=True)
class Tested:
    """What a test of the connection found; ``error`` says in a sentence why it failed."""

    success: bool
    tested_at: datetime
    took_ms: int
    error: str | None = None


async def set_maintenance(house: House, principal: Principal, *, connector_id: UUID, on: bool) -> bool:
    """Let nothing be sent to the target for a while, or again; whether that changed anything. Raises NotFound."""
    status = ConnectorStatus.MAINTENANCE if on else ConnectorStatus.ACTIVE
    return await _set_status(house, principal, connector_id=connector_id, status=status, role=Role.OPERATOR)


async def set_active(house: House, principal: Principal, *, connector_id: UUID, on: bool) -> bool:
    """Switch a connector on or off; whether that changed anything. Raises NotFound."""
    status = ConnectorStatus.ACTIVE if on else ConnectorStatus.INACTIVE
    return await _set_status(house, principal, connector_id=connector_id, status=status, role=Role.ADMIN)


async def test(house: House, principal: Principal, *, connector_id: UUID) -> Tested:
    """Call the target once; a failure is a result. Raises NotFound."""
    require(principal.roles, Role.OPERATOR)
    started = time.monotonic()
    error: str | None = None
    try:
        target = await house.targets.get(principal.tenant_id, connector_id)
        await target.guard.test_connection()
    except (ConnectorError, SettingsError) as failure:
        error = str(failure)
    tested = Tested(error is None, datetime.now(UTC), int((time.monotonic() - started) * 1000), error)
    async with acting(house, principal, Role.OPERATOR) as act:
        act.note("connector.test", "connector", connector_id, success=tested.success)
    return tested


async def _set_status(
    house: House, principal: Principal, *, connector_id: UUID, status: ConnectorStatus, role: Role
) -> bool:
    async with acting(house, principal, role) as act:
        connector = await connectors.get(act.conn, tenant_id=act.tenant_id, connector_id=connector_id)
        if connector is None:
            raise NotFound(f"There is no connector {connector_id}.")
        changed = await connectors.set_status(
            act.conn, tenant_id=act.tenant_id, connector_id=connector_id, status=status
        )
        if status is ConnectorStatus.ACTIVE:
            await operations.queries.wake_target.run(
                act.conn,
                tenant_id=act.tenant_id,
                connector_id=connector_id,
                reasons=[WaitReason.MAINTENANCE.value],
            )
            await due_work.ask(act.conn, act.tenant_id, due_work.Kind.CLAIM, connector_id)
            await due_work.ask(act.conn, act.tenant_id, due_work.Kind.PLAN, act.tenant_id)
        act.note("connector.status", "connector", connector_id, name=connector.name, status=status.value)
    return changed
