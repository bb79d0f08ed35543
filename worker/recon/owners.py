"""The second phase: whose are the accounts that nobody owns?

All of them are looked at together, so that no person gets two: candidates are the people who share a key with one of
them, whoever they are, also those who have an account already or have left. What is decided is found again from the
same facts, so a run that is taken up again repeats the phase and changes nothing.

Of few accounts among few people that is decided here, and where hooks or expressions are asked (``hearing``). Else in a
process of its own (``apart``), which decides the same: this one then holds neither all accounts nor all people.
"""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Any, Protocol, TypeVar
from uuid import UUID

from worker.correlation import (
    MAX_BLOCK,
    NOTHING,
    NameFrequencies,
    RuleSet,
    correlate_many,
    folded,
    has_expressions,
    keys_of_texts,
    match_keys,
    name_of,
    texts_of_person,
)
from worker.domain.account import TargetAccount
from worker.domain.correlation import (
    BY_HOOK,
    Candidate,
    CorrelationResult,
    Decision,
    MatchKey,
    PersonDecision,
    Side,
    Subject,
)
from worker.recon import classify
from worker.recon.apart import Accounts, correlated_apart
from worker.recon.context import RunContext, View
from worker.recon.examine import record
from worker.recon.hearing import Audience, Heard, hear, occasion_of
from worker.recon.steps import Steps
from worker.store import accounts, backtests, correlation
from worker.store.accounts import Observed
from worker.store.correlation import NewCase
from worker.store.pool import Connection
from worker.store.tenant import tenant

FIRST = UUID(int=0)

#: What is decided in this process: so many accounts at most, among so many people.
FEW_ACCOUNTS, FEW_PEOPLE = 5_000, 10_000
#: So many are decided together, here where hooks or expressions are asked and in a process of its own; beyond that a
#: person could get two suggested.
TOGETHER, TOGETHER_APART = 50_000, 250_000
_PAGE = 5_000
_WRITTEN_TOGETHER = 500

T = TypeVar("T")
Owned = tuple[Observed, CorrelationResult]
KeysOfPerson = Callable[[Mapping[str, Any]], Sequence[MatchKey]]


class Seen(Protocol):
    """Knows which accounts a run has seen."""

    def has_seen(self, uid: str) -> bool: ...


async def run_owners(steps: Steps, context: RunContext, *, seen: Seen) -> None:
    """Find the owners of all unowned accounts that this run has seen, and record what was found."""
    await _fill_keys(steps, context)
    asked: list[str] = []
    async with aclosing(found_owners(steps, context, lambda: _unowned(steps, context, seen))) as found:
        async for results in found:
            async with steps.step(context) as conn:
                asked += (await write_owners(conn, context, results)).cases
    if not context.run.dry_run:
        async with steps.step(context) as conn:
            await correlation.close_stale_cases(conn, still=asked, **where_of(context.view))


async def _fill_keys(steps: Steps, context: RunContext) -> None:
    """Make the keys of accounts that have lost theirs: a new rule set, or an owner taken away."""
    view = context.view
    after = FIRST
    while True:
        async with tenant(steps.pool, context.run.tenant_id) as conn:
            page = await correlation.keyless(conn, after=after, limit=_WRITTEN_TOGETHER, **where_of(view))
        keys = await asyncio.to_thread(keys_by_id, page, view.rule_set)
        if found := {account_id: some for account_id, some in keys.items() if some}:
            async with steps.step(context) as conn:
                await correlation.put_keys(conn, keys=found, **where_of(view))
        if len(page) < _WRITTEN_TOGETHER:
            return
        after = page[-1][0]


async def found_owners(steps: Steps, context: RunContext, pages: Accounts) -> AsyncGenerator[list[Owned], None]:
    """Whose these accounts are, decided about all together; some at a time."""
    view, tenant_id = context.view, context.run.tenant_id
    if view.hooks or has_expressions(view.rule_set):
        async with aclosing(_in_pieces(steps, context, pages)) as told:
            async for owned in told:
                yield owned
        return
    first: list[Observed] = []
    async with aclosing(pages()) as some:
        async for page in some:
            first += page
            if len(first) > FEW_ACCOUNTS:
                break
    if not first:
        return
    async with tenant(steps.pool, tenant_id) as conn:
        are_many = await backtests.has_more_people(conn, tenant_id=tenant_id, than=FEW_PEOPLE)
    if len(first) <= FEW_ACCOUNTS and not are_many:
        for owned in _pieces(await owners_of(steps, context, first)):
            yield owned
        return
    del first

    async def heed() -> None:
        async with steps.step(context):
            pass  # a stop that was asked for meanwhile

    after = FIRST
    while (end := await _end_of_piece(pages, after)) is not None:
        piece = partial(_piece, pages, after, end)
        async with aclosing(correlated_apart(steps.pool, view, piece, heed=heed)) as answers:
            async for found in answers:
                async with tenant(steps.pool, tenant_id) as conn:
                    still = await accounts.still_unlinked(conn, tenant_id=tenant_id, ids=[each for each, _ in found])
                yield [(still[account_id], result) for account_id, result in found if account_id in still]
        after = end


async def _piece(pages: Accounts, after: UUID, end: UUID) -> AsyncGenerator[list[Observed], None]:
    """The accounts behind one id up to another. A place among them would shift with whoever gets an owner meanwhile."""
    async with aclosing(pages()) as some:
        async for page in some:
            if chosen := [each for each in page if after < each.id <= end]:
                yield chosen
            elif page and min(each.id for each in page) > end:
                return


async def _end_of_piece(pages: Accounts, after: UUID) -> UUID | None:
    """The last of the accounts behind this id that are decided together; None when there are no more."""
    end, count = after, 0
    async with aclosing(pages()) as some:
        async for page in some:
            behind = [each.id for each in page if each.id > after][: TOGETHER_APART - count]
            end, count = max([end, *behind]), count + len(behind)
            if count == TOGETHER_APART:
                break
    return end if count else None


async def _in_pieces(steps: Steps, context: RunContext, pages: Accounts) -> AsyncGenerator[list[Owned], None]:
    """The same where hooks or expressions are asked, of so many accounts together as can be held here."""
    together: list[Observed] = []
    async with aclosing(pages()) as some:
        async for page in some:
            together += page
            if len(together) >= TOGETHER:
                for owned in _pieces(await owners_of(steps, context, together)):
                    yield owned
                together = []
    for owned in _pieces(await owners_of(steps, context, together)):
        yield owned


async def owners_of(steps: Steps, context: RunContext, unowned: Sequence[Observed]) -> list[Owned]:
    """The same of few accounts, in this process: with everybody who shares a key, or whom a hook names."""
    if not unowned:
        return []
    view = context.view
    wanted = await asyncio.to_thread(_keys_of, subjects_of(unowned), view.rule_set)
    holders = await _holders(steps, view, wanted, keys=partial(_keys_of_person, view.rule_set))
    candidates = holders.all()
    heard = await _hear(steps, context, unowned, candidates)
    async with tenant(steps.pool, view.place.tenant_id) as conn:
        said = await correlation.decisions(conn, account_ids=[each.id for each in unowned], **where_of(view))
    frequencies = await asyncio.to_thread(NameFrequencies.of, holders.names)
    return await asyncio.to_thread(correlated, unowned, candidates, view, said, frequencies, heard=heard)


async def _hear(
    steps: Steps, context: RunContext, unowned: Sequence[Observed], candidates: Sequence[Candidate]
) -> Heard:
    """What hooks and expressions say of these accounts; the keys that hooks gave are kept."""
    view, run = context.view, context.run

    async def find(texts: frozenset[str]) -> list[Candidate]:
        wanted = frozenset(keys_of_texts(folded(texts)))
        named = await _holders(steps, view, wanted, keys=partial(_texts_of_person, view.rule_set))
        return named.all()

    async def patiently(work: Callable[[], Awaitable[T]]) -> T:
        done = await steps.with_room(context, work)
        async with steps.step(context):
            pass  # a stop that was asked for meanwhile
        return done

    began = run.started_at or run.created_at or datetime.now(UTC)
    audience = Audience(steps.asker, occasion_of(view, now=began, dry_run=run.dry_run), find, patiently)
    heard = await hear(subjects_of(unowned), candidates, rule_set=view.rule_set, audience=audience)
    if view.hooks and not run.dry_run:
        ids = [each.id for each in unowned]
        for some in (ids[at : at + _PAGE] for at in range(0, len(ids), _PAGE)):
            async with steps.step(context) as conn:
                # what a hook that failed would have named is named as before: by that a create finds the account
                told = [each for each in some if not heard.told.get(each, NOTHING).failures(each)]
                keys = {account_id: heard.keys.get(account_id, ()) for account_id in told}
                await correlation.put_keys_of_hooks(conn, kind=BY_HOOK, keys=keys, **where_of(view))
    return heard


@dataclass(frozen=True, slots=True)
class Written:
    """Keys of the findings that were recorded, and the subjects of the cases that are open now."""

    keys: list[str]
    cases: list[str]


async def write_owners(conn: Connection, context: RunContext, results: Sequence[Owned]) -> Written:
    """Record what was found in the caller's step; a dry run asks nobody."""
    view = context.view
    findings = [
        classify.unowned(each.id, uid=each.uid, result=result, rules=view.rules, state_hash=each.hash)
        for each, result in results
    ]
    await record(conn, context.run, findings)
    keys = [each.key for each in findings]
    if context.run.dry_run:
        return Written(keys, [])
    asked_by_creates = await waiting_people(conn, view, results)
    cases = [
        case_of(each, result)
        for each, result in results
        if result.decision is Decision.REVIEW and asked_by_creates.isdisjoint(refs_of(result))
    ]
    await correlation.open_cases(conn, cases=cases, **where_of(view))
    return Written(keys, [case.subject for case in cases])


async def waiting_people(conn: Connection, view: View, results: Sequence[Owned]) -> set[UUID]:
    """Candidates whose account is about to be made: that create asks the same question and waits for its answer."""
    refs = {ref for _, result in results if result.decision is Decision.REVIEW for ref in refs_of(result)}
    rows = await accounts.of_identities(conn, view.place, list(refs)) if refs else {}
    return {identity_id for identity_id, row in rows.items() if row.account.live and row.account.uid is None}


def refs_of(result: CorrelationResult) -> list[UUID]:
    return [match.ref_id for match in result.candidates]


async def _unowned(steps: Steps, context: RunContext, seen: Seen) -> AsyncGenerator[list[Observed], None]:
    """All accounts of nobody that this run has seen, but for protected ones, a page at a time."""
    after = FIRST
    while True:
        async with tenant(steps.pool, context.run.tenant_id) as conn:
            page = await accounts.unlinked(conn, context.place, after=after, limit=_PAGE)
        yield [each for each in page if seen.has_seen(each.uid) and not context.view.protects(as_seen(each))]
        if len(page) < _PAGE:
            return
        after = page[-1].id


class _Holders:
    """People by the keys that accounts look for. Of those who hold a key that is too common to find anybody only so
    many are kept that it still is, or one coarse key would hold everybody."""

    def __init__(self, wanted: frozenset[MatchKey], rule_set: RuleSet, *, keys: KeysOfPerson) -> None:
        self._wanted = wanted
        self._rule_set = rule_set
        self._keys = keys
        self._by_key: dict[MatchKey, list[Candidate]] = {}
        #: What everybody is called.
        self.names: list[str] = []

    def add(self, people: Sequence[Candidate]) -> None:
        for each in people:
            self.names.append(name_of(each.attributes, self._rule_set))
            for key in self._wanted.intersection(self._keys(each.attributes)):
                held = self._by_key.setdefault(key, [])
                if len(held) <= MAX_BLOCK:
                    held.append(each)

    def all(self) -> list[Candidate]:
        """Each once, in id order."""
        found = {each.ref_id: each for held in self._by_key.values() for each in held}
        return [found[ref_id] for ref_id in sorted(found)]


async def _holders(steps: Steps, view: View, wanted: frozenset[MatchKey], *, keys: KeysOfPerson) -> _Holders:
    holders = _Holders(wanted, view.rule_set, keys=keys)
    after = FIRST
    while True:
        async with tenant(steps.pool, view.place.tenant_id) as conn:
            page = await correlation.candidates(
                conn, object_class=view.place.object_class, after=after, limit=_PAGE, **where_of(view)
            )
        await asyncio.to_thread(holders.add, page)
        if len(page) < _PAGE:
            return holders
        after = page[-1].ref_id


def _keys_of(subjects: Sequence[Subject], rule_set: RuleSet) -> frozenset[MatchKey]:
    return frozenset(key for each in subjects for key in match_keys(each.attributes, rule_set, side=Side.ACCOUNT))


def _keys_of_person(rule_set: RuleSet, attributes: Mapping[str, Any]) -> list[MatchKey]:
    return match_keys(attributes, rule_set, side=Side.IDENTITY)


def _texts_of_person(rule_set: RuleSet, attributes: Mapping[str, Any]) -> list[MatchKey]:
    return keys_of_texts(texts_of_person(attributes, rule_set))


def keys_by_id(page: Sequence[tuple[UUID, dict[str, Any]]], rule_set: RuleSet) -> dict[UUID, Sequence[MatchKey]]:
    return {account_id: match_keys(attributes, rule_set, side=Side.ACCOUNT) for account_id, attributes in page}


def correlated(
    unowned: Sequence[Observed],
    candidates: Sequence[Candidate],
    view: View,
    said: Sequence[PersonDecision],
    frequencies: NameFrequencies,
    *,
    heard: Heard,
) -> list[Owned]:
    """Decide about accounts of one target, with what people and hooks said and how common names are."""
    results = correlate_many(
        subjects_of(unowned),
        [*candidates, *heard.people],
        rule_set=view.rule_set,
        decisions=said,
        frequencies=frequencies,
        told=heard.told,
        tuning_mode=bool(view.connector.settings.get("tuning_mode", False)),
    )
    return list(zip(unowned, results, strict=True))


def subjects_of(unowned: Sequence[Observed]) -> list[Subject]:
    return [Subject(each.id, Side.ACCOUNT, each.attributes, uid=each.uid) for each in unowned]


def case_of(account: Observed, result: CorrelationResult) -> NewCase:
    return NewCase(
        subject=f"account:{account.id}",
        candidates=[match.to_json() for match in result.candidates],
        explanation=result.reason,
        account_id=account.id,
        rule_set_version=result.rule_set_version,
    )


def as_seen(observed: Observed) -> TargetAccount:
    return TargetAccount(observed.uid, observed.attributes, observed.active)


def _pieces(results: list[Owned]) -> list[list[Owned]]:
    return [results[at : at + _WRITTEN_TOGETHER] for at in range(0, len(results), _WRITTEN_TOGETHER)]


def where_of(view: View) -> dict[str, Any]:
    return {"tenant_id": view.place.tenant_id, "connector_id": view.place.connector_id}
