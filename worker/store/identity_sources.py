"""What each system said last about attributes of people that come back from targets; ``worker.domain.precedence``."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, TypeAlias
from uuid import UUID

from worker.domain.precedence import DEFAULT_SOURCE, DEFAULT_TARGET, Sharing
from worker.store.pool import Connection
from worker.store.sql import Record, load

queries = load("identity_sources")

#: ``{attribute: {source: value}}`` of one person.
Words: TypeAlias = dict[str, dict[str, Any]]


class Said(NamedTuple):
    """A word of a source about one attribute of a person; ``value`` None takes it back."""

    identity_id: UUID
    attribute: str
    source: str
    value: Any


async def sharing(conn: Connection, tenant_id: UUID) -> Sharing:
    """Who may say what; nothing is shared where no mapping ever let anything in."""
    rows = await queries.sharing.rows(conn, tenant_id=tenant_id)
    return Sharing(
        names=frozenset(name for row in rows for name in row["names"] or ()),
        returned=frozenset((str(row["connector_id"]), name) for row in rows for name in row["active"] or ()),
        numbers={str(row["connector_id"]): _number(row) for row in rows},
        targets=frozenset(str(row["connector_id"]) for row in rows if not row["is_source"]),
    )


async def words(conn: Connection, tenant_id: UUID, *, identity_ids: Sequence[UUID]) -> dict[UUID, Words]:
    """What was said last about each of these people; who has no word is not in it."""
    if not identity_ids:
        return {}
    rows = await queries.words.rows(conn, tenant_id=tenant_id, identity_ids=list(identity_ids))
    found: dict[UUID, Words] = {}
    for row in rows:
        found.setdefault(row["identity_id"], {}).setdefault(row["attribute"], {})[row["source"]] = row["value"]
    return found


async def write(conn: Connection, tenant_id: UUID, *, said: Sequence[Said], run_id: UUID | None) -> None:
    """Keep these words, at most one of a source about an attribute of a person; their people must be locked."""
    if not said:
        return
    ordered = sorted(said, key=lambda each: (each.identity_id, each.attribute, each.source))
    await queries.write.run(
        conn,
        tenant_id=tenant_id,
        identity_ids=[each.identity_id for each in ordered],
        attributes=[each.attribute for each in ordered],
        sources=[each.source for each in ordered],
        values=[each.value for each in ordered],
        run_id=run_id,
    )


def spread(words_by_person: Mapping[UUID, Words]) -> list[Said]:
    """Words by person as ``write`` takes them."""
    return [
        Said(identity_id, attribute, source, value)
        for identity_id, words_ in words_by_person.items()
        for attribute, by in words_.items()
        for source, value in by.items()
    ]


async def of_identity(conn: Connection, tenant_id: UUID, *, identity_id: UUID) -> list[Record]:
    """(attribute, source, value, run_id, seen_at, connector_id, connector_name), by attribute, the newest first."""
    return await queries.of_identity.rows(conn, tenant_id=tenant_id, identity_id=identity_id)


def _number(row: Record) -> int:
    """The number of a connector's settings; one that is no whole number is as if there were none."""
    try:
        return int(row["number"])
    except (TypeError, ValueError):
        return DEFAULT_SOURCE if row["is_source"] else DEFAULT_TARGET
