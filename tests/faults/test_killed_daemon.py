"""The daemon is killed at any moment, again and again."""

import asyncio
from random import Random

import pytest

from tests.e2e.daemon import Dev, command_of, descendants
from tests.waiting import eventually

KILLS = 10
#: From a start that has hardly begun to one that has been at work for a while.
EARLIEST_S, LATEST_S = 0.3, 6.0


@pytest.mark.timeout(300)
async def test_ten_kills_lose_nothing_and_make_nothing_twice(dev: Dev, chance: Random) -> None:
    """Whatever was under way is done by a later start; what a killed daemon left running is ended or taken over."""
    started: dict[int, str] = {}
    for _ in range(KILLS):
        dev.launch()
        await asyncio.sleep(chance.uniform(EARLIEST_S, LATEST_S))
        assert dev.is_running, dev.said()
        started |= descendants(dev.pid)
        await dev.kill()
    await dev.start()
    async with dev.organisation() as nordwerk:
        await eventually(nordwerk.is_done, timeout=120, interval=0.5)
        wrong, dead = await nordwerk.wrong(), await nordwerk.dead_letters()
        unclear = await nordwerk.without_history()
        stored = await nordwerk.rows("SELECT count(*) AS n FROM identities WHERE tenant_id = $1")
    started |= descendants(dev.pid)
    await dev.stop()
    left = {pid: words for pid, words in started.items() if command_of(pid) == words}

    assert wrong == [], "\n".join(wrong)
    assert stored == [{"n": dev.employees}]
    assert (unclear, dead) == ([], [])
    assert left == {}
