"""What the rules say about many pairs: ``score``, rule by rule over arrays in place of pair by pair.

Most pairs share a part of a name and nothing else. What they could reach at best, told by look-ups alone, leaves most
of them out before any two texts are compared sign by sign.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from worker.correlation.columns.interned import NONE, Interned, Mask, Numbers, Slots
from worker.correlation.columns.likeness import Likeness, Shares
from worker.correlation.columns.names import Names
from worker.correlation.columns.prepare import Prepared
from worker.correlation.frequency import NameFrequencies
from worker.correlation.rules import MatchKind, Rule, RuleSet
from worker.correlation.score import ALIKE_AT_MOST, ALIKE_FROM, NEARLY, SHARED_ALIKE, SHARED_DIFFERENT, TELLS_APART
from worker.domain.correlation import MatchType

#: Log odds below which a candidate changes no confidence by as much as a millionth.
NEGLIGIBLE = -16.0
MATCH_TYPES = (MatchType.EXACT, MatchType.FUZZY, MatchType.PHONETIC, MatchType.EXPRESSION, MatchType.MANUAL)


class Level(IntEnum):
    MISSING, NEUTRAL, DIFFERENT, ALIKE, SAME = range(5)


@dataclass(frozen=True, slots=True)
class Compared:
    """How the values of one rule compare; ``sources`` and ``targets`` are those that came closest."""

    levels: NDArray[np.int8]
    likeness: Shares
    sources: Slots
    targets: Slots


@dataclass(frozen=True, slots=True)
class Pairs:
    """Pairs as record numbers, with what ``Scored`` has of each. ``definitive``: the place of a rule, NONE for none."""

    identities: Slots
    accounts: Slots
    points: Shares
    definitive: NDArray[np.int8]
    is_strong: Mask
    namesakes: Slots
    is_ruled_out: Mask
    match_types: NDArray[np.int8]

    def where(self, chosen: Mask | Numbers) -> "Pairs":
        return Pairs(*(getattr(self, name)[chosen] for name in self.__slots__))

    @classmethod
    def joined(cls, parts: Sequence["Pairs"]) -> "Pairs":
        return cls(*(np.concatenate([getattr(part, name) for part in parts]) for name in cls.__slots__))


class Scorer:
    """Compares records of both sides by all rules of one rule set."""

    def __init__(
        self,
        prepared: Prepared,
        rule_set: RuleSet,
        names: Sequence[Names | None],
        frequencies: NameFrequencies | None,
    ) -> None:
        self._prepared = prepared
        self._rule_set = rule_set
        self._base = -frequencies.log_total if frequencies else rule_set.base
        self._alike = [Likeness(rule, space.texts) for rule, space in zip(rule_set.rules, prepared.spaces, strict=True)]
        self._known = [
            _Known.of(space, parts, frequencies) if rule.by_frequency and frequencies else None
            for rule, space, parts in zip(rule_set.rules, prepared.spaces, names, strict=True)
        ]

    def score(self, identities: Slots, accounts: Slots, *, kept: Mask) -> Pairs:
        """Those pairs that come into question, in their order, and those ``kept`` in any case."""
        possible = self._possible(identities, accounts) | kept
        identities, accounts, kept = identities[possible], accounts[possible], kept[possible]
        compared = [self._compare(place, identities, accounts) for place in range(len(self._rule_set.rules))]
        points = self._damped(compared, [self._weighed(place, each) for place, each in enumerate(compared)])
        found = self._summed(identities, accounts, compared, points)
        logits = self._rule_set.slope * found.points + self._rule_set.offset
        return found.where(kept | found.is_strong | (found.definitive != NONE) | (logits > NEGLIGIBLE))

    def _possible(self, identities: Slots, accounts: Slots) -> Mask:
        """Whom at least their best chances, or an identifier that agrees, bring into question."""
        if self._rule_set.slope <= 0:  # more points are then not more likely
            return np.ones(len(identities), dtype=np.bool_)
        points = np.full(len(identities), self._base)
        agrees = np.zeros(len(identities), dtype=np.bool_)
        alike: dict[str, tuple[Shares, Shares]] = {}
        for place, rule in enumerate(self._rule_set.rules):
            found = self._compare(place, identities, accounts, at_best=True)
            same, different = found.levels == Level.SAME, found.levels == Level.DIFFERENT
            if rule.definitive or rule.tier == 1:
                agrees |= same
            weights = self._weights(place, found)
            points += np.where(same, weights, 0.0)
            points -= np.where(different, rule.disagreement * (SHARED_DIFFERENT if rule.group else 1.0), 0.0)
            worth = np.where((found.levels == Level.ALIKE), ALIKE_AT_MOST * weights, 0.0)
            strongest, total = alike.get(rule.group, (0.0, 0.0)) if rule.group else (0.0, 0.0)
            if rule.group:
                alike[rule.group] = (np.maximum(strongest, worth), total + worth)
            else:
                points += worth
        for strongest, total in alike.values():
            points += strongest + SHARED_ALIKE * (total - strongest)
        return agrees | (self._rule_set.slope * points + self._rule_set.offset > NEGLIGIBLE)

    def _compare(self, place: int, identities: Slots, accounts: Slots, *, at_best: bool = False) -> Compared:
        """The values of one rule; ``at_best`` takes what differs for as alike as it can be, and asks no further."""
        rule = self._rule_set.rules[place]
        sources = self._prepared.identities.values[place]
        targets = self._prepared.accounts.values[place]
        likeness = self._alike[place].at_most if at_best else self._alike[place].of
        shares, ours, theirs = np.full(len(identities), -1.0), sources[identities, 0], targets[accounts, 0]
        if rule.match is MatchKind.EXPRESSION:  # nobody evaluates them here
            return Compared(_levels(rule, shares), shares, ours, theirs)
        if sources.shape[1] == targets.shape[1] == 1:
            there = (ours != NONE) & (theirs != NONE)
            shares[there & (ours == theirs)] = 1.0
            differ = np.flatnonzero(there & (ours != theirs))
            shares[differ] = likeness(ours[differ], theirs[differ])
            return Compared(_levels(rule, shares), shares, ours, theirs)
        slots = [(one, other) for one in range(sources.shape[1]) for other in range(targets.shape[1])]
        for is_same_wanted in (True, False):
            for one, other in slots:
                source, target = sources[identities, one], targets[accounts, other]
                open_ = np.flatnonzero(
                    (source != NONE) & (target != NONE) & (shares < 1) & ((source == target) == is_same_wanted)
                )
                found = np.ones(len(open_)) if is_same_wanted else likeness(source[open_], target[open_])
                better = found > shares[open_]
                open_ = open_[better]
                shares[open_], ours[open_], theirs[open_] = found[better], source[open_], target[open_]
        return Compared(_levels(rule, shares), shares, ours, theirs)

    def _weights(self, place: int, found: Compared) -> Shares:
        """What agreement is worth; of two spellings of a name the commoner one decides: a typo is always rare."""
        known = self._known[place]
        if known is None:
            return np.full(len(found.levels), float(self._rule_set.rules[place].weight))
        return np.minimum(known.rarity[found.sources], known.rarity[found.targets])

    def _weighed(self, place: int, found: Compared) -> Shares:
        rule = self._rule_set.rules[place]
        weights = self._weights(place, found)
        span = np.maximum(found.likeness - rule.threshold, 0.0) / max(1 - rule.threshold, 1 - NEARLY)
        share = ALIKE_FROM + (ALIKE_AT_MOST - ALIKE_FROM) * span
        return np.select(
            [found.levels == Level.SAME, found.levels == Level.ALIKE, found.levels == Level.DIFFERENT],
            [weights, weights * share, np.full(len(weights), -float(rule.disagreement))],
            0.0,
        )

    def _damped(self, compared: Sequence[Compared], points: list[Shares]) -> list[Shares]:
        """Of the likenesses of one group, and of its disagreements, only the strongest in full."""
        points = list(points)
        groups: dict[str, list[int]] = {}
        for place, rule in enumerate(self._rule_set.rules):
            if rule.group:
                groups.setdefault(rule.group, []).append(place)
        for places in groups.values():
            for level, share in ((Level.ALIKE, SHARED_ALIKE), (Level.DIFFERENT, SHARED_DIFFERENT)):
                at_level = np.stack([compared[place].levels == level for place in places])
                strength = np.where(at_level, np.abs(np.stack([points[place] for place in places])), -1.0)
                strongest = strength.argmax(axis=0)
                for row, place in enumerate(places):
                    points[place] = np.where(at_level[row] & (strongest != row), points[place] * share, points[place])
        return points

    def _summed(
        self, identities: Slots, accounts: Slots, compared: Sequence[Compared], points: Sequence[Shares]
    ) -> Pairs:
        rules, count = self._rule_set.rules, len(identities)
        total = np.full(count, self._base) + sum(points, np.zeros(count))
        strong, definitive = np.zeros(count, dtype=np.bool_), np.full(count, NONE, dtype=np.int8)
        for place in reversed(range(len(rules))):
            exact = (compared[place].levels == Level.SAME) & (points[place] > 0)
            strong |= exact & (rules[place].tier == 1)
            definitive[exact & rules[place].definitive] = place
        return Pairs(
            identities,
            accounts,
            total,
            definitive,
            strong,
            self._namesakes(compared, points, count),
            self._ruled_out(identities, accounts, compared),
            self._match_types(compared, points, count),
        )

    def _namesakes(self, compared: Sequence[Compared], points: Sequence[Shares], count: int) -> Slots:
        """Bearers of a name that agrees, where nothing independent of it tells them apart."""
        found = np.ones(count, dtype=np.int32)
        rules = self._rule_set.rules
        groups = {""} | {rules[place].group for place, known in enumerate(self._known) if known is not None}
        named = [(place, known, points[place] > 0) for place, known in enumerate(self._known) if known is not None]
        for place, known, agrees in named:
            bearers = np.maximum(known.bearers[compared[place].sources], known.bearers[compared[place].targets])
            found = np.where(agrees, np.maximum(found, bearers), found)
        for place, rule in enumerate(rules):
            tells = points[place] >= TELLS_APART
            if rule.group in groups - {""}:
                # Only of names that agree: of a group without one the evidence is independent.
                agreeing = [agrees for other, _, agrees in named if rules[other].group == rule.group]
                tells &= ~np.logical_or.reduce(agreeing)
            found[tells] = 1
        return found

    def _ruled_out(self, identities: Slots, accounts: Slots, compared: Sequence[Compared]) -> Mask:
        ours, theirs = self._prepared.identities, self._prepared.accounts
        ended, created = ours.moments[identities], theirs.moments[accounts]
        found: Mask = theirs.is_service[accounts] & ~ours.is_service[identities]
        found |= (ended != NONE) & (created != NONE) & (ended < created)
        for rule, each in zip(self._rule_set.rules, compared, strict=True):
            if rule.veto:
                found |= each.levels == Level.DIFFERENT
        return found

    def _match_types(self, compared: Sequence[Compared], points: Sequence[Shares], count: int) -> NDArray[np.int8]:
        """By the rule that speaks most for the pair."""
        best, worth = np.full(count, MATCH_TYPES.index(MatchType.FUZZY), dtype=np.int8), np.zeros(count)
        for rule, each, given in zip(self._rule_set.rules, compared, points, strict=True):
            better = given > worth
            inexact = MatchType.PHONETIC if rule.match is MatchKind.PHONETIC else MatchType.FUZZY
            kind = np.where(each.levels == Level.SAME, MATCH_TYPES.index(MatchType.EXACT), MATCH_TYPES.index(inexact))
            best, worth = np.where(better, kind, best).astype(np.int8), np.maximum(worth, given)
        return best


@dataclass(frozen=True, slots=True)
class _Known:
    """Of each name how rare it is and how many have it; what has no number is at the end, and worth nothing."""

    rarity: Shares
    bearers: Slots

    @classmethod
    def of(cls, space: Interned, names: Names | None, frequencies: NameFrequencies) -> "_Known":
        bearers = np.array([frequencies.counts.get(text, 1) for text in space.texts], dtype=np.int32)
        bearers = np.append(np.maximum(bearers, 1), np.int32(1))
        if names is None:
            return cls(np.array([*map(frequencies.rarity, space.texts), 0.0]), bearers)
        by_token = frequencies.log_total - np.log([frequencies.bearers(token) for token in names.token_texts])
        sums = np.append(0.0, np.cumsum(by_token[names.tokens.items]))
        total = sums[names.tokens.starts[1:]] - sums[names.tokens.starts[:-1]]
        whole = frequencies.log_total - np.log(bearers[:-1])
        return cls(np.append(np.maximum(np.minimum(total, whole), 0.0), 0.0), bearers)


def _levels(rule: Rule, shares: Shares) -> NDArray[np.int8]:
    """From likeness to level; shares below 0 are those of a value that is missing."""
    nearest = rule.threshold - rule.neutral if rule.match is MatchKind.FUZZY else 2.0
    return np.select(
        [shares < 0, shares >= 1, shares >= min(rule.threshold, NEARLY), shares >= nearest],
        [Level.MISSING, Level.SAME, Level.ALIKE, Level.NEUTRAL],
        Level.DIFFERENT,
    ).astype(np.int8)
