"""Zones: their names, and the instants at which a place changes its clocks."""

import difflib
from datetime import UTC, datetime, timedelta, tzinfo
from functools import cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones


def zone_of(name: str) -> tzinfo:
    """Raises what ``is_zone`` looks for when there is none of this name."""
    return UTC if name == "UTC" else ZoneInfo(name)


def is_zone(name: str) -> bool:
    """Whether there is a zone of this name."""
    try:
        zone_of(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return False
    return True


@cache
def zone_names() -> tuple[str, ...]:
    """Every zone there is, by name."""
    return tuple(sorted(available_timezones()))


def similar_zone(name: str) -> str | None:
    """What somebody may have meant."""
    near = difflib.get_close_matches(name, zone_names(), n=1)
    return near[0] if near else None


def offset(at: datetime, zone: tzinfo) -> timedelta:
    """How far the clocks of the zone are ahead of UTC at an instant."""
    return at.astimezone(zone).utcoffset() or timedelta(0)


def first_change(start: datetime, end: datetime, zone: tzinfo) -> datetime | None:
    """The first instant in (start, end] with another offset than the one before it, to the second."""
    step = timedelta(hours=6)
    while start < end:
        stop = min(start + step, end)
        if offset(stop, zone) != offset(start, zone):
            return _bisect(start, stop, zone)
        start = stop
    return None


def _bisect(start: datetime, end: datetime, zone: tzinfo) -> datetime:
    low, high, before = int(start.timestamp()), int(end.timestamp()), offset(start, zone)
    while high - low > 1:
        middle = (low + high) // 2
        is_before = offset(datetime.fromtimestamp(middle, UTC), zone) == before
        low, high = (middle, high) if is_before else (low, middle)
    return datetime.fromtimestamp(high, UTC)
