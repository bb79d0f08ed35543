"""Names of people compared part by part, for many pairs at once: ``compare_names`` and what ``score`` makes of it.

Most pairs of names share one part of two and are nothing alike in the other, which a few look-ups tell; only the rest
is compared name by name.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import NDArray

from worker.correlation.columns.features import Features
from worker.correlation.columns.interned import Interned, Mask, Slots
from worker.correlation.columns.names import Names
from worker.correlation.frequency import NameFrequencies
from worker.correlation.nicknames import classes_of
from worker.correlation.person_names import MIN_LETTERS, MIN_PREFIX, TYPO_FROM, compare_names
from worker.correlation.rules import Rule
from worker.correlation.score import CONTRADICTED, INITIAL, alike_points, name_points

Shares = NDArray[np.float64]

_ROUNDING = 1e-9
#: The likeness of two names that have one part of two in common and contradict each other in the other.
_HALF = 0.4


@dataclass(frozen=True, slots=True)
class Called:
    """How two names that differ compare: their likeness, whether they contradict each other, what that is worth."""

    likeness: Shares
    is_contradicted: Mask
    points: Shares


class NameComparer:
    """Compares the names of one rule by their numbers; only pairs of different names are asked for."""

    def __init__(self, rule: Rule, texts: Sequence[str], names: Names, frequencies: NameFrequencies | None) -> None:
        self._rule = rule
        self._texts = texts
        self._frequencies = frequencies
        self._sizes = names.tokens.sizes
        self._tokens = _first_two(names)
        self._token_texts = names.token_texts
        self._parts = _Parts.of(names.token_texts)
        known = frequencies if rule.by_frequency else None
        #: What a token alone is worth.
        self._worth = np.array([known.rarity(token) if known else rule.weight / 2 for token in names.token_texts])
        each = np.maximum(self._worth, INITIAL)[names.tokens.items]
        sums = np.append(0.0, np.cumsum(each))
        self._most = sums[names.tokens.starts[1:]] - sums[names.tokens.starts[:-1]]

    def at_most(self, left: Slots, right: Slots) -> Shares:
        """No less than the points of each pair; those of names that have nothing in common are not told."""
        found: Shares = np.minimum(self._most[left], self._most[right])
        pairs = self._of_two(left, right)
        worth, has_one = self._worth[pairs.shared], pairs.shared >= 0
        found[pairs.places] = np.where(
            pairs.is_alike, found[pairs.places], np.where(has_one, worth - CONTRADICTED, -np.inf)
        )
        return found

    def of(self, left: Slots, right: Slots) -> Called:
        """Each pair compared; distinct ones are best asked for."""
        likeness, points = np.zeros(len(left)), np.zeros(len(left))
        contradicted = np.ones(len(left), dtype=np.bool_)
        rest = np.ones(len(left), dtype=np.bool_)
        pairs = self._of_two(left, right)
        has_one = pairs.shared >= 0
        half = has_one & ~pairs.is_alike
        likeness[pairs.places[half]] = _HALF
        points[pairs.places[half]] = self._worth[pairs.shared[half]] - CONTRADICTED
        other = has_one & pairs.is_alike
        quality, worth = self._others(pairs.ours[other], pairs.theirs[other])
        places, shared = pairs.places[other], self._worth[pairs.shared[other]]
        likeness[places] = np.where(quality > 0, (1 + quality) / 2, _HALF)
        points[places] = shared + np.where(quality > 0, worth, -CONTRADICTED)
        contradicted[places] = quality == 0
        rest[pairs.places[has_one | ~pairs.is_alike]] = False
        for place in np.flatnonzero(rest).tolist():
            source, target = self._texts[left[place]], self._texts[right[place]]
            compared = compare_names(source, target)
            likeness[place], contradicted[place] = compared.likeness, compared.is_contradicted
            points[place] = name_points(self._rule, source, target, self._frequencies)
        return Called(likeness, contradicted, points)

    def _others(self, ours: Slots, theirs: Slots) -> tuple[Shares, Shares]:
        """Of parts that are left over: how alike they are, 0 where they are not, and what that is worth."""
        packed = ours.astype(np.uint64) << np.uint64(32) | theirs.astype(np.uint64)
        pairs, where = np.unique(packed, return_inverse=True)
        quality, worth = np.zeros(len(pairs)), np.zeros(len(pairs))
        for place, pair in enumerate(pairs.tolist()):
            one, other = pair >> 32, pair & 0xFFFFFFFF
            compared = compare_names(self._token_texts[one], self._token_texts[other])
            if compared.alike:
                [(how, _, _)] = compared.alike
                quality[place] = compared.likeness
                worth[place] = alike_points(how, float(min(self._worth[one], self._worth[other])))
        return quality[where], worth[where]

    def _of_two(self, left: Slots, right: Slots) -> "_OfTwo":
        """Pairs of names of two parts each."""
        places = np.flatnonzero((self._sizes[left] == 2) & (self._sizes[right] == 2))
        one, other = self._tokens[left[places]], self._tokens[right[places]]
        shared, ours, theirs = (np.full(len(places), -1, dtype=np.int32) for _ in range(3))
        alike = np.zeros(len(places), dtype=np.bool_)
        for mine, yours in product(range(2), range(2)):
            alike |= self._parts.may_be_alike(one[:, mine], other[:, yours])
        alike |= self._parts.may_be_joined(one, other) | self._parts.may_be_joined(other, one)
        for mine, yours in product(range(2), range(2)):
            same = one[:, mine] == other[:, yours]
            shared[same] = one[same, mine]
            ours[same], theirs[same] = one[same, 1 - mine], other[same, 1 - yours]
        has_one = shared >= 0
        alike[has_one] = self._parts.may_be_alike(ours[has_one], theirs[has_one])
        return _OfTwo(places, shared, ours, theirs, alike)


@dataclass(frozen=True, slots=True)
class _OfTwo:
    """Names of two parts: the part that both have (-1 for none) and the parts left over; if any may be alike."""

    places: NDArray[np.int64]
    shared: Slots
    ours: Slots
    theirs: Slots
    is_alike: Mask


@dataclass(frozen=True, slots=True)
class _Parts:
    """What is known of each part of a name by itself."""

    features: Features
    first: Slots
    prefix: Slots
    has_nickname: Mask

    @classmethod
    def of(cls, tokens: Sequence[str]) -> "_Parts":
        return cls(
            Features.of(tokens),
            Interned().numbers(token[0] for token in tokens),
            Interned().numbers(token[:MIN_PREFIX] for token in tokens),
            np.fromiter((bool(classes_of(token)) for token in tokens), dtype=np.bool_, count=len(tokens)),
        )

    def may_be_alike(self, left: Slots, right: Slots) -> Mask:
        """Whether one may be a slip, a short form or an initial of the other; False where it surely is none."""
        shorter = np.minimum(self.features.lengths[left], self.features.lengths[right])
        slip = (shorter >= MIN_LETTERS) & (self.features.at_most(left, right) >= TYPO_FROM - _ROUNDING)
        initial = (shorter == 1) & (self.first[left] == self.first[right])
        bag = self.features.bag
        within = ((bag[left] & ~bag[right]) == 0) | ((bag[right] & ~bag[left]) == 0)
        prefix = (shorter >= MIN_PREFIX) & within & (self.prefix[left] == self.prefix[right])
        found: Mask = slip | initial | prefix | (self.has_nickname[left] & self.has_nickname[right])
        return found

    def may_be_joined(self, parts: Slots, others: Slots) -> Mask:
        """Whether two parts may be one of the others, written as one word."""
        total = self.features.lengths[parts].sum(axis=1)
        bag = self.features.bag
        signs = bag[parts[:, 0]] | bag[parts[:, 1]]
        same_length = self.features.lengths[others] == total[:, np.newaxis]
        found: Mask = (same_length & ((signs[:, np.newaxis] & ~bag[others]) == 0)).any(axis=1)
        return found


def _first_two(names: Names) -> Slots:
    """The first two tokens of each name, where it has as many."""
    found = np.full((len(names.tokens.starts) - 1, 2), -1, dtype=np.int32)
    for place in range(2):
        there = names.tokens.sizes > place
        found[there, place] = names.tokens.items[names.tokens.starts[:-1][there] + place]
    return found
