"""A TCP proxy in front of a PostgreSQL that delays, swallows, cuts and resets, by bytes or by the server's messages.

A connection is cut by RST, as when a machine goes away; both sides see it at once.
"""

import asyncio
import contextlib
import socket
import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Self

#: Says of a message of the server (its kind and its contents) whether the connection ends before it.
Cuts = Callable[[str, bytes], bool]

_COMMITTED = b"COMMIT\0"
CHUNK = 65_536


def is_commit_reply(kind: str, body: bytes) -> bool:
    """Whether this message is what a COMMIT is answered with."""
    return kind == "C" and body == _COMMITTED


def is_change_reply(kind: str, body: bytes) -> bool:
    """Whether this message says that a row was inserted, changed or deleted."""
    return kind == "C" and body.startswith((b"INSERT 0 ", b"UPDATE ", b"DELETE ")) and not body.endswith(b" 0\0")


class Frames:
    """Cuts the server's stream into whole messages; what is incomplete waits for more."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._is_first = True

    @property
    def pending(self) -> int:
        """Bytes of a message that has not come whole."""
        return len(self._buffer)

    def feed(self, data: bytes) -> Iterator[tuple[str, bytes]]:
        """The messages that are complete by now, each with its kind, header included."""
        if self._is_first and data[:1] == b"N":  # no TLS, said in one letter and without a header
            data = data[1:]
        self._is_first = False
        self._buffer += data
        start = 0
        while len(self._buffer) - start >= 5:
            (length,) = struct.unpack_from("!I", self._buffer, start + 1)
            end = start + 1 + length
            if end > len(self._buffer):
                break
            yield chr(self._buffer[start]), bytes(self._buffer[start:end])
            start = end
        del self._buffer[:start]


@dataclass(eq=False)
class _Link:
    """One connection through the proxy."""

    client: asyncio.StreamWriter
    server: asyncio.StreamWriter
    tasks: list["asyncio.Task[None]"] = field(default_factory=list)

    def reset(self) -> None:
        for writer in (self.client, self.server):
            _reset(writer)


class Proxy:
    """Passes everything on until it is told otherwise. ``hits`` counts the connections that a fault met."""

    def __init__(self, host: str, port: int) -> None:
        self.upstream = (host, port)
        self.hits = 0
        self._links: set[_Link] = set()
        self._server: asyncio.Server | None = None
        self._cuts: Cuts | None = None
        self._cut_after: tuple[str, int] | None = None
        self._delay_s = 0.0
        self._open = asyncio.Event()
        self._open.set()

    @property
    def port(self) -> int:
        assert self._server is not None
        return int(self._server.sockets[0].getsockname()[1])

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.close()
        self.heal()
        self.reset()
        tasks = [task for link in self._links for task in link.tasks]
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._server.wait_closed()

    def heal(self) -> None:
        """Pass everything on again."""
        self._cuts = self._cut_after = None
        self._delay_s = 0.0
        self._open.set()

    def reset(self) -> int:
        """RST on every connection; how many there were."""
        links = [link for link in self._links if not link.client.is_closing()]
        for link in links:
            link.reset()
        return len(links)

    def cut_before(self, cuts: Cuts) -> None:
        """Cut the next connection whose server sends such a message, before it is passed on."""
        self._cuts = cuts

    def cut_after(self, direction: str, size: int) -> None:
        """Cut the next connection that sends something ("up" or "down"), behind this many bytes of it."""
        self._cut_after = (direction, size)

    def delay(self, seconds: float) -> None:
        """Hold every piece for so long before it is passed on."""
        self._delay_s = seconds

    def swallow(self) -> None:
        """Pass nothing on, nor any new connection; nobody is told."""
        self._open.clear()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await self._open.wait()
        try:
            up_reader, up_writer = await asyncio.open_connection(*self.upstream)
        except OSError:
            _reset(writer)
            return
        link = _Link(writer, up_writer)
        self._links.add(link)
        link.tasks = [
            asyncio.create_task(self._pump(link, reader, up_writer, "up")),
            asyncio.create_task(self._pump(link, up_reader, writer, "down")),
        ]
        try:
            await asyncio.wait(link.tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in link.tasks:
                task.cancel()
            for one in (writer, up_writer):
                one.close()
            self._links.discard(link)

    async def _pump(
        self, link: _Link, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, direction: str
    ) -> None:
        frames = Frames() if direction == "down" else None
        with contextlib.suppress(OSError):
            while data := await reader.read(CHUNK):
                await self._open.wait()
                if self._delay_s:
                    await asyncio.sleep(self._delay_s)
                passed, is_cut = self._passed(data, frames, direction)
                writer.write(passed)
                if is_cut:
                    with contextlib.suppress(OSError):
                        await writer.drain()
                    link.reset()
                    return
                await writer.drain()

    def _passed(self, data: bytes, frames: Frames | None, direction: str) -> tuple[bytes, bool]:
        """How much of this is passed on, and whether the connection ends behind it."""
        if self._cut_after is not None and self._cut_after[0] == direction:
            size = self._cut_after[1] % len(data)
            self._cut_after = None
            self.hits += 1
            return data[:size], True
        if frames is None:
            return data, False
        messages = list(frames.feed(data))
        ends_at = len(data) - frames.pending - sum(len(message) for _, message in messages)
        for kind, message in messages:
            if self._cuts is not None and self._cuts(kind, message[5:]):
                self._cuts = None
                self.hits += 1
                return data[: max(ends_at, 0)], True
            ends_at += len(message)
        return data, False


def _reset(writer: asyncio.StreamWriter) -> None:
    """Close without a farewell: whoever is at the other end gets an RST."""
    with contextlib.suppress(OSError):
        found: socket.socket | None = writer.get_extra_info("socket")
        if found is not None:
            found.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()
