"""A network that swallows everything: who waits for the database is told within a bound, and then it goes on."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit, urlunsplit
from uuid import UUID

import pytest

from tests.conftest import Database
from worker.domain.errors import SurroundingsError
from worker.store.pool import DatabaseGone, Pool, open_pool
from worker.store.tenant import tenant

BOUND_S = 2.0
#: A statement, undoing it, and letting go of the connection: a multiple of the bound, on a machine with other work.
PATIENCE_S = 30 * BOUND_S


@dataclass
class Line:
    """A relay to the server; while ``is_open`` is not set, whatever comes is kept and nothing is passed on."""

    dsn: str
    is_open: asyncio.Event = field(default_factory=asyncio.Event)


async def _pass_on(line: Line, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while data := await reader.read(65536):
            await line.is_open.wait()
            writer.write(data)
            await writer.drain()
    except ConnectionError:
        pass
    finally:
        writer.close()


@asynccontextmanager
async def a_line(dsn: str) -> AsyncIterator[Line]:
    parts = urlsplit(dsn)
    relays: set[asyncio.Task[Any]] = set()

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_connection(parts.hostname, parts.port)
        for one in (_pass_on(line, reader, back), _pass_on(line, there, writer)):
            relays.add(asyncio.create_task(one))

    server = await asyncio.start_server(connected, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    login = parts.netloc.rpartition("@")[0]
    line = Line(urlunsplit(parts._replace(netloc=f"{login}@127.0.0.1:{port}")))
    line.is_open.set()
    try:
        yield line
    finally:
        server.close()
        for relay in relays:
            relay.cancel()
        await asyncio.gather(*relays, return_exceptions=True)


@pytest.fixture
async def line(database: Database) -> AsyncIterator[Line]:
    async with a_line(database.daemon_dsn) as found:
        yield found


@pytest.fixture
async def pool(line: Line, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Pool]:
    monkeypatch.setattr("worker.store.pool.STATEMENT_TIMEOUT_S", BOUND_S)
    monkeypatch.setattr("worker.store.pool.CONNECT_TIMEOUT_S", BOUND_S)
    monkeypatch.setattr("worker.store.tenant.ROLLBACK_S", BOUND_S)
    monkeypatch.setattr("worker.store.server.CONNECT_TIMEOUT_S", PATIENCE_S)
    opened = await open_pool(line.dsn, size=2)
    yield opened
    opened.terminate()


async def before_it_begins(line: Line, pool: Pool, tenant_id: UUID) -> None:
    line.is_open.clear()
    async with tenant(pool, tenant_id) as conn:
        await conn.fetchval("SELECT 1")


async def within_it(line: Line, pool: Pool, tenant_id: UUID) -> None:
    async with tenant(pool, tenant_id) as conn:
        await conn.fetchval("SELECT 1")
        line.is_open.clear()
        await conn.fetchval("SELECT count(*) FROM operations")


async def at_its_end(line: Line, pool: Pool, tenant_id: UUID) -> None:
    async with tenant(pool, tenant_id):
        line.is_open.clear()


async def outside_of_any(line: Line, pool: Pool, _: UUID) -> None:
    async with pool.acquire() as conn:
        line.is_open.clear()
        await conn.fetchval("SELECT 1")


@pytest.mark.parametrize("moment", [before_it_begins, within_it, at_its_end, outside_of_any])
async def test_a_swallowed_answer_is_an_error_and_the_pool_recovers(
    line: Line, pool: Pool, tenant_id: UUID, moment: Callable[[Line, Pool, UUID], Awaitable[None]]
) -> None:
    async with asyncio.timeout(PATIENCE_S):
        with pytest.raises(DatabaseGone):
            await moment(line, pool, tenant_id)

    line.is_open.set()
    answers = []
    for _ in range(3):
        async with tenant(pool, tenant_id) as conn:
            answers.append(await conn.fetchval("SELECT current_setting('app.tenant_id')"))
    assert answers == [str(tenant_id)] * 3
    assert pool.get_size() <= 2


async def test_who_connects_into_nothing_is_told(line: Line, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("worker.store.server.CONNECT_TIMEOUT_S", BOUND_S)
    line.is_open.clear()

    async with asyncio.timeout(PATIENCE_S):
        with pytest.raises(SurroundingsError, match="cannot be reached"):
            await open_pool(line.dsn, size=1)
