"""Words of the command line as values; what cannot be read is an InvalidRequest that says what can."""

import re
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import TypeVar
from uuid import UUID

from worker.domain.errors import InvalidRequest

_Word = TypeVar("_Word", bound=StrEnum)
_AGO = re.compile(r"(\d{1,6})([smhd])")
_UNITS = {"s": timedelta(seconds=1), "m": timedelta(minutes=1), "h": timedelta(hours=1), "d": timedelta(days=1)}


def id_of(text: str) -> UUID:
    """An id as it was copied from a list."""
    try:
        return UUID(text)
    except ValueError as error:
        raise InvalidRequest(f"{text} is not an id.") from error


def moment_of(text: str, *, now: datetime | None = None) -> datetime:
    """A time: a date or a time of ISO 8601 (of UTC unless it says otherwise), or how long ago: 30s, 15m, 6h, 2d."""
    ago = _AGO.fullmatch(text)
    if ago:
        return (now or datetime.now(UTC)) - int(ago[1]) * _UNITS[ago[2]]
    try:
        found = datetime.fromisoformat(text)
    except ValueError as error:
        raise InvalidRequest(f"{text} is not a time; write 2026-03-01, 2026-03-01T08:30, or 15m for ago.") from error
    return found if found.tzinfo is not None else found.replace(tzinfo=UTC)


def word_of(kind: type[_Word], text: str, *, noun: str) -> _Word:
    """One of a kind's words; ``noun`` is what a person calls it."""
    try:
        return kind(text)
    except ValueError as error:
        raise InvalidRequest(f"{text} is not a {noun}; there are {', '.join(kind)}.") from error


def words_of(kind: type[_Word], texts: Iterable[str], *, noun: str) -> frozenset[_Word]:
    """Several of them."""
    return frozenset(word_of(kind, text, noun=noun) for text in texts)
