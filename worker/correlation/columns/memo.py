"""What was said of two texts, kept: most pairs of a large table are the same few pairs of texts again."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from worker.correlation.columns.interned import Slots
from worker.correlation.columns.joins import Hashes, distinct

Shares = NDArray[np.float64]
Levels = NDArray[np.int8]

#: Pairs of texts that are remembered at once, 25 bytes each; a power of two.
REMEMBERED = 1 << 20


@dataclass(frozen=True, slots=True)
class Verdicts:
    """Per pair how alike two texts are, at which level that is, and what it is worth."""

    likeness: Shares
    levels: Levels
    points: Shares

    @classmethod
    def of_none(cls, count: int) -> "Verdicts":
        return cls(np.zeros(count), np.zeros(count, dtype=np.int8), np.zeros(count))

    def at(self, places: NDArray[np.integer]) -> "Verdicts":
        return Verdicts(self.likeness[places], self.levels[places], self.points[places])

    def put(self, places: NDArray[np.integer], others: "Verdicts") -> None:
        self.likeness[places], self.levels[places] = others.likeness, others.levels
        self.points[places] = others.points


#: Compares the texts of these numbers, pair by pair.
Compare = Callable[[Slots, Slots], Verdicts]


def packed(left: Slots, right: Slots) -> Hashes:
    """Two numbers as one."""
    found: Hashes = left.astype(np.uint64) << np.uint64(32) | right.astype(np.uint64)
    return found


def unpacked(pairs: Hashes) -> tuple[Slots, Slots]:
    return (pairs >> np.uint64(32)).astype(np.int32), (pairs & np.uint64(0xFFFFFFFF)).astype(np.int32)


def once(compare: Compare, pairs: Hashes) -> Verdicts:
    """Each two distinct texts compared once."""
    known = distinct(pairs.copy())
    return compare(*unpacked(known)).at(np.searchsorted(known, pairs))


class Memo:
    """Each pair has one place, found by its hash; who comes later takes it over."""

    def __init__(self, compare: Compare) -> None:
        self._compare = compare
        self._keys = np.full(REMEMBERED, ~np.uint64(0), dtype=np.uint64)
        self._known = Verdicts.of_none(REMEMBERED)
        self._shift = np.uint64(64 - (REMEMBERED.bit_length() - 1))

    def of(self, left: Slots, right: Slots) -> Verdicts:
        """As ``compare`` says."""
        pairs = packed(left, right)
        places = (pairs * np.uint64(0x9E3779B97F4A7C15)) >> self._shift
        found = self._known.at(places)
        new = np.flatnonzero(self._keys[places] != pairs)
        if len(new):
            told = once(self._compare, pairs[new])
            found.put(new, told)
            # of several that want one place the last one gets it, with its key and its verdict
            where, last = np.unique(places[new][::-1], return_index=True)
            kept = len(new) - 1 - last
            self._keys[where] = pairs[new][kept]
            self._known.put(where, told.at(kept))
        return found
