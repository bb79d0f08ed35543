"""Bearer secrets: ``pvd_<tenant>_<secret>``. The tenant is in clear, the secret has 256 bits and is stored hashed.

The tenant of a request comes from its credential alone: a secret found under another tenant does not exist.
"""

import hashlib
import re
import secrets
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from worker.domain.errors import Unauthenticated, WrongState
from worker.security.roles import Role
from worker.store import principals
from worker.store.pool import Connection, Pool
from worker.store.sql import Record
from worker.store.tenant import tenant

PREFIX = "pvd"
_FORM = re.compile(r"pvd_([0-9a-f]{32})_([A-Za-z0-9_-]{43})")
LINK_LIVES_S = 15 * 60
SESSION_LIVES_S = 12 * 3600


@dataclass(frozen=True, slots=True)
class Principal:
    """Who asks, for one tenant."""

    tenant_id: UUID
    id: UUID
    kind: str
    name: str
    roles: frozenset[str]

    def has(self, role: Role) -> bool:
        """Whether a role is granted, by itself or by one that includes it."""
        return any(role in Role(granted).includes for granted in self.roles)


@dataclass(frozen=True, slots=True)
class Session:
    """A signed-in person, and until when."""

    principal: Principal
    expires_at: datetime


def new_secret(tenant_id: UUID) -> str:
    """A fresh bearer secret of a tenant."""
    return f"{PREFIX}_{tenant_id.hex}_{secrets.token_urlsafe(32)}"


def hashed(secret: str) -> bytes:
    """What is stored of a secret. A plain hash is enough for 256 random bits."""
    return hashlib.sha256(secret.encode()).digest()


def tenant_of(secret: str) -> UUID:
    """The tenant that a secret names; raises Unauthenticated when it is not of our form."""
    found = _FORM.fullmatch(secret)
    if found is None:
        raise Unauthenticated("This is not a token of provisiond.")
    return UUID(hex=found[1])


async def create_token(
    conn: Connection,
    tenant_id: UUID,
    *,
    name: str,
    roles: frozenset[Role],
    created_by: UUID | None = None,
    expires_at: datetime | None = None,
) -> str:
    """Make a token; the secret, which is shown once and never again.

    Tokens of one name are one principal, so that a token can be renewed. Raises WrongState when tokens of this name
    have other roles: each would get the roles of the other.
    """
    granted = [role.value for role in sorted(roles)]
    principal = await principals.ensure(conn, tenant_id, kind="token", name=name, roles=granted)
    row = await principals.by_id(conn, tenant_id, principal)
    if row is None or set(row["roles"]) != set(granted):
        raise WrongState("Tokens of this name have other roles; choose another name.")
    secret = new_secret(tenant_id)
    await principals.add_token(
        conn,
        tenant_id,
        principal_id=principal,
        name=name,
        secret_hash=hashed(secret),
        created_by=created_by,
        expires_at=expires_at,
    )
    return secret


async def create_link(conn: Connection, tenant_id: UUID, *, principal_id: UUID) -> str:
    """Make a one-time sign-in secret of a person; it lives fifteen minutes."""
    secret = new_secret(tenant_id)
    await principals.add_session(
        conn,
        tenant_id,
        principal_id=principal_id,
        kind="link",
        secret_hash=hashed(secret),
        lives_s=LINK_LIVES_S,
    )
    return secret


async def by_token(pool: Pool, secret: str) -> Principal:
    """The principal of an API token; raises Unauthenticated."""
    tenant_id = tenant_of(secret)
    async with tenant(pool, tenant_id) as conn:
        row = await principals.by_token(conn, tenant_id, hashed(secret))
    if row is None:
        raise Unauthenticated("The token is unknown, expired or revoked.")
    return _principal(tenant_id, row)


async def by_session(pool: Pool, secret: str) -> Session:
    """The session of a cookie; raises Unauthenticated."""
    tenant_id = tenant_of(secret)
    async with tenant(pool, tenant_id) as conn:
        row = await principals.by_session(conn, tenant_id, hashed(secret))
    if row is None:
        raise Unauthenticated("The session is over; sign in again.")
    return Session(_principal(tenant_id, row), row["expires_at"])


async def sign_in(pool: Pool, secret: str) -> str:
    """Trade a one-time link's secret, or an API token, for the secret of a session; raises Unauthenticated."""
    tenant_id = tenant_of(secret)
    async with tenant(pool, tenant_id) as conn:
        principal_id = await principals.use_link(conn, tenant_id, hashed(secret))
        if principal_id is None:
            token = await principals.by_token(conn, tenant_id, hashed(secret))
            if token is None:
                raise Unauthenticated("The link was used or has expired, or the token is not valid.")
            principal_id = token["id"]
        session = new_secret(tenant_id)
        await principals.add_session(
            conn,
            tenant_id,
            principal_id=principal_id,
            kind="session",
            secret_hash=hashed(session),
            lives_s=SESSION_LIVES_S,
        )
    return session


async def sign_out(pool: Pool, secret: str) -> None:
    """End a session; one that is over already stays over."""
    tenant_id = tenant_of(secret)
    async with tenant(pool, tenant_id) as conn:
        await principals.end_session(conn, tenant_id, hashed(secret))


def _principal(tenant_id: UUID, row: Record) -> Principal:
    return Principal(tenant_id, row["id"], row["kind"], row["name"], frozenset(row["roles"]))
