"""Identities over HTTP: list, accounts, emergency disable, enable, provision."""

import base64
import binascii
import json
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query

from worker.actions import House
from worker.actions import identities as acts
from worker.api.schemas.identities import (
    AccountList,
    Disabled,
    IdentityDetail,
    IdentityList,
    ProvisionBody,
    Provisioned,
    ReasonBody,
    account_of,
    detail_of,
    identity_of,
)
from worker.domain.errors import InvalidRequest, NotFound
from worker.security import Principal, Role
from worker.store import identity_sources, listings_people
from worker.store.listings_people import Place
from worker.store.sql import Record
from worker.store.tenant import tenant
from worker.web import Auth, needs

Limit = Annotated[int, Query(ge=1, le=100)]


def build(house: House, auth: Auth) -> APIRouter:
    """The routes under /api/identities."""
    router = APIRouter(prefix="/api/identities", tags=["identities"])
    viewer, operator = needs(auth, Role.VIEWER), needs(auth, Role.OPERATOR)
    _add_reads(router, house, viewer=viewer)
    _add_acts(router, house, operator=operator)
    return router


def _add_reads(router: APIRouter, house: House, *, viewer: Principal) -> None:
    @router.get("", response_model=IdentityList)
    async def list_identities(
        *,
        who: Principal = viewer,
        q: Annotated[str | None, Query(min_length=1, max_length=200)] = None,
        active: bool | None = None,
        limit: Limit = 20,
        cursor: Annotated[str | None, Query(max_length=2000)] = None,
    ) -> IdentityList:
        after = _place(cursor) if cursor is not None else None
        async with tenant(house.pool, who.tenant_id) as conn:
            rows = await listings_people.page(conn, who.tenant_id, q=q, active=active, after=after, limit=limit + 1)
            counts = await listings_people.counts(conn, who.tenant_id, q=q)
        total = sum(counts.values()) if active is None else counts.get(active, 0)
        more = _cursor(rows[limit - 1]) if len(rows) > limit else None
        return IdentityList(
            identities=[identity_of(row) for row in rows[:limit]], total=total, limit=limit, next_cursor=more
        )

    @router.get("/{identity_id}", response_model=IdentityDetail)
    async def get_identity(identity_id: UUID, who: Principal = viewer) -> IdentityDetail:
        async with tenant(house.pool, who.tenant_id) as conn:
            row = await listings_people.get(conn, who.tenant_id, identity_id=identity_id)
            words = await identity_sources.of_identity(conn, who.tenant_id, identity_id=identity_id)
        if row is None:
            raise NotFound(f"There is no identity {identity_id}.")
        return detail_of(row, words)

    @router.get("/{identity_id}/accounts", response_model=AccountList)
    async def accounts(identity_id: UUID, who: Principal = viewer) -> AccountList:
        await get_identity(identity_id, who)
        async with tenant(house.pool, who.tenant_id) as conn:
            rows = await listings_people.accounts(conn, who.tenant_id, identity_id=identity_id)
        return AccountList(accounts=[account_of(row) for row in rows], total=len(rows))


def _add_acts(router: APIRouter, house: House, *, operator: Principal) -> None:
    @router.post("/{identity_id}/disable", response_model=Disabled)
    async def disable(identity_id: UUID, body: ReasonBody, who: Principal = operator) -> Disabled:
        done = await acts.disable(house, who, identity_id=identity_id, reason=body.reason)
        return Disabled(operations=done.operations, left_alone=done.left_alone)

    @router.post("/{identity_id}/enable", status_code=204)
    async def enable(identity_id: UUID, body: ReasonBody, who: Principal = operator) -> None:
        await acts.enable(house, who, identity_id=identity_id, reason=body.reason)

    @router.post("/{identity_id}/provision", response_model=Provisioned, status_code=202)
    async def provision(identity_id: UUID, body: ProvisionBody | None = None, who: Principal = operator) -> Provisioned:
        connector_id = body.connector_id if body else None
        done = await acts.provision(house, who, identity_id=identity_id, connector_id=connector_id)
        return Provisioned(repairs=done)


def _cursor(row: Record) -> str:
    return base64.urlsafe_b64encode(json.dumps([row["user_name_key"], str(row["id"])]).encode()).decode()


def _place(cursor: str) -> Place:
    try:
        key, id_ = json.loads(base64.urlsafe_b64decode(cursor))
        return str(key), UUID(id_)
    except (binascii.Error, ValueError, TypeError, AttributeError) as error:
        raise InvalidRequest("cursor is not one that a list has given.") from error
