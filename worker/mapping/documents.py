"""Reads JSON and remembers where everything stands, so that a mistake in a rule is told with its line and column.

Stricter than ``json``: a name that is given twice, NaN and Infinity are mistakes.
"""

import json
import re
from dataclasses import dataclass, field
from typing import Any, NamedTuple

MAX_DEPTH = 32

#: From the outermost value inwards: names of members, and places in lists counted from 0.
Where = tuple[str | int, ...]

_BLANK = re.compile(r"[ \t\n\r]*")
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?")
_WORDS = {"true": True, "false": False, "null": None}
_DECODER = json.JSONDecoder()
_WORD = re.compile(r"[A-Za-z]+")


class Place(NamedTuple):
    """Line and column, counted from 1."""

    line: int
    column: int


class DocumentError(ValueError):
    """A text is not JSON; the message says what is wrong, ``place`` where."""

    def __init__(self, message: str, place: Place) -> None:
        super().__init__(message)
        self.place = place


@dataclass(frozen=True, slots=True)
class Document:
    """A value, and where its parts begin."""

    value: Any
    places: dict[Where, Place]

    def place(self, where: Where) -> Place:
        """Where a part begins; of one that is not there, where the nearest part around it does."""
        while where and where not in self.places:
            where = where[:-1]
        return self.places[where]


def read_document(text: str) -> Document:
    """Read JSON. Raises DocumentError."""
    reader = _Reader(text)
    value = reader.value(())
    reader.expect_end()
    return Document(value, reader.places)


@dataclass(slots=True)
class _Reader:
    text: str
    at: int = 0
    places: dict[Where, Place] = field(default_factory=dict)

    def value(self, where: Where) -> Any:
        self.blank()
        self.places[where] = self.place(self.at)
        if len(where) > MAX_DEPTH:
            raise self.wrong(f"more than {MAX_DEPTH} values inside each other")
        match self.text[self.at : self.at + 1]:
            case "{":
                return self.members(where)
            case "[":
                return self.items(where)
            case '"':
                return self.string()
            case _:
                return self.scalar()

    def members(self, where: Where) -> dict[str, Any]:
        found: dict[str, Any] = {}
        self.at += 1
        while not self.closes("}", is_first=not found):
            start = self.at
            if self.text[start : start + 1] != '"':
                raise self.wrong("the name of a member belongs here, in double quotes")
            name = self.string()
            if name in found:
                raise DocumentError(f"{name!r} is given twice", self.place(start))
            self.blank()
            if self.text[self.at : self.at + 1] != ":":
                raise self.wrong("a colon belongs here")
            self.at += 1
            found[name] = self.value((*where, name))
        return found

    def items(self, where: Where) -> list[Any]:
        found: list[Any] = []
        self.at += 1
        while not self.closes("]", is_first=not found):
            found.append(self.value((*where, len(found))))
        return found

    def closes(self, sign: str, *, is_first: bool) -> bool:
        """Whether a list ends here; else the comma before its next part is passed."""
        self.blank()
        found = self.text[self.at : self.at + 1]
        if found == sign:
            self.at += 1
            return True
        if not is_first:
            if found != ",":
                raise self.wrong(f"a comma or {sign} belongs here")
            self.at += 1
            self.blank()
            if self.text[self.at : self.at + 1] == sign:
                raise self.wrong("nothing follows this comma: remove it")
        return False

    def string(self) -> str:
        try:
            value, self.at = _DECODER.raw_decode(self.text, self.at)
        except json.JSONDecodeError as error:
            raise DocumentError(error.msg[:1].lower() + error.msg[1:], self.place(error.pos)) from None
        return str(value)

    def scalar(self) -> Any:
        if number := _NUMBER.match(self.text, self.at):
            self.at = number.end()
            return self.number(number)
        word = _WORD.match(self.text, self.at)
        if word is None or word[0] not in _WORDS:
            raise self.wrong("a value belongs here: text in double quotes, a number, true, false, null, [ or {")
        self.at = word.end()
        return _WORDS[word[0]]

    def number(self, found: re.Match[str]) -> int | float:
        try:
            value: int | float = json.loads(found[0])
        except ValueError:
            value = float("inf")
        if value in {float("inf"), float("-inf")}:
            raise DocumentError("this number is too large", self.place(found.start()))
        return value

    def expect_end(self) -> None:
        self.blank()
        if self.at < len(self.text):
            raise self.wrong("the end belongs here")

    def blank(self) -> None:
        found = _BLANK.match(self.text, self.at)
        self.at = found.end() if found else self.at

    def place(self, at: int) -> Place:
        return Place(self.text.count("\n", 0, at) + 1, at - self.text.rfind("\n", 0, at))

    def wrong(self, message: str) -> DocumentError:
        return DocumentError(message, self.place(self.at))
