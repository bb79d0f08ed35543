"""Which keys a listing has shown so far: eight bytes a key, also over a restart."""

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray
from xxhash import xxh3_64_intdigest

Hashes = NDArray[np.uint64]


class SeenKeys:
    """A growing set of keys, as 64-bit hashes in sorted runs that are merged when they have grown alike.

    Two different keys of a million share a hash once in 37 million listings.
    """

    def __init__(self) -> None:
        self._runs: list[Hashes] = []
        self.count = 0

    def add(self, keys: Iterable[str]) -> tuple[list[bool], bytes]:
        """For each key whether it was seen before (earlier in ``keys`` too), and what ``restore`` needs of them."""
        hashes = np.fromiter((hash_of(key) for key in keys), dtype=np.uint64)
        _, firsts = np.unique(hashes, return_index=True)
        repeated = np.ones(len(hashes), dtype=bool)
        repeated[firsts] = False
        repeated |= self._contains(hashes)
        self._insert(hashes[~repeated])
        return repeated.tolist(), hashes[~repeated].tobytes()

    def restore(self, packed: bytes) -> None:
        """Take back what an earlier process saw."""
        self._insert(np.frombuffer(packed, dtype=np.uint64))

    def missing(self, keys: Iterable[str]) -> list[bool]:
        """For each key whether it was never seen."""
        hashes = np.fromiter((hash_of(key) for key in keys), dtype=np.uint64)
        missing: list[bool] = (~self._contains(hashes)).tolist()
        return missing

    def _contains(self, hashes: Hashes) -> NDArray[np.bool_]:
        found = np.zeros(len(hashes), dtype=bool)
        for run in self._runs:
            places = np.minimum(np.searchsorted(run, hashes), len(run) - 1)
            found |= run[places] == hashes
        return found

    def _insert(self, hashes: Hashes) -> None:
        if not len(hashes):
            return
        self.count += len(hashes)
        run = np.sort(hashes)
        while self._runs and len(self._runs[-1]) <= 2 * len(run):
            run = np.sort(np.concatenate((self._runs.pop(), run)))
        self._runs.append(run)


def hash_of(key: str) -> int:
    """The 64-bit hash that stands for a key."""
    digest: int = xxh3_64_intdigest(key.encode("utf-8", "surrogatepass"))
    return digest
