"""Schedules over HTTP: one per connector, a list of all, a look ahead before saving."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Response

from worker.actions import House
from worker.actions import schedules as acts
from worker.api.existing import must_exist
from worker.api.schemas.runs import Run, run_of
from worker.api.schemas.schedules import (
    OccurrenceList,
    Preview,
    Schedule,
    ScheduleBody,
    ScheduleList,
    SchedulePreviewBody,
    occurrence_of,
    planned_of,
    schedule_of,
)
from worker.domain.errors import NotFound
from worker.security import Principal, Role
from worker.store import connectors, schedules
from worker.store.tenant import tenant
from worker.web import Auth, SeenVersion, etag_of, needs

Limit = Annotated[int, Query(ge=1, le=100)]
Offset = Annotated[int, Query(ge=0, le=100_000)]
PATH = "/connectors/{connector_id}/reconciliation/schedule"


def build(house: House, auth: Auth) -> APIRouter:
    """The routes of /api/reconciliation/schedules and of /api/connectors/{id}/reconciliation/schedule."""
    router = APIRouter(prefix="/api", tags=["schedules"])
    viewer, operator, admin = needs(auth, Role.VIEWER), needs(auth, Role.OPERATOR), needs(auth, Role.ADMIN)
    _add_all(router, house, viewer=viewer)
    _add_reads(router, house, viewer=viewer)
    _add_edits(router, house, admin=admin)
    _add_acts(router, house, operator=operator)
    return router


def _add_all(router: APIRouter, house: House, *, viewer: Principal) -> None:
    @router.get(
        "/reconciliation/schedules", response_model=ScheduleList, summary="List schedules, the next to run first"
    )
    async def list_schedules(
        *, who: Principal = viewer, enabled: bool | None = None, limit: Limit = 20, offset: Offset = 0
    ) -> ScheduleList:
        async with tenant(house.pool, who.tenant_id) as conn:
            rows = await schedules.page(conn, tenant_id=who.tenant_id, enabled=enabled, limit=limit, offset=offset)
            total = await schedules.count(conn, tenant_id=who.tenant_id, enabled=enabled)
        return ScheduleList(schedules=[schedule_of(row) for row in rows], total=total, limit=limit, offset=offset)

    @router.post(
        "/reconciliation/schedules/preview",
        response_model=Preview,
        summary="The next runs of a schedule that is not saved; nothing is stored",
    )
    async def preview(body: SchedulePreviewBody, who: Principal = viewer) -> Preview:
        found = await acts.foreseen(house, who, wanted=body.as_wanted(), connector_id=body.connector_id, n=body.n)
        return Preview(occurrences=[planned_of(each, timezone=body.timezone) for each in found])


def _add_reads(router: APIRouter, house: House, *, viewer: Principal) -> None:
    @router.get(PATH, response_model=Schedule, summary="The schedule of a connector; its ETag is for If-Match")
    async def get_schedule(connector_id: UUID, response: Response, who: Principal = viewer) -> Schedule:
        return await _get(house, who, connector_id, response)

    @router.get(
        PATH + "/occurrences", response_model=OccurrenceList, summary="What became of occurrences, the latest first"
    )
    async def list_occurrences(
        *, connector_id: UUID, who: Principal = viewer, limit: Limit = 20, offset: Offset = 0
    ) -> OccurrenceList:
        async with tenant(house.pool, who.tenant_id) as conn:
            await must_exist(conn, who, connector_id)
            stored = await schedules.of_connector(conn, tenant_id=who.tenant_id, connector_id=connector_id)
            if stored is None:
                raise NotFound("This connector has no schedule.")
            rows = await schedules.occurrences(
                conn, tenant_id=who.tenant_id, schedule_id=stored.id, limit=limit, offset=offset
            )
            total = await schedules.count_occurrences(conn, tenant_id=who.tenant_id, schedule_id=stored.id)
        found = [occurrence_of(row) for row in rows]
        return OccurrenceList(occurrences=found, total=total, limit=limit, offset=offset)


def _add_edits(router: APIRouter, house: House, *, admin: Principal) -> None:
    @router.put(PATH, response_model=Schedule, summary="Give a connector its schedule, in place of the one it had")
    async def put_schedule(
        connector_id: UUID, body: ScheduleBody, response: Response, seen: SeenVersion, who: Principal = admin
    ) -> Schedule:
        await acts.save(house, who, connector_id=connector_id, wanted=body.as_wanted(), seen=seen)
        return await _get(house, who, connector_id, response)

    @router.delete(PATH, status_code=204, summary="Delete a schedule; its runs stay")
    async def delete_schedule(connector_id: UUID, seen: SeenVersion, who: Principal = admin) -> None:
        await acts.delete(house, who, connector_id=connector_id, seen=seen)


def _add_acts(router: APIRouter, house: House, *, operator: Principal) -> None:
    @router.post(PATH + "/enable", response_model=Schedule, summary="Switch a schedule on")
    async def enable(connector_id: UUID, response: Response, seen: SeenVersion, who: Principal = operator) -> Schedule:
        await acts.switch(house, who, connector_id=connector_id, on=True, seen=seen)
        return await _get(house, who, connector_id, response)

    @router.post(PATH + "/disable", response_model=Schedule, summary="Switch a schedule off")
    async def disable(connector_id: UUID, response: Response, seen: SeenVersion, who: Principal = operator) -> Schedule:
        await acts.switch(house, who, connector_id=connector_id, on=False, seen=seen)
        return await _get(house, who, connector_id, response)

    @router.post(PATH + "/run", response_model=Run, status_code=202, summary="Start now what the schedule would start")
    async def run_now(connector_id: UUID, who: Principal = operator) -> Run:
        return run_of(await acts.run_now(house, who, connector_id=connector_id))


async def _get(house: House, who: Principal, connector_id: UUID, response: Response) -> Schedule:
    async with tenant(house.pool, who.tenant_id) as conn:
        await must_exist(conn, who, connector_id)
        rows = await schedules.page(conn, tenant_id=who.tenant_id, connector_id=connector_id, limit=1)
        connector = await connectors.get(conn, tenant_id=who.tenant_id, connector_id=connector_id)
    if not rows:
        raise NotFound("This connector has no schedule.")
    response.headers["ETag"] = etag_of(rows[0]["version"])
    warning = acts.warning_of(connector, schedules.from_row(rows[0]))
    return schedule_of(rows[0]).model_copy(update={"warning": warning})
