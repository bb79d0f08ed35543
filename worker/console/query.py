"""The query string of a list and its filter: read strictly, written without empty parameters. Pure."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import TypeVar
from urllib.parse import urlencode
from uuid import UUID

from worker.domain.errors import InvalidRequest

T = TypeVar("T")
E = TypeVar("E", bound=StrEnum)


class BadQuery(InvalidRequest):
    """The address of this page holds a value that is not known."""


@dataclass(frozen=True, slots=True)
class Query:
    """The parameters of one request; each reader raises ``BadQuery`` naming the parameter that cannot be read."""

    values: Mapping[str, str]

    def text(self, name: str, *, longest: int = 200) -> str | None:
        """A trimmed text, or None when empty."""
        found = self.values.get(name, "").strip()
        if len(found) > longest:
            raise BadQuery(f"“{name}” is longer than {longest} characters.")
        return found or None

    def uuid(self, name: str) -> UUID | None:
        return self._read(name, UUID)

    def moment(self, name: str) -> datetime | None:
        return self._read(name, _moment)

    def flag(self, name: str) -> bool | None:
        return self._read(name, {"true": True, "false": False}.__getitem__)

    def number(self, name: str, *, least: int, most: int) -> int | None:
        found = self._read(name, int)
        if found is not None and not least <= found <= most:
            raise BadQuery(f"“{name}” must lie between {least} and {most}.")
        return found

    def one_of(self, name: str, kind: type[E]) -> E | None:
        return self._read(name, kind)

    def word(self, name: str, allowed: Iterable[str]) -> str | None:
        return self._read(name, {word: word for word in allowed}.__getitem__)

    def only(self, *names: str) -> "Query":
        """This query, when it has no parameter but these."""
        unknown = sorted(set(self.values) - set(names))
        if unknown:
            raise BadQuery(f"“{unknown[0]}” is not a filter of this page.")
        return self

    def _read(self, name: str, read: Callable[[str], T]) -> T | None:
        found = self.text(name)
        if found is None:
            return None
        try:
            return read(found)
        except (ValueError, KeyError) as error:
            raise BadQuery(f"“{name}” cannot be “{found[:60]}”.") from error


def address(path: str, values: Mapping[str, object | None]) -> str:
    """A path with the parameters that are set."""
    present = {name: _written(value) for name, value in values.items() if value is not None and value != ""}
    return f"{path}?{urlencode(present)}" if present else path


def local_path(value: str | None, *, default: str) -> str:
    """A path of this site, or the default: never another host."""
    is_local = bool(value) and value is not None and value.startswith("/") and value[1:2] not in {"/", "\\"}
    return value if is_local and value is not None and value.isprintable() else default


def _moment(text: str) -> datetime:
    found = datetime.fromisoformat(text)
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _written(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime):
        return value.isoformat().replace("+00:00", "Z")
    return str(value)
