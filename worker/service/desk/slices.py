"""Slices of newest-first lists: cursors in, cursors out. Pure."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar
from uuid import UUID

from worker.console import Cursors, Slice
from worker.domain.errors import InvalidRequest
from worker.store.sql import Record

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Ends:
    """Where a slice begins: in front of (``before``) or behind (``after``) an id; ``limit`` has one row to spare."""

    before: UUID | None
    after: UUID | None
    limit: int


def ends_of(part: Slice) -> Ends:
    """The place that a slice's cursors name; raises InvalidRequest for a cursor that is none of ours."""
    return Ends(read(part.older, UUID), read(part.newer, UUID) if part.older is None else None, part.limit + 1)


def read(cursor: str | None, kind: Callable[[str], T]) -> T | None:
    """The place in a cursor."""
    if cursor is None:
        return None
    try:
        return kind(cursor)
    except ValueError as error:
        raise InvalidRequest("This page of the list cannot be found; begin again.") from error


def cut(
    rows: Sequence[Record], part: Slice, *, place: Callable[[Record], Any] = lambda row: row["id"]
) -> tuple[Sequence[Record], Cursors]:
    """The rows of the slice without the one to spare, and the cursors to its neighbours."""
    has_spare = len(rows) > part.limit
    if part.older is None and part.newer is not None:
        shown = rows[-part.limit :]
        has_newer, has_older = has_spare, True
    else:
        shown = rows[: part.limit]
        has_newer, has_older = part.older is not None, has_spare
    if not shown:
        return shown, Cursors()
    return shown, Cursors(
        older=str(place(shown[-1])) if has_older else None, newer=str(place(shown[0])) if has_newer else None
    )
