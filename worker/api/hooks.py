"""Hooks over HTTP: make, describe, check, suspend no more; their versions, tests and bindings are modules beside."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Response

from worker.actions import House, hook_scripts, hook_trials
from worker.actions import hooks as acts
from worker.api.schemas.hooks import (
    HookBody,
    HookChange,
    HookList,
    HookWithUsers,
    Kind,
    Reference,
    Stats,
    ValidateBody,
    Validated,
    hook_of,
    hook_with_users,
    reference_now,
    stats_of,
    validated_of,
)
from worker.domain.errors import NotFound
from worker.security import Principal, Role
from worker.store import hook_stats, hooks
from worker.store.hook_stats import Summary
from worker.store.hooks import HookQuery
from worker.store.pool import Connection
from worker.store.tenant import tenant
from worker.web import Auth, SeenVersion, etag_of, needs

#: What a list tells of each hook is of so long.
HEALTH = timedelta(hours=24)

Limit = Annotated[int, Query(ge=1, le=100)]
Offset = Annotated[int, Query(ge=0, le=100_000)]
Hours = Annotated[int, Query(ge=1, le=24 * 31)]


def build(house: House, auth: Auth) -> APIRouter:
    """The routes under /api/hooks that are about hooks themselves."""
    router = APIRouter(prefix="/api/hooks", tags=["hooks"])
    viewer, operator, admin = needs(auth, Role.VIEWER), needs(auth, Role.OPERATOR), needs(auth, Role.ADMIN)
    _add_language(router, house, viewer=viewer, operator=operator)
    _add_reads(router, house, viewer=viewer)
    _add_acts(router, house, operator=operator, admin=admin)
    return router


def _add_language(router: APIRouter, house: House, *, viewer: Principal, operator: Principal) -> None:
    @router.get(
        "/functions", response_model=Reference, summary="What scripts may call and define, and what is in their ctx"
    )
    async def functions(_: Principal = viewer) -> Reference:
        return await asyncio.to_thread(reference_now)

    @router.post("/validate", response_model=Validated, summary="Check a source without storing or running it")
    async def validate(body: ValidateBody, who: Principal = operator) -> Validated:
        checked = await hook_trials.validate(house, who, body.source, is_library=body.kind == "library")
        return validated_of(checked.validation)


def _add_reads(router: APIRouter, house: House, *, viewer: Principal) -> None:
    @router.get("", response_model=HookList, summary="List hooks and libraries by name")
    async def list_hooks(
        *,
        who: Principal = viewer,
        kind: Kind | None = None,
        q: Annotated[str | None, Query(min_length=1, max_length=100)] = None,
        suspended: bool | None = None,
        connector_id: UUID | None = None,
        limit: Limit = 20,
        offset: Offset = 0,
    ) -> HookList:
        where = HookQuery(kind=kind, q=q, is_suspended=suspended, connector_id=connector_id)
        async with tenant(house.pool, who.tenant_id) as conn:
            rows = await hooks.page(conn, tenant_id=who.tenant_id, where=where, limit=limit, offset=offset)
            total = await hooks.count(conn, tenant_id=who.tenant_id, where=where)
            known = await _health(conn, who, [row["id"] for row in rows])
        return HookList(hooks=[hook_of(row, known[row["id"]]) for row in rows], total=total, limit=limit, offset=offset)

    @router.get("/{hook_id}", response_model=HookWithUsers, summary="One hook; its ETag is for If-Match")
    async def get_hook(hook_id: UUID, response: Response, who: Principal = viewer) -> HookWithUsers:
        return await _get(house, who, hook_id, response)

    @router.get(
        "/{hook_id}/stats", response_model=Stats, summary="How often a hook ran, how it failed, how long it took"
    )
    async def stats(hook_id: UUID, who: Principal = viewer, hours: Hours = 24) -> Stats:
        since = datetime.now(UTC) - timedelta(hours=hours)
        async with tenant(house.pool, who.tenant_id) as conn:
            await hook_scripts.the_hook(conn, who.tenant_id, hook_id)
            known = await hook_stats.summary(conn, tenant_id=who.tenant_id, hook_ids=[hook_id], since=since)
        return stats_of(hook_id, known[hook_id], since=since)


def _add_acts(router: APIRouter, house: House, *, operator: Principal, admin: Principal) -> None:
    @router.post(
        "", response_model=HookWithUsers, status_code=201, summary="Make a hook or library, without a script yet"
    )
    async def create_hook(body: HookBody, response: Response, who: Principal = admin) -> HookWithUsers:
        made = await acts.create(house, who, name=body.name, kind=body.kind, description=body.description)
        return await _get(house, who, made, response)

    @router.patch("/{hook_id}", response_model=HookWithUsers, summary="Change name or description")
    async def change_hook(
        hook_id: UUID, body: HookChange, response: Response, seen: SeenVersion, who: Principal = admin
    ) -> HookWithUsers:
        await acts.describe(house, who, hook_id=hook_id, name=body.name, description=body.description, seen=seen)
        return await _get(house, who, hook_id, response)

    @router.delete("/{hook_id}", status_code=204, summary="Delete a hook that is bound nowhere")
    async def delete_hook(hook_id: UUID, seen: SeenVersion, who: Principal = admin) -> None:
        await acts.delete(house, who, hook_id=hook_id, seen=seen)

    @router.post("/{hook_id}/resume", response_model=HookWithUsers, summary="Let a suspended hook run again")
    async def resume_hook(hook_id: UUID, response: Response, who: Principal = operator) -> HookWithUsers:
        await acts.resume(house, who, hook_id=hook_id)
        return await _get(house, who, hook_id, response)


async def _get(house: House, who: Principal, hook_id: UUID, response: Response) -> HookWithUsers:
    async with tenant(house.pool, who.tenant_id) as conn:
        rows = await hooks.page(conn, tenant_id=who.tenant_id, where=HookQuery(id=hook_id), limit=1)
        known = await _health(conn, who, [hook_id])
        users = await hooks.users(conn, tenant_id=who.tenant_id, hook_id=hook_id)
    if not rows:
        raise NotFound(f"There is no hook {hook_id}.")
    response.headers["ETag"] = etag_of(rows[0]["version"])
    return hook_with_users(rows[0], known[hook_id], loaded_by=users)


async def _health(conn: Connection, who: Principal, hook_ids: list[UUID]) -> dict[UUID, Summary]:
    since = datetime.now(UTC) - HEALTH
    return await hook_stats.summary(conn, tenant_id=who.tenant_id, hook_ids=hook_ids, since=since)
