"""Many at once, in memory: each subject decided for itself, then one to one among those who claim the same."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from uuid import UUID

import numpy as np

from worker.correlation.blocking import keys_of
from worker.correlation.decide import Said, decide, said_about
from worker.correlation.frequency import NameFrequencies
from worker.correlation.joint import MOST, joint_confidences
from worker.correlation.prepare import Prepared, prepare_candidate, prepare_subject
from worker.correlation.rules import RuleSet
from worker.correlation.score import Evaluate, Scored, score
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


def correlate_many(
    subjects: Sequence[Subject],
    candidates: Sequence[Candidate],
    *,
    rule_set: RuleSet,
    decisions: Iterable[PersonDecision] = (),
    frequencies: NameFrequencies | None = None,
    evaluate: Evaluate | None = None,
    tuning_mode: bool = False,
) -> list[CorrelationResult]:
    """Decide about all subjects of one side, in their order. No candidate is linked to two of them.

    Compares only who shares a key; costs about 50 microseconds a pair, so give it a thread or a process of its own.
    """
    if not subjects:
        return []
    side = Side.ACCOUNT if subjects[0].side is Side.IDENTITY else Side.IDENTITY
    others = [prepare_candidate(candidate, rule_set, side=side) for candidate in candidates]
    index = _Index(others, rule_set)
    told = _by_party(decisions)

    def opened(subject: Subject) -> _Case:
        prepared = prepare_subject(subject, rule_set)
        found = index.look_up(prepared)
        scored = [score(prepared, other, rule_set, frequencies=frequencies, evaluate=evaluate) for other in found]
        concerned = [one for party in (prepared, *found) for one in told.get(party.ref_id, ())]
        said = said_about(prepared, found, concerned, rule_set=rule_set)
        result = decide(scored, rule_set=rule_set, said=said, tuning_mode=tuning_mode)
        return _Case(prepared, scored, said, result)

    cases = [opened(subject) for subject in subjects]
    _settle_contested(cases, rule_set, tuning_mode=tuning_mode)
    return [case.result for case in cases]


class _Index:
    """Candidates by their keys."""

    def __init__(self, others: Sequence[Prepared], rule_set: RuleSet) -> None:
        self._others = others
        self._rule_set = rule_set
        self._places: dict[MatchKey, list[int]] = {}
        for place, other in enumerate(others):
            for key in keys_of(other, rule_set):
                self._places.setdefault(key, []).append(place)

    def look_up(self, subject: Prepared) -> list[Prepared]:
        """Those who share a key that is not too common."""
        blocks = (self._places.get(key, []) for key in keys_of(subject, self._rule_set))
        shared = {place for block in blocks if len(block) <= MAX_BLOCK for place in block}
        return [self._others[place] for place in sorted(shared)]


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
    for place in sorted(contested):
        _settle(cases[place], found[place], rule_set, tuning_mode=tuning_mode)


def _claims(place: int, case: _Case, rule_set: RuleSet) -> Iterator[tuple[int, UUID, float]]:
    """What one subject wants, with the log odds: (place, candidate, log odds)."""
    if case.said.is_one is not None:
        yield place, case.said.is_one, MOST
    elif not case.said.is_nobodys:
        for scored in case.scored:
            other = scored.candidate.ref_id
            logit = MOST if scored.definitive else rule_set.slope * scored.points + rule_set.offset
            if scored.ruled_out is None and other not in case.said.is_not and logit > NO_CLAIM:
                yield place, other, logit


def _settle(case: _Case, joint: Mapping[UUID, float], rule_set: RuleSet, *, tuning_mode: bool) -> None:
    before = case.result
    result = decide(case.scored, rule_set=rule_set, said=case.said, tuning_mode=tuning_mode, joint=joint)
    if result.decision is Decision.NONE and before.decision is not Decision.NONE:
        reason = "the best candidate more likely belongs to another, and no other comes into question"
        result = replace(result, decision=Decision.REVIEW, match=None, reason=reason)
    case.result = result
