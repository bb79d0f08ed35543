"""Two versions at once on one schema: daemons of each come, are killed and go while operations are worked off."""

import asyncio
import os
import sys
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from functools import partial
from pathlib import Path
from random import Random
from uuid import UUID, uuid4

import asyncpg
import pytest

from tests.conftest import ROOT, Database
from tests.deployed import Daemon, Deployment, deployed
from tests.waiting import eventually
from worker.store.tenant import tenant

#: A checkout of the version before, for whoever has one: else both daemons run this code.
CODE = {"before": Path(os.environ.get("CODE_BEFORE", ROOT)), "now": ROOT}
LANES = 120
ROUNDS = int(os.environ.get("ROLLING_ROUNDS", "4"))
ATTEMPTS = """
SELECT count(*) FROM (
    SELECT operation_id FROM attempts WHERE tenant_id = $1 AND success GROUP BY operation_id HAVING count(*) > 1) twice
"""
FIRST_CREATES = """
WITH n AS (SELECT gen_random_uuid() AS id, gen_random_uuid() AS account_id FROM generate_series(1, $3::integer)),
lanes AS (
    INSERT INTO accounts (tenant_id, id, connector_id, object_class, state, seq, live, head_id)
    SELECT $1, account_id, $2, 'user', 'pending', 1, 1, id FROM n
)
INSERT INTO operations (tenant_id, id, connector_id, account_id, seq, head, operation_type, object_class, status,
    payload, origin, created_at, updated_at)
SELECT $1, id, $2, account_id, 1, true, 'create', 'user', 'pending',
    jsonb_build_object('attributes', jsonb_build_object('login', account_id, 'title', '0')), 'api', now(), now()
FROM n RETURNING account_id
"""
#: What the first version logs, once a connection, when a statement it has prepared gives other columns now.
SCHEMA_CHANGED = "InvalidCachedStatementError"
LEFT_OVER = """
SELECT (SELECT count(*) FROM dead_letters WHERE tenant_id = $1)
    + (SELECT count(*) FROM accounts WHERE tenant_id = $1 AND (live <> 0 OR head_id IS NOT NULL))
"""


@pytest.fixture
async def place(database: Database, empty_database: Database, tmp_path: Path) -> AsyncIterator[Deployment]:
    """A deployment as the version before has left it, its schema too."""
    await _migrate(empty_database, CODE["before"])
    tenant_id = uuid4()
    conn = await asyncpg.connect(empty_database.owner_dsn)
    await conn.execute("INSERT INTO tenants (id, name) VALUES ($1, 'one')", tenant_id)
    await conn.close()
    async with deployed(empty_database, database, tenant_id, tmp_path) as found:
        yield found


async def _migrate(database: Database, code: Path) -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "worker", "migrate"),
        cwd=code,
        env={**os.environ, "PYTHONPATH": str(code), "PROVISIOND_OWNER_DATABASE_URL": database.owner_dsn},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    said, _ = await process.communicate()
    assert process.returncode == 0, said.decode()


async def _first_creates(place: Deployment) -> list[UUID]:
    """Written as the rows are in every version: this one's queue may not know the schema of the one before."""
    async with tenant(place.pool, place.tenant_id) as conn:
        rows = await conn.fetch(FIRST_CREATES, place.tenant_id, place.connector_id, LANES)
        await conn.execute(
            "INSERT INTO due_work (tenant_id, kind, ref_id, due_at) VALUES ($1, 'claim', $2, now())",
            place.tenant_id,
            place.connector_id,
        )
    return [row["account_id"] for row in rows]


@pytest.mark.timeout(120 + 90 * ROUNDS)
async def test_versions_side_by_side_lose_nothing_though_either_is_killed(place: Deployment, chance: Random) -> None:
    """The old one works, the schema is changed under it, the new one comes beside it, and either is killed."""
    lanes = await _first_creates(place)
    wanted = LANES
    killed: Counter[str] = Counter()
    said: list[Daemon] = []
    async with AsyncExitStack() as stack:

        async def started(name: str) -> Daemon:
            daemon = await stack.enter_async_context(place.daemon(code=CODE[name]))
            said.append(daemon)
            return await daemon.ready()

        daemons = {"before": await started("before")}
        await eventually(partial(_has_finished, place, LANES // 4), timeout=120, interval=0.05)
        await _migrate(place.database, ROOT)
        daemons["now"] = await started("now")
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
    failed = [line for daemon in said for line in daemon.said.splitlines() if "duty.failed" in line]
    assert [line for line in failed if SCHEMA_CHANGED not in line] == []


async def _has_finished(place: Deployment, count: int) -> bool:
    return await place.finished() >= count
