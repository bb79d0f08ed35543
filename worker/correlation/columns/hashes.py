"""Hashes of many texts and numbers at once, for keys that never leave the process."""

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from worker.correlation.columns.interned import Numbers, Slots
from worker.correlation.columns.joins import Hashes

#: Texts that are taken apart together.
_AT_A_TIME = 200_000


def mixed(*numbers: NDArray[np.generic] | int) -> Hashes:
    """One hash of several numbers, in their order."""
    found: Hashes = np.array(0x51ED270B, dtype=np.uint64)
    with np.errstate(over="ignore"):
        for each in numbers:
            found = _scrambled(found ^ np.asarray(each).astype(np.uint64))
    return found


def _scrambled(numbers: Hashes) -> Hashes:
    """The finish of splitmix64 (Steele, Lea, Flood 2014): every bit depends on every bit."""
    numbers = numbers + np.uint64(0x9E3779B97F4A7C15)
    numbers = (numbers ^ (numbers >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    numbers = (numbers ^ (numbers >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return numbers ^ (numbers >> np.uint64(31))


def with_one_left_out(texts: Sequence[str], numbers: Numbers, *, shortest: int) -> Iterator[tuple[Hashes, Slots]]:
    """Hashes of each of these texts, and of what is left of it without any one sign, with the text's number.

    Equal texts have equal hashes, whether they are whole or what is left. Nothing is left out of the shortest.
    """
    lengths = np.array([len(texts[number]) for number in numbers.tolist()], dtype=np.int64)
    for length in np.unique(lengths).tolist():
        same = numbers[lengths == length]
        for at in range(0, len(same), _AT_A_TIME):
            some = same[at : at + _AT_A_TIME]
            found = _without_each([texts[number] for number in some.tolist()], length)
            found = found[:, :1] if length == shortest else found
            yield found.ravel(), np.repeat(some.astype(np.int32), found.shape[1])


def _without_each(texts: Sequence[str], length: int) -> Hashes:
    """The text, then without its first sign, without its second, and so on; a sum over its signs by their places."""
    signs, powers = _signs(texts, length), _powers(length)
    with np.errstate(over="ignore"):
        before = np.zeros((len(texts), length + 1), dtype=np.uint64)
        np.cumsum(signs * powers, axis=1, out=before[:, 1:])
        moved = np.zeros((len(texts), length), dtype=np.uint64)
        np.cumsum(signs[:, 1:] * powers[:-1], axis=1, out=moved[:, 1:])
        without = before[:, :-1] + (moved[:, -1:] - moved)
        return _scrambled(np.hstack([before[:, -1:], without]))


def _signs(texts: Sequence[str], length: int) -> Hashes:
    points = np.array(texts, dtype=f"U{length}").view(np.uint32).reshape(len(texts), length)
    return _scrambled(points.astype(np.uint64))


def _powers(length: int) -> Hashes:
    found = np.ones(length, dtype=np.uint64)
    with np.errstate(over="ignore"):
        np.cumprod(np.full(length - 1, 0x9E3779B97F4A7C15 | 1, dtype=np.uint64), out=found[1:])
    return found
