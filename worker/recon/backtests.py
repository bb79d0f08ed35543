"""Back-tests: a changed rule set tried on what people decided and on links in force, in the background, page by page.

A page is read, decided by both rule sets outside a transaction, and counted; how far it is stands in its row, so
whoever plans for the tenant next goes on there, and a process that dies loses the page it was at. Nothing but that row
is written.

Who comes into question for an account: everybody who shares a key with it, as long as there are no more than
``EVERYBODY`` people; beyond that those whom its case or its link named, and whom people named about any account of the
page.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from typing import Any
from uuid import UUID

import structlog

from worker.correlation import (
    Asker,
    NameFrequencies,
    Occasion,
    Past,
    Replayed,
    RuleSet,
    added_counts,
    folded,
    match_keys,
    replay_rules,
    sampled_flips,
    texts_of_person,
)
from worker.domain.connector import Connector
from worker.domain.correlation import NOBODY, Candidate, MatchKey, PersonDecision, Side, Subject, Verdict
from worker.domain.errors import HookError, InvalidRequest
from worker.recon.hearing import Audience, at_once, hear, occasion_at
from worker.recon.people_keys import EVERYBODY
from worker.store import backtests, connectors, correlation, work
from worker.store.backtests import Backtest, Settled
from worker.store.pool import Connection, Pool
from worker.store.tenant import tenant

log = structlog.get_logger(__name__)

#: Accounts of one page, and pages before others have their turn.
PAGE = 500
PAGES = 2
#: Accounts with a person's decision, and links, that one back-test looks at.
MOST_WORDS, MOST_LINKS = 10_000, 2_000
_PEOPLE = 5_000
FIRST = UUID(int=0)


class Backtests:
    """Goes on with one tenant's back-tests."""

    def __init__(self, pool: Pool, asker: Asker | None = None, *, page: int = PAGE) -> None:
        self._pool = pool
        self._asker = asker
        self._size = page

    async def run_once(self, tenant_id: UUID) -> int:
        """Look at up to ``PAGES`` pages; at how many accounts."""
        seen = 0
        for _ in range(PAGES):
            looked_at = await self._step(tenant_id)
            if looked_at is None:
                break
            seen += looked_at
        return seen

    async def _step(self, tenant_id: UUID) -> int | None:
        async with tenant(self._pool, tenant_id) as conn:
            test = await backtests.next_one(conn, tenant_id=tenant_id)
            if test is None:
                return None
            connector = await connectors.get(conn, tenant_id=tenant_id, connector_id=test.connector_id)
            settled, further = await self._page(conn, tenant_id, test)
            occasion = None
            if connector is not None:
                occasion = await occasion_at(conn, connector, schema=None, now=test.created_at or datetime.now(UTC))
        try:
            before, after = RuleSet.from_json(test.base_rules), RuleSet.from_json(test.rules)
        except InvalidRequest as error:
            await self._write(tenant_id, test, replace(test, status="failed", error_message=f"{error}"))
            return 0
        if connector is None or occasion is None:
            await self._write(tenant_id, test, replace(test, status="failed", error_message="The target is gone."))
            return 0
        try:
            replayed = await replayed_page(
                self._pool,
                connector=connector,
                settled=settled,
                rule_sets=(before, after),
                asker=self._asker,
                occasion=occasion,
            )
        except HookError as error:  # no room in the sandbox says nothing about the rules: the page is tried again
            log.warning("backtest.no_room", backtest_id=str(test.id), reason=str(error))
            return None
        await self._write(tenant_id, test, _further(test, replayed, len(settled), further))
        return len(settled)

    async def _page(self, conn: Connection, tenant_id: UUID, test: Backtest) -> tuple[list[Settled], UUID | None]:
        where: dict[str, Any] = {"tenant_id": tenant_id, "connector_id": test.connector_id}
        after = test.done_to or FIRST
        if test.phase == "links":
            return await backtests.matched(conn, sample=MOST_LINKS, after=after, limit=self._size, **where)
        return await backtests.decided(conn, after=after, limit=self._size, **where)

    async def _write(self, tenant_id: UUID, before: Backtest, after: Backtest) -> None:
        async with tenant(self._pool, tenant_id) as conn:
            await backtests.advance(conn, after, tenant_id=tenant_id, before=before)


async def replayed_page(
    pool: Pool,
    *,
    connector: Connector,
    settled: Sequence[Settled],
    rule_sets: tuple[RuleSet, RuleSet],
    asker: Asker | None,
    occasion: Occasion,
    everybody: int = EVERYBODY,
) -> Replayed:
    """What both rule sets, the one in force first, say of these accounts; ``everybody`` as ``EVERYBODY``.

    Raises HookError, to be retried, while the sandbox has no room for the hooks or expressions.
    """
    tenant_id, connector_id = connector.tenant_id, connector.id
    past, people, frequencies = await settled_pasts(
        pool, tenant_id=tenant_id, connector_id=connector_id, settled=settled
    )
    async with tenant(pool, tenant_id) as conn:
        is_large = await backtests.has_more_people(conn, tenant_id=tenant_id, than=everybody)
    if not is_large:
        wanted = [await asyncio.to_thread(_keys, past, rules) for rules in rule_sets]
        others = await sharing(pool, tenant_id=tenant_id, connector_id=connector_id, rule_sets=rule_sets, wanted=wanted)
        known = {each.ref_id for each in people}
        people += [each for each in others if each.ref_id not in known]
    before, after = rule_sets
    heard = []
    for rules in rule_sets:
        find = _nobody_else if is_large else partial(holding, pool, connector, rules)
        audience = Audience(asker, occasion, find, at_once)
        heard.append(await hear([each.subject for each in past], people, rule_set=rules, audience=audience))
    told = heard[0].told, heard[1].told
    people = [*{each.ref_id: each for each in [*people, *heard[0].people, *heard[1].people]}.values()]
    return await asyncio.to_thread(
        replay_rules, past, people, before=before, after=after, frequencies=frequencies, told=told
    )


async def settled_pasts(
    pool: Pool, *, tenant_id: UUID, connector_id: UUID, settled: Sequence[Settled]
) -> tuple[list[Past], list[Candidate], NameFrequencies]:
    """What is settled about each account, the people who were named with any of them, and how common names are."""
    ids = [each.account_id for each in settled]
    async with tenant(pool, tenant_id) as conn:
        said = await correlation.decisions(conn, tenant_id=tenant_id, connector_id=connector_id, account_ids=ids)
        known = await work.full_names(conn, tenant_id)
        asked = await backtests.asked_about(conn, tenant_id=tenant_id, account_ids=ids)
        past = _past(settled, said, asked)
        named = {ref for each in past for ref in each.named}
        people = await backtests.people(conn, tenant_id=tenant_id, ids=sorted(named))
    return past, people, await asyncio.to_thread(NameFrequencies.of, known.names, people=known.people)


async def sharing(
    pool: Pool,
    *,
    tenant_id: UUID,
    connector_id: UUID,
    object_class: str = "",
    rule_sets: Sequence[RuleSet],
    wanted: Sequence[frozenset[MatchKey]],
) -> list[Candidate]:
    """Everybody who has one of the keys that are wanted under one of the rule sets."""
    found: list[Candidate] = []
    after = FIRST
    while True:
        async with tenant(pool, tenant_id) as conn:
            page = await correlation.candidates(
                conn,
                tenant_id=tenant_id,
                connector_id=connector_id,
                object_class=object_class,
                after=after,
                limit=_PEOPLE,
            )
        found += await asyncio.to_thread(_who_share, page, rule_sets, wanted)
        if len(page) < _PEOPLE:
            return found
        after = page[-1].ref_id


async def holding(pool: Pool, connector: Connector, rule_set: RuleSet, texts: frozenset[str]) -> list[Candidate]:
    """Everybody who has one of these texts, by which a hook wants people to be found."""
    wanted = folded(texts)
    found: list[Candidate] = []
    after = FIRST
    while True:
        async with tenant(pool, connector.tenant_id) as conn:
            page = await correlation.candidates(
                conn,
                tenant_id=connector.tenant_id,
                connector_id=connector.id,
                object_class=connector.object_class,
                after=after,
                limit=_PEOPLE,
            )
        found += await asyncio.to_thread(_who_have, page, wanted, rule_set)
        if len(page) < _PEOPLE:
            return found
        after = page[-1].ref_id


async def _nobody_else(_: frozenset[str]) -> list[Candidate]:
    return []


def _who_have(people: Sequence[Candidate], wanted: frozenset[str], rule_set: RuleSet) -> list[Candidate]:
    return [each for each in people if not wanted.isdisjoint(texts_of_person(each.attributes, rule_set))]


def _keys(past: Sequence[Past], rules: RuleSet) -> frozenset[MatchKey]:
    return frozenset(key for each in past for key in match_keys(each.subject.attributes, rules, side=Side.ACCOUNT))


def _who_share(
    people: Sequence[Candidate], rule_sets: Sequence[RuleSet], wanted: Sequence[frozenset[MatchKey]]
) -> list[Candidate]:
    return [
        each
        for each in people
        if any(
            not keys.isdisjoint(match_keys(each.attributes, rules, side=Side.IDENTITY))
            for rules, keys in zip(rule_sets, wanted, strict=True)
        )
    ]


def _past(settled: Sequence[Settled], said: Sequence[PersonDecision], asked: Mapping[UUID, set[UUID]]) -> list[Past]:
    """What is settled about each account: people's words, and where there are none its link."""
    words: dict[UUID, list[PersonDecision]] = {}
    for each in said:
        words.setdefault(each.account_id, []).append(each)
    return [_of_account(each, words.get(each.account_id, []), asked.get(each.account_id, set())) for each in settled]


def _of_account(settled: Settled, words: Sequence[PersonDecision], asked: set[UUID]) -> Past:
    subject = Subject(settled.account_id, Side.ACCOUNT, settled.observed, uid=settled.uid)
    chosen_from = {UUID(one["ref_id"]) for one in settled.match.get("candidates") or ()}
    spoken_of = {each.identity_id for each in words} | ({settled.owner} if settled.owner is not None else set())
    named = frozenset((chosen_from | asked | spoken_of) - {NOBODY})
    if not words:
        return Past(subject, settled.owner, is_word=False, named=named)
    by_verdict = {each.verdict: each.identity_id for each in words}
    owner = by_verdict.get(Verdict.IS, NOBODY if Verdict.NOBODY in by_verdict else None)
    refused = frozenset(each.identity_id for each in words if each.verdict is Verdict.IS_NOT)
    return Past(subject, owner, refused, named=named)


def _further(test: Backtest, replayed: Replayed, looked_at: int, further: UUID | None) -> Backtest:
    found = replace(
        test,
        status="running",
        accounts_done=test.accounts_done + looked_at,
        done_to=further,
        counts=added_counts(test.counts, replayed.counts),
        flips=sampled_flips(test.flips, replayed.flips),
    )
    if test.phase == "links":
        return found if further is not None else replace(found, status="completed")
    if further is not None and found.accounts_done < MOST_WORDS:
        return found
    return replace(found, phase="links", done_to=None)
