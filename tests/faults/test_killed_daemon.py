"""The daemon is killed while operations are worked off, again and again."""

import asyncio
from collections import Counter
from random import Random
from typing import TypeAlias
from uuid import UUID

import pytest

from tests.e2e.daemon import Dev, command_of, descendants
from tests.e2e.nordwerk import Nordwerk
from tests.waiting import eventually

KILLS = 10
#: A kill comes when so many operations at most were seen to end, and then so much later at most.
ENDED_AT_MOST, LATER_AT_MOST_S = 40, 0.2
#: A kill may hit a moment in which nothing is held; some must not.
KILLS_IN_FLIGHT = 3
#: So many processes must have died with an operation in their hands before it is taken for the cause.
CRASHES_OF_A_SUSPECT = 3
TRIED = "SELECT count(*) AS n FROM attempts WHERE tenant_id = $1"
HELD = "SELECT id, epoch FROM operations WHERE tenant_id = $1 AND status = 'in_progress'"
#: What a killed process had sent is carried out by the database all the same.
LISTENING = """
SELECT count(*) AS n FROM pg_stat_activity WHERE datname = current_database() AND backend_type = 'client backend'
AND application_name <> 'test' AND $1::uuid IS NOT NULL
"""
HISTORY = """
SELECT h.id, h.epoch, t.outcome, t.error_code FROM unnest($2::uuid[], $3::integer[]) h(id, epoch)
LEFT JOIN attempts t ON t.tenant_id = $1 AND t.operation_id = h.id AND t.epoch = h.epoch
"""
#: An operation and the claim under which it was held.
Claims: TypeAlias = set[tuple[UUID, int]]


@pytest.mark.timeout(420)
async def test_ten_kills_lose_nothing_and_make_nothing_twice(dev: Dev, chance: Random) -> None:
    """Whatever was under way is done by a later start, and says so; what a killed daemon left running is ended."""
    started: dict[int, str] = {}
    lost: list[Claims] = []
    for _ in range(KILLS):
        dev.launch()
        await eventually(dev.has_database, timeout=90, interval=0.1)
        async with dev.organisation() as nordwerk:
            await _until_some_ended(nordwerk, chance.randint(1, ENDED_AT_MOST))
            await asyncio.sleep(chance.uniform(0, LATER_AT_MOST_S))
            assert dev.is_running, dev.said()
            started |= descendants(dev.pid)
            await dev.kill()
            lost.append(await _held(nordwerk) - set().union(*lost))
    print(f"operations in progress at each kill: {[len(claims) for claims in lost]}")
    await dev.start()
    async with dev.organisation() as nordwerk:
        await eventually(nordwerk.is_done, timeout=120, interval=0.5)
        suspects = await _suspects(nordwerk)
        print(f"taken out until somebody looks: {len(suspects)}")
        if suspects:
            await dev.provisiond("ops", "retry", *map(str, suspects))
            await eventually(nordwerk.is_done, timeout=120, interval=0.5)
        wrong, dead = await nordwerk.wrong(), await nordwerk.dead_letters()
        unclear, untold = await nordwerk.without_history(), await _untold(nordwerk, set().union(*lost))
        stored = await nordwerk.rows("SELECT count(*) AS n FROM identities WHERE tenant_id = $1")
    started |= descendants(dev.pid)
    await dev.stop()
    times_held = Counter(one for claims in lost for one, _ in claims)
    left = {pid: words for pid, words in started.items() if command_of(pid) == words}

    assert wrong == [], "\n".join(wrong)
    assert {one for one in suspects if times_held[one] < CRASHES_OF_A_SUSPECT} == set()
    assert stored == [{"n": dev.employees}]
    assert (unclear, dead) == ([], [])
    assert sum(bool(claims) for claims in lost) >= KILLS_IN_FLIGHT, [len(claims) for claims in lost]
    assert untold == []
    assert left == {}


async def _until_some_ended(nordwerk: Nordwerk, wanted: int) -> None:
    """Wait until so many attempts were added to those that were there, or nothing is left to do."""
    before = (await nordwerk.rows(TRIED))[0]["n"]

    async def have_ended() -> bool:
        tried = (await nordwerk.rows(TRIED))[0]["n"]
        return bool(tried >= before + wanted) or await nordwerk.undone() == {}

    await eventually(have_ended, timeout=90, interval=0.02)


async def _held(nordwerk: Nordwerk) -> Claims:
    """What is in progress when the last words of the killed daemon have arrived."""

    async def is_quiet() -> bool:
        return bool((await nordwerk.rows(LISTENING))[0]["n"] == 0)

    await eventually(is_quiet, timeout=30)
    return {(row["id"], row["epoch"]) for row in await nordwerk.rows(HELD)}


async def _suspects(nordwerk: Nordwerk) -> list[UUID]:
    """What was taken out because process after process died over it, until a person has looked."""
    rows = await nordwerk.rows("SELECT id FROM dead_letters WHERE tenant_id = $1 AND error_code = 'crash_loop'")
    return [row["id"] for row in rows]


async def _untold(nordwerk: Nordwerk, lost: Claims) -> list[str]:
    """Claims that a kill ended and whose attempt does not say so."""
    rows = await nordwerk.rows(HISTORY, [one for one, _ in lost], [epoch for _, epoch in lost])
    return [
        f"{row['id']} claim {row['epoch']}: {row['outcome']} {row['error_code']}"
        for row in rows
        if (row["outcome"], row["error_code"]) not in {("lost", "lease_lost"), ("dead_letter", "crash_loop")}
    ]
