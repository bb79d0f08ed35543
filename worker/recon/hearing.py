"""What hooks and expressions say about accounts: asked between finding who comes into question and deciding.

Hooks first, each once about an account and the people whom the rules found for it. Their keys bring people in whom no
rule finds. Expressions then look at every pair. Nothing is decided here, and nothing written but the keys: with them
a person who comes later, or a create, finds the account again. Asked again, the same is said: what is told is what is
stored, and ``now`` is the moment when the run began.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial
from typing import Protocol, TypeVar
from uuid import UUID

from worker.connectors import ObjectSchema
from worker.correlation import (
    MAX_BLOCK,
    MOST_CANDIDATES,
    About,
    Asker,
    Held,
    LookedUp,
    Occasion,
    Prepared,
    RuleSet,
    Told,
    Word,
    correlating,
    folded,
    has_expressions,
    held_of,
    keys_of_texts,
    keys_of_words,
    looked_up,
    nearest,
    texts_of_person,
    words_about,
)
from worker.domain.connector import Connector
from worker.domain.correlation import Candidate, MatchKey, Subject
from worker.mapping import secret_names, secret_sources
from worker.recon.context import View
from worker.store import hooks, mappings
from worker.store.pool import Connection

#: Accounts that hooks are asked about in one call, and pairs that expressions are; between two calls a run can stop.
ACCOUNTS, PAIRS = 200, 1_000

T = TypeVar("T")
#: Finds everybody who has one of these texts, as hooks wrote them.
Find = Callable[[frozenset[str]], Awaitable[list[Candidate]]]


class Patiently(Protocol):
    """Does what needs the sandbox, and knows what becomes of whoever finds no room in it."""

    async def __call__(self, work: Callable[[], Awaitable[T]]) -> T: ...


@dataclass(frozen=True, slots=True)
class Heard:
    """What was said, by account; whom hooks brought in beside the candidates; and the keys that they gave."""

    told: Mapping[UUID, Told] = field(default_factory=dict)
    people: Sequence[Candidate] = ()
    keys: Mapping[UUID, Sequence[MatchKey]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Audience:
    """Who is asked, and how: ``asker`` None where there is no sandbox, which is a failure of each hook."""

    asker: Asker | None
    occasion: Occasion
    find: Find
    patiently: Patiently


async def at_once(work: Callable[[], Awaitable[T]]) -> T:
    """Without waiting: that there is no room is raised."""
    return await work()


async def occasion_at(
    conn: Connection, connector: Connector, *, schema: ObjectSchema | None, now: datetime
) -> Occasion:
    """The same for a trial, where no target is open; ``schema``: what the target says of its attributes."""
    bound = await hooks.bound(conn, tenant_id=connector.tenant_id, connector_ids=[connector.id])
    active = await mappings.active(conn, tenant_id=connector.tenant_id, connector_ids=[connector.id])
    mapping = active.get((connector.id, connector.object_class))
    return Occasion(
        tenant_id=connector.tenant_id,
        resource={"id": str(connector.id), "name": connector.name, "type": connector.type},
        object_class=connector.object_class,
        now=now,
        # What a trial does to its sandbox is held against the program, not against the hook on all daemons.
        hooks=tuple(
            replace(hook, script=replace(hook.script, id=None))
            for hook in correlating(bound[connector.id], connector.object_class)
        ),
        secrets=secret_names(mapping, schema or ObjectSchema(connector.object_class, "")),
        secret_sources=secret_sources(mapping),
        dry_run=True,
    )


def occasion_of(view: View, *, now: datetime, dry_run: bool = False) -> Occasion:
    """What hooks are told of every account of a target."""
    connector = view.connector
    return Occasion(
        tenant_id=connector.tenant_id,
        resource={"id": str(connector.id), "name": connector.name, "type": connector.type},
        object_class=connector.object_class,
        now=now,
        hooks=view.hooks,
        secrets=view.secrets,
        secret_sources=view.secret_sources,
        dry_run=dry_run,
    )


async def hear(
    subjects: Sequence[Subject], candidates: Sequence[Candidate], *, rule_set: RuleSet, audience: Audience
) -> Heard:
    """Ask about these accounts; at once with nothing, where no hook is bound and no rule is an expression."""
    if not subjects or not (audience.occasion.hooks or has_expressions(rule_set)):
        return Heard()
    met = await asyncio.to_thread(looked_up, subjects, candidates, rule_set=rule_set)
    words = await _words(met, rule_set, audience)
    written = {account_id: keys_of_words(some) for account_id, some in words.items()}
    texts = {account_id: folded(some) for account_id, some in written.items()}
    wanted = frozenset[str]().union(*written.values())
    people: list[Candidate] = []
    if wanted:
        known = {each.ref_id for each in candidates}
        people = [each for each in await audience.find(wanted) if each.ref_id not in known]
        if people:
            met = await asyncio.to_thread(looked_up, subjects, [*candidates, *people], rule_set=rule_set)
    named = await asyncio.to_thread(_named, texts, [*candidates, *people], rule_set)
    told = {
        each.ref_id: Told({each.ref_id: words.get(each.ref_id, ())}, named=named.get(each.ref_id, frozenset()))
        for each in met.subjects
    }
    told = await _with_expressions(met, told, rule_set, audience)
    return Heard(told, people, {account_id: keys_of_texts(some) for account_id, some in texts.items()})


async def _words(met: LookedUp, rule_set: RuleSet, audience: Audience) -> dict[UUID, tuple[Word, ...]]:
    found: dict[UUID, tuple[Word, ...]] = {}
    if not audience.occasion.hooks:
        return found
    for some in _pieces(met.subjects, ACCOUNTS):
        questions = await asyncio.to_thread(_questions, some, met, rule_set)
        ask = partial(words_about, questions, asker=audience.asker, occasion=audience.occasion)
        for each, words in zip(questions, await audience.patiently(ask), strict=True):
            found[each.account.ref_id] = words
    return found


def _questions(accounts: Sequence[Prepared], met: LookedUp, rule_set: RuleSet) -> list[About]:
    return [About(each, nearest(each, met.of(each), rule_set, most=MOST_CANDIDATES)) for each in accounts]


async def _with_expressions(
    met: LookedUp, told: Mapping[UUID, Told], rule_set: RuleSet, audience: Audience
) -> dict[UUID, Told]:
    """The same with what expressions say of each account and everybody who comes into question for it."""
    if not has_expressions(rule_set):
        return dict(told)
    held: dict[UUID, dict[tuple[str, UUID, UUID], Held]] = {each.ref_id: {} for each in met.subjects}
    pairs = [(person, each) for each in met.subjects for person in met.of(each, named=told[each.ref_id].named)]
    for some in _pieces(pairs, PAIRS):
        ask = partial(held_of, some, rule_set, asker=audience.asker, occasion=audience.occasion)
        for key, value in (await audience.patiently(ask)).items():
            held[key[2]][key] = value
    return {account_id: replace(told[account_id], held=some) for account_id, some in held.items()}


def _named(
    texts: Mapping[UUID, frozenset[str]], people: Sequence[Candidate], rule_set: RuleSet
) -> dict[UUID, frozenset[UUID]]:
    """Whom the keys of each account name; a key that too many have names nobody."""
    wanted = frozenset[str]().union(*texts.values())
    holders: dict[str, set[UUID]] = {}
    for each in people if wanted else ():
        for text in wanted & texts_of_person(each.attributes, rule_set):
            holders.setdefault(text, set()).add(each.ref_id)
    rare = {text: held for text, held in holders.items() if len(held) <= MAX_BLOCK}
    return {
        account_id: frozenset[UUID]().union(*(rare[text] for text in some & rare.keys()))
        for account_id, some in texts.items()
        if not some.isdisjoint(rare)
    }


def _pieces(things: Sequence[T], size: int) -> list[Sequence[T]]:
    return [things[at : at + size] for at in range(0, len(things), size)]
