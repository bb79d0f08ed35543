"""Weights learnt from the tenant's own people and accounts, without anybody's labels, in a process of their own."""

import asyncio
import multiprocessing
import resource
from collections.abc import Mapping, Sequence
from multiprocessing.connection import Connection
from typing import Any
from uuid import UUID

from worker.actions.house import House
from worker.correlation import RuleSet
from worker.domain.connector import Connector
from worker.domain.errors import WrongState
from worker.store import correlation, learning
from worker.store.tenant import tenant

#: Fewer rows on a side teach nothing; more people take too long while somebody waits for the answer.
LEAST_ROWS, MOST_PEOPLE, MOST_ACCOUNTS = 500, 50_000, 20_000
WITHIN_S = 120.0
_MEMORY = 4 << 30
_PAGE = 2_000
_FIRST = UUID(int=0)

Columns = tuple[list[UUID], dict[str, list[Any]]]


async def learnt(house: House, connector: Connector, rules: RuleSet) -> RuleSet:
    """These rules with the weights that everybody's data make likely. Raises WrongState where nothing can be learnt."""
    people = await _people(house, connector)
    accounts = await _accounts(house, connector)
    if min(len(people[0]), len(accounts[0])) < LEAST_ROWS:
        raise WrongState(
            f"There are {len(people[0])} people and {len(accounts[0])} accounts; {LEAST_ROWS} of both are the least to "
            "learn from."
        )
    better = await _apart(people, accounts, rules)
    if better == rules:
        raise WrongState("Nothing better was found: these weights are as likely as any.")
    return better


async def _apart(people: Columns, accounts: Columns, rules: RuleSet) -> RuleSet:
    """Learn in another process: it computes for seconds, and this one answers requests meanwhile."""
    found = await asyncio.to_thread(_waited, people, accounts, rules)
    if found is None:
        raise WrongState(
            f"Nothing was learnt within {WITHIN_S:.0f} s, or there was not memory enough; nothing is changed."
        )
    return found


def _waited(people: Columns, accounts: Columns, rules: RuleSet) -> RuleSet | None:
    """What the other process learns; None when it takes too long, or dies."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe(duplex=False)
    process = context.Process(target=_learn_apart, args=(theirs, people, accounts, rules), daemon=True)
    process.start()
    theirs.close()
    try:
        found: RuleSet | None = ours.recv() if ours.poll(WITHIN_S) else None
    except EOFError:
        return None
    finally:
        process.kill()
        process.join()
        ours.close()
    return found


def _learn_apart(answer: Connection, people: Columns, accounts: Columns, rules: RuleSet) -> None:
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))
    answer.send(learn(people, accounts, rules))


def learn(people: Columns, accounts: Columns, rules: RuleSet) -> RuleSet:
    """The same, here: what the other process runs."""
    from worker.correlation import Table, refined  # noqa: PLC0415 - the numpy behind it is for that process alone

    return refined(Table(*people), Table(*accounts), rule_set=rules, count_names=True).rule_set


async def _people(house: House, connector: Connector) -> Columns:
    found: list[tuple[UUID, Mapping[str, Any]]] = []
    after = _FIRST
    while len(found) <= MOST_PEOPLE:
        async with tenant(house.pool, connector.tenant_id) as conn:
            page = await correlation.people_after(conn, tenant_id=connector.tenant_id, after=after, limit=_PAGE)
        found += [(each.ref_id, each.attributes) for each in page]
        if len(page) < _PAGE:
            return columns_of(found)
        after = page[-1].ref_id
    raise WrongState(
        f"There are more than {MOST_PEOPLE:,} people: learn from files of them by `provisiond correlate files`, which "
        "shows the rules."
    )


async def _accounts(house: House, connector: Connector) -> Columns:
    found: list[tuple[UUID, Mapping[str, Any]]] = []
    after = _FIRST
    while len(found) < MOST_ACCOUNTS:
        async with tenant(house.pool, connector.tenant_id) as conn:
            page = await learning.accounts(
                conn,
                tenant_id=connector.tenant_id,
                connector_id=connector.id,
                object_class=connector.object_class,
                after=after,
                limit=_PAGE,
            )
        found += page
        if len(page) < _PAGE:
            break
        after = page[-1][0]
    return columns_of(found)


def columns_of(rows: Sequence[tuple[UUID, Mapping[str, Any]]]) -> Columns:
    """Rows as columns of texts, lists of texts, or None: pure."""
    names = dict.fromkeys(name for _, attributes in rows for name in attributes)
    return [id_ for id_, _ in rows], {name: [_text(attributes.get(name)) for _, attributes in rows] for name in names}


def _text(value: Any) -> Any:
    match value:
        case None | "" | []:
            return None
        case list() | tuple():
            return [str(each) for each in value if each not in (None, "")]
        case bool():
            return "true" if value else "false"
        case _:
            return str(value)
