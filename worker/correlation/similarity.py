"""How alike two normalised texts are, from 0 to 1, by each algorithm that a rule can name."""

import re
from collections.abc import Callable
from enum import StrEnum
from functools import cache, lru_cache
from itertools import permutations

from worker.correlation.phonetics import metaphone, soundex

Similarity = Callable[[str, str], float]

DIGITS = re.compile(r"\d+")
SEPARATORS = re.compile(r"[._\-\s]+")
#: Written with and without separators: as good as a small typo.
SQUASHED_ALIKE = 0.96
#: ``anna.mueller`` and ``anna.m.mueller`` are two edits apart and often two people.
OTHER_PARTS = 0.9
#: Another style of the same name: many people may be meant by ``amueller``.
OTHER_STYLE = 0.88
MAX_PERMUTED = 3


class Algorithm(StrEnum):
    JARO_WINKLER = "jaro_winkler"
    LEVENSHTEIN = "levenshtein"
    OSA = "osa"
    TOKEN_SORT = "token_sort"  # noqa: S105 - not a password
    TRIGRAM = "trigram"
    SOUNDEX = "soundex"
    METAPHONE = "metaphone"


def similarity(algorithm: Algorithm, left: str, right: str, *, typos_in_digits: bool = False) -> float:
    """Compare two texts. Other digits are another thing, unless told otherwise: ``mueller2`` is not ``mueller``."""
    if left == right:
        return 1.0
    if not typos_in_digits and DIGITS.findall(left) != DIGITS.findall(right):
        return 0.0
    found = _algorithms()[algorithm](left, right)
    if algorithm in {Algorithm.OSA, Algorithm.LEVENSHTEIN, Algorithm.JARO_WINKLER}:
        parts, others = SEPARATORS.split(left), SEPARATORS.split(right)
        if len(parts) != len(others):
            return SQUASHED_ALIKE if "".join(parts) == "".join(others) else found * OTHER_PARTS
    return found


def address_similarity(algorithm: Algorithm, left: str, right: str) -> float:
    """Compare two mail addresses; the same mailbox name in another domain is nearly the same."""
    one, _, domain = left.rpartition("@")
    other, _, other_domain = right.rpartition("@")
    if one == other:
        return 1.0 if domain == other_domain else SQUASHED_ALIKE
    return login_similarity(algorithm, one, other) * (1.0 if domain == other_domain else OTHER_PARTS)


def login_similarity(algorithm: Algorithm, left: str, right: str) -> float:
    """Compare two user names; ``amueller`` and ``muellera`` are made of the name that ``anna.mueller`` is, too."""
    found = similarity(algorithm, left, right)
    if found < OTHER_STYLE and (right in other_styles(left) or left in other_styles(right)):
        return OTHER_STYLE
    return found


@lru_cache(maxsize=65536)
def other_styles(login: str) -> frozenset[str]:
    """What a user name of two parts is in the other usual styles: turned round, in one, with one part cut short."""
    parts = SEPARATORS.split(login)
    if len(parts) != 2 or min(map(len, parts)) < 1:
        return frozenset()
    first, last = parts
    bare = first.rstrip("0123456789")
    number = last[len(last.rstrip("0123456789")) :]
    last = last.removesuffix(number)
    turned = [first + last, last + bare, last + bare[:1], first[:1] + last, bare + last[:1]]
    dotted = [f"{sign}".join(pair) for sign in "._-" for pair in ((last, bare), (first[:1], last), (last, bare[:1]))]
    return frozenset(text + number for text in (*turned, *dotted))


@cache
def _algorithms() -> dict[Algorithm, Similarity]:
    from rapidfuzz.distance import OSA, JaroWinkler, Levenshtein  # noqa: PLC0415 - 65 ms, for those who compare only

    def any_order(left: str, right: str) -> float:
        one, other = sorted(left.split()), sorted(right.split())
        if max(len(one), len(other)) > MAX_PERMUTED:
            return OSA.normalized_similarity(" ".join(one), " ".join(other))
        # Both ways round, because a typo in a first letter sorts a token elsewhere on one side only.
        pairs = [(one, order) for order in permutations(other)] + [(other, order) for order in permutations(one)]
        return max(OSA.normalized_similarity(" ".join(fixed), " ".join(order)) for fixed, order in pairs)

    return {
        Algorithm.JARO_WINKLER: JaroWinkler.similarity,
        Algorithm.LEVENSHTEIN: Levenshtein.normalized_similarity,
        Algorithm.OSA: OSA.normalized_similarity,
        Algorithm.TOKEN_SORT: any_order,
        Algorithm.TRIGRAM: _trigram,
        Algorithm.SOUNDEX: lambda left, right: _sound_alike(soundex, left, right),
        Algorithm.METAPHONE: lambda left, right: _sound_alike(metaphone, left, right),
    }


def _trigrams(text: str) -> set[str]:
    padded = [f"  {word} " for word in text.split()]
    return {word[at : at + 3] for word in padded for at in range(len(word) - 2)}


def _trigram(left: str, right: str) -> float:
    """Shared trigrams among all, padded word by word as PostgreSQL's pg_trgm does."""
    one, other = _trigrams(left), _trigrams(right)
    return len(one & other) / len(one | other) if one or other else 0.0


def _sound_alike(code: Callable[[str], str], left: str, right: str) -> float:
    one, other = sorted(map(code, left.split())), sorted(map(code, right.split()))
    return 1.0 if one == other and any(one) else 0.0
