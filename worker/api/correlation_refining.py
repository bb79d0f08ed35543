"""Rules proposed by what people decided, over HTTP."""

from uuid import UUID

from fastapi import APIRouter

from worker.actions import House
from worker.actions import refining as acts
from worker.api.schemas.backtests import Backtest, RefineBody, backtest_of
from worker.security import Principal, Role
from worker.web import Auth, needs


def build(house: House, auth: Auth) -> APIRouter:
    """The route that proposes rules."""
    router = APIRouter(prefix="/api/connectors/{connector_id}/correlation/rules", tags=["correlation"])
    admin = needs(auth, Role.ADMIN)

    @router.post(
        "/refine",
        response_model=Backtest,
        status_code=202,
        summary="Propose rules learnt from decisions or from data, with their back-test; nothing is put in force",
    )
    async def refine(connector_id: UUID, body: RefineBody | None = None, who: Principal = admin) -> Backtest:
        teacher = acts.Teacher(body.learn_from) if body else acts.Teacher.DECISIONS
        return backtest_of(await acts.refine(house, who, connector_id=connector_id, teacher=teacher))

    return router
