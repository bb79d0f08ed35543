"""The bindings of a hook over HTTP: around which operations it runs."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Response

from worker.actions import House, hook_scripts
from worker.actions import bindings as acts
from worker.api.schemas.hooks import Binding, BindingBody, BindingList, binding_of
from worker.domain.errors import NotFound
from worker.security import Principal, Role
from worker.store import bindings
from worker.store.tenant import tenant
from worker.web import Auth, SeenVersion, etag_of, needs

Limit = Annotated[int, Query(ge=1, le=100)]
Offset = Annotated[int, Query(ge=0, le=100_000)]


def build(house: House, auth: Auth) -> APIRouter:
    """The routes under /api/hooks/{hook_id}/bindings."""
    router = APIRouter(prefix="/api/hooks/{hook_id}/bindings", tags=["hooks"])
    viewer, admin = needs(auth, Role.VIEWER), needs(auth, Role.ADMIN)
    _add_reads(router, house, viewer=viewer)
    _add_acts(router, house, admin=admin)
    return router


def _add_reads(router: APIRouter, house: House, *, viewer: Principal) -> None:
    @router.get("", response_model=BindingList, summary="List where a hook runs")
    async def list_bindings(
        hook_id: UUID, who: Principal = viewer, limit: Limit = 20, offset: Offset = 0
    ) -> BindingList:
        where = {"tenant_id": who.tenant_id, "hook_id": hook_id}
        async with tenant(house.pool, who.tenant_id) as conn:
            await hook_scripts.the_hook(conn, who.tenant_id, hook_id)
            rows = await bindings.page(conn, **where, limit=limit, offset=offset)
            total = await bindings.count(conn, **where)
        return BindingList(bindings=[binding_of(row) for row in rows], total=total, limit=limit, offset=offset)

    @router.get("/{binding_id}", response_model=Binding, summary="One binding; its ETag is for If-Match")
    async def get_binding(hook_id: UUID, binding_id: UUID, response: Response, who: Principal = viewer) -> Binding:
        return await _get(house, who, hook_id, binding_id, response)


def _add_acts(router: APIRouter, house: House, *, admin: Principal) -> None:
    @router.post("", response_model=Binding, status_code=201, summary="Bind a hook to a connector")
    async def bind(hook_id: UUID, body: BindingBody, response: Response, who: Principal = admin) -> Binding:
        made = await acts.add(house, who, body.wanted(), hook_id=hook_id)
        return await _get(house, who, hook_id, made, response)

    @router.put("/{binding_id}", response_model=Binding, summary="Write another binding in its place")
    async def rebind(
        *,
        hook_id: UUID,
        binding_id: UUID,
        body: BindingBody,
        response: Response,
        seen: SeenVersion,
        who: Principal = admin,
    ) -> Binding:
        await acts.change(house, who, body.wanted(), hook_id=hook_id, binding_id=binding_id, seen=seen)
        return await _get(house, who, hook_id, binding_id, response)

    @router.delete("/{binding_id}", status_code=204, summary="Unbind a hook")
    async def unbind(hook_id: UUID, binding_id: UUID, seen: SeenVersion, who: Principal = admin) -> None:
        await acts.remove(house, who, hook_id=hook_id, binding_id=binding_id, seen=seen)


async def _get(house: House, who: Principal, hook_id: UUID, binding_id: UUID, response: Response) -> Binding:
    async with tenant(house.pool, who.tenant_id) as conn:
        rows = await bindings.page(conn, tenant_id=who.tenant_id, hook_id=hook_id, binding_id=binding_id)
    if not rows:
        raise NotFound(f"This hook has no binding {binding_id}.")
    response.headers["ETag"] = etag_of(rows[0]["version"])
    return binding_of(rows[0])
