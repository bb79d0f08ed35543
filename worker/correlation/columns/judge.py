"""What the values of one rule say of each other, for many pairs at once: level and points, as ``score`` gives them."""

from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from worker.correlation.columns.called import NameComparer
from worker.correlation.columns.interned import NONE, Interned, Mask, Numbers, Slots
from worker.correlation.columns.likeness import Likeness, Shares
from worker.correlation.columns.memo import Memo, Verdicts, once, packed
from worker.correlation.columns.names import Names
from worker.correlation.frequency import NameFrequencies
from worker.correlation.rules import MatchKind, Rule
from worker.correlation.score import ALIKE_AT_MOST, ALIKE_FROM, NEARLY, learnt_points

#: Pairs of texts that are compared once and for all where a rule has so few.
FEW = 1 << 16


class Level(IntEnum):
    MISSING, NEUTRAL, DIFFERENT, PART, ALIKE, SAME = range(6)


@dataclass(frozen=True, slots=True)
class Judged(Verdicts):
    """Per pair of values; their likeness is below 0 where one is missing."""

    def improve(self, places: Numbers, others: "Judged") -> None:
        """Take other values' verdict where these are closer; the first of equals stays."""
        better = (others.likeness > self.likeness[places]) | (self.likeness[places] < 0)
        self.put(places[better], others.at(np.flatnonzero(better)))


@dataclass(frozen=True, slots=True)
class Chances:
    """Per pair of values: no fewer points than they get, which of them are there on both sides, which are the same."""

    points: NDArray[np.float32]
    is_known: Mask
    is_same: Mask

    @classmethod
    def of_none(cls, count: int) -> "Chances":
        return cls(np.zeros(count, dtype=np.float32), *(np.zeros(count, dtype=np.bool_) for _ in range(2)))

    def improve(self, others: "Chances") -> None:
        """Of several values the best count; what is the same counts, whatever else might be."""
        better = others.is_known & (~self.is_known | (others.points > self.points)) & ~self.is_same
        better |= others.is_same & (~self.is_same | (others.points > self.points))
        self.points[better] = others.points[better]
        np.logical_or(self.is_known, others.is_known, out=self.is_known)
        np.logical_or(self.is_same, others.is_same, out=self.is_same)


class Judge:
    """Compares the values of one rule by their numbers."""

    def __init__(self, rule: Rule, space: Interned, names: Names | None, frequencies: NameFrequencies | None) -> None:
        self._rule = rule
        self._likeness = Likeness(rule, space.texts)
        self._names = (
            NameComparer(rule, space.texts, names, frequencies)
            if rule.compares_names and rule.match is not MatchKind.EXACT and names is not None
            else None
        )
        self._count = len(space)
        known = frequencies if rule.by_frequency else None
        #: What agreement on each value is worth.
        self._worth = np.array([known.rarity(text) if known else rule.weight for text in space.texts] + [0.0])
        self._memo = Memo(self._compared) if self._names is not None else None
        self._every: Verdicts | None = None

    def chances(self, left: Slots, right: Slots) -> Chances:
        """What each pair may be worth at best, at the cost of a few look-ups."""
        known = (left != NONE) & (right != NONE)
        same = known & (left == right)
        points = np.where(same, self._worth[left], 0.0).astype(np.float32)
        differ = np.flatnonzero(known & ~same)
        if len(differ):
            points[differ] = self._at_most(left[differ], right[differ])
        return Chances(points, known, same)

    def of(self, left: Slots, right: Slots) -> Judged:
        """The verdict on each pair."""
        there = (left != NONE) & (right != NONE)
        same = there & (left == right)
        levels = np.where(same, Level.SAME, Level.MISSING).astype(np.int8)
        found = Judged(np.where(same, 1.0, -1.0), levels, np.where(same, self._worth[left], 0.0))
        differ = np.flatnonzero(there & ~same)
        if len(differ):
            found.put(differ, self._differing(left[differ], right[differ]))
        return found

    def _at_most(self, left: Slots, right: Slots) -> Shares:
        """No less than the points of two values that differ."""
        if self._memo is not None or self._has_few(len(left)):
            return self._differing(left, right).points
        nothing = float(self._at(np.zeros(1), left[:1], right[:1]).points[0])
        found = np.full(len(left), nothing)
        if self._likeness.is_never_alike:
            return found
        places = np.flatnonzero(self._likeness.may_matter(left, right))
        if self._rule.levels:  # learnt points need not rise with the likeness
            found[places] = max(0.0, nothing, *(worth for _, worth in self._rule.levels))
        else:
            weights = np.minimum(self._worth[left[places]], self._worth[right[places]])
            found[places] = np.maximum(ALIKE_AT_MOST * weights, nothing)
        return found

    def _differing(self, left: Slots, right: Slots) -> Verdicts:
        if self._has_few(len(left)):
            return self._from_every(left, right)
        if self._memo is not None:
            return self._memo.of(left, right)
        if self._likeness.is_quick:
            return self._compared(left, right)
        return once(self._compared, packed(left, right))

    def _has_few(self, asked: int) -> bool:
        """Whether all pairs of this rule's texts are known, or soon are."""
        return self._every is not None or (self._count**2 <= FEW and self._count**2 <= 4 * asked)

    def _from_every(self, left: Slots, right: Slots) -> Verdicts:
        if self._every is None:
            numbers = np.arange(self._count, dtype=np.int32)
            self._every = self._compared(np.repeat(numbers, self._count), np.tile(numbers, self._count))
        return self._every.at(left.astype(np.int64) * self._count + right)

    def _compared(self, left: Slots, right: Slots) -> Verdicts:
        """The verdict on two texts that differ."""
        if self._names is None:
            return self._at(self._likeness.of(left, right), left, right)
        called = self._names.of(left, right)
        likeness = np.minimum(called.likeness, NEARLY)
        is_alike = (likeness >= self._rule.threshold) & ~called.is_contradicted
        named = np.where(is_alike, Level.ALIKE, Level.PART)
        levels = np.where(likeness > 0, named, self._levels(np.zeros(len(left)))).astype(np.int8)
        nothing = np.where(levels == Level.NEUTRAL, 0.0, -float(self._rule.disagreement))
        other = np.where(levels == Level.ALIKE, called.points, nothing)
        return Verdicts(likeness, levels, np.where(likeness > 0, called.points, other))

    def _at(self, likeness: Shares, left: Slots, right: Slots) -> Verdicts:
        levels = self._levels(likeness)
        return Verdicts(likeness, levels, self._points_at(levels, likeness, left, right))

    def _levels(self, likeness: Shares) -> NDArray[np.int8]:
        rule = self._rule
        if rule.levels:
            learnt = self._learnt(likeness)
            found = np.select([learnt > 0, learnt < 0], [Level.ALIKE, Level.DIFFERENT], Level.NEUTRAL)
            return found.astype(np.int8)
        nearest = rule.threshold - rule.neutral if rule.match is MatchKind.FUZZY else 2.0
        holds: list[Mask] = [likeness >= min(rule.threshold, NEARLY), likeness >= nearest]
        return np.select(holds, [Level.ALIKE, Level.NEUTRAL], Level.DIFFERENT).astype(np.int8)

    def _learnt(self, likeness: Shares) -> Shares:
        distinct_ones, where = np.unique(likeness, return_inverse=True)
        return np.array([learnt_points(self._rule, each) for each in distinct_ones.tolist()])[where]

    def _points_at(self, levels: NDArray[np.int8], likeness: Shares, left: Slots, right: Slots) -> Shares:
        rule = self._rule
        if rule.levels:
            return np.where(levels == Level.NEUTRAL, 0.0, self._learnt(likeness))
        # Of two spellings the commoner one decides: a typo is always rare.
        weights = np.minimum(self._worth[left], self._worth[right])
        span = np.maximum(likeness - rule.threshold, 0.0) / max(1 - rule.threshold, 1 - NEARLY)
        alike = weights * (ALIKE_FROM + (ALIKE_AT_MOST - ALIKE_FROM) * span)
        differ = np.full(len(levels), -float(rule.disagreement))
        return np.select([levels == Level.ALIKE, levels == Level.DIFFERENT], [alike, differ], 0.0)
