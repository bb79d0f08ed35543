"""Daemons whose database is behind a pooler that lends a server connection for one transaction only."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path
from uuid import UUID

import asyncpg
import pytest

from tests.conftest import Database
from tests.deployed import Deployment, deployed
from tests.pgbouncer import pooled
from tests.waiting import eventually

pytestmark = pytest.mark.needs("pgbouncer")
LANES = 150
SERVERS = 3
#: Whatever of ours a server connection could carry on to another client of the pooler.
LEFT = """
SELECT current_setting('app.tenant_id', true) AS tenant, current_setting('plan_cache_mode') AS plans,
    current_setting('statement_timeout') AS timeout, current_setting('enable_seqscan') AS scans,
    (SELECT count(*) FROM pg_prepared_statements) AS prepared, pg_backend_pid() AS pid
"""
SERVER_CONNECTIONS = """
SELECT count(*) FROM pg_stat_activity
WHERE datname = current_database() AND usename = 'provisiond_worker' AND application_name <> 'test'
  AND $1::uuid IS NOT NULL
"""


@pytest.fixture
async def place(
    database: Database, empty_database: Database, tenant_id: UUID, tmp_path: Path
) -> AsyncIterator[Deployment]:
    async with deployed(database, empty_database, tenant_id, tmp_path) as found:
        yield found


@pytest.mark.timeout(300)
async def test_work_goes_on_behind_a_pooler_though_a_daemon_is_killed(place: Deployment, open_directory: Path) -> None:
    """From acceptance to the end, with more clients than server connections, and the dead one's work taken up."""
    async with AsyncExitStack() as stack:
        (dsn,) = await stack.enter_async_context(pooled(open_directory, place.database.daemon_dsn, servers=SERVERS))
        one = await stack.enter_async_context(place.daemon(dsn=dsn))
        other = await stack.enter_async_context(place.daemon(dsn=dsn))
        await one.ready()
        await other.ready()
        lanes = await place.create(LANES)
        await place.change(lanes, title="1")
        await eventually(lambda: _has_finished(place, LANES // 2), timeout=90, interval=0.1)
        connections = await place.value(SERVER_CONNECTIONS)
        await one.kill()
        await eventually(place.all_finished, timeout=90, interval=0.2)
        left = await _left_behind(dsn)
        code = await other.end()
        said = one.said + other.said

    assert code == 0
    assert connections <= SERVERS
    assert await place.finished() == 2 * LANES
    assert {login: title for login, (title, _) in (await place.people()).items()} == {str(lane): "1" for lane in lanes}
    assert left == {(None, "auto", "0", "on", 0)}
    assert "prepared statement" not in said


async def _has_finished(place: Deployment, count: int) -> bool:
    return await place.finished() >= count


async def _left_behind(dsn: str) -> set[tuple[str | None, str, str, str, int]]:
    """What a stranger finds on the server connections that we used."""
    found = {}
    async with AsyncExitStack() as stack:
        for _ in range(SERVERS):
            conn = await asyncpg.connect(dsn, statement_cache_size=0)
            stack.push_async_callback(conn.close)
            await stack.enter_async_context(conn.transaction())
            row = await conn.fetchrow(LEFT)
            assert row is not None
            found[row["pid"]] = (row["tenant"] or None, row["plans"], row["timeout"], row["scans"], row["prepared"])
    assert len(found) == SERVERS
    return set(found.values())
