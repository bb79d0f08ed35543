"""Findings by cause over HTTP: what thousands of differences have in common, and one approval for all of them."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query

from worker.actions import House
from worker.actions import causes as acts
from worker.api.existing import must_exist
from worker.api.schemas.causes import ApproveCausesBody, CauseGroupList, Repair, RepairList, repair_of
from worker.api.schemas.runs import CauseGroup
from worker.domain.discrepancy import RepairAction
from worker.domain.errors import NotFound
from worker.recon import describe
from worker.security import Principal, Role
from worker.store import cause_repairs, cause_samples
from worker.store.tenant import tenant
from worker.web import Auth, needs

Limit = Annotated[int, Query(ge=1, le=100)]


def build(house: House, auth: Auth) -> APIRouter:
    """The routes under /api/connectors/{id}/reconciliation/causes."""
    router = APIRouter(prefix="/api/connectors/{connector_id}/reconciliation/causes", tags=["reconciliation"])
    viewer, operator = needs(auth, Role.VIEWER), needs(auth, Role.OPERATOR)
    _add_groups(router, house, viewer=viewer)
    _add_acts(router, house, operator=operator)
    _add_repairs(router, house, viewer=viewer)
    return router


def _add_groups(router: APIRouter, house: House, *, viewer: Principal) -> None:
    @router.get("", response_model=CauseGroupList)
    async def list_groups(
        connector_id: UUID,
        *,
        who: Principal = viewer,
        run_id: UUID | None = None,
        least: Annotated[int, Query(ge=1)] = 2,
        limit: Limit = 20,
    ) -> CauseGroupList:
        async with tenant(house.pool, who.tenant_id) as conn:
            await must_exist(conn, who, connector_id)
            found = await cause_samples.largest(
                conn, tenant_id=who.tenant_id, connector_id=connector_id, run_id=run_id, least=least, limit=limit
            )
        return CauseGroupList(groups=[CauseGroup.model_validate(describe(each)) for each in found], total=len(found))


def _add_acts(router: APIRouter, house: House, *, operator: Principal) -> None:
    @router.post("/approve", response_model=Repair, status_code=202)
    async def approve(connector_id: UUID, body: ApproveCausesBody, who: Principal = operator) -> Repair:
        wanted = acts.Wanted(body.groups, RepairAction(body.action), body.direction, body.run_id, body.expect)
        begun = await acts.approve(house, who, connector_id=connector_id, wanted=wanted)
        return repair_of(begun.repair, mixed=begun.mixed)

    @router.post("/repairs/{repair_id}/cancel", response_model=Repair)
    async def cancel(connector_id: UUID, repair_id: UUID, who: Principal = operator) -> Repair:
        return repair_of(await acts.cancel(house, who, connector_id=connector_id, repair_id=repair_id))


def _add_repairs(router: APIRouter, house: House, *, viewer: Principal) -> None:
    @router.get("/repairs", response_model=RepairList)
    async def list_repairs(
        connector_id: UUID, *, who: Principal = viewer, limit: Limit = 20, cursor: UUID | None = None
    ) -> RepairList:
        async with tenant(house.pool, who.tenant_id) as conn:
            await must_exist(conn, who, connector_id)
            found = await cause_repairs.page(
                conn, tenant_id=who.tenant_id, connector_id=connector_id, before=cursor, limit=limit + 1
            )
        more = str(found[limit - 1].id) if len(found) > limit else None
        return RepairList(repairs=[repair_of(each) for each in found[:limit]], limit=limit, next_cursor=more)

    @router.get("/repairs/{repair_id}", response_model=Repair)
    async def get_repair(connector_id: UUID, repair_id: UUID, who: Principal = viewer) -> Repair:
        async with tenant(house.pool, who.tenant_id) as conn:
            found = await cause_repairs.get(
                conn, tenant_id=who.tenant_id, connector_id=connector_id, repair_id=repair_id
            )
        if found is None:
            raise NotFound(f"There is no approval {repair_id} of this connector.")
        return repair_of(found)
