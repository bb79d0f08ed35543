"""The audit and API tokens over HTTP."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query

from worker.actions import House
from worker.actions import tokens as acts
from worker.api.schemas.records import Entry, EntryList, NewToken, Token, TokenBody, TokenList
from worker.security import Principal, Role
from worker.store import listings_audit, principals
from worker.store.tenant import tenant
from worker.web import Auth, needs

Limit = Annotated[int, Query(ge=1, le=100)]
Text = Annotated[str | None, Query(min_length=1, max_length=200)]


def build(house: House, auth: Auth) -> APIRouter:
    """The routes /api/audit and /api/tokens."""
    router = APIRouter(prefix="/api", tags=["audit and tokens"])
    viewer, admin = needs(auth, Role.VIEWER), needs(auth, Role.ADMIN)
    _add_audit(router, house, viewer=viewer)
    _add_tokens(router, house, admin=admin)
    return router


def _add_audit(router: APIRouter, house: House, *, viewer: Principal) -> None:
    @router.get("/audit", response_model=EntryList)
    async def audit(
        *,
        who: Principal = viewer,
        actor: Text = None,
        action: Text = None,
        object_type: Text = None,
        object_id: Text = None,
        limit: Limit = 20,
        cursor: Annotated[int | None, Query(ge=1)] = None,
    ) -> EntryList:
        async with tenant(house.pool, who.tenant_id) as conn:
            rows = await listings_audit.page(
                conn,
                who.tenant_id,
                actor=actor,
                action=action,
                object_type=object_type,
                object_id=object_id,
                before=cursor,
                limit=limit + 1,
            )
        more = rows[limit - 1]["n"] if len(rows) > limit else None
        return EntryList(
            entries=[Entry.model_validate(dict(row)) for row in rows[:limit]], limit=limit, next_cursor=more
        )


def _add_tokens(router: APIRouter, house: House, *, admin: Principal) -> None:
    @router.get("/tokens", response_model=TokenList)
    async def list_tokens(who: Principal = admin) -> TokenList:
        async with tenant(house.pool, who.tenant_id) as conn:
            rows = await principals.tokens(conn, who.tenant_id)
        found = [Token.model_validate({**dict(row), "roles": row["roles"] or []}) for row in rows]
        return TokenList(tokens=found, total=len(found))

    @router.post("/tokens", response_model=NewToken, status_code=201)
    async def create_token(body: TokenBody, who: Principal = admin) -> NewToken:
        secret = await acts.create(house, who, name=body.name, roles=frozenset(body.roles), expires_at=body.expires_at)
        return NewToken(name=body.name, token=secret)

    @router.delete("/tokens/{token_id}", status_code=204)
    async def revoke_token(token_id: UUID, who: Principal = admin) -> None:
        await acts.revoke(house, who, token_id=token_id)
