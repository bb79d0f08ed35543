"""A target whose listing lies in a file, one page of JSON a line: what it costs to decode is part of every figure.

{"id": "u1", "active": true, "attrs": {…}}      an account; a page is a list of them, keys in no fixed order
"""

import asyncio
from pathlib import Path
from typing import Any, BinaryIO, ClassVar, Self

from pydantic_core import from_json

from tests.fakes import NoSettings
from worker.connectors import AttributeSchema, Change, Changes, ObjectSchema, Page, Span
from worker.domain.account import TargetAccount

ATTRIBUTES = (
    "user_name", "given_name", "family_name", "display_name", "mail", "employee_number",
    "department", "title", "phone", "location", "cost_center", "groups",
)  # fmt: skip


class Streamed:
    """Shows what is in the file, as its listing or as what has changed there since a full run.

    ``page_s``: how long it takes over a page.
    """

    Settings: ClassVar[type[Any]] = NoSettings
    secrets: ClassVar[dict[str, str]] = {}
    type: ClassVar[str] = "streamed"

    def __init__(self, listing: Path, *, total: int, gone: frozenset[str], page_s: float = 0.0) -> None:
        self._page_s = page_s
        self._listing = listing
        self._total = total
        self._gone = gone
        self._file: BinaryIO | None = None

    async def __aenter__(self) -> Self:
        self._file = self._listing.open("rb", buffering=1 << 20)
        return self

    async def __aexit__(self, *_details: object) -> None:
        if self._file is not None:
            self._file.close()

    async def test_connection(self) -> str:
        return "It is a file."

    async def schema(self, object_class: str) -> ObjectSchema:
        return ObjectSchema(object_class, "user_name", tuple(AttributeSchema(name) for name in ATTRIBUTES))

    async def search(self, object_class: str, *, token: str | None, page_size: int) -> Page:
        """The page at the offset that the token names."""
        return await self.search_within(object_class, Span(), token=token, page_size=page_size)

    async def search_within(self, object_class: str, span: Span, *, token: str | None, page_size: int) -> Page:
        """The same, up to an offset."""
        del object_class, page_size
        if self._page_s:
            await asyncio.sleep(self._page_s)
        file, start = self._opened, int(token or span.after or 0)
        file.seek(start)
        page = tuple(accounts_of(file.readline()))
        end = file.tell()
        is_last = not file.peek(1) if span.upto is None else end >= int(span.upto)
        return Page(page, None if is_last else str(end), is_last, None if start else self._total)

    async def marks(self, object_class: str, *, count: int) -> list[str]:
        """Offsets of pages."""
        del object_class
        file, size, found = self._opened, self._listing.stat().st_size, []
        for at in range(1, count):
            file.seek(size * at // count)
            file.readline()
            found.append(file.tell())
        return [str(each) for each in sorted(set(found)) if each < size]

    @property
    def _opened(self) -> BinaryIO:
        if self._file is None:
            raise RuntimeError("it is not open")
        return self._file

    async def get(self, object_class: str, uid: str) -> TargetAccount | None:
        """Only what has left is asked for."""
        if uid not in self._gone:
            raise RuntimeError(f"{uid} is in the listing")
        return None

    async def find(self, object_class: str, attribute: str, value: str) -> list[TargetAccount]:
        raise RuntimeError("nobody looks for one here")

    async def sync(self, object_class: str, *, token: str | None) -> Changes:
        if token is None:
            return Changes((), "0")
        page = await self.search(object_class, token=token, page_size=0)
        changes = tuple(Change(each.uid, each) for each in page.accounts)
        return Changes(changes, page.next_token or token, page.is_last)


def accounts_of(line: bytes) -> list[TargetAccount]:
    """One page decoded."""
    return [TargetAccount(each["id"], each["attrs"], each["active"]) for each in from_json(line, cache_strings="keys")]
