"""Blocking keys of people: who shares one with an account, however many people there are."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from worker.store.pool import Connection
from worker.store.sql import load

queries = load("identity_keys")

FIRST = UUID(int=0)


@dataclass(frozen=True, slots=True)
class KeyState:
    """``made``: numbers of what rule sets read, whose keys everybody has; ``making``: those on their way.

    Who comes after ``made_to`` does not have the latter yet.
    """

    made: frozenset[int] = frozenset()
    making: tuple[int, ...] = ()
    made_to: UUID | None = None


async def state(conn: Connection, *, tenant_id: UUID) -> KeyState | None:
    """None: nobody has keys."""
    row = await queries.state.row(conn, tenant_id=tenant_id)
    return KeyState(frozenset(row["made"]), tuple(row["making"]), row["made_to"]) if row else None


async def ask(conn: Connection, *, tenant_id: UUID, readings: Sequence[int]) -> None:
    """Everybody is to have the keys of these; begins anew when others are on their way."""
    await queries.ask.run(conn, tenant_id=tenant_id, making=sorted(readings), first=FIRST)


async def advance(conn: Connection, *, tenant_id: UUID, seen: KeyState, made_to: UUID | None) -> bool:
    """Everybody up to ``made_to`` has the keys, None: everybody. Whether nobody else was there before."""
    where = {"tenant_id": tenant_id, "making": list(seen.making), "seen_to": seen.made_to}
    if made_to is None:
        return bool(await queries.finish.run(conn, made=list(seen.making), **where))
    return bool(await queries.advance.run(conn, made_to=made_to, **where))


async def put(conn: Connection, *, tenant_id: UUID, keys: Mapping[UUID, Sequence[int]], replaces: bool = True) -> None:
    """Write the keys of these people; ``replaces``: in place of those that they have."""
    if replaces and keys:
        await queries.drop.run(conn, tenant_id=tenant_id, identity_ids=list(keys))
    flat = [(identity_id, key) for identity_id, some in keys.items() for key in some]
    if flat:
        await queries.insert.run(
            conn,
            tenant_id=tenant_id,
            identity_ids=[identity_id for identity_id, _ in flat],
            hashes=[key for _, key in flat],
        )


async def holders(
    conn: Connection, *, tenant_id: UUID, keys: Sequence[Sequence[int]], most: int, limit: int
) -> list[list[UUID]]:
    """For each set of keys the people who share one, at most ``limit``; who shares the rarest is first.

    A key that more than ``most`` people have finds nobody.
    """
    found: list[list[UUID]] = [[] for _ in keys]
    flat = [(place, key) for place, some in enumerate(keys) for key in some]
    if not flat:
        return found
    rows = await queries.holders.rows(
        conn,
        tenant_id=tenant_id,
        places=[place for place, _ in flat],
        hashes=[key for _, key in flat],
        most=most,
        limit=limit,
    )
    for row in rows:
        found[row["place"]].append(row["identity_id"])
    return found


async def waiting(conn: Connection, *, tenant_id: UUID, most: int) -> tuple[list[UUID], bool]:
    """People who may have changed since they were keyed, and whether these are all of them."""
    rows = await queries.waiting.rows(conn, tenant_id=tenant_id, limit=most)
    return sorted({row["id"] for row in rows if row["has_changed"]}), len(rows) < most
