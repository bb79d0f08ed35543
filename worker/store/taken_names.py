"""Names that accounts took because a hook offered them as unique: no two accounts of a target have the same.

A row counts while its account has the name or its operation lives, which is looked up when somebody asks: nothing has
to be given back by whoever ends an operation, and a process that dies leaves nothing taken for good.
"""

import hashlib
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from worker.domain.letters import normalized
from worker.store.pool import Connection
from worker.store.sql import load

queries = load("taken_names")

#: Sorts before every id.
_FIRST = UUID(int=0)
#: An attribute and a name as it is compared.
Name = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Where:
    """The accounts among which a name is to be unique."""

    tenant_id: UUID
    connector_id: UUID
    object_class: str


@dataclass(frozen=True, slots=True)
class Taking:
    """One name for one account; ``value`` as it will be sent."""

    attribute: str
    value: str
    account_id: UUID
    operation_id: UUID
    iteration: int = 0

    @property
    def name(self) -> Name:
        return self.attribute, normal(self.value)


@dataclass(frozen=True, slots=True)
class Holder:
    """For which account a name was taken; it does not count any more unless ``is_held``."""

    account_id: UUID
    taken_at: datetime
    is_held: bool


@dataclass(frozen=True, slots=True)
class Seen:
    """A name in the order in which they are pruned: by when it was taken, and where that is the same, by its key."""

    taken_at: datetime
    value_hash: bytes = b""
    connector_id: UUID = _FIRST
    object_class: str = ""
    attribute: str = ""

    def as_parameters(self) -> dict[str, Any]:
        return {
            "after": self.taken_at,
            "value_hash": self.value_hash,
            "connector_id": self.connector_id,
            "object_class": self.object_class,
            "attribute": self.attribute,
        }


def normal(value: str) -> str:
    """A name as it is compared: case, width and composition of letters make no other one."""
    return normalized(normalized(value, "NFKC").casefold(), "NFKC").strip()


async def among(conn: Connection, where: Where, names: Collection[Name]) -> dict[Name, Holder]:
    """Who took which of these names."""
    by_hash = {(attribute, _hash(value)): (attribute, value) for attribute, value in names}
    rows = await queries.among.rows(
        conn,
        tenant_id=where.tenant_id,
        connector_id=where.connector_id,
        object_class=where.object_class,
        attributes=[attribute for attribute, _ in by_hash],
        hashes=[value_hash for _, value_hash in by_hash],
    )
    return {
        by_hash[row["attribute"], row["value_hash"]]: Holder(row["account_id"], row["taken_at"], row["is_held"])
        for row in rows
    }


async def of_accounts(conn: Connection, where: Where, names: Collection[Name]) -> dict[Name, UUID]:
    """Which accounts of ours have one of these names, by reading them all: for targets that cannot be asked.

    Once for all the names that a claim may come to: it takes as long as there are accounts.
    """
    rows = await queries.of_accounts.rows(
        conn,
        tenant_id=where.tenant_id,
        connector_id=where.connector_id,
        object_class=where.object_class,
        attributes=[attribute for attribute, _ in names],
        values=[value for _, value in names],
    )
    return {(row["attribute"], row["value"]): row["account_id"] for row in rows}


async def drop(conn: Connection, where: Where, names: dict[Name, Holder]) -> None:
    """Forget names that count no more, as they were seen."""
    if names:
        await queries.drop.run(
            conn,
            tenant_id=where.tenant_id,
            connector_id=where.connector_id,
            object_class=where.object_class,
            attributes=[attribute for attribute, _ in names],
            hashes=[_hash(value) for _, value in names],
            times=[holder.taken_at for holder in names.values()],
        )


async def take(conn: Connection, where: Where, wanted: Sequence[Taking]) -> set[Name]:
    """Take names; those that were still free, or the account's own."""
    if not wanted:
        return set()
    by_hash = {(each.attribute, _hash(each.name[1])): each for each in wanted}
    rows = await queries.take.rows(
        conn,
        tenant_id=where.tenant_id,
        connector_id=where.connector_id,
        object_class=where.object_class,
        attributes=[each.attribute for each in wanted],
        hashes=[_hash(each.name[1]) for each in wanted],
        values=[each.value for each in wanted],
        account_ids=[each.account_id for each in wanted],
        operation_ids=[each.operation_id for each in wanted],
        iterations=[each.iteration for each in wanted],
    )
    return {by_hash[row["attribute"], row["value_hash"]].name for row in rows}


async def give_back(conn: Connection, where: Where, account_id: UUID, names: Collection[Name]) -> None:
    """Let names go that the account did not get after all."""
    await queries.give_back.run(
        conn,
        tenant_id=where.tenant_id,
        connector_id=where.connector_id,
        object_class=where.object_class,
        account_id=account_id,
        attributes=[attribute for attribute, _ in names],
        hashes=[_hash(value) for _, value in names],
    )


async def iterations(conn: Connection, tenant_id: UUID, operation_ids: Sequence[UUID]) -> dict[UUID, int]:
    """How many names the target had refused when earlier tries of these operations took theirs."""
    rows = await queries.iterations.rows(conn, tenant_id=tenant_id, operation_ids=list(operation_ids))
    return {row["operation_id"]: row["iteration"] for row in rows}


async def prune(
    conn: Connection, tenant_id: UUID, *, after: Seen, before: datetime, limit: int
) -> tuple[int, Seen | None]:
    """Drop the next names that count no more, taken before a moment: how many, and who was looked at last, if any."""
    row = await queries.prune.row(conn, tenant_id=tenant_id, before=before, limit=limit, **after.as_parameters())
    if row is None:
        return 0, None
    last = Seen(row["taken_at"], row["value_hash"], row["connector_id"], row["object_class"], row["attribute"])
    return row["gone"], last


def _hash(value: str) -> bytes:
    return hashlib.sha256(value.encode("utf-8", "surrogatepass")).digest()
