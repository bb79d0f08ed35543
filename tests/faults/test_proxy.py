"""The proxy of the kit does what it says: otherwise a storm that breaks nothing proves nothing."""

import struct
from urllib.parse import urlsplit

import asyncpg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.conftest import Database
from tests.faults.kit.proxy import Frames, Proxy, is_commit_reply
from tests.faults.kit.site import through


def message(kind: str, body: bytes) -> bytes:
    return kind.encode() + struct.pack("!I", len(body) + 4) + body


MESSAGES = st.lists(st.builds(message, st.sampled_from("CZD1"), st.binary(max_size=12)), max_size=8)


@given(MESSAGES, st.lists(st.integers(1, 9), min_size=1, max_size=30))
def test_messages_come_whole_however_the_stream_is_cut(messages: list[bytes], sizes: list[int]) -> None:
    stream, frames, found = b"".join(messages), Frames(), []
    at = 0
    while at < len(stream):
        size = sizes[len(found) % len(sizes)]
        found.append([whole for _, whole in frames.feed(stream[at : at + size])])
        at += size

    assert [whole for piece in found for whole in piece] == messages
    assert frames.pending == 0


async def test_a_commit_whose_answer_is_lost_is_done_all_the_same(database: Database) -> None:
    parts = urlsplit(database.owner_dsn)
    async with Proxy(parts.hostname or "", parts.port or 0) as proxy:
        conn = await asyncpg.connect(through(proxy, database.owner_dsn))
        await conn.execute("CREATE TABLE t (n integer)")
        await conn.execute("BEGIN; INSERT INTO t VALUES (1)")
        proxy.cut_before(is_commit_reply)

        with pytest.raises(asyncpg.PostgresConnectionError):
            await conn.execute("COMMIT")

        again = await asyncpg.connect(through(proxy, database.owner_dsn))
        assert (proxy.hits, await again.fetchval("SELECT n FROM t")) == (1, 1)
        await again.close()


async def test_what_is_reset_fails_at_once_and_the_next_connection_is_well(database: Database) -> None:
    parts = urlsplit(database.daemon_dsn)
    async with Proxy(parts.hostname or "", parts.port or 0) as proxy:
        conn = await asyncpg.connect(through(proxy, database.daemon_dsn))

        assert proxy.reset() == 1
        with pytest.raises((asyncpg.PostgresConnectionError, asyncpg.InterfaceError, OSError)):
            await conn.execute("SELECT 1")
        again = await asyncpg.connect(through(proxy, database.daemon_dsn))
        assert await again.fetchval("SELECT 1") == 1
        await again.close()
