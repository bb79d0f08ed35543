"""How a daemon and its process for large correlations speak: one byte that says what, four that say how long, the rest.

daemon                                    the other
``R`` rules, once
``A`` accounts, ``D`` decisions
``B`` begin with people, ``P`` people
``E`` that was everybody
                                          ``T`` ids, frame_of: who of them has an account here?
``T`` a byte for each
                                          ``O`` results, in the order of the accounts
                                          ``Z`` the end
"""

import struct
from enum import Enum
from typing import Any, Final

from pydantic_core import from_json, to_json

FRAME_HEAD: Final = struct.Struct("<cI")
#: What ends with this status had not enough memory.
NO_ROOM: Final = 70


class Frame(Enum):
    """What a frame holds."""

    RULES = b"R"
    ACCOUNTS = b"A"
    DECISIONS = b"D"
    BEGIN = b"B"
    PEOPLE = b"P"
    END = b"E"
    TAKEN = b"T"
    OWNERS = b"O"
    DONE = b"Z"


def frame_of(kind: Frame, payload: bytes = b"") -> bytes:
    """A frame of bytes."""
    return FRAME_HEAD.pack(kind.value, len(payload)) + payload


def frame_with(kind: Frame, value: Any) -> bytes:
    """A frame of JSON."""
    return frame_of(kind, to_json(value))


def frame_head(head: bytes) -> tuple[Frame, int]:
    """What comes, and how long it is."""
    kind, size = FRAME_HEAD.unpack(head)
    return Frame(kind), size


def frame_value(payload: bytes) -> Any:
    return from_json(payload)
