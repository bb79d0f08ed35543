"""Values between JSON (what mappings make) and the columns of a table (what a database driver takes)."""

from collections.abc import Callable, Mapping
from datetime import date, datetime, time
from decimal import Decimal, InvalidOperation
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, JSON, BigInteger, Boolean, Column, Integer, SmallInteger, String

from worker.domain.errors import InvalidAttributes

Convert = Callable[[Any], Any]

_TRUE = frozenset({"true", "t", "yes", "y", "on", "1"})
_FALSE = frozenset({"false", "f", "no", "n", "off", "0"})


def to_column(column: "Column[Any]", value: Any) -> Any:
    """Make a value fit its column; raises ``InvalidAttributes`` that names the column and not the value."""
    return into(column)(value)


def into(column: "Column[Any]") -> Convert:
    """``to_column`` for the many values of one column."""
    name, kind = column.name, column.type
    if isinstance(kind, JSON):
        return lambda value: value
    if isinstance(kind, ARRAY):
        of_item = _into(name, kind.item_type)
        return lambda value: (
            None if value is None else [of_item(e) for e in (value if isinstance(value, list) else [value])]
        )
    of_one = _into(name, kind)

    def one(value: Any) -> Any:
        if value is None:
            return None
        if isinstance(value, list | dict):
            raise InvalidAttributes(f'Column "{name}" takes one value.', attribute=name)
        return of_one(value)

    return one


def from_column(value: Any) -> Any:
    """Make what a driver returned a JSON value; exact numbers become text where a float would lose digits."""
    if isinstance(value, list | tuple | set):
        return [from_column(item) for item in value]
    if isinstance(value, bool | int | float | str | dict) or value is None:
        return value
    if isinstance(value, datetime | date | time):
        return value.isoformat()
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else str(value)
    return str(value)


def is_plain(column: "Column[Any]") -> bool:
    """Whether the driver returns JSON values for this column: ``from_column`` would change none."""
    return isinstance(column.type, String | Integer | Boolean)


def uid_of(value: Any) -> str:
    """The text form of a key, the same for equal keys."""
    return value if isinstance(value, str) else str(from_column(value))


def _python_type(kind: Any) -> type[Any]:
    try:
        found: type[Any] = kind.python_type
    except NotImplementedError:
        return str
    return found


def _into(name: str, kind: Any) -> Convert:
    convert = _CONVERTERS.get(_python_type(kind))
    if convert is None:
        return lambda value: value
    most = _most(kind)

    def fitting(value: Any) -> Any:
        try:
            found = convert(value)
        except (ValueError, TypeError, InvalidOperation, OverflowError):
            raise _misfit(name) from None
        if most is not None and not -most <= found < most:
            raise _misfit(name)
        return found

    return fitting


def _to_text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    text = str(value)
    if "\x00" in text:
        raise ValueError("no database text holds a zero byte")
    return text


def _to_bool(value: Any) -> bool:
    text = str(value).strip().lower()
    if text in _TRUE:
        return True
    if text in _FALSE:
        return False
    raise ValueError("neither true nor false")


def _to_int(value: Any) -> int:
    if isinstance(value, float) and not value.is_integer():
        raise ValueError("not a whole number")
    return int(value)


def _misfit(name: str) -> InvalidAttributes:
    return InvalidAttributes(f'Column "{name}" does not take this value.', attribute=name)


def _most(kind: Any) -> int | None:
    """The first whole number that is too large for a column, None where no number is."""
    if not isinstance(kind, Integer):
        return None
    return 1 << (15 if isinstance(kind, SmallInteger) else 63 if isinstance(kind, BigInteger) else 31)


_CONVERTERS: Mapping[type[Any], Convert] = {
    str: _to_text,
    bool: _to_bool,
    int: _to_int,
    float: float,
    Decimal: lambda value: Decimal(str(value)),
    datetime: lambda value: value if isinstance(value, datetime) else datetime.fromisoformat(value),
    date: lambda value: value if isinstance(value, date) else date.fromisoformat(value),
    time: lambda value: value if isinstance(value, time) else time.fromisoformat(value),
    UUID: lambda value: value if isinstance(value, UUID) else UUID(value),
}
