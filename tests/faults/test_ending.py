"""A daemon is told to end while it holds work: what it has not started goes back, what runs may end."""

import os
import signal

import pytest

from tests.faults.kit.fleet import until_gone
from tests.faults.kit.scene import HELD, open_scene
from tests.waiting import eventually

#: By the promise it ends three seconds after its drain; a busy machine is no failure.
WITHIN_S = 60.0
NOW = "SELECT clock_timestamp() AS now"
#: One claim may be under way when the signal comes.
CLAIMS_SINCE = """
SELECT count(DISTINCT xid) AS n, max(at) - $1 AS latest FROM watched.events
WHERE after = 'in_progress' AND before <> 'in_progress' AND at > $1
"""
#: What went back: claimed once, and its try is not counted.
UNBURNT = "SELECT count(*) AS n FROM operations WHERE status = 'pending' AND epoch > 0 AND attempt_number = 0"
BURNT = """
SELECT count(*) AS n FROM operations o WHERE status = 'pending' AND attempt_number > 0
  AND NOT EXISTS (SELECT 1 FROM operation_logs l WHERE l.operation_id = o.id AND l.message LIKE 'Interrupted%')
"""
LEASES = "SELECT count(*) AS n FROM workers"


@pytest.mark.timeout(300)
async def test_what_was_claimed_and_not_started_goes_back_untried_and_nothing_is_claimed_any_more() -> None:
    async with open_scene(drain_s=5.0) as scene:
        await scene.slow_target(0.3)
        await scene.submit(200)
        await scene.until(HELD, 60)
        [row] = await scene.site.rows(NOW)
        os.kill(scene.fleet.pids[0], signal.SIGTERM)

        ended = await until_gone(scene.fleet.pids[0], within_s=WITHIN_S)
        [claims] = await scene.site.rows(CLAIMS_SINCE, row["now"])
        print(f"the last claim came {claims['latest']} after the signal")

        assert ended, scene.said()
        assert '"code": 0' in scene.said()
        assert claims["n"] <= 1
        assert await scene.count(UNBURNT) > 0
        assert await scene.count(BURNT) == 0
        assert await scene.count(LEASES) == 0
        assert await scene.broken() == []


@pytest.mark.timeout(300)
async def test_what_runs_longer_than_the_drain_is_cut_off_and_looked_at_by_whoever_comes_next() -> None:
    async with open_scene(drain_s=0.3, lease_s=30.0, deadline_s=20.0) as scene:
        await scene.slow_target(3)
        await scene.submit(20)
        await scene.until(HELD, 5)
        os.kill(scene.fleet.pids[0], signal.SIGTERM)

        assert await until_gone(scene.fleet.pids[0], within_s=WITHIN_S), scene.said()
        assert (await scene.count(HELD), await scene.count(LEASES)) == (0, 0)
        await scene.fleet.start(0)
        await scene.until_done(20)
        assert await scene.broken(is_at_rest=False) == []


@pytest.mark.timeout(300)
async def test_a_second_signal_ends_it_at_once_and_its_work_is_taken_up_by_its_lease() -> None:
    async with open_scene(daemons=2, drain_s=60.0) as scene:
        await scene.slow_target(0.2)
        await scene.submit(200)
        await scene.until(HELD, 60)
        os.kill(scene.fleet.pids[0], signal.SIGTERM)
        os.kill(scene.fleet.pids[0], signal.SIGINT)

        assert await until_gone(scene.fleet.pids[0], within_s=WITHIN_S), scene.said()
        assert "daemon.stopped" not in scene.said()
        await scene.until_done(200)
        assert await scene.broken(is_at_rest=False) == []


@pytest.mark.timeout(300)
async def test_a_daemon_whose_database_hangs_ends_all_the_same() -> None:
    """What it could not give back is found by its lease, when somebody comes who has a database."""
    async with open_scene(drain_s=1.0) as scene:
        await scene.slow_target(0.2)
        await scene.submit(200)
        await scene.until(HELD, 20)
        scene.site.database_proxy.swallow()
        os.kill(scene.fleet.pids[0], signal.SIGTERM)

        assert await until_gone(scene.fleet.pids[0], within_s=WITHIN_S), scene.said()
        scene.site.database_proxy.heal()
        await scene.fleet.start(0)
        await scene.until_done(200)
        assert await scene.broken(is_at_rest=False) == []


@pytest.mark.timeout(300)
async def test_an_idle_daemon_ends_and_leaves_no_lease() -> None:
    async with open_scene() as scene:
        os.kill(scene.fleet.pids[0], signal.SIGTERM)

        assert await until_gone(scene.fleet.pids[0], within_s=WITHIN_S), scene.said()
        await eventually(lambda: '"code": 0' in scene.said(), timeout=10)
        assert await scene.count(LEASES) == 0
