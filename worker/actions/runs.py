"""What people do with runs: start, pause, resume, cancel."""

from uuid import UUID

from worker.actions.house import House, acting
from worker.domain.errors import NotFound, WrongState
from worker.domain.run import Run, RunKind, RunMode, RunTrigger
from worker.security import Principal, Role
from worker.store import connectors, runs


async def start(house: House, principal: Principal, *, connector_id: UUID, mode: RunMode, dry_run: bool = False) -> Run:
    """Start a run of a connector: a reconciliation of a target, an import of a source.

    Raises NotFound, or WrongState while a run of the connector lives, or while the connector is to be left alone.
    """
    async with acting(house, principal, Role.OPERATOR) as act:
        connector = await connectors.get(act.conn, tenant_id=act.tenant_id, connector_id=connector_id)
        if connector is None:
            raise NotFound(f"There is no connector {connector_id}.")
        if connector.closed_because:
            raise WrongState(connector.closed_because)
        run = await runs.create(
            act.conn,
            tenant_id=act.tenant_id,
            connector_id=connector_id,
            kind=RunKind.RECONCILIATION if connector.is_target else RunKind.IMPORT,
            mode=mode,
            dry_run=dry_run,
            trigger=RunTrigger.MANUAL,
            created_by=act.by,
        )
        act.note("run.start", "run", run.id, connector=connector.name, mode=mode.value, dry_run=dry_run)
    return run


async def pause(house: House, principal: Principal, *, run_id: UUID) -> Run:
    """Put a run down at its next page."""
    async with acting(house, principal, Role.OPERATOR) as act:
        run = await runs.request_pause(act.conn, tenant_id=act.tenant_id, run_id=run_id)
        act.note("run.pause", "run", run_id)
    return run


async def resume(house: House, principal: Principal, *, run_id: UUID) -> Run:
    """Let a paused run go on where it stopped."""
    async with acting(house, principal, Role.OPERATOR) as act:
        run = await runs.resume(act.conn, tenant_id=act.tenant_id, run_id=run_id)
        act.note("run.resume", "run", run_id)
    return run


async def cancel(house: House, principal: Principal, *, run_id: UUID) -> Run:
    """End a run at its next page, or at once when nobody works on it."""
    async with acting(house, principal, Role.OPERATOR) as act:
        run = await runs.request_cancel(act.conn, tenant_id=act.tenant_id, run_id=run_id)
        act.note("run.cancel", "run", run_id)
    return run
