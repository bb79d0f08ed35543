"""Very many rows of one column, as a binary COPY has them: not fetched one by one, and several processes may read."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from worker.store.pool import Connection
from worker.store.sql import Query

#: How long such a statement may take; ``be_patient`` of the statement's file says the same to the server.
WITHIN_S = 600.0
#: What is around the rows: signature, flags and the length of no extension; and the mark of the end.
_HEAD, _END = 19, 2
#: A row of one id: the number of columns, the size of the only one, the id.
_ID_ROW = 22


@dataclass(frozen=True, slots=True)
class PackedIds:
    """Ids as they were copied, 22 bytes each."""

    rows: bytes

    def pieces(self, size: int) -> Iterator[list[UUID]]:
        """All of them, so many at a time."""
        step = _ID_ROW * size
        for at in range(0, len(self.rows), step):
            some = self.rows[at : at + step]
            yield [UUID(bytes=some[end - 16 : end]) for end in range(_ID_ROW, len(some) + 1, _ID_ROW)]


async def copied(conn: Connection, query: Query, arguments: dict[str, Any]) -> bytes:
    """The rows of a statement, without what is around them."""
    rows = bytearray()

    async def keep(some: bytes) -> None:
        rows.extend(some)

    await conn.copy_from_query(query.text, *query.arguments(arguments), output=keep, format="binary", timeout=WITHIN_S)
    return bytes(memoryview(rows)[_HEAD:-_END])
