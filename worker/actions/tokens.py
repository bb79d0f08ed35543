"""API tokens: made once, shown once, revoked for good."""

from datetime import datetime
from uuid import UUID

from worker.actions.house import House, acting, refuse_unstorable
from worker.domain.errors import InvalidRequest, NotFound
from worker.security import Principal, Role, create_token
from worker.store import principals


async def create(
    house: House, principal: Principal, *, name: str, roles: frozenset[Role], expires_at: datetime | None = None
) -> str:
    """Make a token; the secret, which nobody can read again. Raises InvalidRequest."""
    refuse_unstorable("name", name)
    if not name.strip() or not roles:
        raise InvalidRequest("A token has a name and at least one role.")
    async with acting(house, principal, Role.ADMIN) as act:
        secret = await create_token(
            act.conn, act.tenant_id, name=name.strip(), roles=roles, created_by=act.by, expires_at=expires_at
        )
        act.note("token.create", "token", name.strip(), roles=sorted(role.value for role in roles))
    return secret


async def revoke(house: House, principal: Principal, *, token_id: UUID) -> None:
    """Revoke a token; raises NotFound when there is none that is valid."""
    async with acting(house, principal, Role.ADMIN) as act:
        if not await principals.revoke_token(act.conn, act.tenant_id, token_id):
            raise NotFound(f"There is no valid token {token_id}.")
        act.note("token.revoke", "token", token_id)
