"""Parts of names that are not the same, and yet may be one person's: slips, nicknames, short forms, initials."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from worker.correlation.columns.features import Features
from worker.correlation.columns.interned import Interned, Mask, Slots
from worker.correlation.nicknames import classes_of
from worker.correlation.person_names import MIN_LETTERS, MIN_PREFIX, QUALITY, TYPO_FROM, Likeness

#: By their number: in this order a comparison looks for them. 0 is for parts that are not alike.
LIKENESSES = (None, Likeness.TYPO, Likeness.NICKNAME, Likeness.PREFIX, Likeness.INITIAL)
TYPO, NICKNAME, PREFIX, INITIAL = range(1, 5)
#: How good each of them is.
QUALITIES = np.array([0.0] + [QUALITY[each] for each in LIKENESSES if each is not None])

_ROUNDING = 1e-9
#: The same for letters that a slip adds, drops or changes: no more than so many of the longer part.
_MOST_CHANGED = 1 - TYPO_FROM + _ROUNDING

Codes = NDArray[np.int8]


class Parts:
    """Distinct parts by their numbers; only two that differ are asked about."""

    def __init__(self, tokens: Sequence[str]) -> None:
        self._tokens = np.array(tokens, dtype=object)
        self._features = Features.of(tokens)
        self._first = Interned().numbers(token[0] for token in tokens)
        self._prefix = Interned().numbers(token[:MIN_PREFIX] for token in tokens)
        self._called, self._shares_class = _called(tokens)

    def alike(self, left: Slots, right: Slots) -> Codes:
        """How two parts are alike, the first of ``LIKENESSES`` that holds; each distinct pair is looked at once."""
        found = np.zeros(len(left), dtype=np.int8)
        places = np.flatnonzero(self._may_be_alike(left, right))
        if not len(places):
            return found
        packed = left[places].astype(np.uint64) << np.uint64(32) | right[places].astype(np.uint64)
        pairs, where = np.unique(packed, return_inverse=True)
        one, other = (pairs >> np.uint64(32)).astype(np.int32), (pairs & np.uint64(0xFFFFFFFF)).astype(np.int32)
        found[places] = self._codes(one, other)[where]
        return found

    def may_be_joined(self, one: Slots, other: Slots, whole: Slots) -> Mask:
        """Whether a part may be two others written as one word; False where it surely is not."""
        lengths, bag = self._features.lengths, self._features.bag
        found: Mask = lengths[one] + lengths[other] == lengths[whole]
        places = np.flatnonzero(found)
        signs = bag[one[places]] | bag[other[places]]
        found[places] = (signs & ~bag[whole[places]]) == 0
        return found

    def _may_be_alike(self, left: Slots, right: Slots) -> Mask:
        lengths, bag = self._features.lengths, self._features.bag
        ours, theirs = lengths[left], lengths[right]
        shorter, longer = np.minimum(ours, theirs), np.maximum(ours, theirs)
        apart = (np.bitwise_count(bag[left] ^ bag[right]) + np.uint8(1)) >> np.uint8(1)
        edits = np.maximum(apart, longer - shorter)
        slip = (shorter >= MIN_LETTERS) & (edits <= longer * _MOST_CHANGED)
        begins = self._prefix[left] == self._prefix[right]
        begins |= (shorter == 1) & (self._first[left] == self._first[right])
        found: Mask = slip | begins | self._may_be_called(left, right)
        return found

    def _may_be_called(self, left: Slots, right: Slots) -> Mask:
        found: Mask = self._shares_class[self._called[left], self._called[right]]
        return found

    def _codes(self, left: Slots, right: Slots) -> Codes:
        shorter = np.minimum(self._features.lengths[left], self._features.lengths[right])
        holds = [
            (shorter >= MIN_LETTERS) & (self._similarities(left, right) >= TYPO_FROM),
            self._may_be_called(left, right),
            (shorter >= MIN_PREFIX) & self._begins(left, right),
            (shorter == 1) & (self._first[left] == self._first[right]),
        ]
        return np.select(holds, [TYPO, NICKNAME, PREFIX, INITIAL], 0).astype(np.int8)

    def _similarities(self, left: Slots, right: Slots) -> NDArray[np.float64]:
        from rapidfuzz.distance import OSA  # noqa: PLC0415 - 65 ms, for those who compare
        from rapidfuzz.process import cpdist  # noqa: PLC0415 - as above

        similarity: Any = OSA.normalized_similarity
        ours, theirs = self._tokens[left].tolist(), self._tokens[right].tolist()
        cutoff = TYPO_FROM - _ROUNDING
        return np.asarray(cpdist(ours, theirs, scorer=similarity, score_cutoff=cutoff, dtype=np.float64))

    def _begins(self, left: Slots, right: Slots) -> Mask:
        """Whether one is the beginning of the other."""
        found: Mask = self._prefix[left] == self._prefix[right]
        places = np.flatnonzero(found)
        pairs = zip(self._tokens[left[places]].tolist(), self._tokens[right[places]].tolist(), strict=True)
        found[places] = [one.startswith(other) or other.startswith(one) for one, other in pairs]
        return found


def _called(tokens: Sequence[str]) -> tuple[Slots, NDArray[np.bool_]]:
    """A number for each set of names that a token may stand for, and which two sets have a name in common."""
    numbers: dict[frozenset[int], int] = {frozenset(): 0}
    called = np.fromiter(
        (numbers.setdefault(classes_of(token), len(numbers)) for token in tokens), dtype=np.int32, count=len(tokens)
    )
    sets = list(numbers)
    shares = [[not one.isdisjoint(other) for other in sets] for one in sets]
    return called, np.array(shares, dtype=np.bool_)
