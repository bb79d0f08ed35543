"""The rows of sources as we know them: account rows that are only ever read from there."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from worker.domain.ids import uuid7
from worker.store.pool import Connection
from worker.store.sql import Record, load

queries = load("source_accounts")


@dataclass(frozen=True, slots=True)
class Source:
    """Which rows are meant: those of one object class at one source connector."""

    tenant_id: UUID
    connector_id: UUID
    object_class: str


@dataclass(frozen=True, slots=True)
class KnownRow:
    """A row that the source is known to have; ``is_new``: this run saw it first."""

    id: UUID
    uid: str
    identity_id: UUID | None
    is_new: bool


@dataclass(frozen=True, slots=True)
class RowToKeep:
    """A row as it was read; ``hash`` stands for all of it."""

    uid: str
    identity_id: UUID
    observed: dict[str, Any]
    active: bool | None
    hash: int


async def changed(conn: Connection, source: Source, *, uids: Sequence[str], hashes: Sequence[int]) -> dict[int, bool]:
    """The places (from 0) of the rows that are not as we know them, and whether each comes (back) with this run."""
    rows = await queries.changed.rows(conn, **_where(source), uids=list(uids), hashes=list(hashes))
    return {row["place"] - 1: row["state"] != "active" for row in rows}


async def others_of(conn: Connection, source: Source, *, owners: Sequence[tuple[UUID, str]]) -> dict[UUID, str]:
    """For each (identity, uid) whose identity has a row of another uid there that is not gone: that uid."""
    rows = await queries.others_of.rows(
        conn, **_where(source), identity_ids=[owner for owner, _ in owners], uids=[uid for _, uid in owners]
    )
    return {row["identity_id"]: row["uid"] for row in rows}


async def upsert(conn: Connection, source: Source, *, rows: Sequence[RowToKeep], run_id: UUID) -> None:
    """Keep these rows; whoever had another one here, that is gone, has this one now."""
    if rows:
        uids, owners = [row.uid for row in rows], [row.identity_id for row in rows]
        await queries.let_go.run(conn, **_where(source), identity_ids=owners, uids=uids)
        await queries.upsert.run(
            conn,
            **_where(source),
            ids=[uuid7() for _ in rows],
            uids=uids,
            identity_ids=owners,
            observed=[row.observed for row in rows],
            observed_active=[row.active for row in rows],
            hashes=[row.hash for row in rows],
            run_id=run_id,
        )


async def known(conn: Connection, source: Source, *, after: str, limit: int, run_id: UUID) -> list[KnownRow]:
    """The next rows in the order of their uid."""
    rows = await queries.known.rows(conn, **_where(source), after=after, limit=limit)
    return [KnownRow(row["id"], row["uid"], row["identity_id"], row["first_seen_run"] == run_id) for row in rows]


async def names(conn: Connection, *, tenant_id: UUID, ids: Sequence[UUID]) -> list[Record]:
    """(uid, user_name) of rows, for a sample."""
    return await queries.names.rows(conn, tenant_id=tenant_id, ids=list(ids))


async def bury(conn: Connection, source: Source, *, ids: Sequence[UUID], run_id: UUID) -> list[UUID]:
    """These rows are gone; the identities that no source has any more."""
    rows = await queries.bury.rows(conn, tenant_id=source.tenant_id, ids=list(ids), run_id=run_id)
    return [row["identity_id"] for row in rows]


def _where(source: Source) -> dict[str, Any]:
    return {
        "tenant_id": source.tenant_id,
        "connector_id": source.connector_id,
        "object_class": source.object_class,
    }
