"""Two names of people, part by part: which parts both have, which are alike, and whether any speak against each other.

Order says nothing: family names come first in many a system and country.
"""

from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from itertools import combinations

from worker.correlation.nicknames import may_be_called

MIN_LETTERS = 4
MIN_PREFIX = 3
#: From here on two parts are one with a slip of the keys.
TYPO_FROM = 0.74
QUALITY = {"typo": 0.9, "nickname": 0.9, "initial": 0.75, "prefix": 0.85, "joined": 0.95}
MAX_PARTS = 8


class Likeness(StrEnum):
    """How two parts that are not the same are alike."""

    TYPO = "typo"
    NICKNAME = "nickname"
    PREFIX = "prefix"
    INITIAL = "initial"
    JOINED = "joined"


@dataclass(frozen=True, slots=True)
class NameComparison:
    """``shared``: parts that both have. ``alike``: pairs of parts that are alike, and how. ``only_source`` and
    ``only_target``: how many parts nothing on the other side goes with.
    """

    shared: tuple[str, ...]
    alike: tuple[tuple[Likeness, str, str], ...]
    only_source: int
    only_target: int

    @property
    def is_contradicted(self) -> bool:
        """Both sides have a part that the other side lacks."""
        return self.only_source > 0 and self.only_target > 0

    @property
    def likeness(self) -> float:
        """From 0 to 1: the mean over all parts, those that only one side has counting little."""
        matched = len(self.shared) + sum(QUALITY[how] for how, _, _ in self.alike)
        found = len(self.shared) + len(self.alike)
        if not found:
            return 0.0
        if self.is_contradicted:
            return matched / (found + min(self.only_source, self.only_target)) * 0.8
        return matched / found - 0.02 * (self.only_source + self.only_target)


@lru_cache(maxsize=65536)
def compare_names(source: str, target: str) -> NameComparison:
    """Compare two normalised names; both must not be empty."""
    ours, theirs = source.split()[:MAX_PARTS], target.split()[:MAX_PARTS]
    shared = tuple(part for part in ours if part in theirs)
    left = [part for part in ours if part not in shared]
    right = [part for part in theirs if part not in shared]
    alike: list[tuple[Likeness, str, str]] = []
    _take_joined(left, right, alike)
    for how in (Likeness.TYPO, Likeness.NICKNAME, Likeness.PREFIX, Likeness.INITIAL):
        for one in tuple(left):
            other = next((each for each in right if _is_alike(how, one, each)), None)
            if other is not None:
                alike.append((how, one, other))
                left.remove(one)
                right.remove(other)
    return NameComparison(shared, tuple(alike), len(left), len(right))


def _take_joined(left: list[str], right: list[str], alike: list[tuple[Likeness, str, str]]) -> None:
    """``hans georg`` and ``hansgeorg``, ``de jong`` and ``dejong``; the parts stand in alphabetical order."""
    for mine, others, is_swapped in ((left, right, False), (right, left, True)):
        for one, other in combinations(tuple(mine), 2):
            whole = next((each for each in others if each in {one + other, other + one}), None)
            if whole is not None and one in mine and other in mine:
                parts = f"{one} {other}"
                alike.append((Likeness.JOINED, *((whole, parts) if is_swapped else (parts, whole))))
                mine.remove(one)
                mine.remove(other)
                others.remove(whole)


def _is_alike(how: Likeness, one: str, other: str) -> bool:
    short, long = sorted((one, other), key=len)
    match how:
        case Likeness.INITIAL:
            return len(short) == 1 and long.startswith(short)
        case Likeness.NICKNAME:
            return may_be_called(one, other)
        case Likeness.PREFIX:
            return len(short) >= MIN_PREFIX and long.startswith(short)
        case _:
            return len(short) >= MIN_LETTERS and how is Likeness.TYPO and _typo_likeness(one, other) >= TYPO_FROM


def _typo_likeness(one: str, other: str) -> float:
    from rapidfuzz.distance import OSA  # noqa: PLC0415 - 65 ms, for those who compare only

    return OSA.normalized_similarity(one, other)
