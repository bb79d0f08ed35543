"""Many at once, in memory: each subject decided for itself, then one to one among those who claim the same."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from uuid import UUID

import numpy as np

from worker.correlation.blocking import keys_of
from worker.correlation.decide import Said, decide, said_about
from worker.correlation.frequency import NameFrequencies
from worker.correlation.joint import MOST, joint_confidences
from worker.correlation.prepare import Prepared, prepare_candidate, prepare_subject
from worker.correlation.rules import RuleSet
from worker.correlation.score import Scored, score
from worker.correlation.told import NOTHING, Told, Word
from worker.domain.correlation import Candidate, CorrelationResult, Decision, MatchKey, PersonDecision, Side, Subject

#: Keys that more candidates share than this (a very common name) find nobody; rarer keys have to.
MAX_BLOCK = 40
#: Below these log odds nobody's claim takes anything from another.
NO_CLAIM = -12.0


@dataclass(slots=True)
class _Case:
    """One subject on its way to a decision."""

    subject: Prepared
    scored: list[Scored]
    said: Said
    result: CorrelationResult
    failures: Sequence[Word] = ()


def correlate_many(
    subjects: Sequence[Subject],
    candidates: Sequence[Candidate],
    *,
    rule_set: RuleSet,
    decisions: Iterable[PersonDecision] = (),
    frequencies: NameFrequencies | None = None,
    told: Mapping[UUID, Told] = MappingProxyType({}),
    tuning_mode: bool = False,
) -> list[CorrelationResult]:
    """Decide about all subjects of one side, in their order. No candidate is linked to two of them.

    ``told``: by subject what hooks and expressions said. Compares only who shares a key, or whom a hook named; costs
    about 50 microseconds a pair, so give it a thread or a process of its own.
    """
    if not subjects:
        return []
    met = looked_up(subjects, candidates, rule_set=rule_set)
    by_party = _by_party(decisions)

    def opened(prepared: Prepared, heard: Told) -> _Case:
        found = met.of(prepared, named=heard.named)
        scored = [score(prepared, other, rule_set, frequencies=frequencies, told=heard) for other in found]
        concerned = [one for party in (prepared, *found) for one in by_party.get(party.ref_id, ())]
        said = said_about(prepared, found, concerned, rule_set=rule_set)
        failures = heard.failures(prepared.ref_id)
        result = decide(scored, rule_set=rule_set, said=said, tuning_mode=tuning_mode, failures=failures)
        return _Case(prepared, scored, said, result, failures)

    cases = [opened(subject, told.get(subject.ref_id, NOTHING)) for subject in met.subjects]
    _settle_contested(cases, rule_set, tuning_mode=tuning_mode)
    return [case.result for case in cases]


class LookedUp:
    """Subjects and candidates of the other side made ready, and who of them comes into question for whom."""

    def __init__(self, subjects: Sequence[Prepared], others: Sequence[Prepared], rule_set: RuleSet) -> None:
        self.subjects = subjects
        self._others = others
        self._index = _Index(others, rule_set)
        self._places = {other.ref_id: place for place, other in enumerate(others)}

    def of(self, subject: Prepared, *, named: Iterable[UUID] = ()) -> list[Prepared]:
        """Those who share a key with it that is not too common, and those who were named."""
        places = self._index.look_up(subject)
        more = {self._places[ref_id] for ref_id in named if ref_id in self._places}.difference(places)
        return [self._others[place] for place in sorted(more.union(places))]


def looked_up(subjects: Sequence[Subject], candidates: Sequence[Candidate], *, rule_set: RuleSet) -> LookedUp:
    """Who comes into question for each subject; all subjects are of one side."""
    side = Side.ACCOUNT if subjects and subjects[0].side is Side.IDENTITY else Side.IDENTITY
    others = [prepare_candidate(candidate, rule_set, side=side) for candidate in candidates]
    return LookedUp([prepare_subject(subject, rule_set) for subject in subjects], others, rule_set)


class _Index:
    """Candidates by their keys."""

    def __init__(self, others: Sequence[Prepared], rule_set: RuleSet) -> None:
        self._rule_set = rule_set
        self._places: dict[MatchKey, list[int]] = {}
        for place, other in enumerate(others):
            for key in keys_of(other, rule_set):
                self._places.setdefault(key, []).append(place)

    def look_up(self, subject: Prepared) -> set[int]:
        """The places of those who share a key that is not too common."""
        blocks = (self._places.get(key, []) for key in keys_of(subject, self._rule_set))
        return {place for block in blocks if len(block) <= MAX_BLOCK for place in block}


def nearest(subject: Prepared, candidates: list[Prepared], rule_set: RuleSet, *, most: int) -> list[Prepared]:
    """At most so many of the candidates: those for whom the rules speak most, equal ones in the order of their ids."""
    if len(candidates) <= most:
        return candidates
    return sorted(candidates, key=lambda each: (-score(subject, each, rule_set).points, each.ref_id))[:most]


def _by_party(decisions: Iterable[PersonDecision]) -> dict[UUID, list[PersonDecision]]:
    found: dict[UUID, list[PersonDecision]] = {}
    for decision in decisions:
        found.setdefault(decision.account_id, []).append(decision)
        found.setdefault(decision.identity_id, []).append(decision)
    return found


def _settle_contested(cases: Sequence[_Case], rule_set: RuleSet, *, tuning_mode: bool) -> None:
    """Decide again about all who want what others want, too, or what a rule settles: nobody else's claim is near it."""
    claims = [claim for place, case in enumerate(cases) for claim in _claims(place, case, rule_set)]
    wanted = Counter(other for _, other, _ in claims)
    contested = {place for place, other, logit in claims if wanted[other] > 1 or logit >= MOST}
    numbers = {other: number for number, other in enumerate(wanted)}
    joint = joint_confidences(
        np.array([place for place, _, _ in claims], dtype=np.int64),
        np.array([numbers[other] for _, other, _ in claims], dtype=np.int64),
        np.array([logit for _, _, logit in claims], dtype=np.float64),
    )
    found: dict[int, dict[UUID, float]] = {}
    for (place, other, _), confidence in zip(claims, joint.tolist(), strict=True):
        found.setdefault(place, {})[other] = confidence
    is_told = any(one.told or one.barred for case in cases for one in case.scored)
    for place in sorted(contested):
        _settle(cases[place], found[place], rule_set, tuning_mode=tuning_mode, is_told=is_told)


def _claims(place: int, case: _Case, rule_set: RuleSet) -> Iterator[tuple[int, UUID, float]]:
    """What one subject wants, with the log odds: (place, candidate, log odds)."""
    if case.said.is_one is not None:
        yield place, case.said.is_one, MOST
    elif not case.said.is_nobodys:
        for scored in case.scored:
            other = scored.candidate.ref_id
            logit = MOST if scored.definitive else rule_set.slope * scored.points + rule_set.offset
            if (scored.ruled_out or scored.barred) is None and other not in case.said.is_not and logit > NO_CLAIM:
                yield place, other, logit


def _settle(case: _Case, joint: Mapping[UUID, float], rule_set: RuleSet, *, tuning_mode: bool, is_told: bool) -> None:
    before = case.result
    result = decide(
        case.scored,
        rule_set=rule_set,
        said=case.said,
        tuning_mode=tuning_mode,
        joint=joint,
        failures=case.failures,
        is_told=is_told,
    )
    if result.decision is Decision.NONE and before.decision is not Decision.NONE:
        reason = "the best candidate more likely belongs to another, and no other comes into question"
        result = replace(result, decision=Decision.REVIEW, match=None, reason=reason)
    case.result = result
