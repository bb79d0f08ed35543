"""Conflicts over HTTP: list, look, resolve."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query

from worker.actions import House
from worker.actions import conflicts as acts
from worker.api.schemas.conflicts import Conflict, ConflictList, ResolveConflictBody, conflict_of
from worker.domain.conflict import ConflictStatus, ConflictType
from worker.domain.errors import NotFound
from worker.security import Principal, Role
from worker.store import conflicts
from worker.store.conflicts import ConflictQuery
from worker.store.tenant import tenant
from worker.web import Auth, needs

Limit = Annotated[int, Query(ge=1, le=100)]
Offset = Annotated[int, Query(ge=0, le=10_000)]


def build(house: House, auth: Auth) -> APIRouter:
    """The routes under /api/operations/conflicts; to be put before those with an operation's id in their place."""
    router = APIRouter(prefix="/api/operations/conflicts", tags=["conflicts"])
    viewer, operator = needs(auth, Role.VIEWER), needs(auth, Role.OPERATOR)
    _add_reads(router, house, viewer=viewer)

    @router.post("/{conflict_id}/resolve", response_model=Conflict)
    async def resolve(conflict_id: UUID, body: ResolveConflictBody, who: Principal = operator) -> Conflict:
        await acts.resolve(house, who, conflict_id=conflict_id, outcome=body.outcome, notes=body.notes)
        return await _get(house, who, conflict_id)

    return router


def _add_reads(router: APIRouter, house: House, *, viewer: Principal) -> None:
    @router.get("", response_model=ConflictList)
    async def list_conflicts(
        *,
        who: Principal = viewer,
        status: ConflictStatus | None = None,
        conflict_type: ConflictType | None = None,
        connector_id: UUID | None = None,
        operation_id: UUID | None = None,
        pending_only: bool = False,
        limit: Limit = 20,
        offset: Offset = 0,
    ) -> ConflictList:
        where = ConflictQuery(
            status=ConflictStatus.PENDING if pending_only else status,
            conflict_type=conflict_type,
            connector_id=connector_id,
            operation_id=operation_id,
        )
        async with tenant(house.pool, who.tenant_id) as conn:
            rows = await conflicts.page(conn, who.tenant_id, where=where, limit=limit, offset=offset)
            counts = await conflicts.counts(conn, who.tenant_id, where=where)
        return ConflictList(
            conflicts=[conflict_of(row) for row in rows],
            total=counts.get(where.status, 0) if where.status else sum(counts.values()),
            pending_count=counts.get(ConflictStatus.PENDING, 0),
            limit=limit,
            offset=offset,
        )

    @router.get("/{conflict_id}", response_model=Conflict)
    async def get_conflict(conflict_id: UUID, who: Principal = viewer) -> Conflict:
        return await _get(house, who, conflict_id)


async def _get(house: House, who: Principal, conflict_id: UUID) -> Conflict:
    async with tenant(house.pool, who.tenant_id) as conn:
        row = await conflicts.get(conn, who.tenant_id, conflict_id)
    if row is None:
        raise NotFound(f"There is no conflict {conflict_id}.")
    return conflict_of(row)
