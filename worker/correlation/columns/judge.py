"""What the values of one rule say of each other, for many pairs at once: level and points, as ``score`` gives them."""

from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from worker.correlation.columns.called import NameComparer
from worker.correlation.columns.interned import NONE, Interned, Mask, Numbers, Slots
from worker.correlation.columns.joins import distinct
from worker.correlation.columns.likeness import Likeness, Shares
from worker.correlation.columns.names import Names
from worker.correlation.frequency import NameFrequencies
from worker.correlation.rules import MatchKind, Rule
from worker.correlation.score import ALIKE_AT_MOST, ALIKE_FROM, NEARLY, learnt_points


class Level(IntEnum):
    MISSING, NEUTRAL, DIFFERENT, PART, ALIKE, SAME = range(6)


@dataclass(frozen=True, slots=True)
class Judged:
    """Per pair of values how alike they are (below 0: one is missing), at which level, and with which points."""

    likeness: Shares
    levels: NDArray[np.int8]
    points: Shares

    def improve(self, places: Numbers, others: "Judged", *, by_points: bool) -> None:
        """Take other values' verdict where these are closer, or may be worth more; the first of equals stays."""
        mine, theirs = (self.points, others.points) if by_points else (self.likeness, others.likeness)
        better = (theirs > mine[places]) | (self.likeness[places] < 0)
        if by_points:  # what is the same counts, whatever else might be
            same, is_same = others.levels == Level.SAME, self.levels[places] == Level.SAME
            better = (better | same) & ~is_same
        self.likeness[places[better]] = others.likeness[better]
        self.levels[places[better]] = others.levels[better]
        self.points[places[better]] = others.points[better]


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
        known = frequencies if rule.by_frequency else None
        #: What agreement on each value is worth.
        self._worth = np.array([known.rarity(text) if known else rule.weight for text in space.texts] + [0.0])

    def at_most(self, left: Slots, right: Slots) -> Judged:
        """The verdict on what is missing or the same; no fewer points than what differs will get."""
        found, differ = self._told(left, right)
        if not len(differ):
            return found
        one, other = left[differ], right[differ]
        if self._names is not None:
            points = self._differing(one, other)[2]
        else:
            likeness = self._likeness.at_most(one, other)
            points = self._points_at(self._levels(likeness), likeness, one, other)
            if self._rule.levels:  # learnt points need not rise with the likeness
                points = np.full(len(differ), max(0.0, *(worth for _, worth in self._rule.levels)))
        found.points[differ], found.likeness[differ], found.levels[differ] = points, 0.0, Level.NEUTRAL
        return found

    def of(self, left: Slots, right: Slots) -> Judged:
        """The verdict on each pair; each two distinct values are compared once."""
        found, differ = self._told(left, right)
        if not len(differ):
            return found
        packed = left[differ].astype(np.uint64) << np.uint64(32) | right[differ].astype(np.uint64)
        pairs = distinct(packed.copy())
        one, other = (pairs >> np.uint64(32)).astype(np.int32), (pairs & np.uint64(0xFFFFFFFF)).astype(np.int32)
        likeness, levels, points = self._differing(one, other)
        where = np.searchsorted(pairs, packed)
        found.likeness[differ], found.levels[differ], found.points[differ] = (
            likeness[where],
            levels[where],
            points[where],
        )
        return found

    def _told(self, left: Slots, right: Slots) -> tuple[Judged, Numbers]:
        """The verdict on pairs of which a value is missing, or which are the same; and where the others are."""
        there = (left != NONE) & (right != NONE)
        same = there & (left == right)
        likeness = np.where(same, 1.0, -1.0)
        levels = np.where(same, Level.SAME, Level.MISSING).astype(np.int8)
        return Judged(likeness, levels, np.where(same, self._worth[left], 0.0)), np.flatnonzero(there & ~same)

    def _differing(self, left: Slots, right: Slots) -> tuple[Shares, NDArray[np.int8], Shares]:
        if self._names is None:
            likeness = self._likeness.of(left, right)
            levels = self._levels(likeness)
            return likeness, levels, self._points_at(levels, likeness, left, right)
        called = self._names.of(left, right)
        likeness = np.minimum(called.likeness, NEARLY)
        is_alike = (likeness >= self._rule.threshold) & ~called.is_contradicted
        named = np.where(is_alike, Level.ALIKE, Level.PART)
        levels = np.where(likeness > 0, named, self._levels(np.zeros(len(left)))).astype(np.int8)
        nothing = np.where(levels == Level.NEUTRAL, 0.0, -float(self._rule.disagreement))
        other = np.where(levels == Level.ALIKE, called.points, nothing)
        return likeness, levels, np.where(likeness > 0, called.points, other)

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
