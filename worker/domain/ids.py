"""Identifiers: UUID version 7 (RFC 9562, section 5.7), so that ids sort by the time they were made."""

import os
import threading
import time
from uuid import UUID

_lock = threading.Lock()
_last = 0


def uuid7() -> UUID:
    """Make a time-ordered id; ids made by one process rise strictly, also within a millisecond.

    Layout: 48 bits of Unix milliseconds, 4 bits version, 12 bits of sub-millisecond fraction used as a
    counter (RFC 9562 section 6.2, method 3), 2 bits variant, 62 random bits.
    """
    global _last  # noqa: PLW0603 - the counter that keeps ids of one process in order
    with _lock:
        ticks = time.time_ns() * 4096 // 1_000_000
        _last = ticks = max(ticks, _last + 1)
    random_bits = int.from_bytes(os.urandom(8), "big") & ((1 << 62) - 1)
    value = (ticks >> 12) << 80 | 0x7 << 76 | (ticks & 0xFFF) << 64 | 0b10 << 62 | random_bits
    return UUID(int=value)
