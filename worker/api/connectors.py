"""Connectors over HTTP: list, health, test, maintenance, on and off."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query

from worker.actions import House
from worker.actions import connectors as acts
from worker.api.schemas.connectors import (
    Connector,
    ConnectorList,
    Health,
    MaintenanceBody,
    Tested,
    connector_of,
    tested_of,
)
from worker.domain.connector import ConnectorStatus
from worker.domain.errors import NotFound
from worker.security import Principal, Role
from worker.store import connectors, listings_targets
from worker.store.tenant import tenant
from worker.web import Auth, needs

Limit = Annotated[int, Query(ge=1, le=100)]
Offset = Annotated[int, Query(ge=0, le=100_000)]


def build(house: House, auth: Auth) -> APIRouter:
    """The routes under /api/connectors that are about connectors themselves."""
    router = APIRouter(prefix="/api/connectors", tags=["connectors"])
    viewer, operator, admin = needs(auth, Role.VIEWER), needs(auth, Role.OPERATOR), needs(auth, Role.ADMIN)
    _add_reads(router, house, viewer=viewer)
    _add_health(router, house, viewer=viewer)
    _add_acts(router, house, operator=operator, admin=admin)
    return router


def _add_reads(router: APIRouter, house: House, *, viewer: Principal) -> None:
    @router.get("", response_model=ConnectorList)
    async def list_connectors(
        *,
        who: Principal = viewer,
        status: ConnectorStatus | None = None,
        type: Annotated[str | None, Query(max_length=100)] = None,  # noqa: A002 - the name of the query parameter
        limit: Limit = 20,
        offset: Offset = 0,
    ) -> ConnectorList:
        async with tenant(house.pool, who.tenant_id) as conn:
            everyone = await connectors.everyone(conn, tenant_id=who.tenant_id)
        found = [each for each in everyone if status in {None, each.status} and type in {None, each.type}]
        shown = [connector_of(each) for each in found[offset : offset + limit]]
        return ConnectorList(connectors=shown, total=len(found), limit=limit, offset=offset)

    @router.get("/{connector_id}", response_model=Connector)
    async def get_connector(connector_id: UUID, who: Principal = viewer) -> Connector:
        return await _get(house, who, connector_id)


def _add_health(router: APIRouter, house: House, *, viewer: Principal) -> None:
    @router.get("/{connector_id}/health", response_model=Health)
    async def health(connector_id: UUID, who: Principal = viewer) -> Health:
        async with tenant(house.pool, who.tenant_id) as conn:
            rows = await listings_targets.connectors(conn, who.tenant_id, connector_id=connector_id)
        if not rows:
            raise NotFound(f"There is no connector {connector_id}.")
        row = rows[0]
        return Health(
            connector_id=connector_id,
            status=row["status"],
            breaker=row["breaker_state"],
            breaker_since=row["breaker_opened_at"],
            last_success_at=row["last_success_at"],
            last_error=row["last_error"],
            last_error_at=row["last_error_at"],
            has_baseline=row["baseline_at"] is not None,
        )


def _add_acts(router: APIRouter, house: House, *, operator: Principal, admin: Principal) -> None:
    @router.post("/{connector_id}/test", response_model=Tested)
    async def test(connector_id: UUID, who: Principal = operator) -> Tested:
        return tested_of(await acts.test(house, who, connector_id=connector_id))

    @router.post("/{connector_id}/maintenance", response_model=Connector)
    async def maintenance(
        connector_id: UUID, body: MaintenanceBody | None = None, who: Principal = operator
    ) -> Connector:
        await acts.set_maintenance(house, who, connector_id=connector_id, on=body.on if body else True)
        return await _get(house, who, connector_id)

    @router.post("/{connector_id}/activate", response_model=Connector)
    async def activate(connector_id: UUID, who: Principal = admin) -> Connector:
        await acts.set_active(house, who, connector_id=connector_id, on=True)
        return await _get(house, who, connector_id)

    @router.post("/{connector_id}/deactivate", response_model=Connector)
    async def deactivate(connector_id: UUID, who: Principal = admin) -> Connector:
        await acts.set_active(house, who, connector_id=connector_id, on=False)
        return await _get(house, who, connector_id)


async def _get(house: House, who: Principal, connector_id: UUID) -> Connector:
    async with tenant(house.pool, who.tenant_id) as conn:
        found = await connectors.get(conn, tenant_id=who.tenant_id, connector_id=connector_id)
    if found is None:
        raise NotFound(f"There is no connector {connector_id}.")
    return connector_of(found)
