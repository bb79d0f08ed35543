"""Names of people compared part by part, for many pairs at once: ``compare_names`` and what ``score`` makes of it.

Most pairs of names share one part of two and are nothing alike in the other, which a few look-ups tell; only the rest
is compared name by name.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from worker.correlation.columns.features import Features
from worker.correlation.columns.interned import Interned, Mask, Slots
from worker.correlation.columns.names import Names
from worker.correlation.frequency import NameFrequencies
from worker.correlation.nicknames import classes_of
from worker.correlation.person_names import MIN_LETTERS, MIN_PREFIX, TYPO_FROM, compare_names
from worker.correlation.rules import Rule
from worker.correlation.score import CONTRADICTED, INITIAL, name_points

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
        self._parts = _Parts.of(names.token_texts)
        known = frequencies if rule.by_frequency else None
        #: What a token alone is worth.
        self._worth = np.array([known.rarity(token) if known else rule.weight / 2 for token in names.token_texts])
        each = np.maximum(self._worth, INITIAL)[names.tokens.items]
        sums = np.append(0.0, np.cumsum(each))
        self._most = sums[names.tokens.starts[1:]] - sums[names.tokens.starts[:-1]]

    def at_most(self, left: Slots, right: Slots) -> Shares:
        """No less than the points of each pair."""
        found: Shares = np.minimum(self._most[left], self._most[right])
        halves, shared, alike = self._halves(left, right)
        found[halves] = np.where(alike, found[halves], shared - CONTRADICTED)
        return found

    def of(self, left: Slots, right: Slots) -> Called:
        """Each pair compared; distinct ones are best asked for."""
        likeness, points = np.full(len(left), _HALF), np.zeros(len(left))
        contradicted = np.ones(len(left), dtype=np.bool_)
        halves, shared, alike = self._halves(left, right)
        points[halves] = shared - CONTRADICTED
        rest = np.ones(len(left), dtype=np.bool_)
        rest[halves[~alike]] = False
        for place in np.flatnonzero(rest).tolist():
            source, target = self._texts[left[place]], self._texts[right[place]]
            compared = compare_names(source, target)
            likeness[place], contradicted[place] = compared.likeness, compared.is_contradicted
            points[place] = name_points(self._rule, source, target, self._frequencies)
        return Called(likeness, contradicted, points)

    def _halves(self, left: Slots, right: Slots) -> tuple[NDArray[np.int64], Shares, Mask]:
        """Pairs of two parts each that have one in common: where, what that is worth, if the others may be alike."""
        both = (self._sizes[left] == 2) & (self._sizes[right] == 2)
        one, other = self._tokens[left], self._tokens[right]
        found = np.zeros(len(left), dtype=np.bool_)
        shared, ours, theirs = (np.zeros(len(left), dtype=np.int32) for _ in range(3))
        for mine in range(2):
            for yours in range(2):
                same = both & (one[:, mine] == other[:, yours])
                found |= same
                shared[same] = one[same, mine]
                ours[same], theirs[same] = one[same, 1 - mine], other[same, 1 - yours]
        places = np.flatnonzero(found)
        return places, self._worth[shared[places]], self._parts.may_be_alike(ours[places], theirs[places])


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
        prefix = (shorter >= MIN_PREFIX) & (self.prefix[left] == self.prefix[right])
        found: Mask = slip | initial | prefix | (self.has_nickname[left] & self.has_nickname[right])
        return found


def _first_two(names: Names) -> Slots:
    """The first two tokens of each name, where it has as many."""
    found = np.full((len(names.tokens.starts) - 1, 2), -1, dtype=np.int32)
    for place in range(2):
        there = names.tokens.sizes > place
        found[there, place] = names.tokens.items[names.tokens.starts[:-1][there] + place]
    return found
