"""What is known of a target and what a run has seen of it, in arrays: 18 bytes an account.

An account is 64 bits of the MD5 of its uid, which the database computes as well as we do: among a million, two have the
same with a probability of 3 in 10^8.
"""

from collections.abc import Iterable
from hashlib import md5

import numpy as np
import numpy.typing as npt

Hashes = npt.NDArray[np.uint64]
Flags = npt.NDArray[np.bool_]

_PACKED = np.dtype([("uid", ">u8"), ("agreed", ">i8"), ("is_agreed", "?")])
#: The same in a row of a binary COPY, behind the number of its columns and the size of this one.
_ROW = np.dtype([("columns", ">i2"), ("size", ">i4"), ("packed", _PACKED)])


def hash_uids(uids: Iterable[str]) -> Hashes:
    digests = b"".join([md5(uid.encode("utf-8", "surrogatepass"), usedforsecurity=False).digest() for uid in uids])
    return np.frombuffer(digests, dtype=">u8")[::2].astype(np.uint64)


def pack(hashes: Hashes) -> bytes:
    """As kept in a checkpoint: 8 bytes each, little end first."""
    return hashes.astype("<u8").tobytes()


def unpack(packed: bytes) -> Hashes:
    return np.frombuffer(packed, dtype="<u8").astype(np.uint64)


class SeenIndex:
    """Known accounts with the content hash at which they last agreed, and which accounts this run has seen."""

    def __init__(self, uids: Hashes, agreed: npt.NDArray[np.int64], is_agreed: Flags) -> None:
        order = np.argsort(uids)
        self._uids = uids[order]
        self._agreed = agreed[order]
        self._is_agreed = is_agreed[order]
        self._seen: Flags = np.zeros(len(uids), dtype=np.bool_)
        self._others: set[int] = set()
        self._found: tuple[Hashes, npt.NDArray[np.intp]] | None = None

    @classmethod
    def load(cls, rows: bytes) -> "SeenIndex":
        """Build it from rows of one packed column, as ``store.accounts.index`` gives them."""
        known = np.frombuffer(rows, dtype=_ROW)["packed"]
        return cls(known["uid"].astype(np.uint64), known["agreed"].astype(np.int64), known["is_agreed"])

    @property
    def known(self) -> int:
        return len(self._uids)

    @property
    def seen(self) -> int:
        """Distinct accounts seen, known or not."""
        return int(np.count_nonzero(self._seen)) + len(self._others)

    @property
    def lost(self) -> int:
        """Known accounts that were not seen."""
        return self.known - int(np.count_nonzero(self._seen))

    def examine(self, uids: Hashes, contents: npt.NDArray[np.int64]) -> tuple[Flags, Flags]:
        """For each object of a page: does this run see it for the first time, and is it settled (known as wanted)."""
        places, is_known = self._places(uids)
        is_first: Flags = ~(is_known & self._seen[places]) if self.known else np.ones(len(uids), dtype=np.bool_)
        for at in np.flatnonzero(~is_known):
            is_first[at] = int(uids[at]) not in self._others
        if not self.known:
            return is_first, np.zeros(len(uids), dtype=np.bool_)
        return is_first, is_known & self._is_agreed[places] & (self._agreed[places] == contents)

    def mark(self, uids: Hashes) -> None:
        """These have been seen."""
        places, is_known = self._places(uids)
        if self.known:
            self._seen[places[is_known]] = True
        self._others.update(uids[~is_known].tolist())

    def has_seen(self, uid: str) -> bool:
        number = int(hash_uids([uid])[0])
        place = self._place(number)
        return bool(self._seen[place]) if place is not None else number in self._others

    def is_lost(self, uid: str) -> bool:
        """Whether it was known when the run began (or was taken up again) and has not been seen."""
        place = self._place(int(hash_uids([uid])[0]))
        return place is not None and not self._seen[place]

    def _places(self, uids: Hashes) -> tuple[npt.NDArray[np.intp], Flags]:
        if not self.known:
            return np.zeros(len(uids), dtype=np.intp), np.zeros(len(uids), dtype=np.bool_)
        if self._found is None or self._found[0] is not uids:  # a page is looked up once, and marked
            order = np.argsort(uids)  # neighbours are found in the same part of memory
            places = np.empty(len(uids), dtype=np.intp)
            places[order] = np.minimum(np.searchsorted(self._uids, uids[order]), self.known - 1)
            self._found = uids, places
        places = self._found[1]
        return places, self._uids[places] == uids

    def _place(self, number: int) -> int | None:
        place = int(np.searchsorted(self._uids, np.uint64(number)))
        return place if place < self.known and int(self._uids[place]) == number else None
