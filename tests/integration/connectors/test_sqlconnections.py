"""Connections are lent again as long as they work, and never more at once than allowed."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
import pytest
import sqlalchemy as sa
from sqlalchemy.engine import make_url
from sqlalchemy.ext.asyncio import create_async_engine

from tests.waiting import eventually
from worker.connectors.builtin.sql import FAILURES
from worker.connectors.builtin.sqlconnections import Connections
from worker.domain.errors import TargetBusy


def made(dsn: str, *, limit: int = 2, wait_s: float = 5.0) -> Connections:
    engine = create_async_engine(make_url(dsn).set(drivername="postgresql+asyncpg"), poolclass=sa.NullPool)
    return Connections(engine, limit=limit, wait_s=wait_s)


@pytest.fixture
async def connections(empty_database: Any) -> AsyncIterator[Connections]:
    opened = made(empty_database.owner_dsn)
    yield opened
    await opened.aclose()


async def pid(connections: Connections) -> int:
    """The server's process behind the connection that is lent next."""
    connection = await connections.take()
    try:
        return int(await connection.fetchval("SELECT pg_backend_pid()"))
    finally:
        connections.give_back(connection)


async def test_the_one_used_last_is_lent_again(connections: Connections) -> None:
    first, second = await connections.take(), await connections.take()
    connections.give_back(second)
    connections.give_back(first)

    again = await connections.take()
    connections.give_back(again)

    assert again is first


@pytest.mark.parametrize("by_server", [True, False], ids=["ended by the server", "closed on purpose"])
async def test_what_was_closed_is_lent_to_nobody(
    connections: Connections, empty_database: Any, by_server: bool
) -> None:
    connection = await connections.take()
    before = await connection.fetchval("SELECT pg_backend_pid()")
    if by_server:
        connections.give_back(connection)
        admin = await asyncpg.connect(empty_database.admin_dsn)
        await admin.execute("SELECT pg_terminate_backend($1, 5000)", before)
        await admin.close()
        await eventually(connection.is_closed)
    else:
        connection.terminate()
        connections.give_back(connection)

    assert await pid(connections) != before


async def test_who_finds_all_lent_is_told_so_in_time_and_gets_the_next_that_is_free(empty_database: Any) -> None:
    connections = made(empty_database.owner_dsn, limit=1, wait_s=0.05)
    lent = await connections.take()

    with pytest.raises(TargetBusy, match="in use"):
        await connections.take()

    connections.give_back(lent)
    assert await connections.take() is lent
    connections.give_back(lent)
    await connections.aclose()


async def test_a_connection_that_does_not_open_takes_up_no_place(unused_tcp_port: int) -> None:
    connections = made(f"postgresql://a@127.0.0.1:{unused_tcp_port}/x", limit=1, wait_s=0.05)

    for _ in range(2):
        with pytest.raises(OSError):
            await connections.take()

    await connections.aclose()


async def test_at_the_end_all_are_closed_those_that_are_lent_when_they_come_back(empty_database: Any) -> None:
    connections = made(empty_database.owner_dsn)
    lent, idle = await connections.take(), await connections.take()
    connections.give_back(idle)

    await connections.aclose()

    assert (idle.is_closed(), lent.is_closed()) == (True, False)
    connections.give_back(lent)
    assert lent.is_closed()


@asynccontextmanager
async def cut_after(dsn: str, count: int) -> AsyncIterator[str]:
    """The same server behind a door that closes when so many bytes of its answers have passed."""
    url = make_url(dsn)

    async def meet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        theirs, ours = await asyncio.open_connection(url.host, url.port)
        sending = asyncio.create_task(_pass_on(reader, ours, 1 << 30))
        try:
            await _pass_on(theirs, writer, count)
        finally:
            sending.cancel()
            for each in (ours, writer):
                each.transport.abort()

    server = await asyncio.start_server(meet, "127.0.0.1", 0)
    async with server:
        yield url.set(host="127.0.0.1", port=server.sockets[0].getsockname()[1]).render_as_string(hide_password=False)


async def _pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, count: int) -> None:
    while count > 0 and (data := await reader.read(count)):
        writer.write(data)
        await writer.drain()
        count -= len(data)


async def test_wherever_a_connection_breaks_while_it_is_opened_the_target_is_to_blame(empty_database: Any) -> None:
    """And not the connector: a bug of ours would be a dead letter."""
    met = []
    for count in range(0, 2_000, 50):
        async with cut_after(empty_database.owner_dsn, count) as dsn:
            connections = made(dsn)
            try:
                connections.give_back(await connections.take())
            except Exception as error:  # noqa: BLE001 - whatever comes is looked at
                met.append(error)
            await connections.aclose()

    assert len(met) > 10
    assert [error for error in met if not isinstance(error, FAILURES)] == []
