"""Mappings tried before they are activated, over HTTP: on some people, on a scope, on everybody in the background."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Response

from worker.actions import House, scopes
from worker.actions import mapping_trials as acts
from worker.actions.targets import the_target
from worker.api.schemas.connectors import Connector, connector_of
from worker.api.schemas.mappings import (
    DryRun,
    DryRunList,
    MappingTrialBody,
    ScopeBody,
    ScopeChange,
    ScopeResult,
    Trials,
    dry_run_of,
    scope_result,
    trials_of,
)
from worker.security import Principal, Role
from worker.store import mapping_previews
from worker.store.tenant import tenant
from worker.web import Auth, SeenVersion, etag_of, needs


def build(house: House, auth: Auth) -> APIRouter:
    """The routes about trials, and about the scope, whose ETag is the connector's version."""
    router = APIRouter(prefix="/api/connectors/{connector_id}/mappings", tags=["mappings"])
    viewer, operator, admin = needs(auth, Role.VIEWER), needs(auth, Role.OPERATOR), needs(auth, Role.ADMIN)

    @router.post("/preview", response_model=Trials, summary="What would become of some people's accounts")
    async def try_out(connector_id: UUID, body: MappingTrialBody, who: Principal = operator) -> Trials:
        return trials_of(await acts.try_out(house, who, connector_id=connector_id, trial=body.as_trial()))

    @router.post("/scope", response_model=ScopeResult, summary="How many people a scope takes in")
    async def count_scope(connector_id: UUID, body: ScopeBody, who: Principal = viewer) -> ScopeResult:
        return scope_result(await scopes.count(house, who, connector_id=connector_id, scope=body.scope))

    @router.put("/scope", response_model=Connector, summary="Say who has an account at a target")
    async def change_scope(
        *, connector_id: UUID, body: ScopeChange, seen: SeenVersion, response: Response, who: Principal = admin
    ) -> Connector:
        changed = await scopes.change(
            house,
            who,
            connector_id=connector_id,
            scope=body.scope,
            seen=seen,
            sources_may_be_new=body.sources_may_be_new,
        )
        response.headers["ETag"] = etag_of(changed.version)
        return connector_of(changed)

    _add_dry_runs(router, house, viewer=viewer, operator=operator)
    return router


def _add_dry_runs(router: APIRouter, house: House, *, viewer: Principal, operator: Principal) -> None:
    @router.get("/dry-runs", response_model=DryRunList, summary="The last dry runs, the newest first")
    async def list_dry_runs(
        connector_id: UUID, who: Principal = viewer, limit: Annotated[int, Query(ge=1, le=20)] = 20
    ) -> DryRunList:
        async with tenant(house.pool, who.tenant_id) as conn:
            await the_target(conn, who.tenant_id, connector_id)
            found = await mapping_previews.of_connector(
                conn, tenant_id=who.tenant_id, connector_id=connector_id, limit=limit
            )
        return DryRunList(dry_runs=[dry_run_of(each) for each in found])

    @router.get("/dry-runs/{dry_run_id}", response_model=DryRun, summary="How far a dry run is, and what it found")
    async def get_dry_run(connector_id: UUID, dry_run_id: UUID, who: Principal = viewer) -> DryRun:
        return dry_run_of(await acts.preview(house, who, connector_id=connector_id, preview_id=dry_run_id))

    @router.post("/dry-runs/{dry_run_id}/cancel", response_model=DryRun, summary="Stop a dry run")
    async def cancel(connector_id: UUID, dry_run_id: UUID, who: Principal = operator) -> DryRun:
        return dry_run_of(await acts.cancel(house, who, connector_id=connector_id, preview_id=dry_run_id))
