"""Two versions at once on one schema: daemons of each come, are killed and go while operations are worked off."""

import os
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from functools import partial
from pathlib import Path
from random import Random
from uuid import UUID

import pytest

from tests.conftest import ROOT, Database
from tests.deployed import Daemon, Deployment, deployed
from tests.waiting import eventually

#: A checkout of the version before, for whoever has one: else both daemons run this code.
CODE = {"before": Path(os.environ.get("PROVISIOND_CODE_BEFORE", ROOT)), "now": ROOT}
LANES = 120
ROUNDS = int(os.environ.get("PROVISIOND_ROLLING_ROUNDS", "4"))
ATTEMPTS = """
SELECT count(*) FROM (
    SELECT operation_id FROM attempts WHERE tenant_id = $1 AND success GROUP BY operation_id HAVING count(*) > 1) twice
"""
LEFT_OVER = """
SELECT (SELECT count(*) FROM dead_letters WHERE tenant_id = $1)
    + (SELECT count(*) FROM accounts WHERE tenant_id = $1 AND (live <> 0 OR head_id IS NOT NULL))
"""


@pytest.fixture
async def place(
    database: Database, empty_database: Database, tenant_id: UUID, tmp_path: Path
) -> AsyncIterator[Deployment]:
    async with deployed(database, empty_database, tenant_id, tmp_path) as found:
        yield found


@pytest.mark.timeout(120 + 90 * ROUNDS)
async def test_versions_side_by_side_lose_nothing_though_either_is_killed(place: Deployment, chance: Random) -> None:
    lanes = await place.create(LANES)
    wanted = LANES
    killed: Counter[str] = Counter()
    said: list[Daemon] = []
    async with AsyncExitStack() as stack:

        async def started(name: str) -> Daemon:
            daemon = await stack.enter_async_context(place.daemon(code=CODE[name]))
            said.append(daemon)
            return await daemon.ready()

        daemons = {name: await started(name) for name in CODE}
        for title in range(1, ROUNDS + 1):
            await place.change(lanes, title=str(title))
            wanted += LANES
            enough = min(await place.finished() + chance.randint(10, LANES // 2), wanted)
            await eventually(partial(_has_finished, place, enough), timeout=120, interval=0.05)
            name = chance.choice([each for each in CODE if killed[each] <= title // 2])
            await daemons[name].kill()
            killed[name] += 1
            daemons[name] = await started(name)
        await eventually(place.all_finished, timeout=180, interval=0.2)
        codes = [await daemon.end() for daemon in daemons.values()]
    print(f"killed: {dict(killed)}")

    people = await place.people()
    assert codes == [0, 0]
    assert await place.finished() == wanted
    assert {login: title for login, (title, _) in people.items()} == {str(lane): str(ROUNDS) for lane in lanes}
    assert (await place.value(ATTEMPTS), await place.value(LEFT_OVER)) == (0, 0)
    assert not [daemon.said[-2000:] for daemon in said if "duty.failed" in daemon.said]


async def _has_finished(place: Deployment, count: int) -> bool:
    return await place.finished() >= count
