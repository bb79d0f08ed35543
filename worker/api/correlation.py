"""Correlation over HTTP: whose an account would be, how right the rules are, and links to check."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query

from worker.actions import House
from worker.actions import statistics as acts
from worker.api.schemas.correlation import (
    CorrelateBody,
    Correlated,
    CorrelationStatistics,
    SpotCheckBody,
    SpotChecks,
    correlated_of,
    statistics_of,
)
from worker.security import Principal, Role
from worker.web import Auth, needs


def build(house: House, auth: Auth) -> APIRouter:
    """The routes about correlation itself."""
    router = APIRouter(prefix="/api", tags=["correlation"])
    viewer, operator = needs(auth, Role.VIEWER), needs(auth, Role.OPERATOR)

    @router.post(
        "/connectors/{connector_id}/correlation/correlate",
        response_model=Correlated,
        summary="Whose an account with these attributes would be, and why; nothing is written",
    )
    async def correlate(connector_id: UUID, body: CorrelateBody, who: Principal = viewer) -> Correlated:
        return correlated_of(
            await acts.correlate(
                house,
                who,
                connector_id=connector_id,
                attributes=body.attributes,
                account_id=body.account_id,
                draft=body.as_draft(),
            )
        )

    @router.post(
        "/connectors/{connector_id}/correlation/spot-check",
        response_model=SpotChecks,
        status_code=201,
        summary="Open cases about some links that the rules made by themselves, chosen by chance",
    )
    async def spot_check(connector_id: UUID, body: SpotCheckBody, who: Principal = operator) -> SpotChecks:
        return SpotChecks(cases=await acts.spot_check(house, who, connector_id=connector_id, count=body.count))

    @router.get(
        "/correlation/statistics",
        response_model=CorrelationStatistics,
        summary="How right the rules are by what people said, and what waits for people",
    )
    async def statistics(
        who: Principal = viewer, connector_id: Annotated[UUID | None, Query()] = None
    ) -> CorrelationStatistics:
        return statistics_of(await acts.statistics(house, who, connector_id=connector_id))

    return router
