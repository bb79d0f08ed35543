"""What makes an actual value out of the expected one, so that thousands of differences with one cause are one thing.

Pure. A cause says of one attribute what happened to its value; it is the same for every account to which the same
happened. It is stored as canonical JSON beside the finding, which holds the values themselves.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from hashlib import blake2b
from typing import Any

from worker.domain.redaction import is_secret

#: What is said of the values of a cause; a longer one is told by its digest alone.
LONGEST_DETAIL = 200


class CauseKind(StrEnum):
    """What happened to a value. ``detail`` of a cause is what is in parentheses."""

    #: there is none
    CLEARED = "cleared"
    #: there is one where none should be
    ADDED = "added"
    #: a number, a flag or a text in place of the other, which read alike
    TYPE = "type"
    CASE = "case"
    BLANKS = "blanks"
    PUNCTUATION = "punctuation"
    LETTERS = "letters"
    #: another part behind the @ (old > new)
    DOMAIN = "domain"
    #: the same name at another place of a directory (old > new)
    MOVED = "moved"
    #: something is put before it, or behind it (what)
    PREFIX = "prefix"
    SUFFIX = "suffix"
    #: its beginning, or its end, is missing (what)
    BEGINNING = "beginning"
    END = "end"
    #: a list lacks one value, or has one too many (which)
    LACKS = "lacks"
    HAS = "has"
    #: another list
    LIST = "list"
    #: it is the same wrong value everywhere (that value)
    REPLACED = "replaced"


@dataclass(frozen=True, slots=True)
class Cause:
    """What happened to one attribute."""

    attribute: str
    kind: CauseKind
    detail: str = ""

    @property
    def key(self) -> str:
        """As stored: the same text for the same cause."""
        return json.dumps([self.attribute, str(self.kind), self.detail], ensure_ascii=False, separators=(",", ":"))

    @property
    def id(self) -> str:
        """A short name of it, for addresses and commands."""
        return blake2b(self.key.encode("utf-8", "replace"), digest_size=8).hexdigest()

    @property
    def words(self) -> str:
        """In words, without the attribute."""
        return _WORDS[self.kind].format(self.detail)

    @classmethod
    def parse(cls, key: str) -> "Cause":
        """A cause by its key; raises ValueError for a text that is none."""
        attribute, kind, detail = json.loads(key)
        return cls(attribute, CauseKind(kind), detail)


def causes_of(attributes: Mapping[str, Mapping[str, Any]]) -> tuple[str, ...]:
    """The keys of the causes of one finding, ``{name: {"expected", "actual"}}``, sorted."""
    made = (cause_of(name, each.get("expected"), each.get("actual")) for name, each in attributes.items())
    return tuple(sorted(each.key for each in made))


def cause_of(attribute: str, expected: Any, actual: Any) -> Cause:
    """What makes ``actual`` out of ``expected``: the first thing that fits. Of secrets nothing is told."""
    kind, detail = (CauseKind.LIST, "") if is_secret(attribute) else _kind_of(expected, actual)
    return Cause(attribute, kind, _short(detail))


def _kind_of(expected: Any, actual: Any) -> tuple[CauseKind, str]:
    if _is_nothing(actual):
        return CauseKind.CLEARED, ""
    if _is_nothing(expected):
        return CauseKind.ADDED, ""
    if isinstance(expected, list) or isinstance(actual, list):
        return _of_lists(_as_list(expected), _as_list(actual))
    if isinstance(expected, str) and isinstance(actual, str):
        return _of_texts(expected, actual)
    if _spelt(expected).casefold() == _spelt(actual).casefold():
        return CauseKind.TYPE, ""
    return CauseKind.REPLACED, _spelt(actual)


def _of_texts(expected: str, actual: str) -> tuple[CauseKind, str]:
    for kind, reduced in _REDUCTIONS:
        if reduced(expected) == reduced(actual):
            return kind, ""
    for parts in (_domains, _places, _affixes):
        found = parts(expected, actual)
        if found is not None:
            return found
    return CauseKind.REPLACED, actual


def _domains(expected: str, actual: str) -> tuple[CauseKind, str] | None:
    name, at, before = expected.rpartition("@")
    other, also, after = actual.rpartition("@")
    if not (at and also and name) or name.casefold() != other.casefold():
        return None
    return CauseKind.DOMAIN, f"{before.casefold()} > {after.casefold()}"


def _places(expected: str, actual: str) -> tuple[CauseKind, str] | None:
    """Names in a directory: ``cn=a,ou=x`` against ``cn=a,ou=y``."""
    name, comma, before = expected.partition(",")
    other, also, after = actual.partition(",")
    if not (comma and also) or not all("=" in part for part in (name, before, after)):
        return None
    if name.casefold() != other.casefold():
        return None
    return CauseKind.MOVED, f"{before.strip().casefold()} > {after.strip().casefold()}"


def _affixes(expected: str, actual: str) -> tuple[CauseKind, str] | None:
    if actual.endswith(expected):
        return CauseKind.PREFIX, actual.removesuffix(expected)
    if actual.startswith(expected):
        return CauseKind.SUFFIX, actual.removeprefix(expected)
    if expected.endswith(actual):
        return CauseKind.BEGINNING, expected.removesuffix(actual)
    if expected.startswith(actual):
        return CauseKind.END, expected.removeprefix(actual)
    return None


def _of_lists(expected: list[Any], actual: list[Any]) -> tuple[CauseKind, str]:
    wanted, there = {_spelt(each) for each in expected}, {_spelt(each) for each in actual}
    lacking, beyond = wanted - there, there - wanted
    if len(lacking) == 1 and not beyond:
        return CauseKind.LACKS, lacking.pop()
    if len(beyond) == 1 and not lacking:
        return CauseKind.HAS, beyond.pop()
    return CauseKind.LIST, ""


def _is_nothing(value: Any) -> bool:
    return value is None or (isinstance(value, str | list) and not value)


def _as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _spelt(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, sort_keys=True, default=str)


def _short(detail: str) -> str:
    if len(detail) <= LONGEST_DETAIL:
        return detail
    return f"{detail[: LONGEST_DETAIL - 20]}… {blake2b(detail.encode('utf-8', 'replace'), digest_size=8).hexdigest()}"


def _without_blanks(text: str) -> str:
    return "".join(text.split())


def _letters(text: str) -> str:
    return "".join(each for each in text.casefold() if each.isalnum())


def _plain_letters(text: str) -> str:
    return "".join(each for each in text.casefold() if each.isascii() and each.isalnum())


def _if_any(reduce: Callable[[str], str]) -> Callable[[str], str]:
    """Texts of which nothing is left are not alike for that."""
    return lambda text: reduce(text) or text


_REDUCTIONS: tuple[tuple[CauseKind, Callable[[str], str]], ...] = (
    (CauseKind.CASE, str.casefold),
    (CauseKind.BLANKS, _if_any(_without_blanks)),
    (CauseKind.PUNCTUATION, _if_any(_letters)),
    (CauseKind.LETTERS, _if_any(_plain_letters)),
)

_WORDS: dict[CauseKind, str] = {
    CauseKind.CLEARED: "there is no value",
    CauseKind.ADDED: "there is a value where none should be",
    CauseKind.TYPE: "it is of another type",
    CauseKind.CASE: "upper and lower case differ",
    CauseKind.BLANKS: "blanks differ",
    CauseKind.PUNCTUATION: "signs other than letters and digits differ",
    CauseKind.LETTERS: "letters beyond ASCII differ",
    CauseKind.DOMAIN: "the domain is another: {}",
    CauseKind.MOVED: "it is at another place: {}",
    CauseKind.PREFIX: "{!r} is put before it",
    CauseKind.SUFFIX: "{!r} is put behind it",
    CauseKind.BEGINNING: "the beginning {!r} is missing",
    CauseKind.END: "the end {!r} is missing",
    CauseKind.LACKS: "{!r} is not among the values",
    CauseKind.HAS: "{!r} is among the values and should not be",
    CauseKind.LIST: "other values",
    CauseKind.REPLACED: "it is {!r}",
}
