"""SCIM filters (RFC 7644, 3.4.2.2) over flat attributes: what they match, and the door to their language.

What a filter means here, where the RFC leaves it open; ``worker.store.filters`` says the same in SQL:

- attribute names are compared without case, one that is spelt exactly so goes first, then what every identity has; a
  schema URN before a name is dropped, and ``userName`` and ``externalId`` are our ``user_name`` and ``external_id``;
- text is compared without case (no attribute is ``caseExact``), by the canonical caseless match of Unicode; a number
  or boolean in the filter also meets one written as text, as CSV sources deliver it;
- numbers are decimals as they are written, of any length; as text they have no exponent and no zeros at the end;
- before and after is that of numbers when either side is one, of moments when both sides are ISO 8601 (a day is its
  midnight, a time without offset is UTC), else of the folded text, character by character;
- a multi-valued attribute matches when one of its values does; ``ne`` is the opposite of ``eq``, so it also matches
  where there is no value; ``eq null`` is the opposite of ``pr``; empty text and null are no value;
- value paths (``emails[type eq "work"]``) are refused: our attributes are flat.
"""

import re
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from operator import contains, ge, gt, le, lt
from typing import Any

from worker.domain.comparison import fold_case
from worker.domain.filter_syntax import (
    ORDER_OPERATORS,
    And,
    Compare,
    Filter,
    Not,
    Operator,
    Or,
    Present,
    Scalar,
    parse,
)

__all__ = [
    "And",
    "Compare",
    "Filter",
    "Not",
    "Operator",
    "Or",
    "Predicate",
    "Present",
    "attribute_names",
    "compiled",
    "decimal_of",
    "instant_of",
    "matches",
    "parse",
]

#: What every identity has; found without case before an attribute of a name like it.
FIXED = ("id", "external_id", "user_name", "active")
#: A number written as text, between blanks: both this code and the database read it so.
NUMBER = r"[+-]?(?:[0-9]{1,100}(?:[.][0-9]{0,100})?|[.][0-9]{1,100})(?:[eE][+-]?[0-2]?[0-9]{1,2})?"
_LEAP_YEAR = r"(?:[1-9][0-9](?:0[48]|[2468][048]|[13579][26])|(?:[2468][048]|[13579][26])00)"
_DAY = (
    r"(?:[1-9][0-9]{3}-(?:(?:0[13578]|1[02])-(?:0[1-9]|[12][0-9]|3[01])|(?:0[469]|11)-(?:0[1-9]|[12][0-9]|30)"
    rf"|02-(?:0[1-9]|1[0-9]|2[0-8]))|{_LEAP_YEAR}-02-29)"
)
#: A day, or a moment, that there is: nothing that matches it fails to be read.
MOMENT = (
    rf"{_DAY}(?:[Tt ](?:[01][0-9]|2[0-3]):[0-5][0-9](?::[0-5][0-9](?:[.,][0-9]{{1,12}})?)?"
    r"(?:[Zz]|[+-](?:0[0-9]|1[0-4]):?[0-5][0-9])?)?"
)

Test = Callable[[Any], bool]
Predicate = Callable[[Mapping[str, Any]], bool]


def matches(filter_: Filter, source: Mapping[str, Any]) -> bool:
    """Decide one source; use ``compiled`` for many."""
    return compiled(filter_)(source)


def compiled(filter_: Filter) -> Predicate:
    """Turn a filter into a function, once for many sources."""
    if isinstance(filter_, Compare):
        return _compiled_compare(filter_)
    if isinstance(filter_, Present):
        read = _reader(filter_.name)
        return lambda source: bool(_values(read(source)))
    if isinstance(filter_, Not):
        inner = compiled(filter_.operand)
        return lambda source: not inner(source)
    terms, settle = tuple(map(compiled, filter_.terms)), all if isinstance(filter_, And) else any
    return lambda source: settle(term(source) for term in terms)


def attribute_names(filter_: Filter) -> frozenset[str]:
    """The attributes a filter reads, so that a misspelt one can be told before it matches nobody."""
    if isinstance(filter_, Present | Compare):
        return frozenset({filter_.name})
    terms = (filter_.operand,) if isinstance(filter_, Not) else filter_.terms
    return frozenset().union(*map(attribute_names, terms))


def decimal_of(value: Any) -> Decimal | None:
    """The number that a value is, or is written as; None when it is none."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return Decimal(value)
    if isinstance(value, float):
        found = Decimal(repr(value))
        return found if found.is_finite() else None
    text = str(value).strip(" \t")
    return Decimal(text) if _NUMBER.fullmatch(text) else None


def instant_of(text: str) -> int | None:
    """Microseconds from 1970 to the day or moment that ISO 8601 text names; None when it is none."""
    found = _MOMENT.fullmatch(text) if _IS_MOMENT.fullmatch(text) else None
    if found is None:
        return None
    days = date.fromisoformat(found["day"]).toordinal() - _EPOCH
    seconds = 3600 * int(found["hour"] or 0) + 60 * int(found["minute"] or 0) + int(found["second"] or 0)
    sign = -1 if found["sign"] == "-" else 1
    offset = sign * (3600 * int(found["east"] or 0) + 60 * int(found["past"] or 0))
    return (86_400 * days + seconds - offset) * 1_000_000 + int((found["fraction"] or "0")[:6].ljust(6, "0"))


_NUMBER = re.compile(NUMBER)
_IS_MOMENT = re.compile(MOMENT)
_MOMENT = re.compile(
    r"(?P<day>.{10})(?:.(?P<hour>..):(?P<minute>..)(?::(?P<second>..)(?:[.,](?P<fraction>[0-9]+))?)?"
    r"(?:[Zz]|(?P<sign>[+-])(?P<east>..):?(?P<past>..))?)?"
)
_EPOCH = date(1970, 1, 1).toordinal()


def _reader(name: str) -> Callable[[Mapping[str, Any]], Any]:
    folded = fold_case(name)

    def read(source: Mapping[str, Any]) -> Any:
        if name in source:
            return source[name]
        alike = [key for key in source if fold_case(key) == folded]
        return source[min(alike, key=_rank)] if alike else None

    return read


def _rank(name: str) -> tuple[bool, str]:
    return name not in FIXED, name


def _values(value: Any) -> list[Any]:
    if isinstance(value, list | tuple | set | frozenset):
        return [one for one in value if one is not None and one != ""]
    return [] if value is None or value == "" else [value]


def _compiled_compare(compare: Compare) -> Predicate:
    read, operator, value = _reader(compare.name), compare.operator, compare.value
    is_equality = operator in {Operator.EQ, Operator.NE}
    if is_equality and (value is None or value == ""):
        return lambda source: bool(_values(read(source))) is (operator is Operator.NE)
    holds = _equality(value) if is_equality else _test(operator, value)
    if operator is Operator.NE:
        return lambda source: not any(map(holds, _values(read(source))))
    return lambda source: any(map(holds, _values(read(source))))


def _equality(wanted: Scalar) -> Test:
    if not isinstance(wanted, bool) and isinstance(wanted, int | float):
        number = decimal_of(wanted)
        return lambda value: decimal_of(value) == number
    text = fold_case(_text(wanted))
    return lambda value: _folded(value) == text


def _test(operator: Operator, wanted: Scalar) -> Test:
    if operator not in ORDER_OPERATORS:
        text, part = fold_case(_text(wanted)), _PARTS[operator]
        return lambda value: part(_folded(value), text)
    if isinstance(wanted, str):
        return _text_order(_ORDERS[operator], wanted)
    return _number_order(_ORDERS[operator], decimal_of(wanted))


_ORDERS: dict[Operator, Callable[[Any, Any], bool]] = {
    Operator.GT: gt,
    Operator.GE: ge,
    Operator.LT: lt,
    Operator.LE: le,
}
_PARTS: dict[Operator, Callable[[str, str], bool]] = {
    Operator.CO: contains,
    Operator.SW: str.startswith,
    Operator.EW: str.endswith,
}


def _number_order(holds: Callable[[Any, Any], bool], than: Decimal | None) -> Test:
    def ordered(value: Any) -> bool:
        number = decimal_of(value)
        return number is not None and than is not None and holds(number, than)

    return ordered


def _text_order(holds: Callable[[Any, Any], bool], wanted: str) -> Test:
    """Order as numbers if the value is one, as moments if both are, else as text."""
    of_numbers, moment, folded = _number_order(holds, decimal_of(wanted)), instant_of(wanted), fold_case(wanted)

    def ordered(value: Any) -> bool:
        if isinstance(value, int | float):
            return of_numbers(value)
        at = None if moment is None else instant_of(_text(value))
        return holds(_folded(value), folded) if at is None else holds(at, moment)

    return ordered


def _folded(value: Any) -> str:
    return fold_case(value if isinstance(value, str) else _text(value))


def _text(value: Any) -> str:
    """How a value reads as text: the database writes numbers so."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        number = decimal_of(value)
        return str(value) if number is None else _plain(number)
    if isinstance(value, datetime):
        return (value if value.tzinfo else value.replace(tzinfo=UTC)).isoformat()
    return value.isoformat() if isinstance(value, date) else str(value)


def _plain(number: Decimal) -> str:
    """Without an exponent, without zeros at the end."""
    if not number:
        return "0"  # a negative zero, too
    text = f"{number:f}"
    return text.rstrip("0").removesuffix(".") if "." in text else text
