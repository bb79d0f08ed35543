"""What execution needs to know of a claimed batch: its accounts and their identities, in one read."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from worker.domain.account import Account, AccountState
from worker.domain.identity import Identity
from worker.store.pool import Connection
from worker.store.sql import Record, load

queries = load("work")

#: How common a name is decides what it is worth: so many people show that well enough.
NAMED = 20_000


@dataclass(frozen=True, slots=True)
class Subject:
    """An account with its identity; ``is_adopted``: it existed before us and was linked by correlation or a person."""

    account: Account
    identity: Identity | None
    is_adopted: bool


async def subjects(conn: Connection, tenant_id: UUID, account_ids: Sequence[UUID]) -> dict[UUID, Subject]:
    """The subjects by account id."""
    rows = await queries.accounts.rows(conn, tenant_id=tenant_id, account_ids=list(set(account_ids)))
    return {row["id"]: _subject(row) for row in rows}


async def owner_of_uid(
    conn: Connection, tenant_id: UUID, *, connector_id: UUID, object_class: str, uid: str
) -> Record | None:
    """The account record with this uid: (id, identity_id, live)."""
    return await queries.owner_of_uid.row(
        conn, tenant_id=tenant_id, connector_id=connector_id, object_class=object_class, uid=uid
    )


async def take(
    conn: Connection,
    tenant_id: UUID,
    *,
    connector_id: UUID,
    object_class: str,
    uid: str,
    account_id: UUID,
    identity_id: UUID | None,
    for_s: float,
) -> bool:
    """Keep an object for the try of ``account_id``, which is to own it; False when it is another's, or is being taken.

    What was taken longer ago than ``for_s`` seconds is free again.
    """
    row = await queries.take.row(
        conn,
        tenant_id=tenant_id,
        connector_id=connector_id,
        object_class=object_class,
        uid=uid,
        account_id=account_id,
        identity_id=identity_id,
        for_s=for_s,
    )
    return row is not None


async def mark_secrets(conn: Connection, tenant_id: UUID, *, account_id: UUID, marks: dict[str, str]) -> None:
    """Note the fingerprints of the secrets that an account was given, by name."""
    await queries.mark_secrets.run(conn, tenant_id=tenant_id, account_id=account_id, marks=marks)


async def unowned_keys(conn: Connection, tenant_id: UUID, *, connector_id: UUID, limit: int) -> list[int]:
    """Hashes of the blocking keys of accounts that nobody owns."""
    found = await queries.unowned_keys.value(conn, tenant_id=tenant_id, connector_id=connector_id, limit=limit)
    return list(found or ())


@dataclass(frozen=True, slots=True)
class FullNames:
    """Given and family names, one text each, of some of all ``people``."""

    names: list[str]
    people: int


async def full_names(conn: Connection, tenant_id: UUID) -> FullNames:
    """The names of everybody, or of as many as show how common names are."""
    rows = await queries.full_names.rows(conn, tenant_id=tenant_id, limit=NAMED)
    names = [f"{row['given'] or ''} {row['family'] or ''}".strip() for row in rows]
    people = len(names) if len(names) < NAMED else int(await queries.people.value(conn, tenant_id=tenant_id))
    return FullNames(names, people)


def _subject(row: Record) -> Subject:
    account = Account(
        id=row["id"],
        connector_id=row["connector_id"],
        object_class=row["object_class"],
        uid=row["uid"],
        identity_id=row["identity_id"],
        state=AccountState(row["state"]),
        wanted=row["wanted"],
        wanted_active=row["wanted_active"],
        observed=row["observed"],
        observed_active=row["observed_active"],
        hooked=row["hooked"],
        live=row["live"],
        secret_marks=row["secret_marks"],
    )
    identity = None
    if row["external_id"] is not None:
        identity = Identity(
            id=row["identity_id"],
            external_id=row["external_id"],
            user_name=row["user_name"],
            attributes=row["attributes"],
            active=row["active"] and not row["is_disabled"],
            version=row["version"],
        )
    return Subject(account, identity, row["is_adopted"])
