"""Runs of a connector over HTTP."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query

from worker import recon
from worker.actions import House
from worker.actions import approvals as approval_acts
from worker.actions import runs as acts
from worker.api.existing import must_exist
from worker.api.schemas.runs import DecisionBody, Report, Run, RunBody, RunList, only_of, run_of
from worker.domain.errors import NotFound, WrongState
from worker.domain.run import Run as StoredRun
from worker.domain.run import RunKind, RunMode, RunStatus
from worker.security import Principal, Role
from worker.store import run_history, runs
from worker.store.pool import Connection
from worker.store.tenant import tenant
from worker.web import Auth, needs

Limit = Annotated[int, Query(ge=1, le=100)]
Offset = Annotated[int, Query(ge=0, le=100_000)]


def build(house: House, auth: Auth) -> APIRouter:
    """The routes under /api/connectors/{id}/reconciliation/runs."""
    router = APIRouter(prefix="/api/connectors/{connector_id}/reconciliation/runs", tags=["reconciliation"])
    viewer, operator = needs(auth, Role.VIEWER), needs(auth, Role.OPERATOR)
    _add_list(router, house, viewer=viewer)
    _add_reads(router, house, viewer=viewer)
    _add_acts(router, house, operator=operator)
    _add_approve(router, house, operator=operator)
    return router


def _add_list(router: APIRouter, house: House, *, viewer: Principal) -> None:
    @router.get("", response_model=RunList)
    async def list_runs(
        connector_id: UUID,
        *,
        who: Principal = viewer,
        mode: RunMode | None = None,
        status: RunStatus | None = None,
        kind: RunKind | None = None,
        limit: Limit = 20,
        offset: Offset = 0,
        cursor: UUID | None = None,
    ) -> RunList:
        statuses = [status] if status else None
        where = {"tenant_id": who.tenant_id, "connector_id": connector_id}
        async with tenant(house.pool, who.tenant_id) as conn:
            await must_exist(conn, who, connector_id)
            found = await runs.page(
                conn,
                **where,
                mode=mode,
                kind=kind,
                statuses=statuses,
                before=cursor,
                limit=limit + 1,
                offset=offset,
            )
            total = await runs.count(conn, **where, mode=mode, kind=kind, statuses=statuses)
        more = str(found[limit - 1].id) if len(found) > limit else None
        shown = [run_of(run) for run in found[:limit]]
        return RunList(runs=shown, total=total, limit=limit, offset=offset, next_cursor=more)


def _add_reads(router: APIRouter, house: House, *, viewer: Principal) -> None:
    @router.get("/{run_id}", response_model=Run)
    async def get_run(connector_id: UUID, run_id: UUID, who: Principal = viewer) -> Run:
        async with tenant(house.pool, who.tenant_id) as conn:
            run = await _of_connector(conn, who, connector_id, run_id)
            listed = await run_history.listed(conn, tenant_id=who.tenant_id, run_id=run_id)
            return run_of(run, ranges=listed.ranges)

    @router.get("/{run_id}/report", response_model=Report)
    async def report(connector_id: UUID, run_id: UUID, who: Principal = viewer) -> Report:
        async with tenant(house.pool, who.tenant_id) as conn:
            run = await _of_connector(conn, who, connector_id, run_id)
            return Report.model_validate(await recon.report(conn, run))


def _add_acts(router: APIRouter, house: House, *, operator: Principal) -> None:
    @router.post("", response_model=Run, status_code=202)
    async def start(connector_id: UUID, body: RunBody | None = None, who: Principal = operator) -> Run:
        wanted = body or RunBody()
        run = await acts.start(
            house,
            who,
            connector_id=connector_id,
            mode=wanted.mode,
            dry_run=wanted.dry_run,
            only=only_of(wanted.only),
        )
        return run_of(run)

    @router.post("/{run_id}/cancel", status_code=204)
    async def cancel(connector_id: UUID, run_id: UUID, who: Principal = operator) -> None:
        await _check(house, who, connector_id, run_id)
        await acts.cancel(house, who, run_id=run_id)

    @router.post("/{run_id}/pause", response_model=Run)
    async def pause(connector_id: UUID, run_id: UUID, who: Principal = operator) -> Run:
        await _check(house, who, connector_id, run_id)
        return run_of(await acts.pause(house, who, run_id=run_id))

    @router.post("/{run_id}/resume", response_model=Run)
    async def resume(connector_id: UUID, run_id: UUID, who: Principal = operator) -> Run:
        await _check(house, who, connector_id, run_id)
        return run_of(await acts.resume(house, who, run_id=run_id))


def _add_approve(router: APIRouter, house: House, *, operator: Principal) -> None:
    @router.post("/{run_id}/approve", response_model=Run)
    async def approve(
        connector_id: UUID, run_id: UUID, body: DecisionBody | None = None, who: Principal = operator
    ) -> Run:
        run = await _check(house, who, connector_id, run_id)
        if run.approval_id is None:
            raise WrongState("This run waits for nobody's approval.")
        said = body or DecisionBody()
        await approval_acts.decide(
            house,
            who,
            approval_id=run.approval_id,
            approve=said.decision == "approve",
            notes=said.notes,
            seen=said.version,
        )
        return run_of(await _check(house, who, connector_id, run_id))


async def _check(house: House, who: Principal, connector_id: UUID, run_id: UUID) -> StoredRun:
    async with tenant(house.pool, who.tenant_id) as conn:
        return await _of_connector(conn, who, connector_id, run_id)


async def _of_connector(conn: Connection, who: Principal, connector_id: UUID, run_id: UUID) -> StoredRun:
    """The run, when it is one of this connector."""
    run = await runs.get(conn, tenant_id=who.tenant_id, run_id=run_id)
    if run is None or run.connector_id != connector_id:
        raise NotFound(f"There is no run {run_id} of this connector.")
    return run
