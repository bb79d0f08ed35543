"""What functions of the library accept: every argument has a kind and a bound, and the refusal says which.

Every message raised here or in a sibling reaches the author of a script, so none carries more than the script handed
in. All of them are ValueErrors: to an author a wrong kind and a wrong value are one thing.
"""

from typing import Any, Final

MAX_TEXT: Final = 64 * 1024

_KINDS: Final[dict[type, str]] = {
    type(None): "None",
    str: "a text",
    list: "a list",
    dict: "a dict",
    int: "a number",
    float: "a number",
    bool: "a boolean",
}


def kind_of(value: Any) -> str:
    """The kind of a value in an author's words: ``a text``, ``a list``, ``None``."""
    return _KINDS.get(type(value), type(value).__name__)


def text_of(value: Any, *, limit: int = MAX_TEXT) -> str:
    """``value`` when it is a text of at most ``limit`` characters. Raises ValueError."""
    if not isinstance(value, str):
        raise ValueError(f"this takes a text, not {kind_of(value)}")  # noqa: TRY004 - one class of message for authors
    if len(value) > limit:
        raise ValueError("the text is longer than 64 KiB" if limit == MAX_TEXT else f"at most {limit} characters")
    return value


def number_of(value: Any, low: int, high: int) -> int:
    """``value`` when it is a whole number within the bounds. Raises ValueError."""
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        raise ValueError(f"the number must be between {low} and {high}")
    return value


def list_of(value: Any, limit: int) -> list[Any]:
    """``value`` when it is a list of at most ``limit`` items. Raises ValueError."""
    if not isinstance(value, list) or len(value) > limit:
        raise ValueError(f"this takes a list of at most {limit}")
    return value


def dict_of(value: Any) -> dict[str, Any]:
    """``value`` when it is a dict. Raises ValueError."""
    if not isinstance(value, dict):
        raise ValueError(f"this takes a dict, not {kind_of(value)}")  # noqa: TRY004 - one class of message for authors
    return value


def bounded(made: str) -> str:
    """What a function made, when it is not longer than a text may be. Raises ValueError."""
    if len(made) > MAX_TEXT:
        raise ValueError("the result is longer than 64 KiB")
    return made
