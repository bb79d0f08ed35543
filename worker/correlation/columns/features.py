"""What can be told of each text alone, so that most pairs need no comparison sign by sign."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from worker.correlation.columns.interned import NONE, Interned, Numbers, Slots
from worker.correlation.columns.texts import each_line
from worker.correlation.phonetics import metaphone, soundex
from worker.correlation.similarity import DIGITS, SEPARATORS, Algorithm

_SEPARATORS = re.compile(r"(?:[._\-]|[^\S\n])+")
_NOT_DIGITS = re.compile(r"[^\d\n]+")

_MOST_SIGNS = 64
_STYLES = 5
_DIGITS = "0123456789"


@dataclass(frozen=True, slots=True)
class Features:
    """Per text: ``digits`` and ``squashed`` are numbers that equal ones share, ``parts`` how many separators leave.

    ``bag`` has a bit for the first and the second sign of each of 32 classes; one edit changes two bits at most.
    ``is_odd``: another style of this user name may have other digits, for its first part has some.
    """

    texts: Sequence[str]
    lengths: Numbers
    letters: Numbers
    digits: Slots
    squashed: Slots
    styles: Slots | None
    parts: Numbers
    bag: NDArray[np.uint64]
    is_odd: NDArray[np.bool_]

    @classmethod
    def of(cls, texts: Sequence[str], *, of_logins: bool = False) -> "Features":
        spaced = each_line(lambda joined: _SEPARATORS.sub(" ", joined), texts)
        squashed = [text.replace(" ", "") for text in spaced]
        wholes = Interned()
        parts = np.fromiter((text.count(" ") for text in spaced), dtype=np.int64, count=len(texts))
        digits = each_line(lambda joined: _NOT_DIGITS.sub(" ", joined), texts)
        return cls(
            texts=texts,
            lengths=_lengths(texts),
            letters=_lengths(squashed),
            digits=Interned().numbers([f"~{text.strip()}" for text in digits]),
            squashed=wholes.numbers([f"~{text}" for text in squashed]),
            styles=_styles(texts, parts, wholes) if of_logins else None,
            parts=parts,
            bag=_bags(squashed),
            is_odd=_odd(texts, parts, of_logins=of_logins),
        )

    def at_most(self, left: Slots, right: Slots) -> NDArray[np.float64]:
        """No less than the share of signs that an edit distance leaves: each edit changes two bits, and one length."""
        apart = (np.bitwise_count(self.bag[left] ^ self.bag[right]).astype(np.int64) + 1) // 2
        edits = np.maximum(apart, np.abs(self.letters[left] - self.letters[right]))
        found: NDArray[np.float64] = 1 - edits / np.maximum(np.maximum(self.lengths[left], self.lengths[right]), 1)
        return found

    def may_be_parts(self, left: Slots, right: Slots) -> NDArray[np.bool_]:
        """Whether one may be made of signs of the other; False where it surely is not."""
        ours, theirs = self.bag[left], self.bag[right]
        found: NDArray[np.bool_] = ((ours & ~theirs) == 0) | ((theirs & ~ours) == 0)
        return found | (self.letters[left] > _MOST_SIGNS) | (self.letters[right] > _MOST_SIGNS)


def _styles(texts: Sequence[str], parts: Numbers, wholes: Interned) -> Slots:
    """For user names of two parts the squashed texts of their ``other_styles``, as far as anybody has one of them."""
    found = np.full((len(texts), _STYLES), NONE - 1, dtype=np.int32)
    known = wholes.find
    for place in np.flatnonzero(parts == 1).tolist():
        first, last = SEPARATORS.split(texts[place])
        if first and last:
            bare, stem = first.rstrip(_DIGITS), last.rstrip(_DIGITS)
            end = last[len(stem) :]
            found[place] = [
                known(f"~{first}{stem}{end}"),
                known(f"~{stem}{bare}{end}"),
                known(f"~{stem}{bare[:1]}{end}"),
                known(f"~{first[:1]}{stem}{end}"),
                known(f"~{bare}{stem[:1]}{end}"),
            ]
    return found


def _odd(texts: Sequence[str], parts: Numbers, *, of_logins: bool) -> NDArray[np.bool_]:
    found = np.zeros(len(texts), dtype=np.bool_)
    places = np.flatnonzero(parts == 1) if of_logins else np.empty(0, dtype=np.int64)
    found[places] = [DIGITS.search(SEPARATORS.split(texts[place])[0]) is not None for place in places.tolist()]
    return found


def sounds(algorithm: Algorithm, texts: Sequence[str]) -> Slots:
    """A number for what sounds alike; NONE for what has no sound."""
    code: Callable[[str], str] = metaphone if algorithm is Algorithm.METAPHONE else soundex
    return Interned().numbers(" ".join(sorted(map(code, text.split()))).strip() for text in texts)


def _lengths(texts: Sequence[str]) -> Numbers:
    return np.fromiter(map(len, texts), dtype=np.int64, count=len(texts))


def _bags(texts: Sequence[str]) -> NDArray[np.uint64]:
    """The first signs count only: an edit moves one sign over that end at most, in place of another."""
    found = np.zeros(len(texts), dtype=np.uint64)
    lengths = _lengths(texts)
    for length in np.unique(lengths[(lengths > 0)]).tolist():
        same = np.flatnonzero(lengths == length)
        points = np.array([texts[place] for place in same.tolist()], dtype=f"U{length}").view(np.uint32)
        signs = points.reshape(len(same), length)[:, :_MOST_SIGNS]
        once = np.zeros(len(same), dtype=np.uint64)
        twice = np.zeros(len(same), dtype=np.uint64)
        for place in range(signs.shape[1]):
            sign = np.uint64(1) << (signs[:, place].astype(np.uint64) & np.uint64(31))
            twice |= once & sign
            once |= sign
        found[same] = once | twice << np.uint64(32)
    return found
