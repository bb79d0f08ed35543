"""Where a rule reads its value: the name of an identity attribute, or one place of its list.

``department``, ``user_name``, ``external_id``, ``active``, ``emails[0]``, ``emails[-1]``. A place that a list does not
have is no value; an attribute with a single value is a list of one.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from worker.mapping.spec import suggest

#: What every identity has, beside its attributes.
FIXED = ("user_name", "external_id", "active", "id")
_PATH = re.compile(r"(?P<name>[^\[\]]+)(?:\[(?P<place>-?\d{1,4})\])?")


@dataclass(frozen=True, slots=True)
class SourcePath:
    """An attribute, and which of its values: None is all of them, a minus counts from the end."""

    name: str
    place: int | None = None

    def read(self, source: Mapping[str, Any]) -> Any:
        """The value in a source as rules see it; None where there is none."""
        value = source.get(self.name)
        return value if self.place is None else _at(value, self.place)

    def reader(self) -> Callable[[Mapping[str, Any]], Any]:
        """``read``, as short as it can be."""
        name = self.name
        return (lambda source: source.get(name)) if self.place is None else self.read


def parse_path(text: str) -> SourcePath:
    """Read a path. Raises ValueError that says what is wrong with it."""
    found = _PATH.fullmatch(text)
    if found is None or found["name"] != found["name"].strip():
        raise ValueError("must be the name of an attribute, or one of its values as in emails[0] and emails[-1]")
    return SourcePath(found["name"], None if found["place"] is None else int(found["place"]))


def unknown_name(path: SourcePath, known: frozenset[str]) -> str | None:
    """Why the name looks misspelt among the names that people have, with a suggestion where one is alike."""
    if path.name in known or path.name in FIXED:
        return None
    return f"nobody has an attribute {path.name!r}{suggest(path.name, sorted({*known, *FIXED}))}"


def _at(value: Any, place: int) -> Any:
    if value is None:
        return None
    values = value if isinstance(value, list) else [value]
    return values[place] if -len(values) <= place < len(values) else None
