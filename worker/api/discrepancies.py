"""Discrepancies of a connector over HTTP: list, repair, ignore, preview, and the record of what was done."""

from dataclasses import dataclass
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Query
from pydantic import AwareDatetime

from worker.actions import House, previews
from worker.actions import findings as acts
from worker.api.existing import must_exist
from worker.api.schemas.discrepancies import (
    ActionList,
    BulkRemediateBody,
    BulkResult,
    Discrepancy,
    DiscrepancyList,
    IgnoreBody,
    PreviewBody,
    Previews,
    RepairBody,
    Result,
    action_of,
    bulk_of,
    discrepancy_of,
    result_of,
)
from worker.domain.discrepancy import DiscrepancyType, Resolution
from worker.domain.errors import NotFound
from worker.recon import Wish
from worker.security import Principal, Role
from worker.store import discrepancies, recon_actions
from worker.store.tenant import tenant
from worker.web import Auth, needs

Limit = Annotated[int, Query(ge=1, le=100)]
Offset = Annotated[int, Query(ge=0, le=100_000)]


@dataclass(frozen=True)
class Filters:
    """Which discrepancies; ``external_uid`` is a part of the account's uid, the dates say when they were last seen."""

    run_id: UUID | None = None
    discrepancy_type: DiscrepancyType | None = None
    resolution_status: Resolution | None = None
    identity_id: UUID | None = None
    external_uid: Annotated[str | None, Query(min_length=1, max_length=500)] = None
    attribute_name: Annotated[str | None, Query(min_length=1, max_length=500)] = None
    from_date: AwareDatetime | None = None
    to_date: AwareDatetime | None = None

    def shared(self) -> dict[str, Any]:
        """What filters the list and its counts alike."""
        return {
            "run_id": self.run_id,
            "identity_id": self.identity_id,
            "uid": self.external_uid,
            "attribute_name": self.attribute_name,
            "from_date": self.from_date,
            "to_date": self.to_date,
        }

    def narrowing(self) -> dict[str, Any]:
        """What filters the list beyond that."""
        return {
            "types": [self.discrepancy_type] if self.discrepancy_type else None,
            "statuses": [self.resolution_status] if self.resolution_status else None,
        }

    def has(self, kind: DiscrepancyType, state: Resolution) -> bool:
        """Whether a kind and a state are among those asked for."""
        return self.discrepancy_type in {None, kind} and self.resolution_status in {None, state}


def build(house: House, auth: Auth) -> APIRouter:
    """The routes under /api/connectors/{id}/reconciliation/discrepancies, and /actions beside it."""
    router = APIRouter(prefix="/api/connectors/{connector_id}/reconciliation", tags=["reconciliation"])
    viewer, operator = needs(auth, Role.VIEWER), needs(auth, Role.OPERATOR)
    _add_list(router, house, viewer=viewer)
    _add_many(router, house, viewer=viewer, operator=operator)
    _add_one(router, house, viewer=viewer, operator=operator)
    _add_record(router, house, viewer=viewer)
    return router


def _add_list(router: APIRouter, house: House, *, viewer: Principal) -> None:
    @router.get("/discrepancies", response_model=DiscrepancyList)
    async def list_discrepancies(
        connector_id: UUID,
        *,
        who: Principal = viewer,
        where: Annotated[Filters, Depends()],
        limit: Limit = 20,
        offset: Offset = 0,
        cursor: UUID | None = None,
    ) -> DiscrepancyList:
        shared = {"tenant_id": who.tenant_id, "connector_id": connector_id, **where.shared()}
        async with tenant(house.pool, who.tenant_id) as conn:
            await must_exist(conn, who, connector_id)
            found = await discrepancies.page(
                conn,
                before=cursor,
                limit=limit + 1,
                offset=offset,
                **where.narrowing(),
                **shared,
            )
            counts = await discrepancies.counts(conn, **shared)
        return DiscrepancyList(
            discrepancies=[discrepancy_of(each) for each in found[:limit]],
            total=sum(n for (kind, state), n in counts.items() if where.has(kind, state)),
            limit=limit,
            offset=offset,
            next_cursor=str(found[limit - 1].id) if len(found) > limit else None,
        )


def _add_many(router: APIRouter, house: House, *, viewer: Principal, operator: Principal) -> None:
    @router.post("/discrepancies/bulk-remediate", response_model=BulkResult)
    async def bulk(connector_id: UUID, body: BulkRemediateBody, who: Principal = operator) -> BulkResult:
        wishes = [Wish(item.discrepancy_id, item.action, item.direction, item.identity_id) for item in body.items]
        done = await acts.remediate(house, who, connector_id=connector_id, wishes=wishes, dry_run=body.dry_run)
        return bulk_of(done)

    @router.post("/discrepancies/preview", response_model=Previews)
    async def preview(connector_id: UUID, body: PreviewBody, who: Principal = viewer) -> Previews:
        wishes = [Wish(each) for each in body.discrepancy_ids]
        found = await previews.preview(house, who, connector_id=connector_id, wishes=wishes)
        return Previews(previews=[result_of(each) for each in found])


def _add_one(router: APIRouter, house: House, *, viewer: Principal, operator: Principal) -> None:
    @router.get("/discrepancies/{discrepancy_id}", response_model=Discrepancy)
    async def get_discrepancy(connector_id: UUID, discrepancy_id: UUID, who: Principal = viewer) -> Discrepancy:
        return await _get(house, who, connector_id, discrepancy_id)

    @router.post("/discrepancies/{discrepancy_id}/remediate", response_model=Result)
    async def remediate(
        connector_id: UUID, discrepancy_id: UUID, body: RepairBody | None = None, who: Principal = operator
    ) -> Result:
        await _get(house, who, connector_id, discrepancy_id)
        said = body or RepairBody()
        wish = Wish(discrepancy_id, said.action, said.direction, said.identity_id)
        done = await acts.remediate(house, who, connector_id=connector_id, wishes=[wish], dry_run=said.dry_run)
        return result_of(done.results[0])

    @router.post("/discrepancies/{discrepancy_id}/ignore", status_code=204)
    async def ignore(connector_id: UUID, discrepancy_id: UUID, body: IgnoreBody, who: Principal = operator) -> None:
        await acts.ignore(
            house, who, connector_id=connector_id, ids=[discrepancy_id], reason=body.reason, until=body.ignored_until
        )

    @router.post("/discrepancies/{discrepancy_id}/undo", response_model=Result)
    async def undo(connector_id: UUID, discrepancy_id: UUID, who: Principal = operator) -> Result:
        return result_of(await acts.undo(house, who, connector_id=connector_id, discrepancy_id=discrepancy_id))


def _add_record(router: APIRouter, house: House, *, viewer: Principal) -> None:
    @router.get("/actions", response_model=ActionList)
    async def actions(
        connector_id: UUID,
        *,
        who: Principal = viewer,
        run_id: UUID | None = None,
        discrepancy_id: UUID | None = None,
        action_type: Annotated[str | None, Query(max_length=50)] = None,
        result: Annotated[str | None, Query(pattern="^(proposed|queued|success|failure|dropped)$")] = None,
        dry_run: bool | None = None,
        limit: Limit = 20,
        offset: Offset = 0,
    ) -> ActionList:
        async with tenant(house.pool, who.tenant_id) as conn:
            await must_exist(conn, who, connector_id)
            rows, total = await recon_actions.page(
                conn,
                tenant_id=who.tenant_id,
                connector_id=connector_id,
                run_id=run_id,
                discrepancy_id=discrepancy_id,
                action_type=action_type,
                result=result,
                dry_run=dry_run,
                limit=limit,
                offset=offset,
            )
        return ActionList(actions=[action_of(row) for row in rows], total=total, limit=limit, offset=offset)


async def _get(house: House, who: Principal, connector_id: UUID, discrepancy_id: UUID) -> Discrepancy:
    async with tenant(house.pool, who.tenant_id) as conn:
        found = await discrepancies.get(conn, tenant_id=who.tenant_id, connector_id=connector_id, ids=[discrepancy_id])
    if discrepancy_id not in found:
        raise NotFound(f"There is no discrepancy {discrepancy_id} of this connector.")
    return discrepancy_of(found[discrepancy_id])
