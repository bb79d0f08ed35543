"""What a transform is, and how the argument behind its colon is read."""

import difflib
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Apply = Callable[[Any], Any]

_LONGEST = 10_000
#: Characters of one text that a transform reads, and of all that it makes of a value, an item of a list counting as one
#: more. Each step could make what it is given many times as large, and mapping is done in the daemon itself.
MOST_TEXT = 64 * 1024
MOST_MADE = 1024 * 1024
#: Values of a list that a transform reads, and their characters together.
MOST_VALUES = 10_000
MOST_READ = 256 * 1024


class TransformError(ValueError):
    """A value that a transform cannot read. The message names no value: it is shown and stored."""


def refuse_longer(size: int, most: int) -> None:
    """Raise TransformError for a value of more characters than there may be."""
    if size > most:
        raise TransformError(f"is or becomes longer than {most} characters")


def refuse_larger(values: Sequence[Any]) -> None:
    """Raise TransformError for a list of more, or of more text, than a transform reads."""
    if len(values) > MOST_VALUES:
        raise TransformError(f"has more than {MOST_VALUES} values")
    refuse_longer(sum(len(one) for one in values if one.__class__ is str), MOST_READ)


@dataclass(frozen=True, slots=True)
class Example:
    """``given`` mapped by the transform as it stands in a rule gives ``result``; a test says so."""

    transform: str
    given: Any
    result: Any


@dataclass(frozen=True, slots=True)
class Transform:
    """One row of the table: how the argument is called (None: takes none), and what is made of it.

    ``on_list``: it sees all values at once, and not each; ``on_none``: it also sees that there is no value.
    """

    make: Callable[[str], Apply]
    help: str
    example: Example
    argument: str | None = None
    on_list: bool = False
    on_none: bool = False


def as_text(value: Any) -> str:
    """How a number or a boolean reads as text."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return value if isinstance(value, str) else str(value)


def plain(function: Callable[[Any], Any]) -> Callable[[str], Apply]:
    """A transform without an argument."""
    return lambda _argument: function


def whole_number(argument: str, *, least: int = 0) -> int:
    """A number in an argument. Raises ValueError."""
    if not (argument.isascii() and argument.isdigit()) or len(argument) > 5 or not least <= int(argument) <= _LONGEST:
        raise ValueError(f"needs a whole number from {least} to {_LONGEST}")
    return int(argument)


def signed_number(argument: str) -> int:
    """A number that may have a minus. Raises ValueError."""
    return whole_number(argument.removeprefix("-")) * (-1 if argument.startswith("-") else 1)


def parts_of(argument: str, separator: str) -> list[str]:
    """Split at the separators that no backslash stands before."""
    found = re.split(rf"(?<!\\){re.escape(separator)}", argument)
    return [part.replace(rf"\{separator}", separator) for part in found]


def some_text(argument: str) -> str:
    """An argument that must not be empty. Raises ValueError."""
    if not argument:
        raise ValueError("needs a text behind the colon")
    return argument


def choices_of(argument: str) -> frozenset[str]:
    """The texts of an argument like ``A,B,C``. Raises ValueError for none."""
    found = frozenset(part.strip() for part in parts_of(argument, ",") if part.strip())
    if not found:
        raise ValueError("needs at least one text: A,B,C")
    return found


def with_text(combine: Callable[[str, Any], Any]) -> Callable[[str], Apply]:
    """A transform that takes one text as its argument."""

    def make(argument: str) -> Apply:
        text = some_text(argument)
        return lambda value: combine(text, value)

    return make


def suggest(name: str, known: Iterable[str] | Mapping[str, Any]) -> str:
    """``; did you mean …?``, or nothing where no known name is alike."""
    near = difflib.get_close_matches(name, list(known), n=1)
    return f"; did you mean {near[0]}?" if near else ""
