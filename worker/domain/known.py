"""Words of a kind that grows: what a later version wrote is shown as it is, and decided upon by nobody here."""

from enum import StrEnum
from typing import TypeVar

_Word = TypeVar("_Word", bound=StrEnum)


def known(kind: type[_Word], text: str) -> _Word | str:
    """The word of this kind, or the text itself when only a later version knows it."""
    return kind(text) if text in kind.__members__.values() else text
