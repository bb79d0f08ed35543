"""Dates for scripts: ISO 8601 text in, ISO 8601 text out. No clock: what "now" is comes with the context."""

import re
from datetime import UTC, date, datetime, timedelta
from typing import Final

_MARK: Final = re.compile("%(.?)", re.DOTALL)
_DIRECTIVES: Final = frozenset("YmdHMSyj%")
_AD_EPOCH: Final = datetime(1601, 1, 1, tzinfo=UTC)
_AD_NEVER: Final = frozenset({0, 0x7FFFFFFFFFFFFFFF})
_UNITS: Final = {"seconds": 1, "minutes": 60, "hours": 3600, "days": 86400}


def parse(text: str, pattern: str | None = None) -> str:
    """ISO text of a date or time written as ``pattern`` (%Y %m %d %H %M %S %y %j), or of an ISO text in any form."""
    if pattern is None:
        return _iso(_moment(text))
    _check_pattern(pattern)
    found = datetime.strptime(_short(text), pattern)  # noqa: DTZ007 - what the text does not say stays unsaid
    return found.isoformat() if any(mark in pattern for mark in ("%H", "%M", "%S")) else found.date().isoformat()


def form(text: str, pattern: str) -> str:
    """The date or time ``text`` written as ``pattern`` (%Y %m %d %H %M %S %y %j)."""
    _check_pattern(pattern)
    return _moment(text).strftime(pattern)


def add(text: str, *, days: int = 0, hours: int = 0, minutes: int = 0, months: int = 0, years: int = 0) -> str:
    """``text`` moved; a month that is too short takes its last day (31 January plus one month is 28 or 29 February)."""
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
    """Whole seconds, minutes, hours or days from ``earlier`` to ``later``, rounded down; negative if reversed."""
    if unit not in _UNITS:
        raise ValueError("unit is one of seconds, minutes, hours, days")
    seconds = (_instant(later) - _instant(earlier)) // timedelta(seconds=1)
    return seconds // _UNITS[unit]


def before(first: str, second: str) -> bool:
    """Whether ``first`` is earlier than ``second``; text without a zone is UTC."""
    return _instant(first) < _instant(second)


def epoch(text: str) -> int:
    """Seconds since 1970-01-01 UTC."""
    return (_instant(text) - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(seconds=1)


def to_ad_filetime(text: str | None) -> int:
    """Active Directory's time: 100 nanosecond steps since 1601-01-01 UTC; None is its "never"."""
    if text is None:
        return 0x7FFFFFFFFFFFFFFF
    return (_instant(text) - _AD_EPOCH) // timedelta(microseconds=1) * 10


def from_ad_filetime(value: int) -> str | None:
    """ISO text of Active Directory's time, None for its "never"."""
    if value in _AD_NEVER:
        return None
    if not 0 < value < 1 << 63:
        raise ValueError("this is no file time")
    try:
        return (_AD_EPOCH + timedelta(microseconds=value // 10)).isoformat()
    except OverflowError:
        raise ValueError("the date is out of range") from None


def _check_pattern(pattern: str) -> None:
    if any(mark not in _DIRECTIVES for mark in _MARK.findall(_short(pattern))):
        raise ValueError("a pattern may use %Y %m %d %H %M %S %y %j")


def _short(text: str) -> str:
    if not isinstance(text, str) or len(text) > 64:
        raise ValueError("a date is a text of at most 64 characters")
    return text


def _moment(text: str) -> datetime:
    try:
        return datetime.fromisoformat(_short(text).strip())
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
