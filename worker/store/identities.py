"""Identities as stored. Whoever changes one asks for planning in the same transaction (``plan_items.ask``)."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from worker.domain.identity import Identity
from worker.store.pool import Connection
from worker.store.sql import Record, load

queries = load("identities")


@dataclass(frozen=True, slots=True)
class StoredIdentity:
    """A whole row. ``authority`` names who said each attribute: a source connector's id, or ``event:<source>``.

    ``is_emergency_disabled`` and ``is_deleted`` outrank ``active``: see ``is_enabled``.
    """

    id: UUID
    external_id: str
    user_name: str
    attributes: dict[str, Any] = field(default_factory=dict)
    active: bool = True
    version: int = 1
    authority: dict[str, str] = field(default_factory=dict)
    revision: int | None = None
    disabled_at: datetime | None = None
    is_deleted: bool = False

    @property
    def is_enabled(self) -> bool:
        """Whether this person's accounts should be active."""
        return self.active and self.disabled_at is None and not self.is_deleted

    def as_identity(self) -> Identity:
        """What mappings, scopes and hooks read."""
        return Identity(self.id, self.external_id, self.user_name, self.attributes, self.is_enabled, self.version)


async def get(conn: Connection, *, tenant_id: UUID, ids: Sequence[UUID]) -> dict[UUID, StoredIdentity]:
    rows = await queries.get.rows(conn, tenant_id=tenant_id, ids=list(ids))
    return {row["id"]: from_row(row) for row in rows}


async def lock(conn: Connection, *, tenant_id: UUID, external_ids: Sequence[str]) -> dict[str, StoredIdentity]:
    """Those that exist, by external id, locked until the transaction ends."""
    rows = await queries.lock.rows(conn, tenant_id=tenant_id, external_ids=list(external_ids))
    return {row["external_id"]: from_row(row) for row in rows}


async def insert(conn: Connection, *, tenant_id: UUID, identities: Sequence[StoredIdentity]) -> set[UUID]:
    """Insert new people; the ids that were inserted, which lacks those whose external id somebody else just took."""
    places: dict[tuple[tuple[str, str], ...], int] = {}
    authority_places = [places.setdefault(tuple(each.authority.items()), len(places) + 1) for each in identities]
    rows = await queries.insert.rows(
        conn,
        tenant_id=tenant_id,
        ids=[each.id for each in identities],
        external_ids=[each.external_id for each in identities],
        user_names=[each.user_name for each in identities],
        attributes=[each.attributes for each in identities],
        actives=[each.active for each in identities],
        authorities=[dict(said) for said in places],
        authority_places=authority_places,
        revisions=[each.revision for each in identities],
        deleted=[each.is_deleted for each in identities],
    )
    return {row["id"] for row in rows}


async def update(conn: Connection, *, tenant_id: UUID, identities: Sequence[StoredIdentity]) -> None:
    """Write locked people as given, ``version`` included: it rises only when what is planned from can have changed."""
    await queries.update.run(
        conn,
        tenant_id=tenant_id,
        ids=[each.id for each in identities],
        user_names=[each.user_name for each in identities],
        attributes=[each.attributes for each in identities],
        actives=[each.active for each in identities],
        versions=[each.version for each in identities],
        authorities=[each.authority for each in identities],
        revisions=[each.revision for each in identities],
        deleted=[each.is_deleted for each in identities],
    )


async def deactivate(conn: Connection, *, tenant_id: UUID, ids: Sequence[UUID]) -> list[UUID]:
    """Make these inactive; the ids of those that were active."""
    return [row["id"] for row in await queries.deactivate.rows(conn, tenant_id=tenant_id, ids=sorted(ids))]


def from_row(row: Record) -> StoredIdentity:
    return StoredIdentity(
        id=row["id"],
        external_id=row["external_id"],
        user_name=row["user_name"],
        attributes=row["attributes"],
        active=row["active"],
        version=row["version"],
        authority=row["authority"],
        revision=row["revision"],
        disabled_at=row["disabled_at"],
        is_deleted=row["deleted_at"] is not None,
    )


async def find(conn: Connection, *, tenant_id: UUID, who: str) -> list[UUID]:
    """Ids of people by id, external id or user name; an external id alone decides when it is one."""
    try:
        as_id: UUID | None = UUID(who)
    except ValueError:
        as_id = None
    rows = await queries.find.rows(conn, tenant_id=tenant_id, who=who, id=as_id)
    return [row["id"] for row in rows]
