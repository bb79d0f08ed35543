"""Stands between a daemon and its database and counts the statements that pass; changes nothing."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from urllib.parse import urlsplit, urlunsplit

CHUNK = 1 << 16
#: The first message of a connection has no kind, only a length; so have the wishes for encryption that come before it.
_WISHES = {80877103, 80877104}
#: A simple query, and the execution of a prepared statement.
_STATEMENTS = b"QE"


@dataclass(slots=True)
class Wire:
    """Where the daemon finds the database, and how many statements it has sent."""

    dsn: str = ""
    statements: int = 0


class Messages:
    """Cuts what a client sends into messages of the protocol; pure. ``feed`` counts the statements that begin in it."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._has_started = False

    def feed(self, data: bytes) -> int:
        self._buffer += data
        found = 0
        while (length := self._next()) is not None:
            if self._has_started:
                found += self._buffer[0] in _STATEMENTS
            else:
                self._has_started = int.from_bytes(self._buffer[4:8]) not in _WISHES
            del self._buffer[:length]
        return found

    def _next(self) -> int | None:
        """The bytes of the first message, if all of it is there."""
        head = 1 if self._has_started else 0
        if len(self._buffer) < head + 4:
            return None
        length = head + int.from_bytes(self._buffer[head : head + 4])
        return length if len(self._buffer) >= length else None


@asynccontextmanager
async def counted(dsn: str) -> AsyncIterator[Wire]:
    """A door on a port of its own, open until the end."""
    parts = urlsplit(dsn)
    wire = Wire()
    lines: set[asyncio.Task[None]] = set()

    async def meet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        if task is not None:
            lines.add(task)
            task.add_done_callback(lines.discard)
        server_reader, server_writer = await asyncio.open_connection(parts.hostname, parts.port)
        messages = Messages()

        def count(data: bytes) -> None:
            wire.statements += messages.feed(data)

        await asyncio.gather(_pass(reader, server_writer, count), _pass(server_reader, writer, lambda _: None))

    door = await asyncio.start_server(meet, "127.0.0.1", 0)
    port = door.sockets[0].getsockname()[1]
    user = f"{parts.username}:{parts.password}"
    wire.dsn = urlunsplit((parts.scheme, f"{user}@127.0.0.1:{port}", parts.path, parts.query, ""))
    try:
        yield wire
    finally:
        door.close()
        for line in list(lines):
            line.cancel()
        await asyncio.gather(*lines, return_exceptions=True)


async def _pass(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, note: Callable[[bytes], None]) -> None:
    try:
        while data := await reader.read(CHUNK):
            note(data)
            writer.write(data)
            await writer.drain()
    except ConnectionError:
        pass
    finally:
        writer.close()
