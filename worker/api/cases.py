"""Correlation cases over HTTP: list them, and say whose an account is, or whose it is not."""

from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Query

from worker.actions import House, owners, undeciding
from worker.actions import cases as acts
from worker.actions.alike import alike
from worker.api.schemas.records import (
    AlikeCases,
    Case,
    CaseList,
    ConfirmBody,
    CreatedIdentity,
    CreateIdentityBody,
    RejectCaseBody,
    SaidBefore,
)
from worker.domain.errors import NotFound
from worker.security import Principal, Role
from worker.store import correlation, listings_cases
from worker.store.sql import Record
from worker.store.tenant import tenant
from worker.web import Auth, needs

Limit = Annotated[int, Query(ge=1, le=100)]


def build(house: House, auth: Auth) -> APIRouter:
    """The routes under /api/correlation/cases."""
    router = APIRouter(prefix="/api/correlation/cases", tags=["correlation"])
    viewer, operator = needs(auth, Role.VIEWER), needs(auth, Role.OPERATOR)
    _add_reads(router, house, viewer=viewer)
    _add_acts(router, house, operator=operator)
    return router


def _add_reads(router: APIRouter, house: House, *, viewer: Principal) -> None:
    @router.get("", response_model=CaseList)
    async def list_cases(
        *,
        who: Principal = viewer,
        status: Literal["open", "decided"] | None = None,
        connector_id: UUID | None = None,
        q: Annotated[str | None, Query(min_length=1, max_length=200)] = None,
        limit: Limit = 20,
        cursor: UUID | None = None,
    ) -> CaseList:
        is_open = status == "open" if status is not None else None
        async with tenant(house.pool, who.tenant_id) as conn:
            rows = await listings_cases.page(
                conn, who.tenant_id, is_open=is_open, connector_id=connector_id, q=q, before=cursor, limit=limit + 1
            )
            counts = await listings_cases.counts(conn, who.tenant_id, connector_id=connector_id, q=q)
        return CaseList(
            cases=[_case_of(row) for row in rows[:limit]],
            total=sum(counts.values()) if is_open is None else counts.get(is_open, 0),
            limit=limit,
            next_cursor=str(rows[limit - 1]["id"]) if len(rows) > limit else None,
        )

    @router.get("/{case_id}/alike", response_model=AlikeCases, summary="How cases like this one were decided")
    async def get_alike(case_id: UUID, who: Principal = viewer) -> AlikeCases:
        async with tenant(house.pool, who.tenant_id) as conn:
            row = await correlation.get_case(conn, tenant_id=who.tenant_id, case_id=case_id)
            if row is None:
                raise NotFound(f"There is no case {case_id}.")
            found = await alike(conn, who.tenant_id, row)
        return AlikeCases(
            outcomes={each.value: n for each, n in found.outcomes.items()},
            last_at=found.last_at,
            about=[SaidBefore.model_validate(each, from_attributes=True) for each in found.about],
        )

    @router.get("/{case_id}", response_model=Case)
    async def get_case(case_id: UUID, who: Principal = viewer) -> Case:
        return await _get(house, who, case_id)


def _add_acts(router: APIRouter, house: House, *, operator: Principal) -> None:
    @router.post("/{case_id}/confirm", response_model=Case)
    async def confirm(case_id: UUID, body: ConfirmBody, who: Principal = operator) -> Case:
        await acts.confirm(house, who, case_id=case_id, identity_id=body.identity_id, uid=body.uid, notes=body.notes)
        return await _get(house, who, case_id)

    @router.post("/{case_id}/reject", response_model=Case)
    async def reject(case_id: UUID, body: RejectCaseBody | None = None, who: Principal = operator) -> Case:
        await acts.reject(house, who, case_id=case_id, notes=body.notes if body else None)
        return await _get(house, who, case_id)

    @router.post("/{case_id}/nobody", response_model=Case, summary="The account belongs to nobody")
    async def nobodys(case_id: UUID, body: RejectCaseBody | None = None, who: Principal = operator) -> Case:
        await owners.nobodys(house, who, case_id=case_id, notes=body.notes if body else None)
        return await _get(house, who, case_id)

    @router.post(
        "/{case_id}/create-identity",
        response_model=CreatedIdentity,
        status_code=201,
        summary="The account belongs to somebody new: make and link them",
    )
    async def create_identity(case_id: UUID, body: CreateIdentityBody, who: Principal = operator) -> CreatedIdentity:
        person = owners.NewPerson(body.external_id, body.user_name, body.attributes)
        made = await owners.create_identity(house, who, case_id=case_id, person=person, notes=body.notes)
        return CreatedIdentity(identity_id=made)

    @router.post("/{case_id}/reassign", response_model=Case, summary="It is somebody else, also of a decided case")
    async def reassign(case_id: UUID, body: ConfirmBody, who: Principal = operator) -> Case:
        await owners.reassign(house, who, case_id=case_id, identity_id=body.identity_id, uid=body.uid, notes=body.notes)
        return await _get(house, who, case_id)

    @router.post("/{case_id}/undo", response_model=Case, summary="Take an answer back: the case is open again")
    async def undo(case_id: UUID, who: Principal = operator) -> Case:
        await undeciding.undo(house, who, case_id=case_id)
        return await _get(house, who, case_id)


async def _get(house: House, who: Principal, case_id: UUID) -> Case:
    async with tenant(house.pool, who.tenant_id) as conn:
        rows = await listings_cases.page(conn, who.tenant_id, case_id=case_id, limit=1)
    if not rows:
        raise NotFound(f"There is no case {case_id}.")
    return _case_of(rows[0])


def _case_of(row: Record) -> Case:
    return Case.model_validate({name: row[name] for name in Case.model_fields})
