"""Many at once, in memory: each subject decided for itself, then one to one among those who claim the same."""

from collections import Counter
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from math import exp
from typing import TypeVar
from uuid import UUID

from worker.correlation.assign import assign, groups
from worker.correlation.blocking import keys_of
from worker.correlation.decide import Said, decide, said_about
from worker.correlation.frequency import NameFrequencies
from worker.correlation.prepare import Prepared, prepare_candidate, prepare_subject
from worker.correlation.rules import RuleSet
from worker.correlation.score import Evaluate, Scored, score
from worker.domain.correlation import Candidate, CorrelationResult, Decision, MatchKey, PersonDecision, Side, Subject

#: Keys that more candidates share than this (a very common name) find nobody; rarer keys have to.
MAX_BLOCK = 40
#: A definitive rule outweighs any sum of the others.
DEFINITIVE = 1000.0

Party = TypeVar("Party", bound=Hashable)


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
    by_id = {case.subject.ref_id: case for case in cases}
    settled = {case.said.is_one: case.subject.ref_id for case in cases if case.said.is_one is not None}
    claims = dict(_claims(cases, rule_set, settled))
    for group in groups(claims):
        rights = [right for _, right in group]
        if len(set(rights)) == len(rights) and not set(rights) & settled.keys():
            continue  # nobody else wants theirs: what was decided for each alone holds
        owners = owners_in(group, rule_set, settled)
        for ref_id in dict.fromkeys(left for left, _ in group):
            _settle(by_id[ref_id], owners, rule_set, tuning_mode=tuning_mode)


def _claims(
    cases: Sequence[_Case], rule_set: RuleSet, settled: Mapping[UUID, UUID]
) -> Iterator[tuple[tuple[UUID, UUID], float]]:
    for case in cases:
        if case.said.is_one is not None or case.said.is_nobodys:
            continue
        for scored in case.scored:
            other = scored.candidate.ref_id
            if scored.ruled_out is None and other not in case.said.is_not:
                worth = rule_set.slope * scored.points + rule_set.offset + (DEFINITIVE if scored.definitive else 0)
                if worth > 0 or other in settled:
                    yield (case.subject.ref_id, other), worth


def owners_in(
    group: Mapping[tuple[Party, Party], float], rule_set: RuleSet, settled: Mapping[Party, Party]
) -> dict[Party, Party | None]:
    """For each candidate of a group the subject that surely has it; None where two come too close."""
    free = {claim: worth for claim, worth in group.items() if claim[1] not in settled}
    wanted = Counter(right for _, right in free)
    owners: dict[Party, Party | None] = {right: None for right, count in wanted.items() if count > 1}
    for left, (right, regret) in assign(free).items():
        if 1 / (1 + exp(-regret)) >= rule_set.auto_threshold:
            owners[right] = left
    return owners | {right: settled[right] for _, right in group if right in settled}


def _settle(case: _Case, owners: Mapping[UUID, UUID | None], rule_set: RuleSet, *, tuning_mode: bool) -> None:
    """Decide again without what surely is another's; what nobody surely has is not linked unseen."""
    mine, before = case.subject.ref_id, case.result
    lost = {right for right, owner in owners.items() if owner is not None and owner != mine}
    left = [one for one in case.scored if one.candidate.ref_id not in lost]
    result = decide(left, rule_set=rule_set, said=case.said, tuning_mode=tuning_mode)
    if result.match is not None and owners.get(result.match.ref_id, mine) != mine:
        result = replace(
            result, decision=Decision.REVIEW, match=None, reason=f"{result.reason}, but another claims the same"
        )
    elif result.decision is Decision.NONE and before.decision is not Decision.NONE:
        reason = "the best candidate more likely belongs to another, and no other comes into question"
        result = replace(before, decision=Decision.REVIEW, match=None, reason=reason)
    case.result = result
