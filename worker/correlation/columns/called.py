"""Names of people compared part by part, for many pairs at once: ``compare_names`` and what ``score`` makes of it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations, product

import numpy as np
from numpy.typing import NDArray

from worker.correlation.columns.interned import Mask, Numbers, Slots
from worker.correlation.columns.names import Names
from worker.correlation.columns.parts import INITIAL, QUALITIES, TYPO, Codes, Parts
from worker.correlation.columns.rarity import Rarity
from worker.correlation.frequency import NameFrequencies
from worker.correlation.person_names import MAX_PARTS, compare_names
from worker.correlation.rules import Rule
from worker.correlation.score import CALLED, CONTRADICTED, LEAST_ALIKE, SLIPPED, name_points
from worker.correlation.score import INITIAL as AN_INITIAL

Shares = NDArray[np.float64]

#: Pairs that are compared together.
_TOGETHER = 100_000


@dataclass(frozen=True, slots=True)
class Called:
    """How two names that differ compare: their likeness, whether they contradict each other, what that is worth."""

    likeness: Shares
    is_contradicted: Mask
    points: Shares

    @classmethod
    def empty(cls, count: int) -> "Called":
        return cls(np.zeros(count), np.zeros(count, dtype=np.bool_), np.zeros(count))


class NameComparer:
    """Compares the names of one rule by their numbers; only pairs of different names are asked for."""

    def __init__(self, rule: Rule, texts: Sequence[str], names: Names, frequencies: NameFrequencies | None) -> None:
        self._rule = rule
        self._texts = texts
        self._frequencies = frequencies
        self._names = names.tokens
        self._sizes = np.minimum(names.tokens.sizes, MAX_PARTS)
        self._parts = Parts(names.token_texts)
        self._rarity = Rarity(rule, names, frequencies)

    def of(self, left: Slots, right: Slots) -> Called:
        """Each pair compared; distinct ones are best asked for."""
        found = Called.empty(len(left))
        for places in self._by_shape(left, right):
            some = self._alike_shapes(left[places], right[places])
            found.likeness[places], found.points[places] = some.likeness, some.points
            found.is_contradicted[places] = some.is_contradicted
        return found

    def _by_shape(self, left: Slots, right: Slots) -> Iterator[Numbers]:
        """Places of pairs of as many parts each, not too many at once."""
        shapes = (self._sizes[left] * (MAX_PARTS + 1) + self._sizes[right]).astype(np.int16)
        for shape in np.flatnonzero(np.bincount(shapes)).tolist() if len(shapes) else []:
            places = np.flatnonzero(shapes == shape)
            for first in range(0, len(places), _TOGETHER):
                yield places[first : first + _TOGETHER]

    def _alike_shapes(self, left: Slots, right: Slots) -> Called:
        pairs = _Sides(self._tokens(left), self._tokens(right))
        shared = ~pairs.is_left
        points = self._rarity.of_shared(pairs.left, shared)
        joined = self._may_be_joined(pairs)
        matched = shared.sum(axis=1).astype(np.float64)
        count = matched.copy()
        quality = np.zeros(len(left))
        for rows, one, other, code in self._matches(pairs):
            quality[rows] += QUALITIES[code]
            count[rows] += 1
            points[rows] += self._worth_alike(code, pairs.left[rows, one], pairs.right[rows, other])
        called = _summed(matched + quality, count, pairs, points)
        self._compare_joined(called, left, right, np.flatnonzero(joined))
        return called

    def _matches(self, pairs: "_Sides") -> Iterator[tuple[Numbers, int, int, Codes]]:
        """Parts that are alike, each used up by the first it goes with: rows, places in both names, how."""
        codes = self._codes(pairs)
        rows = np.flatnonzero(codes.any(axis=(1, 2)))
        codes = codes[rows]
        for code in range(TYPO, INITIAL + 1):
            hits = codes == code
            for one, other in zip(*np.nonzero(hits.any(axis=0)), strict=True):
                chosen = rows[hits[:, one, other]]
                chosen = chosen[pairs.is_left[chosen, one] & pairs.is_right[chosen, other]]
                pairs.is_left[chosen, one] = pairs.is_right[chosen, other] = False
                yield chosen, int(one), int(other), np.full(len(chosen), code, dtype=np.int8)

    def _codes(self, pairs: "_Sides") -> Codes:
        """Of each two parts that are left over on both sides: how they are alike."""
        free = pairs.is_left[:, :, np.newaxis] & pairs.is_right[:, np.newaxis, :]
        row, one, other = np.nonzero(free)
        found = np.zeros(free.shape, dtype=np.int8)
        found[row, one, other] = self._parts.alike(pairs.left[row, one], pairs.right[row, other])
        return found

    def _worth_alike(self, codes: Codes, left: Slots, right: Slots) -> Shares:
        """``alike_points`` of each."""
        commoner = np.minimum(self._rarity.worth[left], self._rarity.worth[right])
        costs = np.where(codes == TYPO, SLIPPED, CALLED)
        return np.where(codes == INITIAL, AN_INITIAL, np.maximum(commoner - costs, LEAST_ALIKE))

    def _may_be_joined(self, pairs: "_Sides") -> Mask:
        """Where two parts that are left over may be one of the other side, written as one word."""
        found = np.zeros(len(pairs.left), dtype=np.bool_)
        sides = (pairs.left, pairs.is_left), (pairs.right, pairs.is_right)
        for (several, are_free), (single, is_free) in (sides, sides[::-1]):
            for (one, other), whole in product(combinations(range(several.shape[1]), 2), range(single.shape[1])):
                rows = np.flatnonzero(are_free[:, one] & are_free[:, other] & is_free[:, whole])
                found[rows] |= self._parts.may_be_joined(several[rows, one], several[rows, other], single[rows, whole])
        return found

    def _compare_joined(self, called: Called, left: Slots, right: Slots, places: Numbers) -> None:
        """These few one by one."""
        for place in places.tolist():
            source, target = self._texts[left[place]], self._texts[right[place]]
            compared = compare_names(source, target)
            called.likeness[place], called.is_contradicted[place] = compared.likeness, compared.is_contradicted
            called.points[place] = name_points(self._rule, source, target, self._frequencies)

    def _tokens(self, names: Slots) -> Slots:
        """The parts of names that all have as many."""
        size = int(self._sizes[names[0]])
        found: Slots = self._names.items[self._names.starts[names][:, np.newaxis] + np.arange(size)]
        return found


class _Sides:
    """Parts of two names each, and which of them are left over."""

    def __init__(self, left: Slots, right: Slots) -> None:
        same = left[:, :, np.newaxis] == right[:, np.newaxis, :]
        self.left, self.right = left, right
        self.is_left: Mask = ~same.any(axis=2)
        self.is_right: Mask = ~same.any(axis=1)


def _summed(matched: Shares, count: Shares, pairs: _Sides, points: Shares) -> Called:
    """What ``NameComparison`` says of them, with the points for what they share and what is alike."""
    only_left, only_right = pairs.is_left.sum(axis=1), pairs.is_right.sum(axis=1)
    is_contradicted = (only_left > 0) & (only_right > 0)
    mean = matched / np.maximum(count, 1)
    apart = matched / np.maximum(count + np.minimum(only_left, only_right), 1) * 0.8
    likeness = np.where(is_contradicted, apart, mean - 0.02 * (only_left + only_right))
    return Called(
        np.where(count > 0, likeness, 0.0), is_contradicted, np.where(is_contradicted, points - CONTRADICTED, points)
    )
