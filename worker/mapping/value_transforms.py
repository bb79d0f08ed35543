"""Transforms of numbers and yes and no, of what is there or not, and of several values at once."""

from collections.abc import Callable
from decimal import Decimal, InvalidOperation
from types import MappingProxyType
from typing import Any

from worker.mapping.spec import (
    MOST_MADE,
    Apply,
    Example,
    Transform,
    TransformError,
    as_text,
    choices_of,
    plain,
    refuse_longer,
    signed_number,
    some_text,
    whole_number,
    with_text,
)

_YES = frozenset({"true", "yes", "y", "1", "on"})
_NO = frozenset({"false", "no", "n", "0", "off", ""})
_EMPTY: tuple[Any, ...] = (None, "", [])


def _whole(text: str) -> int:
    try:
        return int(text.strip())
    except ValueError as error:
        raise TransformError("is not a whole number") from error


def _decimal(text: str) -> int | float:
    """A number with a point; a comma is taken for one where there is no point."""
    plain_text = text.strip().replace(",", ".") if "." not in text else text.strip()
    try:
        found = Decimal(plain_text)
    except InvalidOperation as error:
        raise TransformError("is not a number") from error
    if not found.is_finite() or abs(found.adjusted()) > 300:
        raise TransformError("is a number out of range")
    return int(found) if found == found.to_integral_value() else float(found)


def _boolean(text: str) -> bool:
    word = text.strip().lower()
    if word in _YES:
        return True
    if word in _NO:
        return False
    raise TransformError("is neither yes nor no")


def _opposite(text: str) -> bool:
    return not _boolean(text)


def _is_one_of(argument: str) -> Apply:
    choices = {choice.lower() for choice in choices_of(argument)}
    return lambda value: value not in _EMPTY and any(as_text(one).lower() in choices for one in _listed(value))


def _when(argument: str) -> Apply:
    """``when:A=THEN:ELSE``: one text where the value is A, another where it is anything else or nothing."""
    wanted, equals, answers = argument.partition("=")
    then, colon, other = answers.partition(":")
    if not (equals and colon and wanted):
        raise ValueError("needs a value and two texts: when:VALUE=THEN:ELSE")

    def when(value: Any) -> str | None:
        found = any(as_text(one) == wanted for one in _listed(value) if one is not None)
        return (then if found else other) or None

    return when


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _joined(separator: str) -> Apply:
    def joined(values: list[Any]) -> str:
        texts = [as_text(value) for value in values]
        refuse_longer(sum(map(len, texts)) + len(texts) * len(separator), MOST_MADE)
        return separator.join(texts)

    return joined


def _item(argument: str) -> Apply:
    index = signed_number(argument)
    return lambda values: values[index] if -len(values) <= index < len(values) else None


def _first_of(argument: str) -> Apply:
    count = whole_number(argument, least=1)
    return lambda values: values[:count]


def _only(argument: str) -> Apply:
    kept = {choice.lower() for choice in choices_of(argument)}
    return lambda values: [value for value in values if as_text(value).lower() in kept]


def _without(argument: str) -> Apply:
    dropped = {choice.lower() for choice in choices_of(argument)}
    return lambda values: [value for value in values if as_text(value).lower() not in dropped]


def _containing(argument: str) -> Apply:
    part = some_text(argument).lower()
    return lambda values: [value for value in values if part in as_text(value).lower()]


def _of_each(
    make: Callable[[str], Apply], help_: str, example: tuple[str, Any, Any], argument: str | None = None
) -> Transform:
    return Transform(make, help_, Example(*example), argument)


def _of_list(
    make: Callable[[str], Apply], help_: str, example: tuple[str, Any, Any], argument: str | None = None
) -> Transform:
    return Transform(make, help_, Example(*example), argument, on_list=True)


def _of_any(
    make: Callable[[str], Apply], help_: str, example: tuple[str, Any, Any], argument: str | None = None
) -> Transform:
    return Transform(make, help_, Example(*example), argument, on_none=True)


VALUE_TRANSFORMS = MappingProxyType(
    {
        "number": _of_each(plain(_whole), "A whole number instead of its text.", ("number", " 42 ", 42)),
        "decimal": _of_each(
            plain(_decimal), "A number instead of its text, with a point or a comma.", ("decimal", "4,50", 4.5)
        ),
        "boolean": _of_each(
            plain(_boolean), "True or false for yes and no, 1 and 0, true and false.", ("boolean", "Yes", True)
        ),
        "not": _of_each(plain(_opposite), "The opposite of yes or no.", ("not", True, False)),
        "text": _of_each(plain(str), "Text instead of a number or a boolean.", ("text", 7, "7")),
        "default": _of_any(
            with_text(lambda other, value: other if value in _EMPTY else value),
            "TEXT where there is no value.",
            ("default:none", None, "none"),
            "TEXT",
        ),
        "present": _of_any(
            plain(lambda value: value not in _EMPTY), "Whether there is a value.", ("present", None, False)
        ),
        "one_of": _of_any(
            _is_one_of,
            "Whether a value is one of these, whatever its case.",
            ("one_of:staff,board", "Board", True),
            "A,B,C",
        ),
        "when": _of_any(
            _when,
            "THEN where the value is VALUE, ELSE (or nothing) where it is not.",
            ("when:contractor=EXT:INT", "staff", "INT"),
            "VALUE=THEN:ELSE",
        ),
        "first": _of_list(
            plain(lambda values: values[0] if values else None), "The first of several.", ("first", ["a", "b"], "a")
        ),
        "last": _of_list(
            plain(lambda values: values[-1] if values else None), "The last of several.", ("last", ["a", "b"], "b")
        ),
        "item": _of_list(
            _item,
            "One of several, counted from 0 or, with a minus, from the end; no value where there are fewer.",
            ("item:1", ["a", "b"], "b"),
            "PLACE",
        ),
        "take": _of_list(_first_of, "At most the first N.", ("take:2", ["a", "b", "c"], ["a", "b"]), "N"),
        "count": _of_list(plain(len), "How many there are.", ("count", ["a", "b"], 2)),
        "sort": _of_list(
            plain(lambda values: sorted(values, key=as_text)),
            "Several in order.",
            ("sort", ["b", "a"], ["a", "b"]),
        ),
        "unique": _of_list(
            plain(lambda values: list(dict.fromkeys(values))),
            "Each value once.",
            ("unique", ["b", "a", "b"], ["b", "a"]),
        ),
        "only": _of_list(
            _only, "Those that are one of these, whatever their case.", ("only:a,b", ["A", "c"], ["A"]), "A,B,C"
        ),
        "without": _of_list(
            _without, "Those that are none of these, whatever their case.", ("without:a", ["A", "c"], ["c"]), "A,B,C"
        ),
        "containing": _of_list(
            _containing,
            "Those that have TEXT in them, whatever their case.",
            ("containing:@x.", ["a@x.de", "a@y.de"], ["a@x.de"]),
            "TEXT",
        ),
        "join": _of_list(_joined, "Several values as one text.", ("join:, ", ["a", 1], "a, 1"), "SEPARATOR"),
    }
)
