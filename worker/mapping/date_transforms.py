"""Transforms of dates and times. A time without offset is UTC; a day without a time stays a day."""

import calendar
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from types import MappingProxyType
from typing import Any

from worker.mapping.spec import Apply, Example, Transform, TransformError, signed_number, suggest

_DAY_FORMS = ("%Y-%m-%d", "%d.%m.%Y", "%Y%m%d", "%d/%m/%Y")
_GENERALIZED = re.compile(r"\d{14}(\.\d+)?Z", re.ASCII)
_FILE_TIME_EPOCH = datetime(1601, 1, 1, tzinfo=UTC)


def _moment(text: str) -> tuple[datetime, bool]:
    """The moment a text names, and whether it names a day only."""
    stripped = text.strip()
    for form in _DAY_FORMS:
        try:
            return datetime.strptime(stripped, form).replace(tzinfo=UTC), True
        except ValueError:
            continue
    try:
        if _GENERALIZED.fullmatch(stripped):
            return datetime.strptime(stripped[:14], "%Y%m%d%H%M%S").replace(tzinfo=UTC), False
        found = datetime.fromisoformat(stripped)
        return (found if found.tzinfo else found.replace(tzinfo=UTC)).astimezone(UTC), False
    except (ValueError, OverflowError) as error:
        raise TransformError("is not a date") from error


def _iso(moment: datetime, *, is_day: bool) -> str:
    return moment.date().isoformat() if is_day else moment.isoformat().replace("+00:00", "Z")


_DATE_FORMS: Mapping[str, Callable[[datetime, bool], Any]] = MappingProxyType(
    {
        "iso": lambda moment, is_day: _iso(moment, is_day=is_day),
        "day": lambda moment, _: moment.date().isoformat(),
        "german": lambda moment, _: moment.strftime("%d.%m.%Y"),
        "us": lambda moment, _: moment.strftime("%m/%d/%Y"),
        "compact": lambda moment, _: moment.strftime("%Y%m%d"),
        "generalized": lambda moment, _: moment.strftime("%Y%m%d%H%M%SZ"),
        "epoch": lambda moment, _: int(moment.timestamp()),
        "ad_filetime": lambda moment, _: (moment - _FILE_TIME_EPOCH) // timedelta(microseconds=1) * 10,
        "year": lambda moment, _: moment.year,
        "month": lambda moment, _: moment.month,
        "weekday": lambda moment, _: moment.isoweekday(),
    }
)


def _date(argument: str) -> Apply:
    form = _DATE_FORMS.get(argument)
    if form is None:
        raise ValueError(f"knows the formats {', '.join(_DATE_FORMS)}{suggest(argument, _DATE_FORMS)}")
    return lambda text: form(*_moment(text))


def _moved(move: Callable[[datetime, int], datetime]) -> Callable[[str], Apply]:
    """A transform that moves a date by the number in its argument."""

    def make(argument: str) -> Apply:
        count = signed_number(argument)

        def moved(text: str) -> str:
            moment, is_day = _moment(text)
            try:
                return _iso(move(moment, count), is_day=is_day)
            except (OverflowError, ValueError) as error:
                raise TransformError("is a date out of range") from error

        return moved

    return make


def _by_months(moment: datetime, count: int) -> datetime:
    """The same day so many months on; the last day of a shorter month."""
    year, month = divmod(moment.year * 12 + moment.month - 1 + count, 12)
    if not 1 <= year <= 9999:
        raise OverflowError
    return moment.replace(year=year, month=month + 1, day=min(moment.day, calendar.monthrange(year, month + 1)[1]))


def _month_start(text: str) -> str:
    moment, _ = _moment(text)
    return moment.date().replace(day=1).isoformat()


def _month_end(text: str) -> str:
    moment, _ = _moment(text)
    return moment.date().replace(day=calendar.monthrange(moment.year, moment.month)[1]).isoformat()


def _row(make: Callable[[str], Apply], help_: str, example: tuple[str, Any, Any], argument: str | None) -> Transform:
    return Transform(make, help_, Example(*example), argument)


DATE_TRANSFORMS = MappingProxyType(
    {
        "date": _row(
            _date,
            f"A date written as {', '.join(_DATE_FORMS)}.",
            ("date:german", "2026-03-09", "09.03.2026"),
            "FORMAT",
        ),
        "add_days": _row(
            _moved(lambda moment, count: moment + timedelta(days=count)),
            "A date some days later, or earlier with a minus.",
            ("add_days:30", "2026-02-01", "2026-03-03"),
            "N",
        ),
        "add_months": _row(
            _moved(_by_months),
            "The same day some months later, or earlier with a minus; the last day where the month is shorter.",
            ("add_months:1", "2026-01-31", "2026-02-28"),
            "N",
        ),
        "add_years": _row(
            _moved(lambda moment, count: _by_months(moment, 12 * count)),
            "The same day some years later, or earlier with a minus.",
            ("add_years:1", "2024-02-29", "2025-02-28"),
            "N",
        ),
        "month_start": _row(
            lambda _: _month_start, "The first day of the month.", ("month_start", "2026-02-10", "2026-02-01"), None
        ),
        "month_end": _row(
            lambda _: _month_end, "The last day of the month.", ("month_end", "2024-02-10", "2024-02-29"), None
        ),
    }
)
