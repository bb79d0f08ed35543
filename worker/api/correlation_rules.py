"""The rules that correlate the accounts of a target over HTTP: what is in force, save, versions, compare, go back."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Path, Query, Response

from worker.actions import House
from worker.actions import rule_sets as acts
from worker.actions.targets import the_target
from worker.api.schemas.correlation import (
    RuleSetActivation,
    RuleSetBody,
    RuleSetDifference,
    RuleSetSaveBody,
    RuleSetVersions,
    RulesInForce,
    RuleVerdict,
    difference_of,
    in_force_of,
    verdict_of,
    version_of,
)
from worker.security import Principal, Role
from worker.store import correlation, rule_sets
from worker.store.tenant import tenant
from worker.web import Auth, SeenVersion, etag_of, needs

Limit = Annotated[int, Query(ge=1, le=100)]
Offset = Annotated[int, Query(ge=0, le=100_000)]
Number = Annotated[int, Path(ge=0, le=2_000_000_000)]


def build(house: House, auth: Auth) -> APIRouter:
    """The routes about rules; the ETag is the version in force, 0 for the shipped rules."""
    router = APIRouter(prefix="/api/connectors/{connector_id}/correlation/rules", tags=["correlation"])
    viewer, operator, admin = needs(auth, Role.VIEWER), needs(auth, Role.OPERATOR), needs(auth, Role.ADMIN)
    _add_reads(router, house, viewer=viewer)
    _add_acts(router, house, operator=operator, admin=admin)
    return router


def _add_reads(router: APIRouter, house: House, *, viewer: Principal) -> None:
    @router.get("", response_model=RulesInForce, summary="The rules in force; the shipped ones where nobody saved any")
    async def get_rules(connector_id: UUID, response: Response, who: Principal = viewer) -> RulesInForce:
        found = await acts.in_force(house, who, connector_id=connector_id)
        response.headers["ETag"] = etag_of(found.version)
        return in_force_of(found)

    @router.get("/versions", response_model=RuleSetVersions, summary="List the saved versions, the newest first")
    async def list_versions(
        *, connector_id: UUID, who: Principal = viewer, limit: Limit = 20, offset: Offset = 0, response: Response
    ) -> RuleSetVersions:
        where = {"tenant_id": who.tenant_id, "connector_id": connector_id}
        async with tenant(house.pool, who.tenant_id) as conn:
            await the_target(conn, who.tenant_id, connector_id)
            rows, total = await rule_sets.versions(conn, limit=limit, offset=offset, **where)
            stored = await correlation.active_rule_set(conn, **where)
        active = stored[0] if stored else rule_sets.SHIPPED
        response.headers["ETag"] = etag_of(active)
        return RuleSetVersions(
            versions=[version_of(row) for row in rows], active=active, total=total, limit=limit, offset=offset
        )

    @router.get("/versions/{version}", response_model=RulesInForce, summary="One version; 0 is the shipped rules")
    async def get_version(connector_id: UUID, version: Number, who: Principal = viewer) -> RulesInForce:
        return in_force_of(await acts.version(house, who, connector_id=connector_id, number=version))

    @router.get(
        "/versions/{before}/diff/{after}",
        response_model=RuleSetDifference,
        summary="What differs between two versions, by rule",
    )
    async def compare(connector_id: UUID, before: Number, after: Number, who: Principal = viewer) -> RuleSetDifference:
        found = await acts.difference(house, who, connector_id=connector_id, before=before, after=after)
        return difference_of(before, after, found)


def _add_acts(router: APIRouter, house: House, *, operator: Principal, admin: Principal) -> None:
    @router.post("/validate", response_model=RuleVerdict, summary="Everything that is wrong with rules; stores nothing")
    async def validate(connector_id: UUID, body: RuleSetBody, who: Principal = operator) -> RuleVerdict:
        return verdict_of(await acts.review(house, who, connector_id=connector_id, draft=body.as_draft()))

    @router.put("", response_model=RulesInForce, summary="Save rules as a new version and put it in force")
    async def save(
        *, connector_id: UUID, body: RuleSetSaveBody, seen: SeenVersion, response: Response, who: Principal = admin
    ) -> RulesInForce:
        number = await acts.save(house, who, connector_id=connector_id, draft=body.as_draft(), seen=seen)
        response.headers["ETag"] = etag_of(number)
        return in_force_of(await acts.version(house, who, connector_id=connector_id, number=number))

    @router.post(
        "/versions/{version}/activate",
        response_model=RuleSetActivation,
        summary="Put an older version in force; 0 is the shipped rules",
    )
    async def activate(
        *, connector_id: UUID, version: Number, seen: SeenVersion, response: Response, who: Principal = admin
    ) -> RuleSetActivation:
        previous = await acts.activate(house, who, connector_id=connector_id, number=version, seen=seen)
        response.headers["ETag"] = etag_of(version)
        return RuleSetActivation(version=version, previous=previous)

    @router.post("/rollback", response_model=RuleSetActivation, summary="Put in force what was so before")
    async def roll_back(
        *, connector_id: UUID, seen: SeenVersion, response: Response, who: Principal = admin
    ) -> RuleSetActivation:
        done = await acts.roll_back(house, who, connector_id=connector_id, seen=seen)
        response.headers["ETag"] = etag_of(done.version)
        return RuleSetActivation(version=done.version, previous=done.previous)
