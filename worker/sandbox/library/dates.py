"""Dates for scripts: ISO 8601 text in, ISO 8601 text out. No clock: what "now" is comes with the context.

A text without a zone is taken for UTC wherever an instant is needed, and keeps having none wherever it is written.
"""

import re
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final

from worker.sandbox.library.arguments import kind_of

_MARK: Final = re.compile("%(.?)", re.DOTALL)
_AD_EPOCH: Final = datetime(1601, 1, 1, tzinfo=UTC)
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_AD_NEVER: Final = frozenset({0, 0x7FFFFFFFFFFFFFFF})
_UNITS: Final = {"seconds": 1, "minutes": 60, "hours": 3600, "days": 86400}
#: Own code for reading and writing: the interpreter's depends on the locale and opens files at its first use.
_READ: Final = {
    "Y": r"(?P<Y>\d{4})", "y": r"(?P<y>\d{2})", "m": r"(?P<m>\d{1,2})", "d": r"(?P<d>\d{1,2})", "j": r"(?P<j>\d{1,3})",
    "H": r"(?P<H>\d{1,2})", "M": r"(?P<M>\d{1,2})", "S": r"(?P<S>\d{1,2})", "%": "%",
}  # fmt: skip
_CLOCK: Final = ("H", "M", "S")


def parse(text: str, pattern: str | None = None) -> str:
    """ISO text of a date or time written as ``pattern`` (%Y %m %d %H %M %S %y %j), or of an ISO text in any form.

    With %y, 69 to 99 are in the 1900s. What does not fit the pattern is an error, and so is a day that does not exist.

    >>> date.parse("31.01.2024", "%d.%m.%Y")
    "2024-01-31"
    >>> date.parse("20240131T101500Z")
    "2024-01-31T10:15:00+00:00"
    >>> date.parse("31.02.2024", "%d.%m.%Y")
    error: this is no day of the calendar
    """
    if pattern is None:
        return _iso(_moment(text))
    reader = "".join(_reading(piece, mark) for piece, mark in _pieces(pattern))
    try:
        found = re.fullmatch(reader, _short(text), re.ASCII)
    except re.error:
        raise ValueError("a pattern names each part once") from None
    if found is None:
        raise ValueError("the text is not written as the pattern says")
    moment = _calendar(found.groupdict())
    return moment.isoformat() if any(mark in found.groupdict() for mark in _CLOCK) else moment.date().isoformat()


def format(text: str, pattern: str) -> str:  # noqa: A001 - the name that scripts see
    """The date or time ``text`` written as ``pattern`` (%Y %m %d %H %M %S %y %j), in the zone it has.

    >>> date.format("2024-01-31", "%d.%m.%Y")
    "31.01.2024"
    >>> date.format(date.utc("2024-01-31T01:00:00+02:00"), "%Y%m%d%H%M%SZ")
    "20240130230000Z"
    """
    moment = _moment(text)
    written = {
        "Y": f"{moment.year:04}", "y": f"{moment.year % 100:02}", "m": f"{moment.month:02}", "d": f"{moment.day:02}",
        "H": f"{moment.hour:02}", "M": f"{moment.minute:02}", "S": f"{moment.second:02}",
        "j": f"{moment.timetuple().tm_yday:03}", "%": "%",
    }  # fmt: skip
    return "".join(piece + written.get(mark, "") for piece, mark in _pieces(pattern))


def add(text: str, *, days: int = 0, hours: int = 0, minutes: int = 0, months: int = 0, years: int = 0) -> str:
    """``text`` moved by whole numbers of units, negative ones back.

    Months and years go first; a month that is too short takes its last day (31 January plus one month is 28 or 29
    February).

    >>> date.add("2024-01-31", months = 1)
    "2024-02-29"
    >>> date.add("2024-01-01T08:00:00Z", hours = -9)
    "2023-12-31T23:00:00+00:00"
    """
    if any(isinstance(step, bool) or not isinstance(step, int) for step in (days, hours, minutes, months, years)):
        raise ValueError("a date is moved by whole numbers")
    moment = _moment(text)
    month = moment.year * 12 + moment.month - 1 + months + 12 * years
    year, month = divmod(month, 12)
    if not 1 <= year <= 9999:
        raise ValueError("the year is out of range")
    first = moment.replace(year=year, month=month + 1, day=1)
    moved = first.replace(day=min(moment.day, _days_in(first)))
    try:
        return _iso(moved + timedelta(days=days, hours=hours, minutes=minutes))
    except OverflowError:
        raise ValueError("the date is out of range") from None


def diff(later: str, earlier: str, unit: str = "days") -> int:
    """Whole seconds, minutes, hours or days from ``earlier`` to ``later``, rounded down; negative if reversed.

    >>> date.diff("2024-03-01", "2024-02-01")
    29
    >>> date.diff("2024-01-01T12:00:00Z", "2024-01-01T10:30:00Z", unit = "minutes")
    90
    """
    if not isinstance(unit, str) or unit not in _UNITS:
        raise ValueError("unit is one of seconds, minutes, hours, days")
    seconds = (_instant(later) - _instant(earlier)) // timedelta(seconds=1)
    return seconds // _UNITS[unit]


def before(first: str, second: str) -> bool:
    """Whether ``first`` is earlier than ``second``; text without a zone is UTC.

    >>> date.before("2024-01-01T00:00:00+02:00", "2024-01-01")
    true
    """
    return _instant(first) < _instant(second)


def utc(text: str) -> str:
    """ISO text of the same instant in UTC.

    >>> date.utc("2024-06-01T01:30:00+02:00")
    "2024-05-31T23:30:00+00:00"
    """
    try:
        return _instant(text).astimezone(UTC).isoformat()
    except OverflowError:
        raise ValueError("the date is out of range") from None


def epoch(text: str) -> int:
    """Seconds since 1970-01-01 UTC (days, as shadowExpire wants them, are these divided by 86400).

    >>> date.epoch("1970-01-02")
    86400
    """
    return (_instant(text) - _EPOCH) // timedelta(seconds=1)


def from_epoch(seconds: int) -> str:
    """ISO text in UTC of so many seconds since 1970-01-01 UTC.

    >>> date.from_epoch(86400)
    "1970-01-02T00:00:00+00:00"
    """
    if isinstance(seconds, bool) or not isinstance(seconds, int):
        raise ValueError(f"this takes a number of seconds, not {kind_of(seconds)}")  # noqa: TRY004 - one class for authors
    try:
        return (_EPOCH + timedelta(seconds=seconds)).isoformat()
    except OverflowError:
        raise ValueError("the date is out of range") from None


def to_ad_filetime(text: str | None) -> int:
    """Active Directory's time (accountExpires, pwdLastSet): 100 nanosecond steps since 1601-01-01 UTC.

    None is its "never", 9223372036854775807.

    >>> date.to_ad_filetime("2024-12-31")
    133800768000000000
    >>> date.to_ad_filetime(None)
    9223372036854775807
    """
    if text is None:
        return 0x7FFFFFFFFFFFFFFF
    return (_instant(text) - _AD_EPOCH) // timedelta(microseconds=1) * 10


def from_ad_filetime(value: int) -> str | None:
    """ISO text in UTC of Active Directory's time; None for its two ways to say never, 0 and 9223372036854775807.

    >>> date.from_ad_filetime(133800768000000000)
    "2024-12-31T00:00:00+00:00"
    >>> date.from_ad_filetime(0)
    null
    """
    if isinstance(value, bool) or not isinstance(value, int):
        raise ValueError(f"this takes a file time, not {kind_of(value)}")  # noqa: TRY004 - one class for authors
    if value in _AD_NEVER:
        return None
    if not 0 < value < 1 << 63:
        raise ValueError("this is no file time")
    try:
        return (_AD_EPOCH + timedelta(microseconds=value // 10)).isoformat()
    except OverflowError:
        raise ValueError("the date is out of range") from None


def _pieces(pattern: Any) -> list[tuple[str, str]]:
    """A pattern as literal text and the mark after it (empty at the end). Raises ValueError for an unknown mark."""
    parts = _MARK.split(_short(pattern))
    if any(mark not in _READ for mark in parts[1::2]):
        raise ValueError("a pattern may use %Y %m %d %H %M %S %y %j")
    return list(zip(parts[::2], [*parts[1::2], ""], strict=True))


def _reading(piece: str, mark: str) -> str:
    return re.escape(piece) + _READ.get(mark, "")


def _calendar(found: dict[str, str]) -> datetime:
    parts = {mark: int(digits) for mark, digits in found.items()}
    year = parts.get("Y", parts["y"] + (1900 if parts["y"] >= 69 else 2000) if "y" in parts else 1900)
    try:
        day = datetime(year, parts.get("m", 1), parts.get("d", 1))  # noqa: DTZ001 - what is unsaid stays so
        day = day.replace(hour=parts.get("H", 0), minute=parts.get("M", 0), second=parts.get("S", 0))
        moved = day.replace(month=1, day=1) + timedelta(days=parts["j"] - 1) if "j" in parts else day
    except (ValueError, OverflowError):
        raise ValueError("this is no day of the calendar") from None
    if moved.year != year:
        raise ValueError("this is no day of the calendar")
    return moved


def _short(text: Any) -> str:
    if not isinstance(text, str) or len(text) > 64:
        raise ValueError("a date is a text of at most 64 characters")
    return text


def _moment(text: str) -> datetime:
    short = _short(text).strip()
    try:
        return datetime.fromisoformat(short)
    except ValueError:
        raise ValueError("this is not an ISO 8601 date") from None


def _instant(text: str) -> datetime:
    moment = _moment(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _iso(moment: datetime) -> str:
    is_day = moment.tzinfo is None and moment.time() == datetime.min.time()
    return moment.date().isoformat() if is_day else moment.isoformat()


def _days_in(first: datetime) -> int:
    following = date(first.year + first.month // 12, first.month % 12 + 1, 1) if first.year < 9999 else date.max
    return 31 if following == date.max else (following - first.date()).days
