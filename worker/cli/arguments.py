"""Words of the command line as values; what cannot be read is an InvalidRequest that says what can."""

from collections.abc import Iterable
from enum import StrEnum
from typing import TypeVar
from uuid import UUID

from worker.domain.errors import InvalidRequest

_Word = TypeVar("_Word", bound=StrEnum)


def id_of(text: str) -> UUID:
    """An id as it was copied from a list."""
    try:
        return UUID(text)
    except ValueError as error:
        raise InvalidRequest(f"{text} is not an id.") from error


def word_of(kind: type[_Word], text: str, *, noun: str) -> _Word:
    """One of a kind's words; ``noun`` is what a person calls it."""
    try:
        return kind(text)
    except ValueError as error:
        raise InvalidRequest(f"{text} is not a {noun}; there are {', '.join(kind)}.") from error


def words_of(kind: type[_Word], texts: Iterable[str], *, noun: str) -> frozenset[_Word]:
    """Several of them."""
    return frozenset(word_of(kind, text, noun=noun) for text in texts)
