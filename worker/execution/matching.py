"""Before every create: is the account there already?

First among our records of accounts that nobody owns, by their keys; then, when an earlier try may have made it or the
target says that it exists, one live read by the attribute the target knows its objects by. What is clear becomes ours,
what is not becomes a case and waits for a person.
"""

import asyncio
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import lru_cache
from typing import Any
from uuid import UUID

from worker.correlation import (
    Asker,
    CandidateSource,
    CorrelationService,
    NameFrequencies,
    Question,
    RuleSet,
    rule_set_in_force,
)
from worker.domain.account import TargetAccount
from worker.domain.correlation import (
    Candidate,
    CorrelationMatch,
    CorrelationResult,
    Decision,
    MatchType,
    Side,
    Subject,
    Verdict,
)
from worker.domain.errors import ConnectorError, InvalidAttributes, OutcomeUnknown, TransientError, Unsupported
from worker.domain.ids import uuid7
from worker.domain.operation import WaitReason
from worker.domain.outcome import Parked
from worker.execution.candidates import Given, Unowned
from worker.execution.classify import Ended
from worker.execution.hearing import hearing, is_asked
from worker.execution.naming import NameTaken
from worker.execution.wish import Wish
from worker.execution.work import Work
from worker.mapping import account_hash
from worker.store import accounts, correlation, mappings
from worker.store import work as work_store
from worker.store.accounts import Observed, Place
from worker.store.correlation import NewCase
from worker.store.pool import Pool
from worker.store.tenant import tenant
from worker.telemetry import metrics

#: How long rules and name frequencies of a connector are trusted before they are read again.
FRESH_S = 60.0
#: So long an account that a try makes, or makes its own, is kept from the others here: longer than a try lasts and is
#: written.
TAKEN_S = 60.0
#: An object that we have no record of may be one that another daemon is making: by then it has been written down.
LISTED_S = timedelta(seconds=10)
_UNLISTED = (
    "There is an account of this name that we did not know of. It may be one that is being made for somebody else."
)
_ANOTHERS = "the account that fits best has just become somebody else's"


@dataclass(frozen=True, slots=True)
class Found:
    """An account that is there already; ``match`` explains why it is ours, None when it is our own earlier try."""

    account: TargetAccount
    match: dict[str, Any] | None


class Matching:
    """Looks for the account of a create."""

    def __init__(self, pool: Pool, service: CorrelationService, asker: Asker | None = None) -> None:
        self._pool = pool
        self._service = service
        self._asker = asker
        self._known: dict[UUID, _Rules] = {}
        self._unowned = Unowned(pool)
        self._names: dict[tuple[UUID, str], _Maker] = {}
        self._reading: dict[UUID, asyncio.Lock] = {}

    async def alone(self, creates: Sequence[tuple[Work, Wish]]) -> set[UUID]:
        """Of creates of one target, the operations whose people can have none of the accounts that nobody owns.

        One look-up for all of them; who is not among these is looked at again by ``among_records``.
        """
        people = [(work, wish) for work, wish in creates if work.identity is not None]
        if not people:
            return set()
        first = people[0][0]
        rules = await self._rules(first)
        found = await self._service.without_counterpart(
            [_question(work, wish) for work, wish in people],
            rule_set=rules.rule_set,
            source=await self._unowned.records(first.op),
            frequencies=rules.frequencies,
            is_told=any(is_asked(work, rules.rule_set) for work, _ in people),
        )
        return {work.op.id for (work, _), has_nobody in zip(people, found, strict=True) if has_nobody}

    async def among_records(self, work: Work, wish: Wish) -> Found | None:
        """The account of nobody that is surely theirs; ends the try with a case when a person has to say."""
        if work.identity is None:
            return None
        if work.foreseen is not None and work.foreseen.is_alone and work.foreseen.wish == wish:
            _count(work, Decision.NONE)
            return None
        result = await self._correlate(work, wish, await self._unowned.records(work.op))
        match = await self._settled(work, result)
        return await self._recorded(work, match, result) if match is not None else None

    async def at_target(self, work: Work, wish: Wish) -> Found | None:
        """What the target has under the name that we want to give; None when there is nothing.

        Our own earlier try is recognised by being just what we send. Anything else has to pass correlation. Raises
        NameTaken where it is somebody else's and hooks may have another name.
        """
        name = wish.attributes.get(work.naming)
        if name is None:
            return None
        live = await work.target.guard.find(work.op.object_class, work.naming, str(name))
        refused = {said.account_id for said in work.decisions if said.verdict is not Verdict.IS}
        by_id: dict[UUID, TargetAccount] = {}
        is_unlisted = False
        for account in live:
            record_id, is_new = await self._record_of(work, wish, account, refused)
            if record_id in refused:  # a person said that it is not theirs: the name is taken, and that is the end
                continue
            if not work.comparator.differences({**account.attributes, **wish.attributes}, actual=account.attributes):
                return await self._mine(work, account, CorrelationResult(Decision.AUTO, "it is as we would make it"))
            by_id[record_id] = account
            is_unlisted = is_unlisted or is_new
        may_change = wish.naming.may_change
        is_unsure = is_unlisted and self._made_by(work, name) in {None, work.op.account_id}
        if is_unsure and not may_change:
            raise TransientError(_UNLISTED, retry_after=LISTED_S)
        if not by_id or work.identity is None:
            return None
        source = Given([Candidate(ref, a.attributes, uid=a.uid, name=str(name)) for ref, a in by_id.items()])
        result = await self._correlate(work, _unnamed(wish), source)
        if may_change and result.decision is Decision.NONE:
            raise NameTaken({work.naming: str(name)})
        if is_unsure:
            raise TransientError(_UNLISTED, retry_after=LISTED_S)
        match = await self._settled(work, result, must_decide=True)
        return await self._mine(work, by_id[match.ref_id], result) if match is not None else None

    async def refuse_taken(self, work: Work, wish: Wish) -> None:
        """Raise NameTaken where the target has a name that a hook offered for another attribute than it knows it by."""
        for attribute in wish.naming.offered.keys() - {work.naming} if "get" in work.target.guard.capabilities else ():
            value = wish.attributes.get(attribute)
            if not isinstance(value, str):
                continue
            try:
                live = await work.target.guard.find(work.op.object_class, attribute, value)
            except (InvalidAttributes, Unsupported):  # it cannot be asked by this one: the create will tell
                continue
            if any(account.uid != work.account.uid for account in live):
                raise NameTaken({attribute: value})

    async def _correlate(self, work: Work, wish: Wish, source: CandidateSource) -> CorrelationResult:
        rules = await self._rules(work)
        [result] = await self._service.correlate_each(
            [_question(work, wish)],
            rule_set=rules.rule_set,
            source=source,
            frequencies=rules.frequencies,
            tuning_mode=bool(work.target.connector.settings.get("tuning_mode", False)),
            hear=hearing(work, rules.rule_set, self._asker) if is_asked(work, rules.rule_set) else None,
        )
        _count(work, result.decision)
        return result

    async def _settled(
        self, work: Work, result: CorrelationResult, *, must_decide: bool = False
    ) -> CorrelationMatch | None:
        """The match of a clear result; a case, and the end of the try, for one that a person has to settle.

        ``must_decide``: the name is taken at the target, so nothing can be made beside it.
        """
        if result.decision is Decision.AUTO:
            return result.match
        if result.decision is Decision.REVIEW or must_decide:
            raise Ended(await self._ask(work, result))
        return None

    async def _ask(self, work: Work, result: CorrelationResult) -> Parked:
        op = work.op
        case = NewCase(
            subject=f"identity:{op.user_id}",
            candidates=[match.to_json() for match in result.candidates],
            explanation=result.reason,
            identity_id=op.user_id,
            operation_id=op.id,
            rule_set_version=result.rule_set_version,
        )
        async with tenant(self._pool, op.tenant_id) as conn:
            case_id = await correlation.open_case(conn, tenant_id=op.tenant_id, connector_id=op.connector_id, case=case)
        return Parked(WaitReason.CASE, f"A person has to say whose account it is: {result.reason}", case_id=case_id)

    async def _recorded(self, work: Work, match: CorrelationMatch, result: CorrelationResult) -> Found | None:
        """The matched account as the target has it now; None when it is gone since we saw it."""
        owner, uid = await self._now(work, match)
        if owner not in {None, work.op.user_id}:
            raise Ended(await self._ask(work, replace(result, reason=_ANOTHERS)))
        if uid is None:
            return None
        live = await work.target.guard.get(work.op.object_class, uid)
        return await self._mine(work, live, result) if live is not None else None

    async def _now(self, work: Work, match: CorrelationMatch) -> tuple[UUID | None, str | None]:
        """Owner and uid of a matched account by now; its record has given way to another when somebody took it over."""
        op = work.op
        async with tenant(self._pool, op.tenant_id) as conn:
            shadows = await accounts.by_ids(conn, tenant_id=op.tenant_id, ids=[match.ref_id])
            if match.ref_id in shadows:
                account = shadows[match.ref_id].account
                return account.identity_id, account.uid
            if match.uid is None:
                return None, None
            row = await work_store.owner_of_uid(
                conn, op.tenant_id, connector_id=op.connector_id, object_class=op.object_class, uid=match.uid
            )
        return (row["identity_id"], match.uid) if row is not None else (None, None)

    async def _mine(self, work: Work, account: TargetAccount, result: CorrelationResult) -> Found:
        """Keep an account from all other tries, which may look at the same moment for the same one."""
        op = work.op
        if self._made_by(work, account.attributes.get(work.naming)) not in {None, op.account_id}:
            raise Ended(await self._ask(work, replace(result, reason=_ANOTHERS)))
        async with tenant(self._pool, op.tenant_id, is_hot=True) as conn:
            is_mine = await work_store.take(
                conn,
                op.tenant_id,
                connector_id=op.connector_id,
                object_class=op.object_class,
                uid=account.uid,
                account_id=op.account_id,
                identity_id=op.user_id,
                for_s=TAKEN_S,
            )
        if not is_mine:
            raise Ended(await self._ask(work, replace(result, reason=_ANOTHERS)))
        return Found(account, result.to_json() if result.match is not None else None)

    @contextmanager
    def making(self, work: Work, wish: Wish) -> Iterator[None]:
        """Keep an account that is being made from the other tries of this process, by the name that it gets.

        Until it is written down, our records do not tell whose it is. Where it surely was not made, the name is free.
        """
        name = wish.attributes.get(work.naming)
        if self._made_by(work, name) is None and name is not None:
            self._names[_name_key(work, name)] = _Maker(work.op.account_id, time.monotonic())
        try:
            yield
        except OutcomeUnknown:
            raise
        except ConnectorError:
            if self._made_by(work, name) == work.op.account_id:
                del self._names[_name_key(work, name)]
            raise

    def _made_by(self, work: Work, name: Any) -> UUID | None:
        """For which of our accounts a name was given here a short while ago."""
        now = time.monotonic()
        while self._names and now - next(iter(self._names.values())).at > TAKEN_S:
            del self._names[next(iter(self._names))]
        known = self._names.get(_name_key(work, name))
        return known.account_id if known is not None else None

    async def _record_of(self, work: Work, wish: Wish, account: TargetAccount, refused: set[UUID]) -> tuple[UUID, bool]:
        """The id of our record of an object, and whether we had none: people's decisions are about records.

        When the object is somebody else's, another name may do; else the try ends with a case, unless a person has
        answered that already.
        """
        op = work.op
        place = Place(op.tenant_id, op.connector_id, op.object_class)
        async with tenant(self._pool, op.tenant_id) as conn:
            row = await work_store.owner_of_uid(
                conn, op.tenant_id, connector_id=op.connector_id, object_class=op.object_class, uid=account.uid
            )
            if row is None:
                seen = _seen(work, account)
                await accounts.insert_seen(conn, place, [seen], run_id=op.run_id)
                return seen.id, True
        record_id: UUID = row["id"]
        if row["identity_id"] not in {None, op.user_id} and record_id not in refused:
            if wish.naming.may_change:
                raise NameTaken({work.naming: str(wish.attributes.get(work.naming))})
            reason = "the name is taken by an account that belongs to somebody else"
            taken = CorrelationMatch(record_id, 0.0, MatchType.EXACT, uid=account.uid, name=account.uid)
            raise Ended(await self._ask(work, CorrelationResult(Decision.REVIEW, reason, candidates=(taken,))))
        return record_id, False

    async def _rules(self, work: Work) -> "_Rules":
        """The rule set in force, or the shipped rules for what the mapping writes; and how common names are."""
        connector_id = work.target.connector.id
        if (known := self._fresh(connector_id)) is not None:
            return known
        # Before the lock: behind it those at a target that hangs would wait one after the other, each for its deadline.
        await work.target.object_schema()
        async with self._reading.setdefault(connector_id, asyncio.Lock()):  # one of many creates reads for all
            return self._fresh(connector_id) or await self._read_rules(work)

    def _fresh(self, connector_id: UUID) -> "_Rules | None":
        known = self._known.get(connector_id)
        return known if known is not None and time.monotonic() - known.read_at < FRESH_S else None

    async def _read_rules(self, work: Work) -> "_Rules":
        connector, tenant_id = work.target.connector, work.op.tenant_id
        async with tenant(self._pool, tenant_id) as conn:
            stored = await correlation.active_rule_set(conn, tenant_id=tenant_id, connector_id=connector.id)
            active = await mappings.active(conn, tenant_id=tenant_id, connector_ids=[connector.id])
            told = await work_store.full_names(conn, tenant_id)
        known = (await work.target.object_schema()).attributes if stored is None else ()
        mapping = active.get((connector.id, connector.object_class))
        rule_set = rule_set_in_force(stored, attributes=[each.name for each in known], mapping=mapping)
        frequencies = NameFrequencies.of(told.names, people=told.people)
        self._known[connector.id] = rules = _Rules(rule_set, frequencies, time.monotonic())
        return rules


@dataclass(frozen=True, slots=True)
class _Rules:
    """What one connector correlates by."""

    rule_set: RuleSet
    frequencies: NameFrequencies
    read_at: float


def _seen(work: Work, account: TargetAccount) -> Observed:
    """An object as our records keep it."""
    managed = {rule.name for rule in work.comparator.rules}
    attributes = {name: value for name, value in account.attributes.items() if name in managed}
    content = account_hash(work.comparator, account.attributes, active=account.active)
    return Observed(uuid7(), account.uid, attributes, account.active, content)


def _unnamed(wish: Wish) -> Wish:
    """The wish without the names that a hook offered: that somebody has a name that was tried says nothing of them."""
    return replace(wish, attributes={n: v for n, v in wish.attributes.items() if n not in wish.naming.offered})


def _question(work: Work, wish: Wish) -> Question:
    identity = work.identity
    if identity is None:
        raise LookupError("an operation without an identity has nobody to correlate")
    return Question(Subject(identity.id, Side.IDENTITY, identity.as_source(), wish.attributes), work.decisions)


def _name_key(work: Work, name: Any) -> tuple[UUID, str]:
    return work.op.connector_id, str(name).casefold()


def _count(work: Work, decision: Decision) -> None:
    _counter(work.target.connector.name, decision).inc()


@lru_cache(maxsize=1024)
def _counter(connector: str, decision: Decision) -> Any:
    return metrics.correlations_total.labels(connector, str(decision))


@dataclass(frozen=True, slots=True)
class _Maker:
    """For which account of ours a name was given, and when."""

    account_id: UUID
    at: float
