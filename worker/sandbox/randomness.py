"""Random values that are no surprise: drawn from a seed that the daemon hands over, so that a retry draws the same.

The stream is HMAC-SHA256 of the seed over a counter of 32-byte blocks (the expansion of RFC 5869, unchained).
"""

import hashlib
import hmac

_seed = b""
_block = 0
_rest = b""


def begin(seed: bytes) -> None:
    """Start the stream of a call anew; an empty seed means that there are no random values here."""
    global _seed, _block, _rest
    _seed, _block, _rest = seed, 0, b""


def draw(size: int) -> bytes:
    """The next ``size`` bytes. Raises ValueError where there is no seed."""
    global _block, _rest  # noqa: PLW0603 - see begin
    if not _seed:
        raise ValueError("random values belong in the functions of a hook")
    while len(_rest) < size:
        _rest += hmac.digest(_seed, _block.to_bytes(8, "big"), hashlib.sha256)
        _block += 1
    drawn, _rest = _rest[:size], _rest[size:]
    return drawn
