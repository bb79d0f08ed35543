"""SCIM filters (RFC 7644, 3.4.2.2) over flat attributes: what they match, and the door to their language.

What a filter means here, where the RFC leaves it open:

- attribute names are compared without case; a schema URN before a name is dropped, and ``userName`` and ``externalId``
  are our ``user_name`` and ``external_id``;
- text is compared without case (no attribute is ``caseExact``); a number or boolean in the filter also meets one
  written as text, as CSV sources deliver it; before and after between two ISO dates or times is that of moments;
- a multi-valued attribute matches when one of its values does; ``ne`` is the opposite of ``eq``, so it also matches
  where there is no value; ``eq null`` is the opposite of ``pr``;
- value paths (``emails[type eq "work"]``) are refused: our attributes are flat.
"""

import re
from collections.abc import Callable, Mapping
from datetime import date
from math import isfinite
from operator import contains, ge, gt, le, lt
from typing import Any

from worker.domain.comparison import fold_case, instant
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
    "matches",
    "parse",
]

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


def _reader(name: str) -> Callable[[Mapping[str, Any]], Any]:
    lowered = name.lower()

    def read(source: Mapping[str, Any]) -> Any:
        if name in source:
            return source[name]
        return next((value for key, value in source.items() if key.lower() == lowered), None)

    return read


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
    if isinstance(wanted, bool):
        word = str(wanted).lower()
        return lambda value: _folded(value) == word
    if isinstance(wanted, int | float):
        return lambda value: _number(value) == wanted
    text = fold_case(str(wanted))
    return lambda value: _folded(value) == text


def _test(operator: Operator, wanted: Scalar) -> Test:
    if operator in ORDER_OPERATORS:
        holds = _ORDERS[operator]
        return lambda value: _ordered(holds, value, wanted)
    text, part = fold_case(str(wanted)), _PARTS[operator]
    return lambda value: part(_folded(value), text)


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
_ISO_DATE = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)


def _ordered(holds: Callable[[Any, Any], bool], value: Any, wanted: Scalar) -> bool:
    """Order as numbers if either side is one, as moments if both are, else as text."""
    if not isinstance(wanted, str) or isinstance(value, int | float):
        left, right = _number(value), _number(wanted)
        return left is not None and right is not None and holds(left, right)
    if isinstance(value, date) or (_ISO_DATE.match(wanted) and _ISO_DATE.match(str(value))):
        at, than = instant(value), instant(wanted)
        if at is not None and than is not None:
            return holds(at, than)
    return holds(_folded(value), fold_case(wanted))


def _folded(value: Any) -> str:
    return fold_case(value if isinstance(value, str) else str(value))


def _number(value: Any) -> int | float | None:
    if isinstance(value, bool):
        return None
    if isinstance(value, int | float):
        return value
    text = str(value)
    try:
        found = int(text) if text.isdecimal() else float(text)
    except ValueError:
        return None
    return found if isfinite(found) else None
