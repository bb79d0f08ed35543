"""What a target repairs by itself, over HTTP."""

from uuid import UUID

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import Response

from worker.actions import House
from worker.actions import policies as acts
from worker.domain.connector import Connector
from worker.domain.errors import NotFound
from worker.recon import rules_of
from worker.security import Principal, Role
from worker.store import connectors
from worker.store.tenant import tenant
from worker.web import Auth, SeenVersion, etag_of, needs


class PolicyBody(BaseModel):
    """``{kind: "action" | "action:direction" | null}``; null, and what is left out, waits for a person."""

    model_config = ConfigDict(extra="forbid")

    policy: dict[str, str | None] = Field(max_length=10)


class PolicyRule(BaseModel):
    """What happens to findings of one kind; without an action they wait. ``possible`` is what one may choose."""

    discrepancy_type: str
    action: str | None
    direction: str | None
    is_automatic: bool
    possible: list[str]


class Policy(BaseModel):
    connector_id: UUID
    version: int
    rules: list[PolicyRule]


def build(house: House, auth: Auth) -> APIRouter:
    """The routes /api/connectors/{id}/reconciliation/policy."""
    router = APIRouter(prefix="/api/connectors/{connector_id}/reconciliation/policy", tags=["reconciliation"])
    viewer, admin = needs(auth, Role.VIEWER), needs(auth, Role.ADMIN)

    @router.get("", response_model=Policy)
    async def get_policy(connector_id: UUID, response: Response, who: Principal = viewer) -> Policy:
        async with tenant(house.pool, who.tenant_id) as conn:
            found = await connectors.get(conn, tenant_id=who.tenant_id, connector_id=connector_id)
        if found is None:
            raise NotFound(f"There is no connector {connector_id}.")
        return _told(found, response)

    @router.put("", response_model=Policy)
    async def put_policy(
        connector_id: UUID, body: PolicyBody, response: Response, seen: SeenVersion, who: Principal = admin
    ) -> Policy:
        changed = await acts.change(house, who, connector_id=connector_id, policy=body.policy, seen=seen)
        return _told(changed, response)

    return router


def _told(connector: Connector, response: Response) -> Policy:
    response.headers["ETag"] = etag_of(connector.version)
    return Policy(
        connector_id=connector.id,
        version=connector.version,
        rules=[
            PolicyRule(
                discrepancy_type=rule.kind.value,
                action=rule.action.value if rule.action else None,
                direction=rule.direction.value if rule.direction else None,
                is_automatic=rule.action is not None,
                possible=[each.value for each in rule.possible],
            )
            for rule in rules_of(connector.policy)
        ],
    )
