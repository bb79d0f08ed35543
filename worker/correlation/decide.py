"""From scores to a decision: what people said, what is ruled out, what is certain enough, what a person must see."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from math import log
from uuid import UUID

from worker.correlation.calibrate import Calibration, confidences
from worker.correlation.evidence import changed
from worker.correlation.prepare import Prepared
from worker.correlation.rules import RuleSet
from worker.correlation.score import Scored
from worker.correlation.told import Word
from worker.domain.correlation import (
    NOBODY,
    CorrelationMatch,
    CorrelationResult,
    Decision,
    MatchType,
    PersonDecision,
    Side,
    Verdict,
)

_MOST_SHOWN = 10
_LEAST_SHOWN = 0.01
_EXPLAINED = 3
LEAST = 1e-300
#: Places after which confidences of claims weighed together are equal: what is left out of that sum moves no more.
AS_GOOD_AS = 6


@dataclass(frozen=True, slots=True)
class Said:
    """What people said about a subject: whose it is, whose it is not, and which words rest on evidence that changed.

    ``outdated`` names the rules that read something else now, by whom the word was about (``NOBODY`` for nobody's).
    """

    is_one: UUID | None = None
    is_not: frozenset[UUID] = frozenset()
    is_nobodys: bool = False
    outdated: Mapping[UUID, tuple[str, ...]] = field(default_factory=dict)

    def outdated_by(self, ref_id: UUID) -> tuple[str, ...]:
        """The rules by which a word about this one is outdated; a word that it is nobody's was about everybody."""
        return self.outdated.get(ref_id) or self.outdated.get(NOBODY, ())


@dataclass(frozen=True, slots=True)
class Ranked:
    """``alone``: the confidence as if nobody else wanted the same."""

    scored: Scored
    confidence: float
    alone: float


def said_about(
    subject: Prepared, candidates: Sequence[Prepared], decisions: Iterable[PersonDecision], *, rule_set: RuleSet
) -> Said:
    """Pick what concerns this subject. A decision whose evidence changed since no longer decides, but is told."""
    known = {candidate.ref_id: candidate for candidate in candidates}
    is_one: UUID | None = None
    is_not: set[UUID] = set()
    outdated: dict[UUID, tuple[str, ...]] = {}
    is_nobodys = False
    for decision in decisions:
        other = _other(subject, decision)
        if other is None:
            continue
        if rules := _changed(decision, subject, known.get(other), rule_set):
            outdated[other] = rules
        elif decision.verdict is Verdict.NOBODY:
            is_not.add(other)
            is_nobodys = is_nobodys or subject.side is Side.ACCOUNT
        elif decision.verdict is Verdict.IS_NOT or not _concerns(subject, decision):
            is_not.add(other)
        else:
            is_one = other
    return Said(is_one, frozenset(is_not), is_nobodys, outdated)


def decide(
    scored: Sequence[Scored],
    *,
    rule_set: RuleSet,
    said: Said = Said(),
    tuning_mode: bool = False,
    is_truncated: bool = False,
    joint: Mapping[UUID, float] | None = None,
    failures: Sequence[Word] = (),
    is_told: bool = False,
) -> CorrelationResult:
    """Decide about one subject. Nothing here depends on the order of the candidates.

    ``joint``: confidences of candidates that others want, too, in place of those that follow from the points alone.
    ``failures``: hooks that were asked and failed; where one of them is needed, a person has to say. ``is_told``: hooks
    said something about those who want the same, so that it is in ``joint``.
    """
    if said.is_one is not None:
        return _settled_by_person(said.is_one, scored, rule_set)
    if said.is_nobodys:
        return CorrelationResult(
            Decision.NONE, "a person decided that this account belongs to nobody", rule_set_version=rule_set.version
        )
    possible = [one for one in scored if one.ruled_out is None and one.candidate.ref_id not in said.is_not]
    ranked = rank([one for one in possible if one.barred is None], rule_set, joint=joint)
    decision, reason = _verdict(ranked, rule_set, said, tuning_mode=tuning_mode, is_truncated=is_truncated)
    if decision is Decision.AUTO and (is_told or any(one.told or one.barred for one in possible)):
        doubt = _doubt_of_hooks(ranked[0].scored, possible, rule_set, said)
        decision, reason = (decision, reason) if doubt is None else (Decision.REVIEW, f"{reason}, but {doubt}")
    if needed := next((word for word in failures if word.is_needed), None):
        decision, reason = Decision.REVIEW, f"the hook {needed.hook} failed: {needed.said}; without it: {reason}"
    left_out = "".join(
        f"; without the hook {word.hook}, which failed: {word.said}" for word in failures if word is not needed
    )
    return result_of(decision, f"{reason}{_ruled_out_words(scored, said)}{left_out}", ranked, rule_set)


def _doubt_of_hooks(best: Scored, possible: Sequence[Scored], rule_set: RuleSet, said: Said) -> str | None:
    """Why what hooks say does not suffice to link somebody whom the rules alone would not.

    They can tip what the rules would ask a person about, where a rule speaks for the same; never more than that.
    """
    ranked = rank([replace(one, points=one.points - one.told) for one in possible], rule_set)
    decision, _ = _verdict(ranked, rule_set, said, tuning_mode=False, is_truncated=False)
    if decision is Decision.NONE:
        return "the rules alone would not even ask about it"
    if decision is Decision.AUTO:
        is_same = ranked[0].scored.candidate.ref_id == best.candidate.ref_id
        return None if is_same else "the rules alone say that it is another"
    return None if best.agrees else "no rule agrees, only a hook does"


def rank(scored: Iterable[Scored], rule_set: RuleSet, *, joint: Mapping[UUID, float] | None = None) -> list[Ranked]:
    """Candidates with their probability, best first; equal ones in the order of their ids."""
    ordered = sorted(scored, key=lambda one: (one.definitive is None, -one.points, one.candidate.ref_id))
    calibration = Calibration(rule_set.slope, rule_set.offset)
    found = confidences([one.points for one in ordered], calibration=calibration)
    ranked = [Ranked(one, sure, sure) for one, sure in zip(ordered, found, strict=True)]
    if joint is None:
        return ranked
    ranked = [replace(each, confidence=joint.get(each.scored.candidate.ref_id, 0.0)) for each in ranked]
    return sorted(ranked, key=lambda each: -round(each.confidence, AS_GOOD_AS))


def result_of(decision: Decision, reason: str, ranked: Sequence[Ranked], rule_set: RuleSet) -> CorrelationResult:
    """Put a decision and what it rests on into a result; a definitive match is at least as sure as an automatic one."""
    floor = rule_set.auto_threshold if decision is Decision.AUTO and ranked[0].scored.definitive else 0.0
    matches = tuple(
        _match(one.scored, max(one.confidence, floor if place == 0 else 0.0))
        for place, one in enumerate(ranked[:_MOST_SHOWN])
        if place < _EXPLAINED or one.confidence >= _LEAST_SHOWN or one.scored.strong
    )
    match = matches[0] if decision is Decision.AUTO else None
    return CorrelationResult(decision, reason, match, matches, rule_set.version)


def _verdict(
    ranked: Sequence[Ranked], rule_set: RuleSet, said: Said, *, tuning_mode: bool, is_truncated: bool
) -> tuple[Decision, str]:
    if not ranked:
        return Decision.NONE, "nobody comes into question"
    best, total = ranked[0], sum(one.confidence for one in ranked)
    if best.scored.definitive or max(best.confidence, best.alone) >= rule_set.auto_threshold:
        doubt = _doubt(ranked, rule_set, said, tuning_mode=tuning_mode, is_truncated=is_truncated)
        if doubt is None:
            return Decision.AUTO, _why(best)
        return Decision.REVIEW, f"{_why(best)}, but {doubt}"
    if total >= rule_set.review_threshold:
        return Decision.REVIEW, f"{_why_unsure(ranked)}{_asked_again_words(ranked, said)}"
    if old := next(filter(None, (said.outdated_by(one.scored.candidate.ref_id) for one in ranked)), None):
        return Decision.REVIEW, f"a person decided about one of them, and the evidence changed since: {', '.join(old)}"
    if strong := next((one for one in ranked if one.scored.strong), None):
        return Decision.REVIEW, f"an identifier agrees, and the rest speaks against it: {_best_words(strong.scored)}"
    return Decision.NONE, f"the best of {len(ranked)} reaches {best.confidence:.1%}: {_worst_words(best.scored)}"


def _doubt(
    ranked: Sequence[Ranked], rule_set: RuleSet, said: Said, *, tuning_mode: bool, is_truncated: bool
) -> str | None:
    """The first reason, if any, not to link by itself what is certain enough."""
    best = ranked[0].scored
    definitive = [one for one in ranked if one.scored.definitive]
    if ranked[0].confidence < ranked[0].alone and ranked[0].confidence < rule_set.auto_threshold:
        return "another claims the same"
    if len(definitive) > 1:
        return f"{len(definitive)} have the same {best.definitive}"
    if best.candidate.is_taken:
        return "it already has a counterpart here"
    if old := said.outdated_by(best.candidate.ref_id):
        return f"a person decided about this, and the evidence changed since: {', '.join(old)}"
    if tuning_mode or rule_set.tuning_mode:
        return "tuning mode links nobody by itself"
    return None if best.definitive else _doubt_of_sum(ranked, rule_set, is_truncated=is_truncated)


def _doubt_of_sum(ranked: Sequence[Ranked], rule_set: RuleSet, *, is_truncated: bool) -> str | None:
    best = ranked[0].scored
    if len(ranked) > 1 and log(ranked[0].confidence / max(ranked[1].confidence, LEAST)) < rule_set.min_gap:
        return "the next one is too close"
    if is_truncated and not best.strong:
        return "there were more candidates than could be compared"
    return None


def _settled_by_person(ref_id: UUID, scored: Sequence[Scored], rule_set: RuleSet) -> CorrelationResult:
    known = next((one for one in scored if one.candidate.ref_id == ref_id), None)
    match = CorrelationMatch(
        ref_id=ref_id,
        confidence=1.0,
        match_type=MatchType.MANUAL,
        contributions=known.contributions if known else (),
        uid=known.candidate.uid if known else None,
        name=known.candidate.name if known else "",
    )
    return CorrelationResult(Decision.AUTO, "a person decided that this is the one", match, (match,), rule_set.version)


def _other(subject: Prepared, decision: PersonDecision) -> UUID | None:
    """Whom the decision is about, seen from the subject; None when it does not touch the subject at all."""
    if subject.side is Side.ACCOUNT:
        return decision.identity_id if decision.account_id == subject.ref_id else None
    # For an identity every decision about an account matters: one that is another's, or nobody's, is not its own.
    if decision.verdict is Verdict.IS_NOT and decision.identity_id != subject.ref_id:
        return None
    return decision.account_id


def _concerns(subject: Prepared, decision: PersonDecision) -> bool:
    return subject.ref_id == (decision.account_id if subject.side is Side.ACCOUNT else decision.identity_id)


def _changed(decision: PersonDecision, subject: Prepared, other: Prepared | None, rule_set: RuleSet) -> tuple[str, ...]:
    """The rules that read something else than when the person decided; none where that cannot be told."""
    if not decision.evidence or not _concerns(subject, decision):
        return ()
    if decision.verdict is Verdict.NOBODY:
        return changed(decision.evidence, None, subject.attributes, rule_set) if subject.side is Side.ACCOUNT else ()
    if other is None:
        return ()
    identity, account = (subject, other) if subject.side is Side.IDENTITY else (other, subject)
    return changed(decision.evidence, identity.attributes, account.attributes, rule_set)


def _match(scored: Scored, confidence: float) -> CorrelationMatch:
    candidate = scored.candidate
    return CorrelationMatch(
        candidate.ref_id, confidence, scored.match_type, scored.contributions, candidate.uid, candidate.name
    )


def _why(best: Ranked) -> str:
    if best.scored.definitive:
        return f"{best.scored.definitive} is the same, which settles it"
    # Never quite sure: a rounded 100 % would promise what no probability does.
    return f"{min(best.confidence, 0.9999):.2%} sure: {_best_words(best.scored)}"


def _why_unsure(ranked: Sequence[Ranked]) -> str:
    likely = [one for one in ranked if one.confidence >= _LEAST_SHOWN]
    if len(likely) > 1:
        return f"{len(likely)} come into question, the best with {ranked[0].confidence:.0%}"
    return f"{ranked[0].confidence:.0%} sure, too little to link by itself: {_best_words(ranked[0].scored)}"


def _best_words(scored: Scored) -> str:
    agreeing = sorted((one for one in scored.contributions if one.points > 0), key=lambda one: -one.points)
    return "; ".join(one.words for one in agreeing[:_EXPLAINED]) or "no rule agrees"


def _worst_words(scored: Scored) -> str:
    against = sorted((one for one in scored.contributions if one.points < 0), key=lambda one: one.points)
    return "; ".join(one.words for one in against[:_EXPLAINED]) or "too little agrees"


def _asked_again_words(ranked: Sequence[Ranked], said: Said) -> str:
    old = next(filter(None, (said.outdated_by(one.scored.candidate.ref_id) for one in ranked)), ())
    return f"; a person decided about this, and the evidence changed since: {', '.join(old)}" if old else ""


def _ruled_out_words(scored: Iterable[Scored], said: Said) -> str:
    words = [words for one in scored if (words := one.ruled_out or one.barred)]
    refused = sum(1 for one in scored if one.candidate.ref_id in said.is_not)
    parts = [f"ruled out: {words[0]}{f' (and {len(words) - 1} more)' if len(words) > 1 else ''}"] if words else []
    if refused:
        parts.append(f"{refused} excluded by a person's decision")
    return "".join(f"; {part}" for part in parts)
