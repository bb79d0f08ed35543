"""Imports under the rules of runs: killed anywhere they end as one that was not, and no listing makes people leave."""

from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.fakes import MemoryTarget
from tests.integration.recon.conftest import House, a_house
from tests.integration.recon.crashes import Killed, RoundTrips, Twins
from tests.integration.recon.test_safety import Unreliable, spoil
from worker.domain.run import Run, RunKind, RunStatus
from worker.intake import Importer
from worker.planning import decide_approval
from worker.safeguard import DEFAULT_LIMITS
from worker.store import runs
from worker.store.pool import Pool, open_pool
from worker.store.tenant import tenant

STAFF = 20
EXAMPLES = 40
FORM = {"import": {"external_id": "number", "attributes": {"title": "title", "login": "login"}}}


async def an_office(pool: Pool, target: MemoryTarget) -> House:
    """A tenant whose source has been imported once: everybody is there, and nobody waits to be planned."""
    tenant_id = uuid4()
    async with pool.acquire() as conn:
        await conn.execute("INSERT INTO tenants (id, name) VALUES ($1, $2)", tenant_id, str(tenant_id))
    kind = {"is_source": True, "is_target": False, "settings": FORM}
    house = await a_house(pool, tenant_id, name="hr", target=target, **kind)
    for n in range(STAFF):
        target.put({"number": f"e{n}", "title": f"T{n}", "login": f"p{n}"})
    assert (await imported(house)).status is RunStatus.COMPLETED
    await house.rows("DELETE FROM plan_items RETURNING 1")
    return house


def importer(house: House) -> Importer:
    return Importer(house.pool, sources=house.targets, retry_page_after=())


async def imported(house: House, **fields: Any) -> Run:
    run = await begun(house, **fields)
    await importer(house).process(run)
    return await as_it_is(house, run.id)


async def begun(house: House, **fields: Any) -> Run:
    run = await house.start(kind=RunKind.IMPORT, **fields)
    assert run.kind is RunKind.IMPORT
    return run


async def as_it_is(house: House, run_id: UUID) -> Run:
    async with tenant(house.pool, house.tenant_id) as conn:
        run = await runs.get(conn, tenant_id=house.tenant_id, run_id=run_id)
    assert run is not None
    return run


async def what_is_known(house: House) -> dict[str, Any]:
    """Everything an import leaves, without ids of new rows and times."""
    return {
        "people": await house.rows("SELECT external_id, attributes, active, version FROM identities ORDER BY 1"),
        "rows": await house.rows(
            "SELECT a.uid, i.external_id, a.state, a.observed, a.observed_hash, a.gone_at IS NULL AS is_there "
            "FROM accounts a LEFT JOIN identities i ON i.id = a.identity_id ORDER BY 1"
        ),
        "plans": await house.rows(
            "SELECT i.external_id, p.origin FROM plan_items p JOIN identities i ON i.id = p.identity_id ORDER BY 1"
        ),
        "run": await house.rows(
            "SELECT status, accounts_processed, accounts_total, items_total, items_success, items_error, "
            "listing_complete, phase, statistics FROM runs ORDER BY id"
        ),
        "approvals": await house.rows("SELECT kind, held, sample FROM approvals"),
        "checkpoints": await house.rows("SELECT page FROM run_checkpoints"),
    }


async def admin_of(database: Any) -> AsyncIterator["asyncpg.Connection[Any]"]:
    conn = await asyncpg.connect(database.admin_dsn)
    yield conn
    await conn.close()


admin = pytest.fixture(admin_of)


@pytest.mark.timeout(300)
@pytest.mark.parametrize(
    ("gone", "every"),
    [pytest.param(3, 3, id="some left"), pytest.param(15, 1, id="too many left, and a person agreed")],
)
async def test_import_killed_before_each_of_its_round_trips_ends_as_one_that_was_not(
    pool: Pool, admin: "asyncpg.Connection[Any]", database: Any, gone: int, every: int
) -> None:
    office = await an_office(pool, MemoryTarget())
    _spoil_some(office.target, gone=gone)
    twins = Twins(admin, office)
    whole = await twins.another()
    run = await begun(whole)
    with RoundTrips().watching(type(whole.target)) as trips:
        await _to_the_end(whole, run)
    expected, reads = await what_is_known(whole), len(whole.target.calls)
    points = trips.count

    assert points > 30
    for at in range(1, points + 1, every):
        house = await twins.another()
        await _killed(house, at=at, dsn=database.daemon_dsn)
        assert await what_is_known(house) == expected, f"killed before round trip {at} of {points}"
        assert len(house.target.calls) - reads <= 1, f"killed before round trip {at}: more than a page was read again"


def _spoil_some(target: MemoryTarget, *, gone: int) -> None:
    uids = list(target.accounts)
    target.change(uids[-1], title="Changed")
    target.change(uids[-2], number="")
    target.put({"number": "e100", "title": "New", "login": "new"})
    for uid in uids[:gone]:
        target.remove(uid)


async def _to_the_end(house: House, run: Run) -> None:
    await importer(house).process(run)
    held = await as_it_is(house, run.id)
    if held.status is RunStatus.PAUSED and held.approval_id:
        async with tenant(house.pool, house.tenant_id) as conn:
            await decide_approval(conn, house.tenant_id, held.approval_id, approve=True, by=uuid4(), seen=1)
        await importer(house).process(await house.claim(run.id))


async def _killed(house: House, *, at: int, dsn: str) -> None:
    """The process dies before this round trip, in the first part or behind the approval; another takes the run over."""
    run = await begun(house)
    its_own = await open_pool(dsn, size=4)
    with RoundTrips().watching(type(house.target)) as trips:
        trips.at = at
        with pytest.raises(Killed):
            await _to_the_end(replace(house, pool=its_own), run)
        its_own.terminate()
    left = await as_it_is(house, run.id)
    if left.status is RunStatus.RUNNING and left.owner is not None:
        await house.die(left)
    if left.status is RunStatus.RUNNING:
        await _to_the_end(house, await house.claim(run.id))
    elif left.status is RunStatus.PAUSED:
        await _approve_and_go_on(house, left)


async def _approve_and_go_on(house: House, left: Run) -> None:
    assert left.approval_id is not None
    async with tenant(house.pool, house.tenant_id) as conn:
        await decide_approval(conn, house.tenant_id, left.approval_id, approve=True, by=uuid4(), seen=1)
    await importer(house).process(await house.claim(left.id))


LISTED = "none", "cut", "cut and called whole", "stuck", "reset", "twice", "filtered", "emptied"
CHANGED = "all inactive", "other ids", "renamed attribute"
MISHAPS = st.tuples(st.sampled_from([*LISTED, *CHANGED]), st.integers(0, 4), st.integers(1, 8))


@pytest.fixture
async def twins(pool: Pool, admin: "asyncpg.Connection[Any]") -> Twins:
    return Twins(admin, await an_office(pool, Unreliable()))


@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(mishap=MISHAPS, left=st.integers(0, 8), imports=st.integers(1, 2))
async def test_no_listing_of_a_source_makes_more_people_leave_than_is_allowed(
    twins: Twins, mishap: tuple[str, int, int], left: int, imports: int
) -> None:
    house = await twins.another()
    target = house.target
    assert isinstance(target, Unreliable)
    gone = set(list(target.accounts)[:left])
    for uid in gone:
        target.remove(uid)
    spoil(target, mishap[0], key="number", renamed_to="personnel")
    target.mishap = mishap

    for _ in range(imports):
        run = await imported(house)
        await _is_harmless(house, run, gone=gone, is_each_said_inactive=mishap[0] == "all inactive")
        if run.status is RunStatus.PAUSED:
            break


async def _is_harmless(house: House, run: Run, *, gone: set[str], is_each_said_inactive: bool) -> None:
    left = {row["uid"] for row in await house.rows("SELECT uid FROM accounts WHERE state = 'dead'")}
    inactive = await house.rows("SELECT 1 FROM identities WHERE NOT active")

    assert len(left) * 100 <= STAFF * DEFAULT_LIMITS.shrink_percent
    assert is_each_said_inactive or len(inactive) <= len(left)
    if not run.listing_complete:
        assert not left or run.status is RunStatus.FAILED, "an earlier run may have been right about some"
    assert len(await house.rows("SELECT 1 FROM identities")) == STAFF


async def test_a_dry_run_says_what_the_real_one_does(pool: Pool) -> None:
    house = await an_office(pool, MemoryTarget())
    _spoil_some(house.target, gone=3)
    for n in range(101, 105):
        house.target.put({"number": f"e{n}", "title": "New", "login": f"new{n}"})
    house.target.put({"number": "e100", "title": "The number of one on an earlier page", "login": "twin"})

    dry = await imported(house, dry_run=True)
    before = await what_is_known(house)
    real = await imported(house)

    names = ("created", "updated", "unchanged", "vanished")
    assert {name: dry.statistics[name] for name in names} == {name: real.statistics[name] for name in names}
    assert [each["uid"] for each in dry.statistics["errors"]] == [each["uid"] for each in real.statistics["errors"]]
    assert (dry.items_total, dry.items_success, dry.items_error) == (real.items_total, real.items_success, 2)
    assert before["plans"] == []
    assert {row["version"] for row in before["people"]} == {1}
