"""The door of the room: look candidates up by their keys, score them, decide."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar
from uuid import UUID

from worker.correlation.blocking import keys_of, keys_of_texts
from worker.correlation.decide import decide, said_about
from worker.correlation.exclude import is_nobodys
from worker.correlation.frequency import NameFrequencies
from worker.correlation.prepare import Prepared, prepare_candidate, prepare_subject
from worker.correlation.rules import RuleSet
from worker.correlation.score import score
from worker.correlation.told import NOTHING, Told, texts_of_person
from worker.domain.correlation import (
    Candidate,
    CorrelationResult,
    Decision,
    MatchKey,
    PersonDecision,
    Side,
    Subject,
)
from worker.domain.identity import Identity

#: More candidates than this are not compared; those that share most keys come first.
CANDIDATE_LIMIT = 50
#: So many subjects are looked at without letting others run, about a millisecond.
AT_A_TIME = 10
#: Candidates that are kept prepared.
MOST_READY = 2_000

_T = TypeVar("_T")


class CandidateSource(Protocol):
    """Where candidates come from: our records, by their stored keys."""

    @property
    def hashes(self) -> frozenset[int] | None:
        """The hashes of all keys there, so that no other is looked up; None where that is not known."""
        ...

    async def by_keys(self, keys: Sequence[Sequence[MatchKey]], limit: int) -> list[list[Candidate]]:
        """For each set of keys those of the other side that share one, at most ``limit``; who shares most is first."""
        ...


#: Asks hooks and expressions about a subject and those who come into question; raises what must end the look-up.
Hear = Callable[[Prepared, Sequence[Prepared]], Awaitable[Told]]


@dataclass(frozen=True, slots=True)
class Question:
    """Whose counterpart is looked for, and what people said about them."""

    subject: Subject
    decisions: Sequence[PersonDecision] = ()


class CorrelationService:
    """Finds whose account it is, for each subject by itself."""

    def __init__(self, *, limit: int = CANDIDATE_LIMIT) -> None:
        self._limit = limit
        self._ready = _Ready()

    async def find_account(
        self,
        identity: Identity,
        *,
        rule_set: RuleSet,
        source: CandidateSource,
        decisions: Iterable[PersonDecision] = (),
        frequencies: NameFrequencies | None = None,
        wanted: Mapping[str, Any] | None = None,
    ) -> CorrelationResult:
        """Look for the account of an identity; ``wanted`` is what a create would send, hooks' results included."""
        subject = Subject(identity.id, Side.IDENTITY, identity.as_source(), wanted or {})
        return await self.correlate(
            subject, rule_set=rule_set, source=source, decisions=decisions, frequencies=frequencies
        )

    async def find_identity(
        self,
        account_id: UUID,
        attributes: Mapping[str, Any],
        *,
        rule_set: RuleSet,
        source: CandidateSource,
        decisions: Iterable[PersonDecision] = (),
        frequencies: NameFrequencies | None = None,
    ) -> CorrelationResult:
        """Look for the owner of an account by its attributes as the target has them."""
        subject = Subject(account_id, Side.ACCOUNT, attributes)
        return await self.correlate(
            subject, rule_set=rule_set, source=source, decisions=decisions, frequencies=frequencies
        )

    async def correlate(
        self,
        subject: Subject,
        *,
        rule_set: RuleSet,
        source: CandidateSource,
        decisions: Iterable[PersonDecision] = (),
        frequencies: NameFrequencies | None = None,
        tuning_mode: bool = False,
    ) -> CorrelationResult:
        """Find the counterpart of one subject. Without a rule that reads it, nobody is found and nothing looked up."""
        question = Question(subject, tuple(decisions))
        [result] = await self.correlate_each(
            [question], rule_set=rule_set, source=source, frequencies=frequencies, tuning_mode=tuning_mode
        )
        return result

    async def correlate_each(
        self,
        questions: Sequence[Question],
        *,
        rule_set: RuleSet,
        source: CandidateSource,
        frequencies: NameFrequencies | None = None,
        tuning_mode: bool = False,
        hear: Hear | None = None,
    ) -> list[CorrelationResult]:
        """``correlate`` for subjects of one side with one look-up for all; each is decided as if it were alone.

        ``hear`` is asked where it could make a difference: there is a candidate, no person has settled it, and the
        rules do not say that it is surely nobody whatever hooks say.
        """
        found = []
        async for subject, question, candidates in self._looked_up(questions, rule_set, source, is_told=bool(hear)):
            told = NOTHING
            if hear is not None and self._is_open(subject, question, candidates, rule_set, frequencies):
                told = await hear(subject, candidates)
            found.append(
                self._decided(subject, question, candidates, rule_set, frequencies, tuning_mode=tuning_mode, told=told)
            )
        return found

    async def without_counterpart(
        self,
        questions: Sequence[Question],
        *,
        rule_set: RuleSet,
        source: CandidateSource,
        frequencies: NameFrequencies | None = None,
        is_told: bool = False,
    ) -> list[bool]:
        """For each subject whether ``correlate_each`` decides *none*; who surely has nobody costs no comparison.

        ``is_told``: it will be asked with ``hear``, too; here nobody is, so False where that could make a difference.
        """
        return [
            self._has_nobody(subject, question, candidates, rule_set, frequencies, is_told=is_told)
            async for subject, question, candidates in self._looked_up(questions, rule_set, source, is_told=is_told)
        ]

    def _has_nobody(
        self,
        subject: Prepared,
        question: Question,
        candidates: Sequence[Prepared],
        rule_set: RuleSet,
        frequencies: NameFrequencies | None,
        *,
        is_told: bool,
    ) -> bool:
        said = said_about(subject, candidates, question.decisions, rule_set=rule_set)
        is_open = said.is_one is None and not said.outdated
        if is_open and is_nobodys(subject, candidates, rule_set, frequencies=frequencies, is_told=is_told):
            return True
        if is_told and candidates:
            return False
        return self._decided(subject, question, candidates, rule_set, frequencies).decision is Decision.NONE

    def _is_open(
        self,
        subject: Prepared,
        question: Question,
        candidates: Sequence[Prepared],
        rule_set: RuleSet,
        frequencies: NameFrequencies | None,
    ) -> bool:
        said = said_about(subject, candidates, question.decisions, rule_set=rule_set)
        if said.is_one is not None or said.is_nobodys or not candidates:
            return False
        is_certain = is_nobodys(subject, candidates, rule_set, frequencies=frequencies, is_told=True)
        return bool(said.outdated) or not is_certain

    def _decided(
        self,
        subject: Prepared,
        question: Question,
        candidates: Sequence[Prepared],
        rule_set: RuleSet,
        frequencies: NameFrequencies | None,
        *,
        tuning_mode: bool = False,
        told: Told = NOTHING,
    ) -> CorrelationResult:
        return correlate_one(
            subject,
            candidates,
            rule_set=rule_set,
            decisions=question.decisions,
            frequencies=frequencies,
            told=told,
            tuning_mode=tuning_mode,
            is_truncated=len(candidates) >= self._limit,
        )

    async def _looked_up(
        self, questions: Sequence[Question], rule_set: RuleSet, source: CandidateSource, *, is_told: bool = False
    ) -> AsyncIterator[tuple[Prepared, Question, list[Prepared]]]:
        """Every subject with its candidates, which one look-up finds for all."""
        subjects, keys = [], []
        async for each in _with_pauses(questions):
            subject = prepare_subject(each.subject, rule_set)
            subjects.append(subject)
            keys.append(keys_of(subject, rule_set, among=source.hashes))
            if is_told and subject.side is Side.IDENTITY:
                texts = texts_of_person(subject.attributes, rule_set)
                keys[-1] = [*keys[-1], *keys_of_texts(texts, among=source.hashes)]
        found = await source.by_keys(keys, self._limit) if any(keys) else [[] for _ in keys]
        async for subject, question, candidates in _with_pauses(list(zip(subjects, questions, found, strict=True))):
            yield subject, question, [self._ready.of(each, rule_set, subject.side) for each in candidates]


class _Ready:
    """Candidates as they were prepared last: the same few are looked at for many subjects, and seldom change."""

    def __init__(self) -> None:
        self._known: dict[UUID, tuple[Candidate, RuleSet, Prepared]] = {}

    def of(self, candidate: Candidate, rule_set: RuleSet, subject: Side) -> Prepared:
        """The candidate for a subject of that side, prepared anew when it is not what it was."""
        known = self._known.get(candidate.ref_id)
        if known is not None and known[1] is rule_set and known[0] == candidate:
            return known[2]
        side = Side.ACCOUNT if subject is Side.IDENTITY else Side.IDENTITY
        made = prepare_candidate(candidate, rule_set, side=side)
        if candidate.ref_id not in self._known and len(self._known) >= MOST_READY:
            del self._known[next(iter(self._known))]
        self._known[candidate.ref_id] = (candidate, rule_set, made)
        return made


def correlate_one(
    subject: Prepared,
    candidates: Sequence[Prepared],
    *,
    rule_set: RuleSet,
    decisions: Iterable[PersonDecision] = (),
    frequencies: NameFrequencies | None = None,
    told: Told = NOTHING,
    tuning_mode: bool = False,
    is_truncated: bool = False,
) -> CorrelationResult:
    """Decide between given candidates. ``is_truncated``: there were more than these, so none is linked unseen."""
    scored = [score(subject, other, rule_set, frequencies=frequencies, told=told) for other in candidates]
    said = said_about(subject, candidates, decisions, rule_set=rule_set)
    accounts = [subject] if subject.side is Side.ACCOUNT else candidates
    failures = [word for account in accounts for word in told.failures(account.ref_id)]
    return decide(
        scored, rule_set=rule_set, said=said, tuning_mode=tuning_mode, is_truncated=is_truncated, failures=failures
    )


async def _with_pauses(items: Sequence[_T]) -> AsyncIterator[_T]:
    """The items, letting others run between a few of them: a batch takes long enough for targets to stand idle."""
    for at, item in enumerate(items):
        if at % AT_A_TIME == AT_A_TIME - 1:
            await asyncio.sleep(0)
        yield item
