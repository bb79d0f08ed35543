"""Named SQL: statements live in ``NAME.sql`` beside the module that runs them.

A statement starts at a line ``-- name: NAME``; comments that follow belong to it, and a ``-- moves: a -> b, c -> d``
line names every state move it makes. Parameters are written ``:name`` and become ``$n`` in order of appearance. What
several statements of a file share is written once, under ``-- part: NAME``, and stands where they say ``{NAME}``; a
part may say so of the parts before it.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

import asyncpg

from worker.store.pool import Connection, Document

Record = asyncpg.Record

_NAME = re.compile(r"^-- (name|part): (\w+)\s*$", re.MULTILINE)
_PART = re.compile(r"\{(\w+)\}")
_PARAMETER = re.compile(r"(?<![:\w]):([a-z_][a-z0-9_]*)")
_DOCUMENTS = re.compile(r"(?<![:\w]):([a-z_][a-z0-9_]*)::jsonb\[\]")
_COMMENT = re.compile(r"^\s*--.*$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Query:
    """One named statement: ``text`` with ``$n`` places, and the names of those places in order."""

    name: str
    text: str
    parameters: tuple[str, ...]
    comment: str
    #: parameters that are arrays of JSON values
    documents: frozenset[str] = frozenset()

    def arguments(self, values: dict[str, Any]) -> list[Any]:
        """The values in the order of the places; a name too many or too few is an error."""
        if values.keys() != set(self.parameters):
            raise TypeError(f"{self.name} wants {sorted(set(self.parameters))}, got {sorted(values)}")
        return [_as_documents(values[name]) if name in self.documents else values[name] for name in self.parameters]

    async def rows(self, conn: Connection, **values: Any) -> list[Record]:
        """Run it and return all rows."""
        found: list[Record] = await conn.fetch(self.text, *self.arguments(values))
        return found

    async def row(self, conn: Connection, **values: Any) -> Record | None:
        """Run it and return the first row, or None."""
        return await conn.fetchrow(self.text, *self.arguments(values))

    async def value(self, conn: Connection, **values: Any) -> Any:
        """Run it and return the first column of the first row, or None."""
        return await conn.fetchval(self.text, *self.arguments(values))

    async def run(self, conn: Connection, **values: Any) -> int:
        """Run it and return the number of rows it touched."""
        status: str = await conn.execute(self.text, *self.arguments(values))
        count = status.rpartition(" ")[2]
        return int(count) if count.isdigit() else 0


class Queries:
    """The statements of one file, as attributes."""

    def __init__(self, queries: dict[str, Query]) -> None:
        self._queries = queries

    def __getattr__(self, name: str) -> Query:
        try:
            return self._queries[name]
        except KeyError:
            raise AttributeError(f"no statement is named {name}") from None

    def __iter__(self) -> Iterator[Query]:
        return iter(self._queries.values())


@cache
def load(noun: str) -> Queries:
    """Read ``NOUN.sql`` beside this module."""
    return parse(resources.files("worker.store").joinpath(f"{noun}.sql").read_text(encoding="utf-8"))


def parse(text: str) -> Queries:
    """Split the text of a file into its statements."""
    starts = list(_NAME.finditer(text))
    ends = [m.start() for m in starts[1:]] + [len(text)]
    found = [(m[1], m[2], text[m.end() : end].strip()) for m, end in zip(starts, ends, strict=True)]
    parts: dict[str, str] = {}
    for kind, name, body in found:
        if kind == "part":
            parts[name] = _filled(_COMMENT.sub("", body).strip(), parts)
    return Queries({name: _query(name, body, parts) for kind, name, body in found if kind == "name"})


def _query(name: str, body: str, parts: Mapping[str, str]) -> Query:
    comment = "\n".join(line.strip() for line in body.splitlines() if line.lstrip().startswith("--"))
    statement = _COMMENT.sub("", body).strip().rstrip(";")
    statement = _filled(statement, parts)
    order: list[str] = []

    def place(found: re.Match[str]) -> str:
        if found[1] not in order:
            order.append(found[1])
        return f"${order.index(found[1]) + 1}"

    documents = frozenset(_DOCUMENTS.findall(statement))
    return Query(name, _PARAMETER.sub(place, statement), tuple(order), comment, documents)


def _filled(text: str, parts: Mapping[str, str]) -> str:
    """With the parts in it; a word in braces that names none is left as it is, for it may stand in a text."""
    return _PART.sub(lambda found: parts.get(found[1], found[0]), text)


def _as_documents(values: list[Any]) -> list[Any]:
    """Keep a JSON list from being taken for another dimension of the array that holds it."""
    return [Document(value) if isinstance(value, list | tuple) else value for value in values]
