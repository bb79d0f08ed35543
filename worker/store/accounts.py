"""Account records (shadows): what each target was last seen to have, and whose it is.

What a run only *saw* is in its checkpoints; here is written only what has changed, so that an unchanged run writes
nothing. A row whose object is gone keeps its uid with state ``dead`` until somebody deals with it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from worker.domain.account import Account, AccountState
from worker.domain.ids import uuid7
from worker.store.copied import PackedIds, copied
from worker.store.identities import StoredIdentity
from worker.store.identities import from_row as identity_from_row
from worker.store.pool import Connection
from worker.store.sql import Record, load
from worker.store.tenant import keep_plans

queries = load("accounts")

#: No less history is kept, whatever is set: ``drop_partitions`` refuses it. A day less, for clocks that differ.
HISTORY_AT_LEAST = timedelta(days=6)


@dataclass(frozen=True, slots=True)
class Place:
    """Which accounts are meant: those of one connector and object class."""

    tenant_id: UUID
    connector_id: UUID
    object_class: str

    def as_arguments(self) -> dict[str, Any]:
        return {"tenant_id": self.tenant_id, "connector_id": self.connector_id, "object_class": self.object_class}


@dataclass(frozen=True, slots=True)
class Shadow:
    """An account row as a run reads it; ``is_agreed``: as wanted at the last look, and nothing has changed since.

    ``ours`` stands for all of our side that is compared.
    """

    account: Account
    observed_hash: int | None = None
    is_agreed: bool = False
    ours: int | None = None
    last_change_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Observed:
    """What a target shows of one account; ``agrees``: it is as wanted, while our side is still ``ours``."""

    id: UUID
    uid: str
    attributes: dict[str, Any]
    active: bool | None
    hash: int
    agrees: bool = False
    ours: int | None = None


@dataclass(frozen=True, slots=True)
class Known:
    """A row that names an object at the target, with its owner's name."""

    id: UUID
    uid: str
    identity_id: UUID | None
    live: int
    user_name: str | None


@dataclass(frozen=True, slots=True)
class Gone:
    """A linked account whose object is gone; ``is_enabled``: its owner may have active accounts."""

    id: UUID
    uid: str
    identity_id: UUID
    user_name: str
    is_enabled: bool
    wanted: dict[str, Any] | None
    wanted_active: bool | None
    live: int


@dataclass(frozen=True, slots=True)
class Unprovided:
    """A person without an account at a target; ``account_id`` is the row that waits for one."""

    identity: StoredIdentity
    account_id: UUID | None
    is_under_way: bool
    wanted: dict[str, Any] | None


@dataclass(frozen=True, slots=True)
class Link:
    """Whose an account is; ``match`` says why, as the correlation does."""

    account_id: UUID
    identity_id: UUID
    match: dict[str, Any]


async def index(conn: Connection, place: Place) -> bytes:
    """A row of 23 bytes an account, as a binary COPY has it.

    The number of columns (2 bytes) and the size of the only one (4); MD5 of the uid (the first 8), the agreed content
    hash (8), whether it stands (1).
    """
    await queries.be_patient.run(conn)
    return await copied(conn, queries.index, place.as_arguments())


async def agreed(conn: Connection, place: Place, uids: Sequence[str]) -> dict[str, int]:
    """The content hash of each of these accounts that was as wanted when it was last looked at, and has not moved."""
    rows = await queries.agreed.rows(conn, uids=list(uids), **place.as_arguments())
    return {row["uid"]: row["observed_hash"] for row in rows}


async def by_uids(conn: Connection, place: Place, uids: Sequence[str]) -> dict[str, Shadow]:
    """Rows by uid, dead ones included."""
    rows = await queries.by_uids.rows(conn, uids=list(uids), **place.as_arguments())
    return {row["uid"]: _shadow(row) for row in rows}


async def by_ids(conn: Connection, *, tenant_id: UUID, ids: Sequence[UUID]) -> dict[UUID, Shadow]:
    rows = await queries.by_ids.rows(conn, tenant_id=tenant_id, ids=list(ids))
    return {row["id"]: _shadow(row) for row in rows}


async def of_identities(conn: Connection, place: Place, identity_ids: Sequence[UUID]) -> dict[UUID, Shadow]:
    """The account row of each of these people at one target, by identity."""
    rows = await queries.of_identities.rows(conn, identity_ids=list(identity_ids), **place.as_arguments())
    return {row["identity_id"]: _shadow(row) for row in rows}


async def insert_seen(conn: Connection, place: Place, objects: Sequence[Observed], *, run_id: UUID | None) -> set[UUID]:
    """Rows of objects seen for the first time; the ids that were inserted."""
    if not objects:
        return set()
    rows = await queries.insert_seen.rows(
        conn,
        run_id=run_id,
        ids=[each.id for each in objects],
        uids=[each.uid for each in objects],
        observed=[each.attributes for each in objects],
        observed_active=[each.active for each in objects],
        observed_hashes=[each.hash for each in objects],
        **place.as_arguments(),
    )
    return {row["id"] for row in rows}


async def write_observed(
    conn: Connection, objects: Sequence[Observed], *, tenant_id: UUID, run_id: UUID, read_at: datetime
) -> int:
    """Write what changed at the target; rows that an operation changed after ``read_at`` are left alone."""
    if not objects:
        return 0
    return await queries.write_observed.run(
        conn,
        tenant_id=tenant_id,
        run_id=run_id,
        read_at=read_at,
        ids=[each.id for each in objects],
        observed=[each.attributes for each in objects],
        observed_active=[each.active for each in objects],
        observed_hashes=[each.hash for each in objects],
        agrees=[each.agrees for each in objects],
        ours=[each.ours for each in objects],
    )


async def want_as_seen(conn: Connection, *, tenant_id: UUID, taken: Mapping[UUID, dict[str, Any]]) -> None:
    """Want these attributes (by account) as they were seen; None is no value."""
    if taken:
        await queries.want_as_seen.run(conn, tenant_id=tenant_id, ids=list(taken), taken=list(taken.values()))


async def uids(conn: Connection, place: Place, *, after: str, limit: int) -> list[Known]:
    """What the target is known to have, in uid order after ``after``."""
    rows = await queries.uids.rows(conn, after=after, limit=limit, **place.as_arguments())
    return [Known(row["id"], row["uid"], row["identity_id"], row["live"], row["user_name"]) for row in rows]


async def mark_gone(conn: Connection, *, tenant_id: UUID, ids: Sequence[UUID], run_id: UUID) -> set[UUID]:
    """These objects are gone; rows with an operation under way are left alone."""
    rows = await queries.mark_gone.rows(conn, tenant_id=tenant_id, ids=list(ids), run_id=run_id)
    return {row["id"] for row in rows}


async def drop_gone(conn: Connection, *, tenant_id: UUID, ids: Sequence[UUID]) -> None:
    """Forget rows that are gone and were nobody's."""
    await queries.drop_gone.rows(conn, tenant_id=tenant_id, ids=list(ids))


async def forget_gone(conn: Connection, *, tenant_id: UUID, ids: Sequence[UUID]) -> set[UUID]:
    """Make rows that are gone ready for a new object."""
    return {row["id"] for row in await queries.forget_gone.rows(conn, tenant_id=tenant_id, ids=list(ids))}


async def gone_before(
    conn: Connection, place: Place, *, after: UUID, limit: int, ids: Sequence[UUID] | None = None
) -> list[Gone]:
    """Linked accounts that are gone and that nobody has dealt with, in id order; all, or of the given rows."""
    rows = await queries.gone_before.rows(
        conn, after=after, limit=limit, ids=list(ids) if ids is not None else None, **place.as_arguments()
    )
    return [
        Gone(
            row["id"],
            row["uid"],
            row["identity_id"],
            row["user_name"] or "",
            bool(row["is_enabled"]),
            row["wanted"],
            row["wanted_active"],
            row["live"],
        )
        for row in rows
    ]


async def unlinked(conn: Connection, place: Place, *, after: UUID, limit: int) -> list[Observed]:
    """Accounts of nobody with nothing under way, in id order."""
    rows = await queries.unlinked.rows(conn, after=after, limit=limit, **place.as_arguments())
    return [
        Observed(row["id"], row["uid"], row["observed"] or {}, row["observed_active"], row["observed_hash"] or 0)
        for row in rows
    ]


async def still_unlinked(conn: Connection, *, tenant_id: UUID, ids: Sequence[UUID]) -> dict[UUID, Observed]:
    """Those of these accounts that are still nobody's, by id, without what they have."""
    rows = await queries.still_unlinked.rows(conn, tenant_id=tenant_id, ids=list(ids))
    return {row["id"]: Observed(row["id"], row["uid"], {}, None, row["observed_hash"] or 0) for row in rows}


async def without_account(conn: Connection, place: Place) -> PackedIds:
    """Enabled people without an account here, in id order, whatever the scope says."""
    await queries.be_patient.run(conn)
    await queries.join_by_hash.run(conn)
    return PackedIds(await copied(conn, queries.without_account, place.as_arguments()))


async def without_account_of(conn: Connection, place: Place, ids: Sequence[UUID]) -> list[Unprovided]:
    """Those of these people."""
    rows = await queries.without_account_of.rows(conn, ids=list(ids), **place.as_arguments())
    return [_unprovided(row) for row in rows]


async def touched_since(conn: Connection, place: Place, *, since: datetime) -> list[str]:
    """Uids of linked accounts whose identity, or which themselves, were changed by us since then."""
    is_kept = since > datetime.now(UTC) - HISTORY_AT_LEAST
    query = queries.touched_since if is_kept else queries.touched_long_since
    await queries.plan_for_values.run(conn)
    rows = await query.rows(conn, since=since, **place.as_arguments())
    await keep_plans(conn)
    return [row["uid"] for row in rows]


async def identities_changed_since(conn: Connection, *, tenant_id: UUID, since: datetime) -> list[UUID]:
    await queries.plan_for_values.run(conn)
    rows = await queries.identities_changed_since.rows(conn, tenant_id=tenant_id, since=since)
    await keep_plans(conn)
    return [row["id"] for row in rows]


async def names(conn: Connection, *, tenant_id: UUID, ids: Sequence[UUID]) -> dict[UUID, Record]:
    """(user_name, version, is_enabled) of people by id."""
    rows = await queries.names.rows(conn, tenant_id=tenant_id, ids=list(ids))
    return {row["id"]: row for row in rows}


async def link(conn: Connection, place: Place, links: Sequence[Link], *, keep: Sequence[str] = ()) -> dict[UUID, UUID]:
    """Record owners: account id given -> id of the row that is now the owner's.

    Where a row waits for the owner's account it becomes the row of the object, so that its lane and its operations
    stay, creates as updates; the object's own row goes. ``keep`` names the attributes that hooks compute: they stay
    as the object has them until a hook has run. Links that cannot be made (the owner has an account, or one is being
    made just now; the row moved) are left out.
    """
    if not links:
        return {}
    wanted = {each.identity_id: each for each in links}
    rows = await queries.placeholders.rows(conn, identity_ids=list(wanted), **place.as_arguments())
    waiting = {row["identity_id"]: row for row in rows}
    free = [each for each in links if each.identity_id not in waiting]
    linked = await queries.link.rows(
        conn,
        tenant_id=place.tenant_id,
        ids=[each.account_id for each in free],
        identity_ids=[each.identity_id for each in free],
        matches=[each.match for each in free],
        keep=list(keep),
    )
    done = {row["id"]: row["id"] for row in linked}
    usable = [each for each in links if _is_vacant(waiting.get(each.identity_id))]
    return done | await _take_over(conn, place, usable, waiting, keep)


async def ensure_of_identity(
    conn: Connection, tenant_id: UUID, *, connector_id: UUID, identity_id: UUID, object_class: str
) -> UUID | None:
    """The person's account row at a target, made ``pending`` when there is none; None when there is no such person."""
    place = Place(tenant_id, connector_id, object_class)
    await queries.ensure_of_identity.run(conn, id=uuid7(), identity_id=identity_id, **place.as_arguments())
    found = await queries.of_identities.rows(conn, identity_ids=[identity_id], **place.as_arguments())
    return found[0]["id"] if found else None


async def unlink(conn: Connection, *, tenant_id: UUID, ids: Sequence[UUID]) -> set[UUID]:
    """Take owners away; rows with an operation under way are left alone."""
    return {row["id"] for row in await queries.unlink.rows(conn, tenant_id=tenant_id, ids=list(ids))}


async def _take_over(
    conn: Connection, place: Place, links: list[Link], waiting: dict[UUID, Record], keep: Sequence[str]
) -> dict[UUID, UUID]:
    if not links:
        return {}
    gone = await queries.give_way.rows(conn, tenant_id=place.tenant_id, ids=[each.account_id for each in links])
    objects = {row["id"]: row for row in gone}
    kept = [each for each in links if each.account_id in objects]
    found = [objects[each.account_id] for each in kept]
    ids = [waiting[each.identity_id]["id"] for each in kept]
    await queries.take_over.rows(
        conn,
        tenant_id=place.tenant_id,
        ids=ids,
        uids=[row["uid"] for row in found],
        observed=[row["observed"] for row in found],
        observed_active=[row["observed_active"] for row in found],
        observed_hashes=[row["observed_hash"] for row in found],
        matches=[each.match for each in kept],
        keep=list(keep),
    )
    uids = [row["uid"] for row in found]
    await queries.turn_creates.run(conn, tenant_id=place.tenant_id, ids=ids, uids=uids)
    return {each.account_id: id_ for each, id_ in zip(kept, ids, strict=True)}


def _is_vacant(row: Record | None) -> bool:
    return row is not None and not row["is_busy"] and (row["uid"] is None or row["state"] == AccountState.DEAD)


def _unprovided(row: Record) -> Unprovided:
    is_under_way = row["is_planned_soon"] or bool(row["live"])
    return Unprovided(identity_from_row(row), row["account_id"], is_under_way, row["wanted"])


def _shadow(row: Record) -> Shadow:
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
    )
    return Shadow(account, row["observed_hash"], row["is_agreed"], row["ours"], row["last_change_at"])
