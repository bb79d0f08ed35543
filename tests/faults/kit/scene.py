"""A site with a fleet and work for it, without a nemesis: for tests that do one harm and look closely."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import asyncpg

from tests import invariants
from tests.factories import an_operation, enqueue
from tests.faults.kit.fleet import Fleet, Zygote, is_running
from tests.faults.kit.site import Site, open_site
from tests.faults.kit.target import column_of
from tests.waiting import eventually
from worker.store.pool import open_pool

SLOW = "CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN PERFORM pg_sleep({s}); RETURN NEW; END$$;"
SLOW += "CREATE TRIGGER a_slow BEFORE INSERT OR UPDATE ON people FOR EACH ROW EXECUTE FUNCTION slow()"
DONE = "SELECT count(*) AS n FROM operations_archive WHERE status = 'completed'"
HELD = "SELECT count(*) AS n FROM operations WHERE status = 'in_progress'"


@dataclass
class Scene:
    """What one fault test works with."""

    site: Site
    fleet: Fleet

    async def submit(self, count: int, *, rank: int = 1) -> list[UUID]:
        """An operation each for so many accounts."""
        pool = await open_pool(self.site.urls.daemon, size=1, application="kit")
        try:
            wanted = [
                an_operation(self.site.connector_id, account, payload={"attributes": {column_of(rank): rank}})
                for account in list(self.site.accounts.values())[:count]
            ]
            return await enqueue(pool, self.site.tenant_id, *wanted)
        finally:
            await pool.close()

    async def count(self, query: str, *values: Any) -> int:
        return int((await self.site.rows(query, *values))[0]["n"])

    async def until(self, query: str, at_least: int, *, timeout: float = 60.0) -> None:
        async def is_so() -> bool:
            return await self.count(query) >= at_least

        await eventually(is_so, timeout=timeout, interval=0.02, what=query)

    async def until_done(self, count: int, *, timeout: float = 90.0) -> None:
        await self.until(DONE, count, timeout=timeout)

    async def slow_target(self, seconds: float) -> None:
        """Every change of the target takes so long from now on."""
        conn = await asyncpg.connect(self.site.target_dsn)
        try:
            await conn.execute(SLOW.format(s=seconds))
        finally:
            await conn.close()

    async def broken(self, *, is_at_rest: bool = True) -> list[str]:
        """The rules of the house that do not hold."""
        conn = await asyncpg.connect(self.site.admin_dsn)
        try:
            now = await invariants.broken(conn, is_at_rest=is_at_rest)
            return [*now, *await invariants.broken_history(conn)]
        finally:
            await conn.close()

    def is_alive(self, slot: int = 0) -> bool:
        return is_running(self.fleet.pids[slot])

    def said(self, slot: int = 0) -> str:
        return self.fleet.logs[slot].read_text()


@asynccontextmanager
async def open_scene(
    *,
    daemons: int = 1,
    accounts: int = 200,
    lease_s: float = 3.0,
    deadline_s: float = 2.5,
    environment: Mapping[str, str] | None = None,
    **settings: Any,
) -> AsyncIterator[Scene]:
    """A site with running daemons, each ready; ``environment`` is theirs beside ours."""
    async with (
        open_site(accounts=accounts, deadline_s=deadline_s) as site,
        Zygote(environment=environment) as zygote,
        Fleet(zygote, site.settings(lease_s=lease_s, **settings), site.directory, size=daemons) as fleet,
    ):
        scene = Scene(site, fleet)
        for slot in range(daemons):
            await eventually(lambda slot=slot: fleet.was_ready(slot), timeout=90, interval=0.05)
        yield scene
        await asyncio.gather(*(fleet.kill(slot) for slot in range(daemons) if scene.is_alive(slot)))
