"""The database moves to another server, by way of one that only reads: no daemon is started again for it."""

import asyncio

import pytest

from tests.faults.kit.judge import judge
from tests.faults.kit.scene import Scene, open_scene
from tests.faults.kit.standby import Standby
from tests.faults.kit.storm import submitting
from tests.waiting import eventually

READ_ONLY_S = 2.0
LIVE = "SELECT count(*) AS n FROM operations"


@pytest.mark.timeout(400)
async def test_daemons_go_on_at_the_promoted_standby_and_lose_nothing() -> None:
    """First the way leads to the standby while it still only reads, as when a name is moved too early."""
    async with open_scene(daemons=2, accounts=400, lease_s=2.0) as scene:
        site, acks = scene.site, scene.site.directory / "acks"
        pids = list(scene.fleet.pids)
        async with Standby(site) as standby:
            async with submitting(site, acks, depth=200, seed=1):
                await scene.until_done(100)
                site.database_proxy.upstream = ("127.0.0.1", standby.port)
                site.database_proxy.reset()
                await asyncio.sleep(READ_ONLY_S)
                site.postgres.kill()
                await standby.promote()
                site.admin_dsn = standby.admin_dsn
                await site.close()
                before = await scene.count("SELECT count(*) AS n FROM operations_archive")
                await scene.until_done(before + 200)
            await eventually(lambda: _is_done(scene), timeout=90, interval=0.2)
            assert (scene.fleet.pids, [scene.is_alive(slot) for slot in range(2)]) == (pids, [True, True])
            assert await scene.fleet.stop(within_s=60) == []

            verdict = await judge(site, acks, pauses=0)

            print(verdict.figures)
            assert verdict.violations == []


@pytest.mark.timeout(400)
async def test_connections_to_a_server_that_only_reads_are_given_up_though_they_work() -> None:
    """The way leads to the primary again, and nobody cuts what was opened meanwhile."""
    async with open_scene(daemons=1, accounts=400, lease_s=2.0) as scene:
        site, pid = scene.site, scene.fleet.pids[0]
        async with Standby(site) as standby:
            site.database_proxy.upstream = ("127.0.0.1", standby.port)
            site.database_proxy.reset()
            await scene.submit(300)
            await eventually(lambda: "ReadOnlySQLTransactionError" in scene.said(), timeout=60, interval=0.1)
            site.database_proxy.upstream = ("127.0.0.1", site.postgres.port)
            await site.rows("ALTER SYSTEM RESET synchronous_standby_names")
            await site.rows("SELECT pg_reload_conf()")

            await scene.until_done(300)

            assert (scene.fleet.pids[0], scene.is_alive()) == (pid, True)
            assert await scene.broken(is_at_rest=False) == []


async def _is_done(scene: Scene) -> bool:
    return await scene.count(LIVE) == 0
