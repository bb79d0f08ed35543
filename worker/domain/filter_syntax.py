"""The language of SCIM filters (RFC 7644, figure 1): its tree, and text to a tree and back.

``str()`` of a tree is a filter again, and parsing it gives the same tree. Beside the RFC: a schema URN before a name is
dropped, ``userName`` and ``externalId`` become our ``user_name`` and ``external_id``, and names may have any letters.
"""

import json
import re
from dataclasses import dataclass
from difflib import get_close_matches
from enum import StrEnum
from math import isfinite
from typing import NamedTuple

from worker.domain.errors import InvalidFilter
from worker.domain.storable import is_storable

Scalar = str | int | float | bool | None


class Operator(StrEnum):
    EQ = "eq"
    NE = "ne"
    CO = "co"
    SW = "sw"
    EW = "ew"
    GT = "gt"
    GE = "ge"
    LT = "lt"
    LE = "le"


TEXT_OPERATORS = frozenset({Operator.CO, Operator.SW, Operator.EW})
ORDER_OPERATORS = frozenset({Operator.GT, Operator.GE, Operator.LT, Operator.LE})


@dataclass(frozen=True, slots=True)
class Present:
    """``name pr``: the attribute has a value."""

    name: str

    def __str__(self) -> str:
        return f"{self.name} pr"


@dataclass(frozen=True, slots=True)
class Compare:
    """``name operator value``."""

    name: str
    operator: Operator
    value: Scalar

    def __str__(self) -> str:
        return f"{self.name} {self.operator} {json.dumps(self.value, ensure_ascii=False)}"


@dataclass(frozen=True, slots=True)
class Not:
    """``not (operand)``."""

    operand: "Filter"

    def __str__(self) -> str:
        return f"not ({self.operand})"


@dataclass(frozen=True, slots=True)
class And:
    """All of two or more terms."""

    terms: tuple["Filter", ...]

    def __str__(self) -> str:
        return " and ".join(f"({term})" if isinstance(term, And | Or) else str(term) for term in self.terms)


@dataclass(frozen=True, slots=True)
class Or:
    """One of two or more terms."""

    terms: tuple["Filter", ...]

    def __str__(self) -> str:
        return " or ".join(f"({term})" if isinstance(term, Or) else str(term) for term in self.terms)


Filter = Present | Compare | Not | And | Or


MAX_LENGTH = 10_000
MAX_DEPTH = 40


def parse(text: str) -> Filter:
    """Read a filter; InvalidFilter tells the column and, where it can, what was meant."""
    if len(text) > MAX_LENGTH:
        raise InvalidFilter(f"the filter is longer than {MAX_LENGTH} characters", column=MAX_LENGTH + 1)
    return _Parser(_tokens(text)).whole()


class _Token(NamedTuple):
    kind: str
    text: str
    column: int

    def __str__(self) -> str:
        return "the end" if self.kind == "end" else f"'{self.text}'"


_TOKEN = re.compile(
    r"""(?P<blank>\s+)
      | (?P<text>"(?:[^"\\]|\\.)*")
      | (?P<number>-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?(?![\w.:-]))
      | (?P<word>[^\W\d][\w$:.-]*)
      | (?P<sign>[()\[\]])
      | (?P<foreign>[=<>!&|]+|'[^']*'?|[^\s()\[\]"]+|.)""",
    re.VERBOSE | re.DOTALL,
)

_WORDS = {"true": True, "false": False, "null": None}
_NAMES = {"username": "user_name", "externalid": "external_id"}
_MEANT = {
    "=": "eq", "==": "eq", "!=": "ne", "<>": "ne", ">": "gt", ">=": "ge", "<": "lt", "<=": "le",
    "&&": "and", "&": "and", "||": "or", "|": "or", "!": "not (...)",
    "equals": "eq", "is": "eq", "neq": "ne", "like": "co", "contains": "co", "has": "co", "in": "co",
    "startswith": "sw", "starts": "sw", "endswith": "ew", "ends": "ew", "present": "pr", "exists": "pr",
    "gte": "ge", "lte": "le",
}  # fmt: skip


def _tokens(text: str) -> list[_Token]:
    found = [
        _Token(match.lastgroup or "", match[0], match.start() + 1)
        for match in _TOKEN.finditer(text)
        if match.lastgroup != "blank"
    ]
    return [*found, _Token("end", "", len(text) + 1)]


class _Parser:
    """Recursive descent, loosest first: or, and, then one term."""

    def __init__(self, tokens: list[_Token]) -> None:
        self._tokens = tokens
        self._next = 0
        self._depth = 0

    def whole(self) -> Filter:
        found = self._or()
        if self._peek().kind != "end":
            raise _after_term(self._peek())
        return found

    def _peek(self) -> _Token:
        return self._tokens[self._next]

    def _take(self) -> _Token:
        token = self._peek()
        self._next = min(self._next + 1, len(self._tokens) - 1)  # the end is never passed
        return token

    def _take_word(self, word: str) -> bool:
        token = self._peek()
        if is_it := token.kind == "word" and token.text.lower() == word:
            self._next += 1
        return is_it

    def _or(self) -> Filter:
        terms = [self._and()]
        while self._take_word("or"):
            terms.append(self._and())
        return terms[0] if len(terms) == 1 else Or(tuple(terms))

    def _and(self) -> Filter:
        terms = [self._term()]
        while self._take_word("and"):
            terms.append(self._term())
        return terms[0] if len(terms) == 1 else And(tuple(terms))

    def _term(self) -> Filter:
        if self._take_word("not"):
            if self._peek().text != "(":
                raise _wrong(self._peek(), "'not' is followed by", 'write: not (department eq "Sales")')
            return Not(self._group())
        return self._group() if self._peek().text == "(" else self._attribute()

    def _group(self) -> Filter:
        opening = self._take()
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise InvalidFilter(f"more than {MAX_DEPTH} parentheses inside each other", column=opening.column)
        found = self._or()
        if self._peek().text != ")":
            if self._peek().kind == "end":
                raise InvalidFilter("this parenthesis is never closed", column=opening.column, suggestion="add a )")
            raise _after_term(self._peek())
        self._take()
        self._depth -= 1
        return found

    def _attribute(self) -> Filter:
        token = self._take()
        if token.kind != "word" or token.text.lower() in {"and", "or"}:
            raise _wrong(token, "an attribute name belongs here, not", _MEANT.get(token.text))
        name = token.text.rpartition(":")[2] if token.text.lower().startswith("urn:") else token.text
        name = _NAMES.get(name.lower(), name)
        operator = self._take()
        if operator.text == "[":
            raise _wrong(operator, "value paths cannot be used, attributes are flat:", f'{name} co "..."')
        if operator.text.lower() == "pr":
            return Present(name)
        return _compare(name, operator, self._take())


def _compare(name: str, token: _Token, value: _Token) -> Compare:
    try:
        operator = Operator(token.text.lower())
    except ValueError:
        close = get_close_matches(token.text.lower(), [*Operator, "pr"], n=1)
        meant = _MEANT.get(token.text.lower()) or (close[0] if close else None)
        raise _wrong(token, f"an operator ({', '.join(Operator)} or pr) belongs here, not", meant) from None
    literal = _literal(value)
    if operator in TEXT_OPERATORS and not isinstance(literal, str):
        raise _wrong(value, f"'{operator}' compares text, which is quoted, not", f'"{value.text}"')
    if operator in ORDER_OPERATORS and (literal is None or isinstance(literal, bool)):
        raise _wrong(value, f"'{operator}' needs an order, there is none in", "eq or ne")
    return Compare(name, operator, literal)


def _literal(token: _Token) -> Scalar:
    if token.kind in {"text", "number"}:
        return _json(token)
    if token.kind == "word" and token.text.lower() in _WORDS:
        return _WORDS[token.text.lower()]
    if token.text == '"':
        raise InvalidFilter("this text is never closed", column=token.column, suggestion='add a "')
    is_value = token.kind in {"word", "foreign"} and token.text not in _MEANT
    quoted = json.dumps(token.text.strip("'"), ensure_ascii=False)
    raise _wrong(token, "a value belongs here (text is in double quotes), not", quoted if is_value else None)


def _json(token: _Token) -> str | int | float:
    try:
        found: str | int | float = json.loads(token.text, strict=False)
    except ValueError:
        raise _wrong(token, "this is not a value as JSON writes it:") from None
    if isinstance(found, float) and not isfinite(found):
        raise _wrong(token, "this number is too large:")
    if not is_storable(found):
        raise _wrong(token, "no stored value can be compared with")
    return found


def _after_term(token: _Token) -> InvalidFilter:
    if token.text == ")":
        return InvalidFilter("this parenthesis closes nothing", column=token.column, suggestion="remove it")
    close = get_close_matches(token.text.lower(), ["and", "or"], n=1)
    return _wrong(
        token, "'and', 'or' or the end belongs here, not", _MEANT.get(token.text) or (close[0] if close else None)
    )


def _wrong(token: _Token, what: str, meant: str | None = None) -> InvalidFilter:
    return InvalidFilter(f"{what} {token}", column=token.column, suggestion=meant)
