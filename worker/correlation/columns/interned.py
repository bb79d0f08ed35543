"""Texts as numbers: each distinct text once, and per record the places of its own.

A ``Slots`` array has one row per record and one column per value that a record can have; -1 stands for no value.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import count
from types import NoneType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from worker.correlation.prepare import texts_of

Slots = NDArray[np.int32]
Numbers = NDArray[np.int64]
Mask = NDArray[np.bool_]

NONE = -1

#: So many values tell whether most are distinct, and which part of them has to be.
_SAMPLE, _MOSTLY = 1_000, 0.5


class Interned:
    """Distinct texts in the order of their numbers; both sides of a comparison share one."""

    def __init__(self) -> None:
        self.texts: list[str] = []
        self._numbers: defaultdict[str, int] = defaultdict(count().__next__)
        self._numbers[""] = NONE

    def numbers(self, texts: Iterable[str]) -> Slots:
        """The number of each text, NONE for an empty one; new texts get new numbers."""
        found = np.fromiter(map(self._numbers.__getitem__, texts), dtype=np.int32)
        if len(self._numbers) - 1 > len(self.texts):
            self.texts = list(self._numbers)[1:]
        return found

    def find(self, text: str) -> int:
        """The number of one text; one that no text has where it is not known."""
        return self._numbers.get(text, NONE - 1)

    @classmethod
    def of(cls, texts: list[str]) -> "Interned":
        """Texts that have their numbers; no more come."""
        found = cls()
        found.texts = texts
        return found

    def __len__(self) -> int:
        return len(self.texts)


@dataclass(frozen=True, slots=True)
class Column:
    """One attribute of many records: its texts, few of them twice, and for each record the places of its own."""

    texts: list[str]
    slots: Slots


def column_of(values: Sequence[Any]) -> Column:
    """Read one attribute of all records; lists are several values, what has no text is none."""
    if not len(values):
        return no_column(0)
    if _are_texts(values, NoneType):
        return no_column(len(values))
    if _are_distinct(values):  # to look for equal ones costs more than to handle the few twice
        texts = list(map(str.strip, values))
        slots = np.arange(len(texts), dtype=np.int32)
        slots[[not text for text in texts]] = NONE
        return Column(texts, slots[:, np.newaxis])
    if not _are_texts(values):
        values = [value if type(value) is str else tuple(texts_of(value)) for value in values]
    seen: defaultdict[Any, int] = defaultdict(count().__next__)
    places = np.fromiter(map(seen.__getitem__, values), dtype=np.int32, count=len(values))
    distinct = [value.strip() if type(value) is str else value for value in seen]
    interned = Interned()
    if set(map(type, distinct)) == {str}:
        by_place = interned.numbers(distinct)[:, np.newaxis]
    else:
        by_place = _ragged([interned.numbers([each] if type(each) is str else each) for each in distinct])
    return Column(interned.texts, by_place[places])


def _are_distinct(values: Sequence[Any]) -> bool:
    """Whether they are texts and nearly each is another, by some of them."""
    some = values[:: max(len(values) // _SAMPLE, 1)]
    return _are_texts(some) and len(set(some)) > len(some) * _MOSTLY and _are_texts(values)


def _are_texts(values: Sequence[Any], kind: type = str) -> bool:
    return set(map(type, values)) == {kind}


def no_column(records: int) -> Column:
    """The column of an attribute that no record has."""
    return Column([], np.full((records, 1), NONE, dtype=np.int32))


def taken(by_place: Slots, places: Slots) -> Slots:
    """The value at each place, NONE where there is no place."""
    return np.append(by_place, np.int32(NONE))[places]


def together(parts: Sequence[Slots], *, at_most: int | None = None) -> Slots:
    """Values of several sources side by side, each once per record, in order, no gaps between them."""
    if len(parts) == 1 and parts[0].shape[1] == 1:
        return parts[0]
    wide = np.hstack(parts)
    for place in range(1, wide.shape[1]):
        repeated = (wide[:, :place] == wide[:, place : place + 1]).any(axis=1)
        wide[repeated, place] = NONE
    gaps = np.argsort(wide == NONE, axis=1, kind="stable")
    wide = np.take_along_axis(wide, gaps, axis=1)
    widest = max(int((wide != NONE).sum(axis=1).max(initial=0)), 1)
    return np.ascontiguousarray(wide[:, : min(widest, at_most or widest)])


def _ragged(lists: Sequence[Slots]) -> Slots:
    widest = max(1, *map(len, lists))
    found = np.full((len(lists), widest), NONE, dtype=np.int32)
    for place, numbers in enumerate(lists):
        found[place, : len(numbers)] = numbers
    return found
