"""What the rules say about many pairs: ``score``, rule by rule over arrays in place of pair by pair.

``chances`` tells what pairs could reach at best by look-ups alone, before any two texts are compared sign by sign.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import NDArray

from worker.correlation.columns.interned import NONE, Mask, Numbers, Slots
from worker.correlation.columns.judge import Chances, Judge, Level
from worker.correlation.columns.likeness import Shares
from worker.correlation.columns.names import Names
from worker.correlation.columns.prepare import Prepared
from worker.correlation.frequency import NameFrequencies
from worker.correlation.joint import MOST
from worker.correlation.rules import MatchKind, RuleSet
from worker.correlation.score import (
    SHARED_ALIKE,
    SHARED_DIFFERENT,
    SHARED_SAME,
)
from worker.domain.correlation import MatchType, Side

#: Log odds below which a candidate changes no confidence by as much as a millionth.
NEGLIGIBLE = -16.0
#: What sums of points told in single precision may be off, at most.
_ROUNDING = 1e-3
MATCH_TYPES = (MatchType.EXACT, MatchType.FUZZY, MatchType.PHONETIC, MatchType.EXPRESSION, MatchType.MANUAL)


@dataclass(frozen=True, slots=True)
class Compared:
    """How the values of one rule compare, and what that is worth by itself."""

    levels: NDArray[np.int8]
    points: Shares


@dataclass(frozen=True, slots=True)
class Pairs:
    """Pairs as record numbers, with what ``Scored`` has of each. ``definitive``: the place of a rule, NONE for none."""

    identities: Slots
    accounts: Slots
    points: Shares
    definitive: NDArray[np.int8]
    is_strong: Mask
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
        self.frequencies = frequencies
        self._prepared = prepared
        self._rule_set = rule_set
        self._base = frequencies.prior if frequencies else rule_set.base
        self._judges = [
            Judge(rule, space, parts, frequencies)
            for rule, space, parts in zip(rule_set.rules, prepared.spaces, names, strict=True)
        ]

    def score(self, identities: Slots, accounts: Slots) -> Pairs:
        """These pairs, by all rules."""
        compared, points = self.compared(identities, accounts)
        return self._summed(identities, accounts, compared, points)

    def logits(self, pairs: Pairs) -> Shares:
        """The log odds of each pair by itself; what settles it counts for more than any points."""
        return np.where(pairs.definitive != NONE, MOST, self.by_points(pairs))

    def by_points(self, pairs: Pairs) -> Shares:
        """The log odds of each pair by nothing but its points."""
        found: Shares = self._rule_set.slope * pairs.points + self._rule_set.offset
        return found

    def compared(self, identities: Slots, accounts: Slots) -> tuple[list[Compared], list[Shares]]:
        """What each rule says of these pairs, and what that is worth beside the others."""
        compared = [self.compare_by(place, identities, accounts) for place in range(len(self._rule_set.rules))]
        return compared, self._damped(compared)

    def count(self, side: Side) -> int:
        """How many records one side has."""
        return (self._prepared.identities if side is Side.IDENTITY else self._prepared.accounts).count

    def rule_name(self, place: int) -> str:
        return self._rule_set.rules[place].name

    def values(self, place: int) -> tuple[list[str], Slots, Slots]:
        """The texts that one rule compares, and which of them each identity and each account has."""
        identities, accounts = self._prepared.identities, self._prepared.accounts
        return self._prepared.spaces[place].texts, identities.values[place], accounts.values[place]

    def chances(self, identities: Slots, accounts: Slots) -> tuple[Shares, Mask]:
        """The log odds of each pair at best, told by look-ups; and where an identifier agrees in any case."""
        agrees = np.zeros(len(identities), dtype=np.bool_)
        if self._rule_set.slope <= 0:  # more points are then not more likely
            return np.full(len(identities), np.inf), agrees
        points = np.full(len(identities), self._base, dtype=np.float32)
        together: dict[str, _Together] = {}
        for place, rule in enumerate(self._rule_set.rules):
            if rule.match is MatchKind.EXPRESSION:  # nobody evaluates them here
                continue
            found = self._chances_by(place, identities, accounts)
            if rule.definitive or rule.tier == 1:
                agrees |= found.is_same
            if rule.group:
                points += np.minimum(found.points, 0.0) * SHARED_DIFFERENT
                together.setdefault(rule.group, _Together(len(points))).add(found)
            else:
                points += found.points
        for each in together.values():
            points += each.at_most()
        logits: Shares = self._rule_set.slope * points.astype(np.float64) + (self._rule_set.offset + _ROUNDING)
        return logits, agrees

    def possible(self, identities: Slots, accounts: Slots) -> Mask:
        """Whom at least their best chances, or an identifier that agrees, bring into question."""
        logits, agrees = self.chances(identities, accounts)
        return agrees | (logits > NEGLIGIBLE)

    def _chances_by(self, place: int, identities: Slots, accounts: Slots) -> Chances:
        judge = self._judges[place]
        sources = self._prepared.identities.values[place]
        targets = self._prepared.accounts.values[place]
        if sources.shape[1] == targets.shape[1] == 1:
            return judge.chances(sources[identities, 0], targets[accounts, 0])
        best = Chances.of_none(len(identities))
        for one, other in product(range(sources.shape[1]), range(targets.shape[1])):
            best.improve(judge.chances(sources[identities, one], targets[accounts, other]))
        return best

    def compare_by(self, place: int, identities: Slots, accounts: Slots) -> Compared:
        """The values of one rule; of several the closest count."""
        judge = self._judges[place]
        sources = self._prepared.identities.values[place]
        targets = self._prepared.accounts.values[place]
        if self._rule_set.rules[place].match is MatchKind.EXPRESSION:  # nobody evaluates them here
            return Compared(np.zeros(len(identities), dtype=np.int8), np.zeros(len(identities)))
        best = judge.of(sources[identities, 0], targets[accounts, 0])
        for one, other in product(range(sources.shape[1]), range(targets.shape[1])):
            if one or other:
                source, target = sources[identities, one], targets[accounts, other]
                places = np.flatnonzero((source != NONE) & (target != NONE))
                best.improve(places, judge.of(source[places], target[places]))
        return Compared(best.levels, best.points)

    def _damped(self, compared: Sequence[Compared]) -> list[Shares]:
        """Of what one group says for a pair, and of what it says against, only the strongest in full."""
        points = [each.points for each in compared]
        groups: dict[str, list[int]] = {}
        for place, rule in enumerate(self._rule_set.rules):
            if rule.group:
                groups.setdefault(rule.group, []).append(place)
        for places in groups.values():
            levels = np.stack([compared[place].levels for place in places])
            worth = np.stack([compared[place].points for place in places])
            strongest = worth.argmax(axis=0)
            has_same = (levels == Level.SAME) | (levels[strongest, np.arange(worth.shape[1])] == Level.SAME)
            weakest = worth.argmin(axis=0)
            for row, place in enumerate(places):
                share = np.where(has_same[row], SHARED_SAME, SHARED_ALIKE)
                share = np.where(worth[row] < 0, SHARED_DIFFERENT, share)
                in_full = np.where(worth[row] < 0, weakest == row, strongest == row)
                points[place] = np.where(in_full, worth[row], worth[row] * share)
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
            self._ruled_out(identities, accounts, compared),
            self._match_types(compared, points, count),
        )

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


class _Together:
    """What agreements of one group are worth at most: the strongest in full, the others less."""

    def __init__(self, count: int) -> None:
        self._strongest, self._total = np.zeros(count, dtype=np.float32), np.zeros(count, dtype=np.float32)
        self._is_exact = np.zeros(count, dtype=np.bool_)

    def add(self, found: Chances) -> None:
        points = np.maximum(found.points, 0.0)
        np.maximum(self._strongest, points, out=self._strongest)
        self._total += points
        self._is_exact |= found.is_same

    def at_most(self) -> NDArray[np.float32]:
        share = np.where(self._is_exact, np.float32(SHARED_SAME), np.float32(SHARED_ALIKE))
        found: NDArray[np.float32] = self._strongest + share * (self._total - self._strongest)
        return found
