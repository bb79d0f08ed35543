"""The second phase: whose are the accounts that nobody owns?

All of them are looked at together, so that no person gets two: candidates are the people who share a key with one of
them, whoever they are, also those who have an account already or have left. What is decided is found again from the
same facts, so a run that is taken up again repeats the phase and changes nothing.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol
from uuid import UUID

from worker.correlation import MAX_BLOCK, NameFrequencies, RuleSet, correlate_many, match_keys
from worker.domain.account import TargetAccount
from worker.domain.correlation import Candidate, CorrelationResult, Decision, MatchKey, PersonDecision, Side, Subject
from worker.recon import classify
from worker.recon.context import RunContext, View
from worker.recon.examine import record
from worker.recon.steps import Steps
from worker.store import accounts, correlation, work
from worker.store.accounts import Observed
from worker.store.correlation import NewCase
from worker.store.pool import Connection
from worker.store.tenant import tenant

FIRST = UUID(int=0)

#: Accounts correlated together; beyond that a person could get two of them suggested.
TOGETHER = 50_000
_PAGE = 5_000
_WRITTEN_TOGETHER = 500

Owned = tuple[Observed, CorrelationResult]


class Seen(Protocol):
    """Knows which accounts a run has seen."""

    def has_seen(self, uid: str) -> bool: ...


async def run_owners(steps: Steps, context: RunContext, *, seen: Seen) -> None:
    """Find the owners of all unowned accounts that this run has seen, and record what was found."""
    await _fill_keys(steps, context)
    after = FIRST
    asked: list[str] = []
    while True:
        unowned, after = await _next(steps, context, seen, after)
        for results in _pieces(await owners_of(steps, context.view, unowned)):
            async with steps.step(context) as conn:
                asked += (await write_owners(conn, context, results)).cases
        if after == FIRST:
            break
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


async def owners_of(steps: Steps, view: View, unowned: Sequence[Observed]) -> list[Owned]:
    """Correlate these accounts with everybody who shares a key with one of them."""
    if not unowned:
        return []
    wanted = await asyncio.to_thread(_keys_of, _subjects(unowned), view.rule_set)
    candidates = await _candidates(steps, view, wanted)
    async with tenant(steps.pool, view.place.tenant_id) as conn:
        said = await correlation.every_decision(conn, **where_of(view))
        names = await work.full_names(conn, view.place.tenant_id)
    return await asyncio.to_thread(correlated, unowned, candidates, view, said, names)


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


async def _next(steps: Steps, context: RunContext, seen: Seen, after: UUID) -> tuple[list[Observed], UUID]:
    """The next accounts to look at together, and where to go on; FIRST when these are the last."""
    found: list[Observed] = []
    while len(found) < TOGETHER:
        async with tenant(steps.pool, context.run.tenant_id) as conn:
            page = await accounts.unlinked(conn, context.place, after=after, limit=_PAGE)
        found += [each for each in page if seen.has_seen(each.uid) and not context.view.protects(as_seen(each))]
        if len(page) < _PAGE:
            return found, FIRST
        after = page[-1].id
    return found, after


class _Holders:
    """People by the keys that accounts look for. Of those who hold a key that is too common to find anybody only so
    many are kept that it still is, or one coarse key would hold everybody."""

    def __init__(self, wanted: frozenset[MatchKey], rule_set: RuleSet) -> None:
        self._wanted = wanted
        self._rule_set = rule_set
        self._by_key: dict[MatchKey, list[Candidate]] = {}

    def add(self, people: Sequence[Candidate]) -> None:
        for each in people:
            for key in self._wanted.intersection(match_keys(each.attributes, self._rule_set, side=Side.IDENTITY)):
                held = self._by_key.setdefault(key, [])
                if len(held) <= MAX_BLOCK:
                    held.append(each)

    def all(self) -> list[Candidate]:
        """Each once, in id order."""
        found = {each.ref_id: each for held in self._by_key.values() for each in held}
        return [found[ref_id] for ref_id in sorted(found)]


async def _candidates(steps: Steps, view: View, wanted: frozenset[MatchKey]) -> list[Candidate]:
    holders = _Holders(wanted, view.rule_set)
    after = FIRST
    while True:
        async with tenant(steps.pool, view.place.tenant_id) as conn:
            page = await correlation.candidates(
                conn, object_class=view.place.object_class, after=after, limit=_PAGE, **where_of(view)
            )
        await asyncio.to_thread(holders.add, page)
        if len(page) < _PAGE:
            return holders.all()
        after = page[-1].ref_id


def _keys_of(subjects: Sequence[Subject], rule_set: RuleSet) -> frozenset[MatchKey]:
    return frozenset(key for each in subjects for key in match_keys(each.attributes, rule_set, side=Side.ACCOUNT))


def keys_by_id(page: Sequence[tuple[UUID, dict[str, Any]]], rule_set: RuleSet) -> dict[UUID, Sequence[MatchKey]]:
    return {account_id: match_keys(attributes, rule_set, side=Side.ACCOUNT) for account_id, attributes in page}


def correlated(
    unowned: Sequence[Observed],
    candidates: Sequence[Candidate],
    view: View,
    said: Sequence[PersonDecision],
    names: Sequence[str],
) -> list[Owned]:
    """Decide about accounts of one target, with what people said and how common names are."""
    results = correlate_many(
        _subjects(unowned),
        candidates,
        rule_set=view.rule_set,
        decisions=said,
        frequencies=NameFrequencies.of(names),
        tuning_mode=bool(view.connector.settings.get("tuning_mode", False)),
    )
    return list(zip(unowned, results, strict=True))


def _subjects(unowned: Sequence[Observed]) -> list[Subject]:
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
