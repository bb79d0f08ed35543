"""Contexts as JSON text: what a script can be told, and how what JSON does not know is written."""

import base64
import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, is_dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from worker.domain.errors import HookError
from worker.domain.hook import HookClass

BATCH = 50
BATCH_BYTES = 1024 * 1024
#: The reader of JSON in the sandbox gives up at 128.
MAX_DEPTH = 120

#: One half of a surrogate pair alone, as JSON writes it; a backslash before it may itself be what is written.
_HALF = re.compile(
    r"(?<!\\)(?:\\\\)*(?:\\ud[89ab][0-9a-f]{2}(?!\\ud[c-f])|(?<!\\ud[89ab][0-9a-f]{2})\\ud[c-f][0-9a-f]{2})"
)
_TEXT = re.compile(r'"(?:[^"\\]|\\.)*"')
_SIGNS = re.compile(r"[\[\]{}]")


def encode_context(context: dict[str, Any], *, limit: int) -> bytes:
    """ASCII JSON without line feeds. Dates are ISO text, bytes base64 text, sets sorted lists, decimals text.

    Raises HookError: hook.context for what cannot be written (nan, an unknown type) or could not be read (half a
    character, more than 120 levels), hook.limit when it is too large.
    """
    try:
        text = _ENCODER.encode(context)
    except (TypeError, ValueError, RecursionError) as error:
        raise HookError(f"the context cannot be written as JSON: {error}", hook_class=HookClass.CONTEXT) from error
    if len(text) > limit:
        raise HookError(f"the context is larger than {limit // 1024} KiB", hook_class=HookClass.LIMIT)
    # What is asked first costs nearly nothing, and is seldom so.
    if "\\ud" in text and _HALF.search(text):
        raise HookError("the context holds a text with half a character", hook_class=HookClass.CONTEXT)
    if text.count("{") + text.count("[") > MAX_DEPTH and _depth(text) > MAX_DEPTH:
        raise HookError(f"the context is nested deeper than {MAX_DEPTH} levels", hook_class=HookClass.CONTEXT)
    return text.encode()


@dataclass(frozen=True, slots=True)
class Line:
    """One context as it travels: JSON text, and what its random values are drawn from (empty: none)."""

    text: bytes
    seed: bytes = b""


def batches(lines: Sequence[Line]) -> Iterable[list[Line]]:
    """``lines`` in order, cut into messages of at most 50 lines and, unless one alone is larger, 1 MiB."""
    batch: list[Line] = []
    size = 0
    for line in lines:
        if batch and (len(batch) >= BATCH or size + len(line.text) > BATCH_BYTES):
            yield batch
            batch, size = [], 0
        batch.append(line)
        size += len(line.text)
    if batch:
        yield batch


def _depth(text: str) -> int:
    deepest = depth = 0
    for sign in _SIGNS.findall(_TEXT.sub("", text)):
        depth += 1 if sign in "{[" else -1
        deepest = max(deepest, depth)
    return deepest


def _plain(value: Any) -> Any:
    match value:
        case datetime() | date() | time():
            return value.isoformat()
        case UUID() | Decimal():
            return str(value)
        case bytes() | bytearray() | memoryview():
            return base64.b64encode(value).decode()
        case set() | frozenset():
            return sorted(value, key=repr)
        case timedelta():
            return value.total_seconds()
        case _ if is_dataclass(value) and not isinstance(value, type):
            return asdict(value)
        case _:
            raise TypeError(f"{type(value).__name__} has no form a script could read")


_ENCODER = json.JSONEncoder(default=_plain, allow_nan=False, separators=(",", ":"))
