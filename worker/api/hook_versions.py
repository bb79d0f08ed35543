"""The versions of a hook over HTTP: store a draft, read, compare, activate, go back."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Path, Query, Response

from worker.actions import House, hook_scripts
from worker.actions import hook_versions as acts
from worker.api.schemas.hook_trials import CheckedActivation, outcome_of
from worker.api.schemas.hooks import (
    ActivationList,
    DifferenceOfHooks,
    HookActivateBody,
    HookVersionBody,
    VersionsOfHook,
    VersionWithSource,
    version_of,
    version_with_source,
)
from worker.api.schemas.hooks import ActivationOfHook as Switched
from worker.security import Principal, Role
from worker.store import hooks
from worker.store.tenant import tenant
from worker.web import Auth, SeenVersion, etag_of, needs

Limit = Annotated[int, Query(ge=1, le=100)]
Offset = Annotated[int, Query(ge=0, le=100_000)]
Number = Annotated[int, Path(ge=1, le=2_000_000_000)]


def build(house: House, auth: Auth) -> APIRouter:
    """The routes under /api/hooks/{hook_id}/versions."""
    router = APIRouter(prefix="/api/hooks/{hook_id}/versions", tags=["hooks"])
    viewer, admin = needs(auth, Role.VIEWER), needs(auth, Role.ADMIN)
    _add_reads(router, house, viewer=viewer)
    _add_acts(router, house, admin=admin)
    return router


def _add_reads(router: APIRouter, house: House, *, viewer: Principal) -> None:
    @router.get("", response_model=VersionsOfHook, summary="List the versions of a hook, the newest first")
    async def list_versions(
        hook_id: UUID, who: Principal = viewer, limit: Limit = 20, offset: Offset = 0
    ) -> VersionsOfHook:
        async with tenant(house.pool, who.tenant_id) as conn:
            hook = await hook_scripts.the_hook(conn, who.tenant_id, hook_id)
            rows = await hooks.versions(conn, tenant_id=who.tenant_id, hook_id=hook_id, limit=limit, offset=offset)
            total = await hooks.count_versions(conn, tenant_id=who.tenant_id, hook_id=hook_id)
        found = [version_of(row, active=hook["active_version"]) for row in rows]
        return VersionsOfHook(versions=found, total=total, limit=limit, offset=offset)

    @router.get("/activations", response_model=ActivationList, summary="List what ran from when on, the newest first")
    async def list_activations(hook_id: UUID, who: Principal = viewer, limit: Limit = 20) -> ActivationList:
        async with tenant(house.pool, who.tenant_id) as conn:
            await hook_scripts.the_hook(conn, who.tenant_id, hook_id)
            rows = await hooks.activations(conn, tenant_id=who.tenant_id, hook_id=hook_id, limit=limit)
        return ActivationList(activations=[Switched.model_validate(dict(row)) for row in rows], limit=limit)

    @router.get("/{version}", response_model=VersionWithSource, summary="One version with its source")
    async def get_version(hook_id: UUID, version: Number, who: Principal = viewer) -> VersionWithSource:
        return await _get(house, who, hook_id, version)

    @router.get("/{before}/diff/{after}", response_model=DifferenceOfHooks, summary="What differs between two versions")
    async def compare(hook_id: UUID, before: Number, after: Number, who: Principal = viewer) -> DifferenceOfHooks:
        found = await acts.difference(house, who, hook_id=hook_id, before=before, after=after)
        return DifferenceOfHooks(before=before, after=after, diff=found)


def _add_acts(router: APIRouter, house: House, *, admin: Principal) -> None:
    @router.post("", response_model=VersionWithSource, status_code=201, summary="Store a draft")
    async def add_version(
        hook_id: UUID, body: HookVersionBody, seen: SeenVersion, who: Principal = admin
    ) -> VersionWithSource:
        number, _ = await acts.add(house, who, hook_id=hook_id, source=body.source, note=body.note, seen=seen)
        return await _get(house, who, hook_id, number)

    @router.post(
        "/{version}/activate",
        response_model=CheckedActivation,
        summary="Run the saved tests, and make a version the active one",
    )
    async def activate(
        *,
        hook_id: UUID,
        version: Number,
        seen: SeenVersion,
        response: Response,
        body: HookActivateBody | None = None,
        who: Principal = admin,
    ) -> CheckedActivation:
        force = body.force if body is not None else False
        done = await acts.activate(house, who, hook_id=hook_id, version=version, force=force, seen=seen)
        async with tenant(house.pool, who.tenant_id) as conn:
            hook = await hook_scripts.the_hook(conn, who.tenant_id, hook_id)
        response.headers["ETag"] = etag_of(hook["version"])
        return CheckedActivation(
            version=done.version, previous=done.previous, tests=[outcome_of(each) for each in done.tests]
        )


async def _get(house: House, who: Principal, hook_id: UUID, version: int) -> VersionWithSource:
    async with tenant(house.pool, who.tenant_id) as conn:
        hook = await hook_scripts.the_hook(conn, who.tenant_id, hook_id)
        row = await hook_scripts.the_version(conn, who.tenant_id, hook_id, version)
    return version_with_source(row, active=hook["active_version"])
