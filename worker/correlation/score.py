"""What the rules say about one identity and one account: points for, points against, and why.

Points are log odds and add up without a crop (Fellegi and Sunter 1969): ln(m / u), where m is how often a comparison
ends so for one person and u how often for two. For names u is that of the very name (Winkler's adjustment by
frequency), and each part of a name speaks for itself. Within a group of rules that are derived from each other (name,
login, address) only the strongest agreement and the strongest disagreement count in full.
"""

from dataclasses import dataclass
from enum import Enum
from typing import NamedTuple

from worker.correlation.frequency import NameFrequencies
from worker.correlation.person_names import Likeness, compare_names
from worker.correlation.prepare import Prepared, Value
from worker.correlation.rules import MatchKind, Rule, RuleSet
from worker.correlation.similarity import Algorithm, address_similarity, login_similarity, similarity
from worker.correlation.told import NOTHING, Held, Told, opinion_of, sides
from worker.domain.correlation import Contribution, MatchType

ALIKE_FROM = 0.5
#: Of what agreement to the letter is worth, a likeness is worth this at most.
ALIKE_AT_MOST = 0.9
#: What further evidence of one cause is worth: who has the name mostly has the login and the address made of it, a
#: misspelt name misspells both, a new one changes both.
SHARED_SAME, SHARED_ALIKE, SHARED_DIFFERENT = 0.5, 0.25, 0.5
NEARLY = 0.99
#: -ln of how often one person's names contradict each other in a part (a surname changed, a name of choice).
CONTRADICTED = 3.5
#: -ln of how often one person's name has a part written so: with a slip, or for short.
SLIPPED, CALLED, JOINED = 3.0, 3.0, 1.5
#: ln of how many initials there are, about.
INITIAL = 2.0
#: What a likeness of a part is worth at least.
LEAST_ALIKE = 0.3


class Level(Enum):
    """``PART``: names that have parts in common and contradict each other in the rest."""

    SAME = "same"
    ALIKE = "alike"
    PART = "part"
    NEUTRAL = "neutral"
    DIFFERENT = "different"
    MISSING = "missing"


class Evidence(NamedTuple):
    """How the values of one rule compare; ``source`` and ``target`` are the pair that came closest."""

    rule: Rule
    level: Level
    points: float = 0.0
    likeness: float = 0.0
    source: Value | None = None
    target: Value | None = None
    note: str = ""


@dataclass(frozen=True, slots=True)
class Scored:
    """A candidate with its sum. ``strong``: an identifier agrees exactly. ``ruled_out``: why it cannot be, in words.

    ``told`` is what hooks have in the sum, ``barred`` why one of them says that it cannot be. ``agrees``: a rule does.
    """

    candidate: Prepared
    points: float
    evidence: tuple[Evidence, ...]
    match_type: MatchType
    definitive: str | None = None
    strong: bool = False
    ruled_out: str | None = None
    told: float = 0.0
    barred: str | None = None
    agrees: bool = False
    heard: tuple[Contribution, ...] = ()

    @property
    def contributions(self) -> tuple[Contribution, ...]:
        """What each rule and hook adds, in words; made when asked for: of most candidates nobody reads them."""
        return (*map(_contribution, self.evidence), *self.heard)


def score(
    subject: Prepared,
    candidate: Prepared,
    rule_set: RuleSet,
    *,
    frequencies: NameFrequencies | None = None,
    told: Told = NOTHING,
) -> Scored:
    """Compare a pair by every rule. The order of attributes and of values does not matter."""
    identity, account = sides(subject, candidate)
    found = [
        _compare(rule, sources, targets, frequencies)
        if rule.match is not MatchKind.EXPRESSION
        else _expression(rule, told.held.get((rule.name, identity.ref_id, account.ref_id)))
        for rule, sources, targets in zip(rule_set.rules, identity.values, account.values, strict=True)
    ]
    evidence = _damped(found)
    agreeing = [one for one in evidence if one.points > 0]
    exact = [one for one in agreeing if one.level is Level.SAME]
    base = frequencies.prior if frequencies else rule_set.base
    opinion = opinion_of(told.words.get(account.ref_id, ()), identity, account, rule_set)
    return Scored(
        candidate=candidate,
        points=base + sum(one.points for one in evidence) + opinion.points,
        evidence=tuple(evidence),
        heard=opinion.contributions,
        match_type=_match_type(agreeing),
        definitive=next((one.rule.name for one in exact if one.rule.definitive), None),
        strong=any(one.rule.tier == 1 for one in exact),
        ruled_out=_ruled_out(evidence, identity, account),
        told=opinion.points,
        barred=opinion.barred,
        agrees=bool(agreeing),
    )


def _expression(rule: Rule, held: Held | None) -> Evidence:
    if held is None or held.value is None:
        return Evidence(rule, Level.MISSING, note=held.why if held is not None else "")
    level = Level.SAME if held.value else Level.DIFFERENT
    return Evidence(rule, level, points_of(rule, level, "", "", likeness=0.0, frequencies=None))


def _compare(
    rule: Rule, sources: tuple[Value, ...], targets: tuple[Value, ...], frequencies: NameFrequencies | None
) -> Evidence:
    if not sources or not targets:
        return Evidence(rule, Level.MISSING, 0.0, 0.0, sources[0] if sources else None, targets[0] if targets else None)
    likeness, source, target = _closest(rule, sources, targets)
    level = level_of(rule, source.normal, target.normal, likeness)
    points = points_of(rule, level, source.normal, target.normal, likeness=likeness, frequencies=frequencies)
    return Evidence(rule, level, points, likeness, source, target)


def _closest(rule: Rule, sources: tuple[Value, ...], targets: tuple[Value, ...]) -> tuple[float, Value, Value]:
    if len(sources) == 1 == len(targets):
        return likeness_of(rule, sources[0].normal, targets[0].normal), sources[0], targets[0]
    by_normal = {target.normal: target for target in targets}
    for source in sources:
        if source.normal in by_normal:
            return 1.0, source, by_normal[source.normal]
    pairs = [
        (likeness_of(rule, source.normal, target.normal), source, target) for source in sources for target in targets
    ]
    return max(pairs, key=lambda pair: pair[0])


def likeness_of(rule: Rule, source: str, target: str) -> float:
    """How alike two normalised values are, from 0 to 1; 1 only when they are the same."""
    if source == target:
        return 1.0
    if rule.match is MatchKind.EXACT or rule.algorithm is None:
        return 0.0
    kind = rule.normalize[-1] if rule.normalize else ""
    if rule.compares_names:
        found = compare_names(source, target).likeness
    elif kind == "email":
        found = address_similarity(rule.algorithm, source, target)
    elif kind == "login":
        found = login_similarity(rule.algorithm, source, target)
    else:
        found = similarity(rule.algorithm, source, target, typos_in_digits=rule.typos_in_digits)
    return min(found, NEARLY)  # only the same text is the same


def level_of(rule: Rule, source: str, target: str, likeness: float) -> Level:
    """What the likeness of two normalised values means for a rule."""
    if likeness >= 1:
        return Level.SAME
    if rule.compares_names and likeness > 0:
        is_alike = likeness >= rule.threshold and not compare_names(source, target).is_contradicted
        return Level.ALIKE if is_alike else Level.PART
    if rule.levels:
        worth = learnt_points(rule, likeness)
        return Level.ALIKE if worth > 0 else Level.DIFFERENT if worth < 0 else Level.NEUTRAL
    if likeness >= min(rule.threshold, NEARLY):
        return Level.ALIKE
    is_near = rule.match is MatchKind.FUZZY and likeness >= rule.threshold - rule.neutral
    return Level.NEUTRAL if is_near else Level.DIFFERENT


def points_of(
    rule: Rule, level: Level, source: str, target: str, *, likeness: float, frequencies: NameFrequencies | None
) -> float:
    """What two normalised values say for themselves: a function of nothing but them, the rule and the frequencies."""
    if level is Level.MISSING or level is Level.NEUTRAL:
        return 0.0
    if rule.levels and level is not Level.SAME and not rule.compares_names:
        return learnt_points(rule, likeness)
    if level is Level.DIFFERENT:
        return -rule.disagreement
    if rule.compares_names and source != target:
        return name_points(rule, source, target, frequencies)
    known = frequencies if rule.by_frequency and source else None
    if level is Level.SAME:
        return known.rarity(source) if known else rule.weight
    # Of two spellings the commoner one decides: a typo is always rare.
    weight = min(known.rarity(source), known.rarity(target)) if known else rule.weight
    span = max(likeness - rule.threshold, 0.0) / max(1 - rule.threshold, 1 - NEARLY)
    return weight * (ALIKE_FROM + (ALIKE_AT_MOST - ALIKE_FROM) * span)


def learnt_points(rule: Rule, likeness: float) -> float:
    """By the rule's own table: the points of the highest level that the likeness reaches."""
    return next((points for least, points in rule.levels if likeness >= least), -rule.disagreement)


def name_points(rule: Rule, source: str, target: str, frequencies: NameFrequencies | None) -> float:
    """Of two names that are not the same: what they share, what is alike in them, and what contradicts.

    Without frequencies a name of two parts is worth the rule's weight, and a part half of it.
    """
    known = frequencies if rule.by_frequency else None
    compared = compare_names(source, target)

    def worth(text: str) -> float:
        return known.rarity(text) if known else rule.weight * min(1.0, len(text.split()) / 2)

    points = worth(" ".join(compared.shared)) if compared.shared else 0.0
    for how, one, other in compared.alike:
        points += alike_points(how, min(worth(one), worth(other)))
    return points - CONTRADICTED if compared.is_contradicted else points


def alike_points(how: Likeness, commoner: float) -> float:
    """What a likeness of two parts of a name is worth; ``commoner``: what the commoner of both is worth."""
    if how is Likeness.INITIAL:
        return INITIAL
    costs = {Likeness.TYPO: SLIPPED, Likeness.JOINED: JOINED}
    return max(commoner - costs.get(how, CALLED), LEAST_ALIKE)


def _damped(evidence: list[Evidence]) -> list[Evidence]:
    """Count what has one cause once: within a group the strongest evidence for and the strongest against in full."""
    strongest: dict[tuple[str, bool], Evidence] = {}
    for one in evidence:
        if one.rule.group and one.points:
            key = (one.rule.group, one.points > 0)
            if key not in strongest or abs(one.points) > abs(strongest[key].points):
                strongest[key] = one
    return [
        one._replace(points=one.points * _share(one, strongest[one.rule.group, one.points > 0].level))
        if one.rule.group and one.points and strongest[one.rule.group, one.points > 0] is not one
        else one
        for one in evidence
    ]


def _share(evidence: Evidence, strongest: Level) -> float:
    if evidence.points < 0:
        return SHARED_DIFFERENT
    return SHARED_SAME if Level.SAME in {evidence.level, strongest} else SHARED_ALIKE


def _match_type(agreeing: list[Evidence]) -> MatchType:
    if not agreeing:
        return MatchType.FUZZY
    first = max(agreeing, key=lambda one: one.points)
    if first.rule.match is MatchKind.EXPRESSION:
        return MatchType.EXPRESSION
    if first.level is Level.SAME:
        return MatchType.EXACT
    return MatchType.PHONETIC if first.rule.match is MatchKind.PHONETIC else MatchType.FUZZY


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
        unknown = f"was not evaluated{f': {evidence.note}' if evidence.note else ''}"
        return f"{rule.name}: the expression {known.get(evidence.level, unknown)}"
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
    if evidence.level is Level.PART:
        return f"{rule.name}: {pair} have only a part in common"
    sound = rule.algorithm in {Algorithm.SOUNDEX, Algorithm.METAPHONE}
    alike = "sound alike" if sound else f"are {evidence.likeness:.0%} alike"
    return f"{rule.name}: {pair} {alike}{'' if evidence.level is Level.ALIKE else ', which says nothing'}"
