"""A TCP relay in front of a real server: what a network can do to a connector, at will."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from enum import StrEnum


class Mode(StrEnum):
    OPEN = "open"
    LOSE_REPLIES = "lose replies"  # the request arrives; the connection ends with the first byte of the answer
    STALL = "stall"  # the request arrives; the answer never does


class Gate:
    """Listens on ``port`` and relays to the server, unless told otherwise; new modes hold for open connections too."""

    def __init__(self, host: str, port: int) -> None:
        self._upstream = host, port
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()
        self.mode = Mode.OPEN
        self.port = 0

    async def open(self) -> None:
        self.mode = Mode.OPEN
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def cut(self) -> None:
        """Refuse new connections and break the open ones, as a server that is stopped does."""
        if self._server is not None:
            self._server.close()
            self._server = None
        for writer in list(self._writers):
            writer.transport.abort()
        await asyncio.sleep(0)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            upstream_reader, upstream = await asyncio.open_connection(*self._upstream)
        except OSError:
            writer.transport.abort()
            return
        self._writers |= {writer, upstream}
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._pump(reader, upstream, replies=False))
                group.create_task(self._pump(upstream_reader, writer, replies=True))
        finally:
            for one in (writer, upstream):
                self._writers.discard(one)
                one.transport.abort()

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, replies: bool) -> None:
        with suppress(ConnectionError):
            while data := await reader.read(65536):
                if replies and self.mode is Mode.LOSE_REPLIES:
                    break
                if replies and self.mode is Mode.STALL:
                    continue
                writer.write(data)
                await writer.drain()
        for one in list(self._writers):
            if one is writer:
                one.transport.abort()


@asynccontextmanager
async def gate_to(host: str, port: int) -> AsyncIterator[Gate]:
    gate = Gate(host, port)
    await gate.open()
    try:
        yield gate
    finally:
        await gate.cut()
