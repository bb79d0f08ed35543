"""What the safeguard holds, over HTTP: list, approve, reject."""

from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Query

from worker.actions import House
from worker.actions import approvals as acts
from worker.api.schemas.approvals import (
    Approval,
    ApprovalList,
    ApproveBody,
    Decided,
    RejectApprovalBody,
    approval_of,
    decided_of,
)
from worker.domain.errors import NotFound
from worker.security import Principal, Role
from worker.store import listings_approvals
from worker.store.tenant import tenant
from worker.web import Auth, needs

Limit = Annotated[int, Query(ge=1, le=100)]
Offset = Annotated[int, Query(ge=0, le=100_000)]
Status = Literal["open", "approved", "rejected", "expired"]


def build(house: House, auth: Auth) -> APIRouter:
    """The routes under /api/approvals."""
    router = APIRouter(prefix="/api/approvals", tags=["approvals"])
    viewer, operator = needs(auth, Role.VIEWER), needs(auth, Role.OPERATOR)

    @router.get("", response_model=ApprovalList)
    async def list_approvals(
        *,
        who: Principal = viewer,
        status: Status | None = None,
        connector_id: UUID | None = None,
        limit: Limit = 20,
        offset: Offset = 0,
    ) -> ApprovalList:
        async with tenant(house.pool, who.tenant_id) as conn:
            rows = await listings_approvals.page(
                conn, who.tenant_id, status=status, connector_id=connector_id, limit=limit, offset=offset
            )
            total = await listings_approvals.count(conn, who.tenant_id, status=status, connector_id=connector_id)
        return ApprovalList(approvals=[approval_of(row) for row in rows], total=total, limit=limit, offset=offset)

    @router.get("/{approval_id}", response_model=Approval)
    async def get_approval(approval_id: UUID, who: Principal = viewer) -> Approval:
        async with tenant(house.pool, who.tenant_id) as conn:
            rows = await listings_approvals.page(conn, who.tenant_id, approval_id=approval_id, limit=1)
        if not rows:
            raise NotFound(f"There is no approval {approval_id}.")
        return approval_of(rows[0])

    @router.post("/{approval_id}/approve", response_model=Decided)
    async def approve(approval_id: UUID, body: ApproveBody, who: Principal = operator) -> Decided:
        made = await acts.decide(house, who, approval_id=approval_id, approve=True, notes=body.notes, seen=body.version)
        return decided_of(made)

    @router.post("/{approval_id}/reject", response_model=Decided)
    async def reject(approval_id: UUID, body: RejectApprovalBody | None = None, who: Principal = operator) -> Decided:
        notes = body.notes if body else None
        return decided_of(await acts.decide(house, who, approval_id=approval_id, approve=False, notes=notes))

    return router
