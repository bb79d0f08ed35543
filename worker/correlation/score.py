"""What the rules say about one identity and one account: points for, points against, and why.

Points are log odds and add up without a crop. Within a group of rules that are derived from each other (name, login,
address) only agreement to the letter adds up in full.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from enum import Enum
from typing import Any

from worker.correlation.frequency import NameFrequencies
from worker.correlation.prepare import Prepared, Value
from worker.correlation.rules import MatchKind, Rule, RuleSet
from worker.correlation.similarity import Algorithm, address_similarity, similarity
from worker.domain.correlation import Contribution, MatchType, Side

#: Decides an ``expression`` rule for (expression, identity attributes, account attributes); None: no evidence.
Evaluate = Callable[[str, Mapping[str, Any], Mapping[str, Any]], bool | None]

ALIKE_FROM = 0.5
#: Of what agreement to the letter is worth, a likeness is worth this at most.
ALIKE_AT_MOST = 0.9
#: What a further likeness or disagreement with the same cause is worth: a misspelt name misspells the login and the
#: address too, a new one changes them.
SHARED_ALIKE, SHARED_DIFFERENT = 0.25, 0.5
NEARLY = 0.99
#: Agreement of at least this many points, outside the name's group, tells namesakes apart.
TELLS_APART = 3.5


class Level(Enum):
    SAME = "same"
    ALIKE = "alike"
    NEUTRAL = "neutral"
    DIFFERENT = "different"
    MISSING = "missing"


_SHARED_CAUSE = {Level.ALIKE: SHARED_ALIKE, Level.DIFFERENT: SHARED_DIFFERENT}


@dataclass(frozen=True, slots=True)
class Evidence:
    """How the values of one rule compare; ``source`` and ``target`` are the pair that came closest."""

    rule: Rule
    level: Level
    points: float = 0.0
    likeness: float = 0.0
    source: Value | None = None
    target: Value | None = None


@dataclass(frozen=True, slots=True)
class Scored:
    """A candidate with its sum. ``strong``: an identifier agrees exactly. ``namesakes``: bearers of a name that agrees
    where nothing else tells them apart. ``ruled_out``: why it cannot be, in words.
    """

    candidate: Prepared
    points: float
    contributions: tuple[Contribution, ...]
    match_type: MatchType
    definitive: str | None = None
    strong: bool = False
    namesakes: int = 1
    ruled_out: str | None = None


def score(
    subject: Prepared,
    candidate: Prepared,
    rule_set: RuleSet,
    *,
    frequencies: NameFrequencies | None = None,
    evaluate: Evaluate | None = None,
) -> Scored:
    """Compare a pair by every rule. The order of attributes and of values does not matter."""
    identity, account = (subject, candidate) if subject.side is Side.IDENTITY else (candidate, subject)
    found = [
        _compare(rule, sources, targets)
        if rule.match is not MatchKind.EXPRESSION
        else _expression(rule, evaluate and evaluate(rule.expression, identity.attributes, account.attributes))
        for rule, sources, targets in zip(rule_set.rules, identity.values, account.values, strict=True)
    ]
    evidence = _damped([_weighed(one, frequencies) for one in found])
    agreeing = [one for one in evidence if one.points > 0]
    exact = [one for one in agreeing if one.level is Level.SAME]
    base = -frequencies.log_total if frequencies else rule_set.base
    return Scored(
        candidate=candidate,
        points=base + sum(one.points for one in evidence),
        contributions=tuple(map(_contribution, evidence)),
        match_type=_match_type(agreeing),
        definitive=next((one.rule.name for one in exact if one.rule.definitive), None),
        strong=any(one.rule.tier == 1 for one in exact),
        namesakes=_namesakes(agreeing, frequencies),
        ruled_out=_ruled_out(evidence, identity, account),
    )


def _expression(rule: Rule, holds: bool | None) -> Evidence:
    return Evidence(rule, Level.MISSING if holds is None else Level.SAME if holds else Level.DIFFERENT)


def _compare(rule: Rule, sources: tuple[Value, ...], targets: tuple[Value, ...]) -> Evidence:
    if not sources or not targets:
        return Evidence(rule, Level.MISSING, source=next(iter(sources), None), target=next(iter(targets), None))
    likeness, source, target = _closest(rule, sources, targets)
    return Evidence(rule, _level(rule, likeness), likeness=likeness, source=source, target=target)


def _closest(rule: Rule, sources: tuple[Value, ...], targets: tuple[Value, ...]) -> tuple[float, Value, Value]:
    by_normal = {target.normal: target for target in targets}
    for source in sources:
        if source.normal in by_normal:
            return 1.0, source, by_normal[source.normal]
    pairs = [
        (likeness_of(rule, source.normal, target.normal), source, target) for source in sources for target in targets
    ]
    return max(pairs, key=lambda pair: pair[0])


def likeness_of(rule: Rule, source: str, target: str) -> float:
    if rule.match is MatchKind.EXACT or rule.algorithm is None:
        return 0.0
    if rule.normalize and rule.normalize[-1] == "email":
        found = address_similarity(rule.algorithm, source, target)
    else:
        found = similarity(rule.algorithm, source, target, typos_in_digits=rule.typos_in_digits)
    return min(found, NEARLY)  # only the same text is the same


def _level(rule: Rule, likeness: float) -> Level:
    if likeness >= 1:
        return Level.SAME
    if likeness >= min(rule.threshold, NEARLY):
        return Level.ALIKE
    is_near = rule.match is MatchKind.FUZZY and likeness >= rule.threshold - rule.neutral
    return Level.NEUTRAL if is_near else Level.DIFFERENT


def _weighed(evidence: Evidence, frequencies: NameFrequencies | None) -> Evidence:
    rule = evidence.rule
    if evidence.level is Level.DIFFERENT:
        return replace(evidence, points=-rule.disagreement)
    if evidence.level not in {Level.SAME, Level.ALIKE}:
        return evidence
    weight = rule.weight
    if rule.by_frequency and frequencies and evidence.source and evidence.target:
        # Of two spellings the commoner one decides: a typo is always rare.
        weight = min(frequencies.rarity(evidence.source.normal), frequencies.rarity(evidence.target.normal))
    if evidence.level is Level.ALIKE:
        span = max(evidence.likeness - rule.threshold, 0.0) / max(1 - rule.threshold, 1 - NEARLY)
        weight *= ALIKE_FROM + (ALIKE_AT_MOST - ALIKE_FROM) * span
    return replace(evidence, points=weight)


def _damped(evidence: list[Evidence]) -> list[Evidence]:
    """Count what has one cause once: within a group the strongest likeness and the strongest disagreement in full."""
    strongest: dict[tuple[str, Level], Evidence] = {}
    for one in evidence:
        if one.rule.group and one.level in _SHARED_CAUSE:
            key = (one.rule.group, one.level)
            if key not in strongest or abs(one.points) > abs(strongest[key].points):
                strongest[key] = one
    return [
        replace(one, points=one.points * _SHARED_CAUSE[one.level])
        if strongest.get((one.rule.group, one.level), one) is not one
        else one
        for one in evidence
    ]


def _match_type(agreeing: list[Evidence]) -> MatchType:
    if not agreeing:
        return MatchType.FUZZY
    first = max(agreeing, key=lambda one: one.points)
    if first.rule.match is MatchKind.EXPRESSION:
        return MatchType.EXPRESSION
    if first.level is Level.SAME:
        return MatchType.EXACT
    return MatchType.PHONETIC if first.rule.match is MatchKind.PHONETIC else MatchType.FUZZY


def _namesakes(agreeing: list[Evidence], frequencies: NameFrequencies | None) -> int:
    names = [one for one in agreeing if one.rule.by_frequency and one.source and one.target]
    if frequencies is None or not names:
        return 1
    groups = {one.rule.group for one in names}
    if any(one.points >= TELLS_APART and (not one.rule.group or one.rule.group not in groups) for one in agreeing):
        return 1
    return max(frequencies.bearers(value.normal) for one in names for value in (one.source, one.target) if value)


def _ruled_out(evidence: list[Evidence], identity: Prepared, account: Prepared) -> str | None:
    for one in evidence:
        if one.rule.veto and one.level is Level.DIFFERENT:
            return _words(one)
    if account.service and not identity.service:
        return f"'{account.service}' looks like a service or administration account"
    if identity.moment and account.moment and identity.moment < account.moment:
        return f"the account was created {account.moment[:10]}, after the person had left {identity.moment[:10]}"
    return None


def _contribution(evidence: Evidence) -> Contribution:
    return Contribution(
        rule=evidence.rule.name,
        points=evidence.points,
        words=_words(evidence),
        source_value=evidence.source.shown if evidence.source else None,
        target_value=evidence.target.shown if evidence.target else None,
    )


def _words(evidence: Evidence) -> str:
    rule, source, target = evidence.rule, evidence.source, evidence.target
    if rule.match is MatchKind.EXPRESSION:
        known = {Level.SAME: "holds", Level.DIFFERENT: "does not hold"}
        return f"{rule.name}: the expression {known.get(evidence.level, 'was not evaluated')}"
    if source is None or target is None:
        where = "the identity" if target else "the account" if source else "either side"
        return f"{rule.name}: no value at {where}"
    pair = f"'{source.shown}' and '{target.shown}'"
    if evidence.level is Level.SAME:
        return (
            f"{rule.name}: '{source.shown}' on both sides"
            if source.shown == target.shown
            else f"{rule.name}: {pair} are the same"
        )
    if evidence.level is Level.DIFFERENT:
        return f"{rule.name}: {pair} are different"
    sound = rule.algorithm in {Algorithm.SOUNDEX, Algorithm.METAPHONE}
    alike = "sound alike" if sound else f"are {evidence.likeness:.0%} alike"
    return f"{rule.name}: {pair} {alike}{'' if evidence.level is Level.ALIKE else ', which says nothing'}"
