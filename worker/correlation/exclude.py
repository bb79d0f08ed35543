"""Who surely is nobody's counterpart: told from what agrees to the letter, without comparing what is only alike.

Most candidates share no more than a part of a name with the one who looks. What they could reach at best, if every
text that differs were as alike as two texts can be, is a sum that costs a tenth of their score; where all together stay
below the thresholds, nobody comes into question, whatever a full comparison would say.
"""

from collections.abc import Sequence
from math import exp

from worker.correlation.frequency import NameFrequencies
from worker.correlation.prepare import Prepared, Value
from worker.correlation.rules import MatchKind, Rule, RuleSet
from worker.correlation.score import (
    ALIKE_AT_MOST,
    SHARED_ALIKE,
    SHARED_DIFFERENT,
    SHARED_SAME,
    level_of,
    likeness_of,
    points_of,
)
from worker.correlation.told import MOST
from worker.domain.correlation import Side

#: So far below the thresholds the sum has to stay: sums of the same numbers in another order differ in the last digits.
_SURELY = 0.99


def is_nobodys(
    subject: Prepared,
    candidates: Sequence[Prepared],
    rule_set: RuleSet,
    *,
    frequencies: NameFrequencies | None = None,
    is_told: bool = False,
) -> bool:
    """Whether the rules surely say *none* of all candidates; False where that cannot be told from here.

    People's decisions are not looked at: those that exclude a candidate change nothing, any other ends elsewhere.
    ``is_told``: hooks and expressions may be asked, too, and may say what speaks most for a candidate.
    """
    if rule_set.slope <= 0:  # more points are then not more likely
        return False
    weight = 0.0
    least = _SURELY * min(rule_set.auto_threshold, rule_set.review_threshold)
    for candidate in candidates:
        points = at_best(subject, candidate, rule_set, frequencies=frequencies, is_told=is_told)
        logit = None if points is None else rule_set.slope * points + rule_set.offset
        if logit is None or logit >= 0:
            return False
        weight += exp(logit)
    return weight / (1 + weight) < least


def at_best(
    subject: Prepared,
    candidate: Prepared,
    rule_set: RuleSet,
    *,
    frequencies: NameFrequencies | None = None,
    is_told: bool = False,
) -> float | None:
    """No less than the points that ``score`` gives the pair; None where an identifier agrees: that counts by itself."""
    identity, account = (subject, candidate) if subject.side is Side.IDENTITY else (candidate, subject)
    points = (frequencies.prior if frequencies else rule_set.base) + (MOST if is_told else 0.0)
    agreeing: dict[str, list[float]] = {}
    exact: set[str] = set()
    for rule, sources, targets in zip(rule_set.rules, identity.values, account.values, strict=True):
        if rule.match is MatchKind.EXPRESSION:
            if not is_told:
                continue
            if rule.definitive or rule.tier == 1:
                return None
            points += rule.weight
        elif not sources or not targets:
            continue
        elif (same := _same(sources, targets)) is not None:
            if rule.definitive or rule.tier == 1:
                return None
            worth = frequencies.rarity(same.normal) if rule.by_frequency and frequencies else rule.weight
            agreeing.setdefault(rule.group, []).append(worth)
            exact.add(rule.group)
        elif rule.match is MatchKind.EXACT:
            points -= rule.disagreement * (SHARED_DIFFERENT if rule.group else 1.0)
        else:
            worth = _alike_at_best(rule, sources, targets, frequencies)
            if worth > 0:
                agreeing.setdefault(rule.group, []).append(worth)
            else:
                points += worth * (SHARED_DIFFERENT if rule.group else 1.0)
    return points + sum(_together(group, worths, is_exact=group in exact) for group, worths in agreeing.items())


def _alike_at_best(
    rule: Rule, sources: tuple[Value, ...], targets: tuple[Value, ...], frequencies: NameFrequencies | None
) -> float:
    """No less than what texts that differ are worth, whatever their likeness."""
    if rule.compares_names:
        return max(_name_at_best(rule, source, target, frequencies) for source in sources for target in targets)
    if rule.levels:
        return max(0.0, *(points for _, points in rule.levels))
    if rule.by_frequency and frequencies:
        return ALIKE_AT_MOST * max(frequencies.rarity(source.normal) for source in sources)
    return ALIKE_AT_MOST * rule.weight


def _name_at_best(rule: Rule, source: Value, target: Value, frequencies: NameFrequencies | None) -> float:
    """Names are compared part by part, which costs little: what they are worth is told exactly."""
    likeness = likeness_of(rule, source.normal, target.normal)
    level = level_of(rule, source.normal, target.normal, likeness)
    return points_of(rule, level, source.normal, target.normal, likeness=likeness, frequencies=frequencies)


def _same(sources: tuple[Value, ...], targets: tuple[Value, ...]) -> Value | None:
    """The value that both sides have, the first of the identity's as in ``score``."""
    for source in sources:
        for target in targets:
            if source.normal == target.normal:
                return source
    return None


def _together(group: str, worths: list[float], *, is_exact: bool) -> float:
    """What agreements of one group are worth at most: the strongest counts in full, the others less."""
    if not group:
        return sum(worths)
    strongest = max(worths)
    return strongest + (SHARED_SAME if is_exact else SHARED_ALIKE) * (sum(worths) - strongest)
