"""Frames between the daemon and a child: four bytes of length (big endian), a JSON header line, then JSON body lines.

Bodies are handed through as text: a context is decoded by Starlark's own JSON reader and a result is encoded by it, so
neither side builds Python objects it does not need. Lines are separated by line feeds, which JSON text never holds raw.

Requests     {"id", "op": "run",      "key", "source"?, "libraries"?, "function", "budget_ms", "batch_ms", "seeds"?}
             {"id", "op": "evaluate", "key", "expressions"?, "budget_ms", "batch_ms"}
             {"id", "op": "validate", "source", "libraries"?, "is_library", "is_thorough"}
             The first two have a line per context. A key's first request carries its source or expressions, and need
             not carry contexts: then it only builds. ``libraries``: [[name, source]], each before those that load it.
             ``seeds``: per context what random values are drawn from, in hexadecimal digits; empty: none.
Replies      {"id", "failure"?, "report"?, "ends"?}, a line per context that was finished, in their order
             (fewer than asked when the batch's time or size ran out; at least one unless ``failure`` says why;
             ``ends`` when this child is no more after it)
First frame  {"protocol", "level", "missing"} or {"protocol", "failed"}
"""

import json
import struct
from collections.abc import Iterable
from typing import Any

PROTOCOL = 1
HEADER = struct.Struct(">I")

MAX_SOURCE = 64 * 1024
MAX_RESULT = 1024 * 1024
#: A batch ends early beyond this many bytes of results; the frame may hold one more result, its logs and the header.
MAX_BATCH_BYTES = 2 * 1024 * 1024
MAX_REPLY = 4 * 1024 * 1024

#: Functions of a script that the daemon calls; ``transform`` stands in for the first two.
FUNCTIONS = (
    "before_create",
    "before_update",
    "before_delete",
    "after_create",
    "after_update",
    "after_delete",
    "on_error",
    "correlate",
    "transform",
)
#: The contract that scripts are written for: ``API = 1`` in a source.
API = 1
#: What ``load()`` writes in front of a library's name.
LIBRARY_PREFIX = "lib/"
MAX_LIBRARIES = 10
MAX_LIBRARY_BYTES = 256 * 1024
#: What a mapping expression may name, in the order of its function's parameters; absent ones are None.
EXPRESSION_NAMES = ("identity", "account", "attributes", "params", "now")


class FrameError(Exception):
    """The other side sent something that is no frame."""


def pack(header: dict[str, Any], lines: Iterable[bytes] = ()) -> bytes:
    """One frame, length first. Lines are JSON text without line feeds."""
    payload = b"\n".join((json.dumps(header, separators=(",", ":")).encode(), *lines))
    return HEADER.pack(len(payload)) + payload


def unpack(payload: bytes) -> tuple[dict[str, Any], list[bytes]]:
    """Header and body lines of a payload (without its length). Raises FrameError."""
    first, *lines = payload.split(b"\n")
    try:
        header = json.loads(first)
    except (ValueError, RecursionError) as error:
        raise FrameError("the header is not JSON") from error
    if not isinstance(header, dict):
        raise FrameError("the header is not an object")
    return header, lines


def cpu_ceiling(budget_s: float) -> float:
    """Seconds of processor time after which the kernel ends a call that did not heed its budget of it."""
    return 1.5 * budget_s + 0.05


def wall_ceiling(budget_s: float) -> float:
    """Seconds on the clock after which the kernel ends a call, however little of the processor it was given."""
    return 10 * budget_s + 1
