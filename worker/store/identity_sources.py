"""What each system said last about attributes of people that come back from targets; ``worker.domain.precedence``."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeAlias
from uuid import UUID

from worker.domain.precedence import DEFAULT_SOURCE, DEFAULT_TARGET, Sharing
from worker.store.pool import Connection
from worker.store.sql import Record, load

queries = load("identity_sources")

#: Sorts before every id.
_FIRST = UUID(int=0)

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


@dataclass(frozen=True, slots=True)
class Judging:
    """A change of numbers under way: what they were, what they are to be, and up to which person it has come."""

    before: dict[str, int]
    now: dict[str, int]
    after: UUID


async def compare_numbers(conn: Connection, tenant_id: UUID, *, numbers: Mapping[str, int]) -> bool:
    """Whether people are yet to be judged by these numbers; numbers that nobody was judged by before are in force."""
    row = await queries.in_force.row(conn, tenant_id=tenant_id)
    if row is None:
        await queries.first_in_force.run(conn, tenant_id=tenant_id, numbers=dict(numbers))
        return False
    before = row["numbers"]
    is_other = any(before.get(source, number) != number for source, number in numbers.items())
    if row["next_numbers"] is None and not is_other and before != numbers:
        await queries.put_in_force.run(conn, tenant_id=tenant_id, numbers=dict(numbers))
    return is_other or row["next_numbers"] is not None


async def judging(conn: Connection, tenant_id: UUID, *, numbers: Mapping[str, int]) -> Judging | None:
    """Begin to judge by these numbers, or go on where it stopped; None: another process is at it, or nobody is left.

    What was begun with other numbers is ended with them first. The row is locked until the transaction ends.
    """
    if await compare_numbers(conn, tenant_id, numbers=numbers):
        await queries.begin_judging.run(conn, tenant_id=tenant_id, numbers=dict(numbers), first=_FIRST)
    row = await queries.judging.row(conn, tenant_id=tenant_id)
    return None if row is None else Judging(row["numbers"], row["next_numbers"], row["judged_to"])


async def people_with_words(conn: Connection, tenant_id: UUID, *, after: UUID, limit: int) -> list[UUID]:
    """The next people, in id order, of whom any word is kept."""
    return [
        row["identity_id"]
        for row in await queries.people_with_words.rows(conn, tenant_id=tenant_id, after=after, limit=limit)
    ]


async def judged(conn: Connection, tenant_id: UUID, *, last: UUID | None) -> None:
    """Note up to whom people are judged anew; None: everybody is, and the new numbers are in force."""
    await queries.judged.run(conn, tenant_id=tenant_id, last=last)
