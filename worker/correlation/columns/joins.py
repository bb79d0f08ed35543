"""Who belongs to which number, as sorted arrays: the joins of this room, without a loop in Python."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from worker.correlation.columns.interned import NONE, Mask, Numbers, Slots

Hashes = NDArray[np.uint64]

#: Keys that are sorted in one go (a part of all, by their hash): 128 MB.
KEYS_TOGETHER = 16_000_000


@dataclass(frozen=True, slots=True)
class Lists:
    """For each number from 0 on its items: those from ``starts[number]`` to ``starts[number + 1]``."""

    starts: Numbers
    items: Slots

    @classmethod
    def of(cls, numbers: Numbers | Slots, items: Slots, *, count: int) -> "Lists":
        """Group items by their numbers, which are below ``count``."""
        order = np.argsort(numbers, kind="stable")
        starts = np.zeros(count + 1, dtype=np.int64)
        np.cumsum(np.bincount(numbers, minlength=count), out=starts[1:])
        return cls(starts, items[order])

    @classmethod
    def by_record(cls, slots: Slots) -> "Lists":
        """The values of each record."""
        there = slots != NONE
        starts = np.zeros(len(slots) + 1, dtype=np.int64)
        np.cumsum(there.sum(axis=1), out=starts[1:])
        return cls(starts, slots[there])

    @classmethod
    def by_value(cls, slots: Slots, *, count: int) -> "Lists":
        """The records of each value."""
        records, places = np.nonzero(slots != NONE)
        return cls.of(slots[records, places], records.astype(np.int32), count=count)

    @property
    def sizes(self) -> Numbers:
        return np.diff(self.starts)

    def expand(self, numbers: Numbers | Slots) -> tuple[Numbers, Slots]:
        """All items of these numbers, and the place (in ``numbers``) that each belongs to."""
        starts = self.starts[numbers]
        sizes = self.starts[numbers + np.int64(1)] - starts
        places = np.repeat(np.arange(len(numbers)), sizes)
        offsets = np.arange(len(places)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
        return places, self.items[np.repeat(starts, sizes) + offsets]


def distinct_pairs(left: Numbers | Slots, right: Numbers | Slots) -> tuple[Slots, Slots]:
    """Each pair once, in order."""
    packed = left.astype(np.uint64) << np.uint64(32) | right.astype(np.uint64)
    packed = distinct(packed)
    return (packed >> np.uint64(32)).astype(np.int32), (packed & np.uint64(0xFFFFFFFF)).astype(np.int32)


def distinct(packed: Hashes) -> Hashes:
    """``np.unique`` in a third of its memory: sorts in place."""
    if len(packed) < 2:
        return packed
    packed.sort()
    kept = np.empty(len(packed), dtype=np.bool_)
    kept[0] = True
    np.not_equal(packed[1:], packed[:-1], out=kept[1:])
    return packed[kept]


@dataclass(frozen=True, slots=True)
class Weights:
    """Of each text how many candidates have it, and whether a subject does."""

    candidates: Numbers
    has_subject: Mask


def joined(hashes: Hashes, texts: Slots, weights: Weights, *, at_most: int) -> tuple[Slots, Slots, Slots]:
    """Texts that share a key which at most so many candidates have.

    Answers pairs of a subject's text and another, a candidate's, then the texts that have such a key at all.
    """
    bits = np.uint64(max(len(weights.candidates).bit_length(), 1))
    low = (np.uint64(1) << bits) - np.uint64(1)
    keys = distinct(hashes & ~low | texts.astype(np.uint64))
    where, heads = (keys & low).astype(np.int64), keys >> bits
    starts = np.flatnonzero(np.append(True, heads[1:] != heads[:-1])) if len(keys) else np.empty(0, dtype=np.int64)
    if not len(starts):
        nobody = np.empty(0, dtype=np.int32)
        return nobody, nobody, nobody
    sizes = np.diff(np.append(starts, len(keys)))
    known = np.add.reduceat(weights.candidates[where], starts)
    rare = (known > 0) & (known <= at_most)
    single = np.repeat(rare, sizes)
    return *_crossed(where, starts, sizes, rare & (sizes > 1), weights), where[single].astype(np.int32)


def _crossed(where: Numbers, starts: Numbers, sizes: Numbers, chosen: Mask, weights: Weights) -> tuple[Slots, Slots]:
    """Each subject's text of a block with each candidate's text of it, but for itself."""
    starts, sizes = starts[chosen], sizes[chosen]
    blocks = np.repeat(np.arange(len(starts)), sizes)
    members = where[np.repeat(starts, sizes) + np.arange(len(blocks)) - np.repeat(np.cumsum(sizes) - sizes, sizes)]
    asks, known = weights.has_subject[members], weights.candidates[members] > 0
    theirs = Lists.of(blocks[known], members[known].astype(np.int32), count=len(starts))
    places, other = theirs.expand(blocks[asks])
    own = members[asks][places].astype(np.int32)
    differ = own != other
    return own[differ], other[differ]
