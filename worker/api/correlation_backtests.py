"""Rules tried before they are in force, over HTTP: on all that people decided, in the background."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query

from worker.actions import House
from worker.actions import backtests as acts
from worker.actions.targets import the_target
from worker.api.schemas.backtests import Backtest, BacktestBody, BacktestList, backtest_of
from worker.security import Principal, Role
from worker.store import backtests
from worker.store.tenant import tenant
from worker.web import Auth, needs


def build(house: House, auth: Auth) -> APIRouter:
    """The routes about back-tests."""
    router = APIRouter(prefix="/api/connectors/{connector_id}/correlation/rules/backtest", tags=["correlation"])
    viewer, operator = needs(auth, Role.VIEWER), needs(auth, Role.OPERATOR)

    @router.post(
        "", response_model=Backtest, status_code=202, summary="Try rules on what people decided and on links in force"
    )
    async def start(connector_id: UUID, body: BacktestBody, who: Principal = operator) -> Backtest:
        found = await acts.start(house, who, connector_id=connector_id, draft=body.as_draft(), version=body.version)
        return backtest_of(found)

    @router.get("", response_model=BacktestList, summary="The last back-tests, the newest first")
    async def list_backtests(
        connector_id: UUID, who: Principal = viewer, limit: Annotated[int, Query(ge=1, le=20)] = 20
    ) -> BacktestList:
        async with tenant(house.pool, who.tenant_id) as conn:
            await the_target(conn, who.tenant_id, connector_id)
            found = await backtests.of_connector(conn, tenant_id=who.tenant_id, connector_id=connector_id, limit=limit)
        return BacktestList(backtests=[backtest_of(each) for each in found])

    @router.get("/{backtest_id}", response_model=Backtest, summary="How far a back-test is, and what it found")
    async def get_backtest(connector_id: UUID, backtest_id: UUID, who: Principal = viewer) -> Backtest:
        return backtest_of(await acts.get(house, who, connector_id=connector_id, backtest_id=backtest_id))

    @router.post("/{backtest_id}/cancel", response_model=Backtest, summary="Stop a back-test")
    async def cancel(connector_id: UUID, backtest_id: UUID, who: Principal = operator) -> Backtest:
        return backtest_of(await acts.cancel(house, who, connector_id=connector_id, backtest_id=backtest_id))

    return router
