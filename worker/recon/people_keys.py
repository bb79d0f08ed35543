"""People by their blocking keys: kept for tenants of many people, and asked whoever looks for the owner of an account.

Keys are made in the background, page by page, whenever the rules in force read something of people that no keys are
there for: how far that is stands in one row of the tenant, so whoever plans next goes on there. Somebody who is new or
has changed gets new keys when the accounts of nobody are looked at again for them; until then they are among those who
come into question for every account.
"""

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from worker.correlation import MAX_BLOCK, RuleSet, match_keys, reading_of
from worker.domain.correlation import Candidate, MatchKey, Side
from worker.store import backtests, correlation, identity_keys
from worker.store.accounts import Place
from worker.store.identity_keys import KeyState
from worker.store.pool import Connection, Pool
from worker.store.tenant import tenant

#: With no more people than this everybody is looked at, and nobody has keys.
EVERYBODY = 20_000
#: People keyed together, and pages before others have their turn.
PAGE, PAGES = 2_000, 4
#: Of so many who changed and have no new keys yet each is looked at; of more, some are missed.
MOST_WAITING = 1_000


@dataclass(frozen=True, slots=True)
class Sharing:
    """For each of those who look the people who share a key with them, rarest keys first.

    ``is_complete``: everybody who changed since they were keyed is among them.
    """

    people: list[list[UUID]]
    is_complete: bool


async def holders(
    conn: Connection,
    *,
    tenant_id: UUID,
    rule_set: RuleSet,
    keys: Sequence[Sequence[MatchKey]],
    limit: int,
    most: int = MAX_BLOCK,
) -> Sharing | None:
    """Who shares one of these keys that no more than ``most`` people have; None while nobody has keys of these rules.

    ``keys`` are those of accounts, as ``match_keys`` makes them by ``rule_set``.
    """
    state = await identity_keys.state(conn, tenant_id=tenant_id)
    if state is None or reading_of(rule_set) not in state.made:
        return None
    wanted = [[key.hash for key in some] for some in keys]
    found = await identity_keys.holders(conn, tenant_id=tenant_id, keys=wanted, most=most, limit=limit)
    waiting, are_all = await identity_keys.waiting(conn, tenant_id=tenant_id, most=MOST_WAITING)
    people = [[*some, *(each for each in waiting if each not in set(some))] for some in found] if waiting else found
    return Sharing(people, are_all)


class People:
    """Candidates for the accounts of one target: people who share a key. Nobody is found while there are no keys."""

    hashes: frozenset[int] | None = None

    def __init__(self, pool: Pool, place: Place, rule_set: RuleSet) -> None:
        self._pool = pool
        self._place = place
        self._rule_set = rule_set

    async def by_keys(self, keys: Sequence[Sequence[MatchKey]], limit: int) -> list[list[Candidate]]:
        place = self._place
        async with tenant(self._pool, place.tenant_id) as conn:
            shared = await holders(conn, tenant_id=place.tenant_id, rule_set=self._rule_set, keys=keys, limit=limit)
            if shared is None:
                return [[] for _ in keys]
            found = await correlation.candidates_of(
                conn,
                tenant_id=place.tenant_id,
                connector_id=place.connector_id,
                object_class=place.object_class,
                ids=sorted({each for some in shared.people for each in some}),
            )
        known = {each.ref_id: each for each in found}
        return [[known[each] for each in some if each in known] for some in shared.people]


async def keep_keys(
    pool: Pool, *, tenant_id: UUID, rule_sets: Iterable[RuleSet], are_all: bool = True, everybody: int = EVERYBODY
) -> int:
    """Go on making the keys that these rules need; of how many people keys were made.

    ``are_all``: there are no other rules in force; else other keys that people have are left alone.
    """
    by_reading = {reading_of(each): each for each in rule_sets}
    async with tenant(pool, tenant_id) as conn:
        state = await identity_keys.state(conn, tenant_id=tenant_id)
        if state is None and not await backtests.has_more_people(conn, tenant_id=tenant_id, than=everybody):
            return 0
        if _lacks(state, by_reading.keys()):
            await identity_keys.ask(conn, tenant_id=tenant_id, readings=list(by_reading))
            state = await identity_keys.state(conn, tenant_id=tenant_id)
    keyed = 0
    for _ in range(PAGES):
        if state is None or state.made_to is None:
            break
        further, count = await _page(pool, tenant_id, state, list(by_reading.values()), replaces=are_all)
        keyed += count
        state = further
    return keyed


async def key_people(
    pool: Pool,
    *,
    tenant_id: UUID,
    people: Sequence[Candidate],
    rule_sets: Iterable[RuleSet],
    are_all: bool = True,
) -> None:
    """Give these people, as they are now, the keys of these rules, where people have keys; as ``keep_keys``."""
    async with tenant(pool, tenant_id) as conn:
        if await identity_keys.state(conn, tenant_id=tenant_id) is None:
            return
    keys = await asyncio.to_thread(keys_by_id, people, list(_distinct(rule_sets)))
    async with tenant(pool, tenant_id) as conn:
        await identity_keys.put(conn, tenant_id=tenant_id, keys=keys, replaces=are_all)


def keys_by_id(people: Sequence[Candidate], rule_sets: Sequence[RuleSet]) -> dict[UUID, list[int]]:
    """The keys of each under any of these rules, each once."""
    return {
        each.ref_id: sorted(
            {key.hash for rules in rule_sets for key in match_keys(each.attributes, rules, side=Side.IDENTITY)}
        )
        for each in people
    }


def _lacks(state: KeyState | None, wanted: Iterable[int]) -> bool:
    """Whether keys are wanted that are neither there nor on their way."""
    readings = set(wanted)
    return not readings <= (state.made | set(state.making) if state is not None else set())


async def _page(
    pool: Pool, tenant_id: UUID, state: KeyState, rule_sets: Sequence[RuleSet], *, replaces: bool
) -> tuple[KeyState | None, int]:
    """Key the next people; where that is then, None when somebody else was faster."""
    after = state.made_to or identity_keys.FIRST
    where: dict[str, Any] = {"tenant_id": tenant_id}
    async with tenant(pool, tenant_id) as conn:
        people = await correlation.people_after(conn, after=after, limit=PAGE, **where)
    keys = await asyncio.to_thread(keys_by_id, people, list(_distinct(rule_sets)))
    made_to = people[-1].ref_id if len(people) == PAGE else None
    async with tenant(pool, tenant_id) as conn:
        if not await identity_keys.advance(conn, seen=state, made_to=made_to, **where):
            return None, 0
        await identity_keys.put(conn, keys=keys, replaces=replaces, **where)
        return await identity_keys.state(conn, **where), len(people)


def _distinct(rule_sets: Iterable[RuleSet]) -> Iterable[RuleSet]:
    return {reading_of(each): each for each in rule_sets}.values()
