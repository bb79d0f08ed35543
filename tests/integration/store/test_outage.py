"""What an outage of the database sounds like."""

import asyncio
import logging

import pytest
from structlog.testing import capture_logs

from tests.conftest import Database
from tests.waiting import eventually
from worker.store.pool import open_pool

from .test_blackhole import a_line


async def test_an_outage_is_one_clear_line_and_no_traceback(
    database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    """The driver goes on by itself to open the connection that a pool keeps, and fails."""
    with caplog.at_level(logging.DEBUG), capture_logs() as told:
        async with a_line(database.daemon_dsn) as line:
            pool = await open_pool(line.dsn, size=1)
        await eventually(lambda: bool(told or caplog.records))
        pool.terminate()
        await asyncio.sleep(0)

    assert [(line["event"], line["cause"]) for line in told] == [("database.away", "pool")]
    assert [record for record in caplog.records if record.exc_info] == []
