"""How long an operation waits before its next try."""

from datetime import timedelta
from random import Random

BASE = timedelta(seconds=30)
CAP = timedelta(hours=1)
JITTER = 0.25

_DOUBLINGS_TO_CAP = (CAP // BASE).bit_length()


def backoff(retry_count: int, *, rng: Random, retry_after: timedelta | None = None) -> timedelta:
    """The delay after a failed try; ``retry_count`` is the number of retries spent before it (0: the first try failed).

    30 s, doubled each time, at most an hour, then spread by a quarter either way (so at most 75 minutes).
    What the target asked for (``retry_after``) wins over that, unspread, but never above an hour nor below zero.
    """
    if retry_after is not None:
        return min(max(retry_after, timedelta(0)), CAP)
    doubled: timedelta = BASE * 2 ** min(max(retry_count, 0), _DOUBLINGS_TO_CAP)
    return min(doubled, CAP) * rng.uniform(1 - JITTER, 1 + JITTER)
