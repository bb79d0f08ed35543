"""Who may ask: principals, their roles, tokens, sessions and one-time links. Secrets are here as hashes only."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from worker.domain.ids import uuid7
from worker.store.pool import Connection
from worker.store.sql import Record, load

queries = load("principals")


async def ensure(conn: Connection, tenant_id: UUID, *, kind: str, name: str, roles: Sequence[str] = ()) -> UUID:
    """The id of a principal, made and given roles when it is new."""
    found: UUID = await queries.ensure.value(conn, tenant_id=tenant_id, id=uuid7(), kind=kind, name=name)
    if roles:
        await queries.grant.run(conn, tenant_id=tenant_id, principal_id=found, roles=list(roles))
    return found


async def add_token(
    conn: Connection,
    tenant_id: UUID,
    *,
    principal_id: UUID,
    name: str,
    secret_hash: bytes,
    created_by: UUID | None,
    expires_at: datetime | None,
) -> UUID:
    """Store a token; its id."""
    token_id = uuid7()
    await queries.add_token.run(
        conn,
        tenant_id=tenant_id,
        id=token_id,
        principal_id=principal_id,
        name=name,
        secret_hash=secret_hash,
        created_by=created_by,
        expires_at=expires_at,
    )
    return token_id


async def revoke_token(conn: Connection, tenant_id: UUID, token_id: UUID) -> bool:
    """Whether there was a token to revoke."""
    return bool(await queries.revoke_token.run(conn, tenant_id=tenant_id, id=token_id))


async def tokens(conn: Connection, tenant_id: UUID) -> list[Record]:
    """(id, name, created_at, expires_at, revoked_at, principal, roles), the newest first."""
    return await queries.tokens.rows(conn, tenant_id=tenant_id)


async def by_token(conn: Connection, tenant_id: UUID, secret_hash: bytes) -> Record | None:
    """(id, kind, name, roles) of a valid token's principal."""
    return await queries.by_token.row(conn, tenant_id=tenant_id, secret_hash=secret_hash)


async def add_session(
    conn: Connection, tenant_id: UUID, *, principal_id: UUID, kind: str, secret_hash: bytes, lives_s: float
) -> None:
    """Store a session, or a one-time link."""
    await queries.add_session.run(
        conn,
        tenant_id=tenant_id,
        id=uuid7(),
        principal_id=principal_id,
        kind=kind,
        secret_hash=secret_hash,
        lives_s=lives_s,
    )


async def use_link(conn: Connection, tenant_id: UUID, secret_hash: bytes) -> UUID | None:
    """The principal of a link that was valid until now; it is used up."""
    found: UUID | None = await queries.use_link.value(conn, tenant_id=tenant_id, secret_hash=secret_hash)
    return found


async def by_session(conn: Connection, tenant_id: UUID, secret_hash: bytes) -> Record | None:
    """(session_id, expires_at, id, kind, name, roles) of a valid session's principal."""
    return await queries.by_session.row(conn, tenant_id=tenant_id, secret_hash=secret_hash)


async def by_id(conn: Connection, tenant_id: UUID, principal_id: UUID) -> Record | None:
    """(id, kind, name, roles)."""
    return await queries.by_id.row(conn, tenant_id=tenant_id, id=principal_id)


async def end_session(conn: Connection, tenant_id: UUID, secret_hash: bytes) -> None:
    """End a session."""
    await queries.end_session.run(conn, tenant_id=tenant_id, secret_hash=secret_hash)
