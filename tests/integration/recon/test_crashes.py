"""Every crash point of a run: killed there and taken over by another process, it equals one that was not."""

from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any
from uuid import uuid4

import asyncpg
import pytest

from tests.fakes import SyncingTarget
from tests.integration.recon.conftest import House, a_house
from tests.integration.recon.crashes import Killed, RoundTrips, Twins
from tests.integration.recon.test_resume import POLICY, a_scene, what_is_known
from worker.store.pool import Pool, open_pool

#: The crash points are shared among so many tests, which may run side by side.
PARTS = 4


@pytest.fixture
async def admin(database: Any) -> AsyncIterator["asyncpg.Connection[Any]"]:
    conn = await asyncpg.connect(database.admin_dsn)
    yield conn
    await conn.close()


async def outcome(house: House) -> dict[str, Any]:
    """What a run leaves with us, and at the target once its operations are carried out."""
    known = await what_is_known(house)
    await house.carry_out()
    return {**known, "target": dict(house.target.accounts)}


async def a_changed_house(pool: Pool) -> House:
    """A tenant whose target tells its changes: one account drifted, one left, one came, one person is new."""
    tenant_id = uuid4()
    async with pool.acquire() as conn:
        await conn.execute("INSERT INTO tenants (id, name) VALUES ($1, $2)", tenant_id, str(tenant_id))
    house = await a_house(pool, tenant_id, policy=POLICY, target=SyncingTarget())
    await house.provide(*(f"person{n}" for n in range(6)))
    await house.reconcile()
    house.target.change("uid-000002", department="Wrong")
    house.target.remove("uid-000004")
    house.target.put({"login": "zzz9q", "mail": "nobody@elsewhere.net"}, uid="orphan")
    await house.hire("newcomer")
    await house.rows("DELETE FROM plan_items RETURNING 1")
    return house


async def whole(house: House, mode: str) -> tuple[int, int, dict[str, Any]]:
    """A run that nobody disturbs: its round trips, its reads, what it leaves."""
    run = await house.start(mode=mode)
    with RoundTrips().watching(type(house.target)) as trips:
        await house.engine.run(run)
    return trips.count, len(house.target.calls), await outcome(house)


async def killed_once(house: House, mode: str, *, at: int, dsn: str) -> dict[str, Any]:
    """A run whose process dies before its round trip ``at``, and that another process takes over."""
    run = await house.start(mode=mode)
    its_own = await open_pool(dsn, size=4)
    with RoundTrips().watching(type(house.target)) as trips:
        trips.at = at
        with pytest.raises(Killed):
            await replace(house, pool=its_own).engine.run(run)
        its_own.terminate()  # as the kernel closes the connections of one that is gone, in the middle of whatever it is
    await house.die(run)
    await house.engine.run(await house.claim(run.id))
    return await outcome(house)


@pytest.mark.timeout(300)
@pytest.mark.parametrize("part", range(PARTS))
async def test_full_run_killed_before_each_of_its_round_trips_ends_as_one_that_was_not(
    pool: Pool, admin: "asyncpg.Connection[Any]", database: Any, part: int
) -> None:
    twins = Twins(admin, await a_scene(pool))
    points, reads, expected = await whole(await twins.another(), "full")

    assert points > 100
    for at in range(part + 1, points + 1, PARTS):
        house = await twins.another()
        assert await killed_once(house, "full", at=at, dsn=database.daemon_dsn) == expected, (
            f"killed before round trip {at} of {points}"
        )
        again = len(house.target.calls) - reads
        assert again <= 2, f"killed before round trip {at}: {again} reads more, one page and the one read ahead at most"


@pytest.mark.timeout(300)
async def test_delta_killed_before_each_of_its_round_trips_ends_as_one_that_was_not(
    pool: Pool, admin: "asyncpg.Connection[Any]", database: Any
) -> None:
    twins = Twins(admin, await a_changed_house(pool))
    points, _, expected = await whole(await twins.another(), "delta")

    assert points > 50
    for at in range(1, points + 1):
        house = await twins.another()
        assert await killed_once(house, "delta", at=at, dsn=database.daemon_dsn) == expected, (
            f"killed before round trip {at} of {points}"
        )
