"""How alike the values of one rule are, for many pairs at once: ``similarity`` once for each two distinct texts."""

from collections.abc import Sequence
from functools import cached_property
from itertools import permutations
from math import factorial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from worker.correlation.columns.features import Features, sounds
from worker.correlation.columns.interned import NONE, Interned, Mask, Slots
from worker.correlation.rules import MatchKind, Rule
from worker.correlation.score import NEARLY, likeness_of
from worker.correlation.similarity import (
    MAX_PERMUTED,
    OTHER_PARTS,
    OTHER_STYLE,
    SQUASHED_ALIKE,
    Algorithm,
    other_styles,
)

Shares = NDArray[np.float64]

_EDITS = frozenset({Algorithm.OSA, Algorithm.LEVENSHTEIN})
_BY_PARTS = _EDITS | {Algorithm.JARO_WINKLER}
_SOUNDS = frozenset({Algorithm.SOUNDEX, Algorithm.METAPHONE})
_ROUNDING = 1e-9


class Likeness:
    """Compares the texts of one rule by their numbers; only pairs of different texts are asked for."""

    def __init__(self, rule: Rule, texts: Sequence[str]) -> None:
        self._rule = rule
        self._texts = texts
        self._is_address = bool(rule.normalize) and rule.normalize[-1] == "email"
        self._is_login = self._is_address or rule.normalize[-1:] == ("login",)
        self._typos_in_digits = rule.typos_in_digits and not self._is_login
        #: Below this a likeness says that the values are different, however great it is.
        least = rule.threshold - (rule.neutral if rule.match is MatchKind.FUZZY else 0.0)
        self._matters_from = max(min([least, *(each for each, _ in rule.levels)]), 0.0)

    @property
    def is_never_alike(self) -> bool:
        return self._rule.match is MatchKind.EXACT or self._rule.algorithm is None

    @property
    def is_quick(self) -> bool:
        """Whether comparing two texts once more costs less than to find out that they were compared before."""
        return self.is_never_alike or self._by_sound or self._rule.algorithm in _EDITS

    def may_matter(self, left: Slots, right: Slots) -> Mask:
        """Where the likeness may say more than that these differ, at the cost of a few look-ups."""
        found = np.ones(len(left), dtype=np.bool_)
        if self.is_never_alike or self._by_sound:
            found = self.of(left, right) > 0
        elif self._rule.algorithm in _EDITS | {Algorithm.TOKEN_SORT} and self._matters_from > 0:
            one, other = self._texts_compared(left, right)
            found = self._same_digits(one, other)
            places = np.flatnonzero(found)
            found[places] = self._may_be_near(one[places], other[places])
            found |= self._features.is_odd[one] | self._features.is_odd[other]
        return found

    def of(self, left: Slots, right: Slots) -> Shares:
        """The likeness of each pair (ask for distinct ones); below where it matters one value stands for any other."""
        if self.is_never_alike or not len(left):
            return np.zeros(len(left))
        return self._of_distinct(left, right)

    @property
    def _by_sound(self) -> bool:
        return self._rule.algorithm in _SOUNDS and not self._is_address

    def _of_distinct(self, left: Slots, right: Slots) -> Shares:
        if self._by_sound:
            codes = self._sounds
            alike = (codes[left] == codes[right]) & (codes[left] != NONE) & self._same_digits(left, right)
            return np.where(alike, NEARLY, 0.0)
        if self._rule.algorithm not in _BY_PARTS | {Algorithm.TOKEN_SORT}:
            return self._one_by_one(left, right)
        one, other, elsewhere, same = self._compared(left, right)
        found = self._similar(one, other)
        if self._is_login:
            found[self._is_restyled(one, other, found < OTHER_STYLE)] = OTHER_STYLE
        return np.minimum(np.where(same, SQUASHED_ALIKE, found * elsewhere), NEARLY)

    def _one_by_one(self, left: Slots, right: Slots) -> Shares:
        pairs = zip(left.tolist(), right.tolist(), strict=True)
        found = [likeness_of(self._rule, self._texts[one], self._texts[other]) for one, other in pairs]
        return np.array(found, dtype=np.float64)

    def _texts_compared(self, left: Slots, right: Slots) -> tuple[Slots, Slots]:
        if not self._is_address:
            return left, right
        boxes, _ = self._addresses
        return boxes[left], boxes[right]

    def _may_be_near(self, left: Slots, right: Slots) -> Mask:
        """Of texts with the same digits: a few edits apart, or one user name in two styles."""
        features = self._features
        found: Mask = features.at_most(left, right) >= self._matters_from - _ROUNDING
        if self._rule.algorithm in _EDITS:
            found |= self._differ_by_separators(left, right)
        if self._is_login:
            others = np.flatnonzero(~found)
            others = others[features.may_be_parts(left[others], right[others])]
            found[others] = self._may_be_restyled(left[others], right[others])
        return found

    def _compared(self, left: Slots, right: Slots) -> tuple[Slots, Slots, Shares, Mask]:
        """What is compared of two values, what another domain leaves of it, and whether only that differs."""
        if not self._is_address:
            return left, right, np.ones(len(left)), np.zeros(len(left), dtype=np.bool_)
        boxes, domains = self._addresses
        elsewhere = np.where(domains[left] == domains[right], 1.0, OTHER_PARTS)
        return boxes[left], boxes[right], elsewhere, boxes[left] == boxes[right]

    def _similar(self, left: Slots, right: Slots) -> Shares:
        """``similarity`` of two texts."""
        found = np.zeros(len(left))
        same_digits = self._same_digits(left, right)
        alike = same_digits.copy()
        if self._rule.algorithm is not Algorithm.JARO_WINKLER:
            alike &= self._features.at_most(left, right) >= self._matters_from - _ROUNDING
        some = np.flatnonzero(alike)
        if self._rule.algorithm is Algorithm.TOKEN_SORT:
            found[some] = self._any_order(left[some], right[some])
            return found
        found[some] = self._each(self._rule.algorithm, self._listed(left[some]), self._listed(right[some]))
        found[self._features.parts[left] != self._features.parts[right]] *= OTHER_PARTS
        found[same_digits & self._differ_by_separators(left, right)] = SQUASHED_ALIKE
        return found

    def _same_digits(self, left: Slots, right: Slots) -> Mask:
        if self._typos_in_digits:
            return np.ones(len(left), dtype=np.bool_)
        found: Mask = self._features.digits[left] == self._features.digits[right]
        return found

    def _differ_by_separators(self, left: Slots, right: Slots) -> Mask:
        features = self._features
        found: Mask = (features.squashed[left] == features.squashed[right]) & (
            features.parts[left] != features.parts[right]
        )
        return found

    def _may_be_restyled(self, left: Slots, right: Slots) -> Mask:
        squashed, known = self._features.squashed, self._features.styles
        if known is None:
            return np.zeros(len(left), dtype=np.bool_)
        turned = (known[left] == squashed[right][:, np.newaxis]).any(axis=1)
        found: Mask = turned | (known[right] == squashed[left][:, np.newaxis]).any(axis=1)
        return found

    def _is_restyled(self, left: Slots, right: Slots, asked: Mask) -> Mask:
        """Which of the pairs asked for are one user name in two styles."""
        texts = self._compared_texts
        found = asked & self._may_be_restyled(left, right)
        for place in np.flatnonzero(found).tolist():
            one, other = texts[left[place]], texts[right[place]]
            found[place] = one in other_styles(other) or other in other_styles(one)
        return found

    def _any_order(self, left: Slots, right: Slots) -> Shares:
        """Tokens in any order on either side; where there are many, only in alphabetical order."""
        found = np.zeros(len(left))
        counts, orders = self._orders
        shapes = counts[left].astype(np.int64) << 8 | counts[right]
        for shape in np.unique(shapes).tolist():
            places = np.flatnonzero(shapes == shape)
            for one, other in _orders(shape >> 8, shape & 255):
                likeness = self._each(
                    Algorithm.OSA, orders[one][left[places]].tolist(), orders[other][right[places]].tolist()
                )
                found[places] = np.maximum(found[places], likeness)
        return found

    @cached_property
    def _orders(self) -> tuple[NDArray[np.uint8], list[NDArray[np.object_]]]:
        """How many tokens each text has, and the texts in every order of these, the alphabetical one first."""
        tokens = [sorted(text.split()) for text in self._compared_texts]
        counts = np.array([min(len(each), MAX_PERMUTED + 1) for each in tokens], dtype=np.uint8)
        most = factorial(min(int(counts.max(initial=0)), MAX_PERMUTED))
        orders = [np.full(len(tokens), "", dtype=object) for _ in range(most)]
        orders[0][:] = [" ".join(each) for each in tokens]
        for few in range(2, MAX_PERMUTED + 1):
            places = np.flatnonzero(counts == few)
            for number, order in enumerate(permutations(range(few))):
                if number and len(places):
                    orders[number][places] = [
                        " ".join([tokens[place][at] for at in order]) for place in places.tolist()
                    ]
        return counts, orders

    def _each(self, algorithm: Algorithm | None, left: list[str], right: list[str]) -> Shares:
        from rapidfuzz.distance import OSA, JaroWinkler, Levenshtein  # noqa: PLC0415 - 65 ms, for those who compare
        from rapidfuzz.process import cpdist  # noqa: PLC0415 - as above

        scorers: dict[Algorithm, Any] = {
            Algorithm.OSA: OSA.normalized_similarity,
            Algorithm.LEVENSHTEIN: Levenshtein.normalized_similarity,
            Algorithm.JARO_WINKLER: JaroWinkler.similarity,
        }
        cutoff = max(self._matters_from - _ROUNDING, 0.0)
        scorer = scorers[algorithm or Algorithm.OSA]
        return np.asarray(cpdist(left, right, scorer=scorer, score_cutoff=cutoff, dtype=np.float64))

    def _listed(self, numbers: Slots) -> list[str]:
        found: list[str] = self._objects[numbers].tolist()
        return found

    @cached_property
    def _objects(self) -> NDArray[np.object_]:
        return np.array(self._compared_texts, dtype=object)

    @property
    def _compared_texts(self) -> Sequence[str]:
        return self._features.texts

    @cached_property
    def _features(self) -> Features:
        return Features.of(self._boxes.texts if self._is_address else self._texts, of_logins=self._is_login)

    @cached_property
    def _sounds(self) -> Slots:
        return sounds(self._rule.algorithm or Algorithm.SOUNDEX, self._texts)

    @cached_property
    def _boxes(self) -> Interned:
        boxes = Interned()
        boxes.numbers(_box(text) for text in self._texts)
        return boxes

    @cached_property
    def _addresses(self) -> tuple[Slots, Slots]:
        """The mailbox and the domain of each address."""
        boxes = self._boxes.numbers(_box(text) for text in self._texts)
        return boxes, Interned().numbers(text.rpartition("@")[2] for text in self._texts)


def _box(address: str) -> str:
    return address.rpartition("@")[0] or "\0"


def _orders(left: int, right: int) -> list[tuple[int, int]]:
    """Which orders of two texts of so many tokens are compared: one side in alphabetical order, the other in any."""
    if max(left, right) > MAX_PERMUTED:
        return [(0, 0)]
    return [(0, order) for order in range(factorial(right))] + [(order, 0) for order in range(1, factorial(left))]
