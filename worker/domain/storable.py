"""What PostgreSQL can keep in JSON and text: one bad value must not fail the batch that it travels in."""

from math import isfinite
from typing import Any

#: Longest number: the database takes longer ones, but nothing that we know of means them.
MAX_BITS = 1024


def is_storable(value: Any) -> bool:
    """Whether a JSON value holds no NUL, no half of a surrogate pair, and only numbers that are finite."""
    if isinstance(value, str):
        return "\0" not in value and (value.isascii() or _is_encodable(value))
    if isinstance(value, list):
        return all(is_storable(one) for one in value)
    if isinstance(value, dict):
        return _is_storable_object(value)
    if isinstance(value, float):
        return isfinite(value)
    return not isinstance(value, int) or value.bit_length() <= MAX_BITS


def _is_storable_object(value: dict[Any, Any]) -> bool:
    """Where all is text or nothing, as nearly always, one look at all of it is enough."""
    try:
        text = "".join([*value, *(one for one in value.values() if one is not None)])
    except TypeError:
        return all(is_storable(name) and is_storable(one) for name, one in value.items())
    return is_storable(text)


def _is_encodable(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
