"""A long run whose processes are killed by SIGKILL again and again, each time taken over by the next one."""

import asyncio
import multiprocessing
import os
import random
import signal
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest

from tests.integration.recon import lives
from tests.integration.recon.conftest import House, a_house
from tests.integration.recon.crashes import Twins
from tests.integration.recon.test_crashes import outcome
from tests.integration.recon.test_resume import POLICY
from worker.domain.connector import Limits
from worker.domain.run import RunKind, RunMode, RunTrigger
from worker.store import runs
from worker.store.pool import Pool
from worker.store.tenant import tenant

KILLS = 20
PEOPLE = 1_000
PAGE = 10
PAGES = PEOPLE // PAGE


async def a_large_house(pool: Pool) -> House:
    """A thousand accounts in a hundred pages, of which some drifted, went, or are nobody's."""
    tenant_id = uuid4()
    async with pool.acquire() as conn:
        await conn.execute("INSERT INTO tenants (id, name) VALUES ($1, $2)", tenant_id, str(tenant_id))
    house = await a_house(pool, tenant_id, policy=POLICY, limits=Limits(page_size=PAGE))
    await house.provide(*(f"person{n}" for n in range(PEOPLE)))
    uids = list(house.target.accounts)
    for at in range(0, PEOPLE, 50):
        house.target.change(uids[at], department="Wrong")
        house.target.remove(uids[at + 1])
        house.target.put({"login": f"zz{at}q", "mail": f"nobody{at}@elsewhere.net"}, uid=f"orphan-{at:04}")
    return house


async def started(house: House) -> UUID:
    async with tenant(house.pool, house.tenant_id) as conn:
        run = await runs.create(
            conn, kind=RunKind.RECONCILIATION, mode=RunMode.FULL, trigger=RunTrigger.MANUAL, **house.where
        )
    return run.id


@pytest.mark.timeout(240)
async def test_run_killed_at_twenty_random_moments_ends_as_one_that_was_not(
    pool: Pool, database: Any, tmp_path: Path
) -> None:
    seed = int(os.environ.get("KILLS_SEED") or random.SystemRandom().randrange(10**6))
    print(f"KILLS_SEED={seed}")
    rng = random.Random(seed)
    admin = await asyncpg.connect(database.admin_dsn)
    twins = Twins(admin, await a_large_house(pool))
    undisturbed, house = await twins.another(), await twins.another()
    await admin.close()
    await undisturbed.reconcile()
    expected = await outcome(undisturbed)

    notes, run_id, kills = tmp_path / "reads", await started(house), 0
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([lives.__name__])
    for at in [*(rng.randint(5, 45) for _ in range(KILLS)), None]:
        life = lives.Life(database.daemon_dsn, house.tenant_id, house.connector, house.target, run_id, at, notes)
        process = context.Process(target=lives.live, args=(life,))
        process.start()
        await asyncio.to_thread(process.join, 60)
        assert process.exitcode in {0, -signal.SIGKILL}
        kills += process.exitcode == -signal.SIGKILL

    assert kills == KILLS, "the run ended before its time"
    assert await outcome(house) == expected
    reads = len(notes.read_text(encoding="ascii").split())
    assert reads <= PAGES + 2 * kills, "a page was judged again, and the one read ahead read again, at most"
