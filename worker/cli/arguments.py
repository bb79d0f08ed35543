"""Words of the command line as values; what cannot be read is an InvalidRequest that says what can."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from typing import TypeVar
from uuid import UUID

from worker.domain.errors import InvalidRequest

_Word = TypeVar("_Word", bound=StrEnum)
_SPAN = re.compile(r"(\d{1,6})([smhd])")
_UNITS = {"s": timedelta(seconds=1), "m": timedelta(minutes=1), "h": timedelta(hours=1), "d": timedelta(days=1)}


@dataclass(frozen=True, slots=True)
class Noun:
    """What has ids, in words, and the verbs that show them."""

    words: str
    verbs: tuple[str, ...]

    @property
    def advice(self) -> str:
        """Where a person finds the right one."""
        shown = " and ".join(f"`provisiond {each}`" for each in self.verbs)
        return f"{shown} {'show' if len(self.verbs) > 1 else 'shows'} their ids."


RUN = Noun("a run", ("recon list",))
FINDING = Noun("a finding", ("recon findings CONNECTOR",))
RUN_OR_FINDING = Noun("a run or a finding", ("recon list", "recon findings CONNECTOR"))
HELD = Noun("an approval or a run", ("recon approvals", "recon list --live"))
OPERATION = Noun("an operation", ("ops list",))
CONFLICT = Noun("a conflict", ("ops conflicts list",))


def id_of(text: str, noun: Noun) -> UUID:
    """An id as it was copied from a list."""
    try:
        return UUID(text)
    except ValueError as error:
        raise InvalidRequest(f"{text!r} is not the id of {noun.words}: {noun.advice}") from error


def moment_of(text: str, *, now: datetime | None = None) -> datetime:
    """A time: a date or a time of ISO 8601 (of UTC unless it says otherwise), or how long ago: 30s, 15m, 6h, 2d."""
    return _moment(text, now=now, sign=-1, spans="15m for ago")


def deadline_of(text: str, *, now: datetime | None = None) -> datetime:
    """A time ahead, written the same: 12h and 30d are from now on."""
    return _moment(text, now=now, sign=1, spans="30d for from now on")


def day_of(text: str) -> date:
    """A day as ISO 8601 writes it."""
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise InvalidRequest(f"{text} is not a day; write 2026-03-01.") from error


def word_of(kind: type[_Word], text: str, *, noun: str) -> _Word:
    """One of a kind's words; ``noun`` is what a person calls it."""
    try:
        return kind(text)
    except ValueError as error:
        raise InvalidRequest(f"{text} is not a {noun}; there are {', '.join(kind)}.") from error


def words_of(kind: type[_Word], texts: Iterable[str], *, noun: str) -> frozenset[_Word]:
    """Several of them."""
    return frozenset(word_of(kind, text, noun=noun) for text in texts)


def _moment(text: str, *, now: datetime | None, sign: int, spans: str) -> datetime:
    written = _SPAN.fullmatch(text)
    try:
        if written:
            return (now or datetime.now(UTC)) + sign * int(written[1]) * _UNITS[written[2]]
        found = datetime.fromisoformat(text)
    except (ValueError, OverflowError) as error:
        raise InvalidRequest(f"{text} is not a time; write 2026-03-01, 2026-03-01T08:30, or {spans}.") from error
    return found if found.tzinfo is not None else found.replace(tzinfo=UTC)
