"""A server that only follows another one: read from, never written to."""

from pathlib import Path

import pytest

from worker.domain.errors import SurroundingsError
from worker.service.embedded import EmbeddedPostgres
from worker.service.house import check_standing
from worker.settings import load
from worker.store import server
from worker.store.migrate import migrate
from worker.store.pool import open_pool
from worker.store.standing import standing


@pytest.mark.timeout(240)
async def test_a_standby_is_told_from_a_primary_and_refused(open_directory: Path) -> None:
    """By the daemon when it starts, and by migrations; it can be read all the same."""
    home = open_directory / "postgres"
    async with EmbeddedPostgres(home) as primary:
        urls = await primary.bootstrap("house")
        await migrate(urls.owner)
        assert not (await server.look(urls.daemon)).is_standby
    (home / "data" / "standby.signal").touch()
    async with EmbeddedPostgres(home) as follower:
        dsn = _moved(urls.daemon, follower.admin_dsn())
        found = await server.look(dsn)
        pool = await open_pool(dsn, size=1)
        try:
            async with pool.acquire() as conn:
                read = await standing(conn)
            with pytest.raises(SurroundingsError, match="read-only standby: give the daemon the primary"):
                await check_standing(pool, load(environ={}, overrides={"database_url": dsn}))
            with pytest.raises(SurroundingsError, match="migrate on the primary"):
                await migrate(_moved(urls.owner, dsn))
        finally:
            await pool.close()

    assert (found.is_standby, read.is_standby, read.lossy) == (True, True, ())


def _moved(dsn: str, to: str) -> str:
    """The same user and database at another address: the port may be another one after a start."""
    address = to.rpartition("@")[2].partition("/")[0]
    login, _, rest = dsn.rpartition("@")
    return f"{login}@{address}/{rest.partition('/')[2]}"
