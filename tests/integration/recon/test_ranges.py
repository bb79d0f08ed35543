"""A listing in ranges by several processes equals one by a single process, whoever of them dies or is stopped."""

import asyncio
from collections.abc import AsyncIterator
from contextvars import ContextVar
from dataclasses import replace
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest

from tests.fakes import MemoryTargets, RangedTarget
from tests.integration.recon.conftest import House, a_house
from tests.integration.recon.crashes import Killed, RoundTrips, Twins
from tests.integration.recon.test_resume import POLICY, what_is_known
from tests.waiting import eventually
from worker.domain.run import Run, RunKind, RunMode, RunTrigger
from worker.service.loop import DuePoller
from worker.service.runs import handlers_of_runs
from worker.store import due_work, run_history, runs, workers
from worker.store.pool import Pool, open_pool
from worker.store.tenant import tenant

RANGES = 3

#: Whether this task, or who began it, helps.
HELPS: ContextVar[bool] = ContextVar("HELPS", default=False)


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("worker.recon.ranges.COUNT_S", 0.02)
    monkeypatch.setattr("worker.recon.ranges.LOOK_S", 0.02)


@pytest.fixture
async def admin(database: Any) -> AsyncIterator["asyncpg.Connection[Any]"]:
    conn = await asyncpg.connect(database.admin_dsn)
    yield conn
    await conn.close()


async def a_ranged_house(pool: Pool, *, ranges: int = RANGES, people: int = 20) -> House:
    """Accounts by uid, of which some drifted, one went, and one is nobody's."""
    tenant_id = uuid4()
    async with pool.acquire() as conn:
        await conn.execute("INSERT INTO tenants (id, name) VALUES ($1, $2)", tenant_id, str(tenant_id))
    settings = {"listing_ranges": ranges}
    house = await a_house(pool, tenant_id, policy=POLICY, target=RangedTarget(), settings=settings)
    await house.provide(*(f"person{n}" for n in range(people)))
    house.target.change("uid-000002", department="Wrong")
    house.target.change(f"uid-{people:06}", department="Wrong")
    house.target.remove("uid-000005")
    house.target.put({"login": "zzz9q", "mail": "nobody@elsewhere.net"}, uid="orphan")
    await house.hire("newcomer")
    await house.rows("DELETE FROM plan_items RETURNING 1")
    return house


async def outcome(house: House) -> dict[str, Any]:
    """What a run leaves with us, and at the target; with no trace of how its listing was divided."""
    known = await what_is_known(house)
    await house.carry_out()
    ranges = await house.rows("SELECT number FROM run_ranges")
    return {**known, "ranges": ranges, "target": dict(house.target.accounts)}


def alone(house: House) -> House:
    """The same house where nothing is divided."""
    connector = replace(house.connector, settings={})
    targets = MemoryTargets()
    targets.add(connector, house.target)
    return replace(house, connector=connector, targets=targets)


async def a_helper(house: House) -> UUID:
    owner = uuid4()
    async with house.pool.acquire() as conn:
        await workers.register(conn, owner, host="t", pid=2, version="0", roles=["scheduler"], lease_s=60)
    return owner


async def divided(house: House, run: Run) -> None:
    """Until there is something to help with."""
    async with asyncio.timeout(20):
        while not await house.rows("SELECT 1 FROM run_ranges WHERE run_id = $1", run.id):
            await asyncio.sleep(0.01)


async def listed_by(house: House, run: Run, *owners: UUID) -> Run | None:
    """The run, led by who claimed it and helped by these."""

    ended, *_ = await asyncio.gather(house.engine.run(run), *(helped(house, run, owner) for owner in owners))
    return ended


async def helped(house: House, run: Run, owner: UUID) -> None:
    """List what is free of it, as soon as it is divided."""
    HELPS.set(True)
    await divided(house, run)
    engine, stop = house.engine, asyncio.Event()
    handlers = handlers_of_runs(house.pool, engine, engine, owner=lambda: owner, stop=stop)
    await handlers[due_work.Kind.RANGE](house.tenant_id, run.id)


async def test_run_of_several_processes_equals_that_of_one(pool: Pool, admin: "asyncpg.Connection[Any]") -> None:
    twins = Twins(admin, await a_ranged_house(pool))
    single, many = alone(await twins.another()), await twins.another()
    await single.reconcile()
    expected = await outcome(single)
    helps = asyncio.Event()
    search = many.target.search_within

    async def together(*place: Any, **to: Any) -> Any:
        if HELPS.get():
            helps.set()
        await asyncio.wait_for(helps.wait(), 20)
        return await search(*place, **to)

    many.target.search_within = together
    ended = await listed_by(many, await many.start(), await a_helper(many), await a_helper(many))

    assert ended is not None
    assert ended.status == "completed"
    assert await outcome(many) == expected
    assert not await many.rows("SELECT 1 FROM due_work WHERE kind = 'run'")


@pytest.mark.timeout(300)
async def test_leader_killed_before_round_trips_of_its_listing_is_taken_over(
    pool: Pool, admin: "asyncpg.Connection[Any]", database: Any
) -> None:
    twins = Twins(admin, await a_ranged_house(pool, ranges=2, people=8))
    single, whole = alone(await twins.another()), await twins.another()
    await single.reconcile()
    expected = await outcome(single)
    with RoundTrips().watching(RangedTarget) as trips:
        at_page: list[int] = []
        whole.target.faults.at_page = lambda _: at_page.append(trips.count)
        await whole.engine.run(await whole.start())
    reads = len(whole.target.calls)
    assert await outcome(whole) == expected

    for at in range(at_page[0] - 8, at_page[-1] + 12, 2):  # of three a page: each kind comes in turn
        house = await twins.another()
        run = await house.start()
        its_own = await open_pool(database.daemon_dsn, size=4)
        with RoundTrips().watching(RangedTarget) as trips:
            trips.at = at
            with pytest.raises(Killed):
                await replace(house, pool=its_own).engine.run(run)
            its_own.terminate()
        await house.die(run)
        await house.engine.run(await house.claim(run.id))
        assert await outcome(house) == expected, f"killed before round trip {at}"
        again = len(house.target.calls) - reads
        assert again <= 2, f"killed before round trip {at}: {again} reads more, one page and the one read ahead at most"


async def test_range_of_a_dead_helper_is_taken_over_and_it_writes_nothing_more(pool: Pool) -> None:
    house = await a_ranged_house(pool)
    run, helper = await house.start(), await a_helper(house)
    stuck, go_on = asyncio.Event(), asyncio.Event()
    search = house.target.search_within

    async def stuck_once(*place: Any, **to: Any) -> Any:
        found = await search(*place, **to)
        if HELPS.get():
            stuck.set()
            await go_on.wait()
        await stuck.wait()
        return found

    house.target.search_within = stuck_once
    leading = asyncio.create_task(house.engine.run(run))
    helping = asyncio.create_task(helped(house, run, helper))
    await asyncio.wait_for(stuck.wait(), 20)
    await asyncio.sleep(0.2)

    assert not leading.done(), "it went on without a range that somebody else lists"
    assert await house.rows("SELECT 1 FROM runs WHERE phase = 'listing'")
    async with pool.acquire() as conn:
        await workers.leave(conn, helper)
    ended = await asyncio.wait_for(leading, 20)
    before = await what_is_known(house)
    go_on.set()
    await helping

    assert ended is not None
    assert (ended.status, ended.listing_complete) == ("completed", True)
    assert await what_is_known(house) == before


async def test_daemons_find_ranges_by_themselves(pool: Pool) -> None:
    house, helps, stop = await a_ranged_house(pool), asyncio.Event(), asyncio.Event()
    search = house.target.search_within

    async def together(*place: Any, **to: Any) -> Any:
        await asyncio.wait_for(helps.wait(), 20)
        return await search(*place, **to)

    house.target.search_within = together
    async with tenant(pool, house.tenant_id) as conn:
        run = await runs.create(
            conn, kind=RunKind.RECONCILIATION, mode=RunMode.FULL, trigger=RunTrigger.MANUAL, **house.where
        )
    pollers = []
    for _ in range(2):
        owner, engine = await a_helper(house), house.engine
        handlers = handlers_of_runs(pool, engine, engine, owner=lambda owner=owner: owner, stop=stop)
        pollers.append(asyncio.create_task(DuePoller(pool, handlers, poll_s=0.05).run(stop)))
    held = "SELECT count(DISTINCT owner) = 2 AS both FROM run_ranges WHERE run_id = $1"
    await eventually(lambda: _is(house, held, run.id), timeout=20, what="a range for each")
    helps.set()
    over = "SELECT status = 'completed' AS over FROM runs WHERE id = $1"
    await eventually(lambda: _is(house, over, run.id), timeout=20, what="the end of the run")
    idle = "SELECT count(*) = 0 AS idle FROM due_work WHERE kind IN ('run', 'range')"
    await eventually(lambda: _is(house, idle), timeout=20, what="nothing left to do")
    stop.set()
    await asyncio.gather(*pollers)


async def _is(house: House, question: str, *values: Any) -> bool:
    return bool(next(iter((await house.rows(question, *values))[0].values())))


async def test_range_that_ends_without_saying_so_concludes_nothing(pool: Pool) -> None:
    house = await a_ranged_house(pool)
    house.target.faults.ends_after = 1

    ended = await listed_by(house, await house.start(), await a_helper(house))

    assert ended is not None
    assert (ended.status, ended.pause_reason) == ("paused", "safeguard")
    found = {row["discrepancy_type"] for row in await house.rows("SELECT discrepancy_type FROM discrepancies")}
    assert not found & {"missing", "deleted"}


async def test_pause_is_heeded_by_everybody_and_taken_up_again(pool: Pool, admin: "asyncpg.Connection[Any]") -> None:
    twins = Twins(admin, await a_ranged_house(pool))
    single, house = alone(await twins.another()), await twins.another()
    await single.reconcile()
    expected = await outcome(single)
    run, helper = await house.start(), await a_helper(house)
    asked: list[int] = []

    async def pause() -> None:
        async with tenant(house.pool, house.tenant_id) as conn:
            await runs.request_pause(conn, tenant_id=house.tenant_id, run_id=run.id)

    search = house.target.search_within

    async def pausing(*place: Any, **to: Any) -> Any:
        if not asked:
            asked.append(1)
            await pause()
        return await search(*place, **to)

    house.target.search_within = pausing
    paused = await listed_by(house, run, helper)
    assert paused is not None
    assert (paused.status, paused.pause_reason) == ("paused", "person")
    assert not await house.rows("SELECT 1 FROM run_ranges WHERE owner IS NOT NULL")

    async with tenant(house.pool, house.tenant_id) as conn:
        await runs.resume(conn, tenant_id=house.tenant_id, run_id=run.id)
    await listed_by(house, await house.claim(run.id), helper)

    assert await outcome(house) == expected


async def test_account_made_meanwhile_is_in_some_range(pool: Pool) -> None:
    house = await a_ranged_house(pool)
    made: list[str] = []

    def make(number: int) -> None:
        if number == 0:
            made.extend(house.target.put({"login": uid}, uid=uid) for uid in ("uid-000010b", "uid-000018b", "zzz"))

    house.target.faults.at_page = make
    await house.reconcile()

    rows = await house.rows("SELECT uid FROM accounts WHERE uid = ANY($1)", made)
    assert {row["uid"] for row in rows} == set(made)


async def test_how_far_the_ranges_are_is_told(pool: Pool) -> None:
    house = await a_ranged_house(pool)
    told: list[tuple[int, int, int]] = []

    async def look(*place: Any, **to: Any) -> Any:
        async with tenant(house.pool, house.tenant_id) as conn:
            listed = await run_history.listed(conn, tenant_id=house.tenant_id, run_id=run.id)
        if listed.ranges is not None:
            told.append((listed.ranges.total, listed.ranges.done, listed.ranges.at_work))
        return await search(*place, **to)

    search = house.target.search_within
    house.target.search_within = look
    run = await house.start()
    await house.engine.run(run)

    assert told[0] == (RANGES, 0, 1)
    assert told[-1] == (RANGES, RANGES - 1, 1)


async def test_who_has_nothing_to_help_with_forgets_it(pool: Pool) -> None:
    house = await a_ranged_house(pool)
    run = await house.start()
    async with tenant(pool, house.tenant_id) as conn:
        await due_work.ask(conn, house.tenant_id, due_work.Kind.RANGE, run.id)
    await house.engine.run(run)

    await house.engine.help(house.tenant_id, run.id, owner=await a_helper(house))

    assert not await house.rows("SELECT 1 FROM due_work WHERE kind = 'range'")


async def test_listing_that_cannot_be_divided_is_listed_as_ever(house: House) -> None:
    await house.provide(*(f"person{n}" for n in range(6)))
    connector = replace(house.connector, settings={"listing_ranges": 8})
    house.targets.add(connector, house.target)

    ended = await house.reconcile()

    assert (ended.status, ended.listing_complete, ended.discrepancies_found) == ("completed", True, 0)
