"""The lease renews itself however its connection fares."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

import asyncpg

from tests.conftest import Database
from tests.faults.kit.proxy import Proxy
from tests.faults.kit.site import through
from tests.waiting import eventually
from worker.service.heartbeat import Heartbeat

LEASE_S = 3.0
LEFT = "SELECT id, expires_at > clock_timestamp() AS holds FROM workers"


@asynccontextmanager
async def beating(dsn: str, *, lost: list[str]) -> AsyncIterator[Heartbeat]:
    heartbeat = Heartbeat(
        dsn,
        version="test",
        roles=["worker"],
        lease_s=LEASE_S,
        beat_s=LEASE_S / 10,
        on_lost=lambda: lost.append("lost"),
    )
    await heartbeat.start()
    try:
        yield heartbeat
    finally:
        await heartbeat.stop()


async def leases(database: Database) -> list[asyncpg.Record]:
    conn = await asyncpg.connect(database.daemon_dsn)
    try:
        return await conn.fetch(LEFT)
    finally:
        await conn.close()


async def test_a_registration_whose_answer_was_lost_does_not_keep_a_daemon_from_starting(database: Database) -> None:
    """What it registered first is an owner of nothing, and runs out."""
    parts = urlsplit(database.daemon_dsn)
    async with Proxy(parts.hostname or "", parts.port or 0) as proxy:
        proxy.cut_before(lambda kind, body: kind == "C" and body.startswith(b"INSERT"))

        async with beating(through(proxy, database.daemon_dsn), lost=[]) as heartbeat:
            found = await leases(database)

            assert proxy.hits == 1
            assert heartbeat.is_held()
            assert heartbeat.owner in {row["id"] for row in found}
            assert len(found) == 2


async def test_connections_that_are_cut_again_and_again_do_not_cost_the_lease(database: Database) -> None:
    parts = urlsplit(database.daemon_dsn)
    lost: list[str] = []
    async with (
        Proxy(parts.hostname or "", parts.port or 0) as proxy,
        beating(through(proxy, database.daemon_dsn), lost=lost) as heartbeat,
    ):
        for _ in range(5):
            await eventually(lambda: proxy.reset() > 0, timeout=20)

        await eventually(heartbeat.is_held, timeout=20)
        assert heartbeat.owner in {row["id"] for row in await leases(database)}
        assert len(lost) <= 1  # on a machine that has other work
