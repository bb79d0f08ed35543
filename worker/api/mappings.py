"""The mappings of a target over HTTP: versions, what is wrong with rules, what differs, activate, go back."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Path, Query, Response

from worker.actions import House, mapping_trials
from worker.actions import mappings as acts
from worker.actions.targets import the_target
from worker.api.schemas.mappings import (
    ActivationOfMapping,
    DifferenceOfMappings,
    MappingActivateBody,
    MappingVersionBody,
    RulesBody,
    Schema,
    Transforms,
    Verdict,
    VersionsOfMapping,
    VersionWithRules,
    difference_of,
    dry_run_of,
    schema_of,
    transforms_reference,
    verdict_of,
    version_of,
    version_with_rules,
)
from worker.security import Principal, Role
from worker.store import mappings
from worker.store.tenant import tenant
from worker.web import Auth, SeenVersion, etag_of, needs

Limit = Annotated[int, Query(ge=1, le=100)]
Offset = Annotated[int, Query(ge=0, le=100_000)]
Number = Annotated[int, Path(ge=1, le=2_000_000_000)]


def build(house: House, auth: Auth) -> APIRouter:
    """The routes about versions; the ETag of a target's mapping is the version that is active, 0 for none."""
    router = APIRouter(prefix="/api", tags=["mappings"])
    viewer, operator, admin = needs(auth, Role.VIEWER), needs(auth, Role.OPERATOR), needs(auth, Role.ADMIN)
    _add_reference(router, house, viewer=viewer)
    _add_reads(router, house, viewer=viewer)
    _add_acts(router, house, operator=operator, admin=admin)
    return router


def _add_reference(router: APIRouter, house: House, *, viewer: Principal) -> None:
    @router.get(
        "/mappings/transforms", response_model=Transforms, summary="What can be done to values without a script"
    )
    async def list_transforms(who: Principal = viewer) -> Transforms:
        del who  # signed in is all that is asked
        return transforms_reference()

    @router.get(
        "/connectors/{connector_id}/schema",
        response_model=Schema,
        summary="The attributes of a target",
    )
    async def get_schema(connector_id: UUID, who: Principal = viewer) -> Schema:
        return schema_of(await acts.schema(house, who, connector_id=connector_id))


def _add_reads(router: APIRouter, house: House, *, viewer: Principal) -> None:
    @router.get(
        "/connectors/{connector_id}/mappings",
        response_model=VersionsOfMapping,
        summary="List the versions of a target's mapping, the newest first",
    )
    async def list_versions(
        *, connector_id: UUID, who: Principal = viewer, limit: Limit = 20, offset: Offset = 0, response: Response
    ) -> VersionsOfMapping:
        async with tenant(house.pool, who.tenant_id) as conn:
            target = await the_target(conn, who.tenant_id, connector_id)
            rows, total = await mappings.versions(
                conn,
                tenant_id=who.tenant_id,
                connector_id=connector_id,
                object_class=target.object_class,
                limit=limit,
                offset=offset,
            )
            now = await acts.active_of(conn, who.tenant_id, target)
        response.headers["ETag"] = etag_of(now.version if now else 0)
        return VersionsOfMapping(
            versions=[version_of(row) for row in rows],
            object_class=target.object_class,
            active=now.version if now else None,
            total=total,
            limit=limit,
            offset=offset,
        )

    @router.get(
        "/connectors/{connector_id}/mappings/{version}",
        response_model=VersionWithRules,
        summary="One version with its rules",
    )
    async def get_version(connector_id: UUID, version: Number, who: Principal = viewer) -> VersionWithRules:
        return await _get(house, who, connector_id, version)

    @router.get(
        "/connectors/{connector_id}/mappings/{before}/diff/{after}",
        response_model=DifferenceOfMappings,
        summary="What differs between two versions, by rule",
    )
    async def compare(
        connector_id: UUID, before: Number, after: Number, who: Principal = viewer
    ) -> DifferenceOfMappings:
        found = await acts.difference(house, who, connector_id=connector_id, before=before, after=after)
        return difference_of(before, after, found)


def _add_acts(router: APIRouter, house: House, *, operator: Principal, admin: Principal) -> None:
    @router.post(
        "/connectors/{connector_id}/mappings/validate",
        response_model=Verdict,
        summary="Everything that is wrong with rules; nothing is stored",
    )
    async def validate(connector_id: UUID, body: RulesBody, who: Principal = operator) -> Verdict:
        return verdict_of(await acts.review(house, who, connector_id=connector_id, written=body.as_written()))

    @router.post(
        "/connectors/{connector_id}/mappings",
        response_model=VersionWithRules,
        status_code=201,
        summary="Store rules as a new version, which is not active yet",
    )
    async def add_version(connector_id: UUID, body: MappingVersionBody, who: Principal = admin) -> VersionWithRules:
        number = await acts.save(house, who, connector_id=connector_id, written=body.as_written(), note=body.note)
        return await _get(house, who, connector_id, number)

    @router.post(
        "/connectors/{connector_id}/mappings/{version}/activate",
        response_model=ActivationOfMapping,
        summary="Make a version the active one (admins), or (dry_run) count what that would do (operators)",
    )
    async def activate(
        *,
        connector_id: UUID,
        version: Number,
        seen: SeenVersion,
        response: Response,
        body: MappingActivateBody | None = None,
        who: Principal = operator,
    ) -> ActivationOfMapping:
        if body is not None and body.dry_run:
            counting = await mapping_trials.rehearse(
                house, who, connector_id=connector_id, version=version, scope=body.scope
            )
            response.status_code = 202
            return ActivationOfMapping(version=version, previous=counting.base_version, dry_run=dry_run_of(counting))
        previous = await acts.activate(house, who, connector_id=connector_id, version=version, seen=seen)
        response.headers["ETag"] = etag_of(version)
        return ActivationOfMapping(version=version, previous=previous)

    @router.post(
        "/connectors/{connector_id}/mappings/rollback",
        response_model=ActivationOfMapping,
        summary="Make the version active again that was so before",
    )
    async def roll_back(
        *, connector_id: UUID, seen: SeenVersion, response: Response, who: Principal = admin
    ) -> ActivationOfMapping:
        version = await acts.roll_back(house, who, connector_id=connector_id, seen=seen)
        response.headers["ETag"] = etag_of(version)
        return ActivationOfMapping(version=version)


async def _get(house: House, who: Principal, connector_id: UUID, version: int) -> VersionWithRules:
    async with tenant(house.pool, who.tenant_id) as conn:
        target = await the_target(conn, who.tenant_id, connector_id)
        return version_with_rules(await acts.the_version(conn, who.tenant_id, target, version))
