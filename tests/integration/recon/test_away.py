"""A target that goes away in the middle of a listing is waited for; nothing is concluded of what it did not show."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from tests.conformance.targets.scim import TOKEN, ScimServer, free_port
from tests.factories import a_connector
from tests.fakes import MemoryTarget, MemoryTargets
from tests.integration.recon.conftest import House
from tests.integration.recon.test_imports import an_office, as_it_is, begun, importer
from worker.connectors import ConnectorGuard, Page, Targets
from worker.domain.connector import Limits
from worker.domain.errors import LeaseLost, TargetUnavailable
from worker.domain.mapping import MappingRule
from worker.domain.run import Run
from worker.recon import ReconciliationEngine
from worker.security import Vault, new_key, parse_key
from worker.store import mappings, runs
from worker.store.pool import Pool
from worker.store.run_waits import wait_for_target
from worker.store.tenant import tenant

RULES = (MappingRule("userName", source="user_name", required=True),)
PEOPLE, PAGE = 20, 4


@pytest.fixture
def server(tmp_path: Path) -> Iterator[ScimServer]:
    made = ScimServer(tmp_path / "scim.log", free_port())
    made.start()
    yield made
    made.kill()


@pytest.fixture(autouse=True)
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("worker.recon.steps.FIRST_WAIT", timedelta(0))


async def a_scim_house(pool: Pool, tenant_id: UUID, server: ScimServer) -> tuple[House, Targets]:
    vault = Vault([parse_key(new_key())])
    config = {"url": f"http://127.0.0.1:{server.port}/v2"}
    limits = Limits(page_size=PAGE)
    connector = await a_connector(pool, tenant_id, name="app", type="scim", config=config, limits=limits)
    async with tenant(pool, tenant_id) as conn:
        where = {"tenant_id": tenant_id, "connector_id": connector.id, "object_class": "user"}
        await mappings.activate(conn, **where, version=await mappings.insert(conn, **where, rules=RULES))
        sealed = vault.seal_credentials({"token": TOKEN}, tenant_id=tenant_id, connector_id=connector.id)
        await conn.execute("UPDATE connectors SET credentials = $1", sealed)
    return House(pool, tenant_id, connector, MemoryTarget(), MemoryTargets()), Targets(pool, vault)


async def wait_of(house: House) -> timedelta:
    """How far off the next look at the run is."""
    [row] = await house.rows("SELECT due_at - db_now() AS wait FROM due_work WHERE kind = 'run'")
    found: timedelta = row["wait"]
    return found


async def test_real_server_that_dies_while_it_is_listed_is_waited_for_and_gone_on_with(
    pool: Pool, tenant_id: UUID, server: ScimServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    house, targets = await a_scim_house(pool, tenant_id, server)
    target = await targets.get(tenant_id, house.connector.id)
    for n in range(PEOPLE):
        await target.guard.create("user", {"userName": f"p{n:02}"})
    engine = ReconciliationEngine(pool, targets, house.acceptance)
    await engine.run(await house.start())
    asked, search, left = [], ConnectorGuard.search, None

    async def dying(guard: ConnectorGuard, *values: Any, **fields: Any) -> Page:
        asked.append(fields["token"])
        if len(asked) == 3 and not left:
            server.kill()
        return await search(guard, *values, **fields)

    monkeypatch.setattr(ConnectorGuard, "search", dying)
    left = await engine.run(await house.start())
    before, wait, pages = await house.findings(), await wait_of(house), list(dict.fromkeys(asked))
    asked.clear()
    server.start()
    assert left is not None
    ended = await engine.run(await house.claim(left.id))
    await targets.aclose()

    assert (left.status, left.pause_reason, left.listing_complete) == ("paused", "target", None)
    assert left.error_message is not None
    assert left.error_message.endswith(" The run goes on from where it is when that is over.")
    assert timedelta(seconds=20) < wait <= timedelta(seconds=30)
    assert len(pages) == 3
    assert asked[0] == pages[2], "what was listed is not listed again"
    assert ended is not None
    assert (ended.status, ended.accounts_processed, ended.listing_complete) == ("completed", PEOPLE, True)
    assert (ended.error_message, {row["discrepancy_type"] for row in before.values()}) == (None, {"orphan"})
    assert len(await house.findings()) == PEOPLE


def closed(house: House, *, from_page: int) -> None:
    """The target refuses connections from this page of a listing on."""

    def refuse(page: int) -> None:
        if page >= from_page:
            raise TargetUnavailable

    house.target.faults.at_page = refuse


async def test_source_that_goes_away_is_waited_for_and_nobody_leaves(pool: Pool) -> None:
    house = await an_office(pool, MemoryTarget())
    gone = list(house.target.accounts)[-2:]
    for uid in gone:
        house.target.remove(uid)
    closed(house, from_page=2)
    run = await begun(house)
    await importer(house).process(run)
    left, there = await as_it_is(house, run.id), await house.rows("SELECT 1 FROM identities WHERE active")
    house.target.faults.at_page = None
    house.target.calls.clear()
    await importer(house).process(await house.claim(run.id))
    ended = await as_it_is(house, run.id)

    assert (left.status, left.pause_reason, left.accounts_processed) == ("paused", "target", 8)
    assert len(there) == 20
    assert house.target.calls[0] == ("search", 2)
    assert (ended.status, ended.statistics["vanished"], ended.accounts_processed) == ("completed", 2, 18)


async def put_down(house: House) -> Run:
    await house.provide(*(f"person{n}" for n in range(10)))
    closed(house, from_page=1)
    run = await house.engine.run(await house.start())
    assert run is not None
    return run


async def test_run_that_waited_for_a_day_gives_up_in_words(house: House) -> None:
    run = await put_down(house)
    day_ago = (datetime.now(UTC) - timedelta(hours=25)).isoformat()
    await house.rows(
        "UPDATE runs SET statistics = jsonb_set(statistics, '{away,since}', to_jsonb($1::text)) RETURNING 1", day_ago
    )

    ended = await house.engine.run(await house.claim(run.id))

    assert ended is not None
    assert (ended.status, ended.discrepancies_found) == ("failed", 0)
    assert ended.error_message is not None
    assert ended.error_message.startswith("Waited since ")
    assert ended.error_message.endswith("in vain: The target cannot be reached.")
    assert not await house.rows("SELECT 1 FROM due_work WHERE kind = 'run'")


async def test_run_that_waits_can_be_resumed_or_cancelled_by_a_person(house: House) -> None:
    run = await put_down(house)
    async with tenant(house.pool, house.tenant_id) as conn:
        resumed = await runs.resume(conn, tenant_id=house.tenant_id, run_id=run.id)
    again = await house.engine.run(await house.claim(run.id))
    async with tenant(house.pool, house.tenant_id) as conn:
        cancelled = await runs.request_cancel(conn, tenant_id=house.tenant_id, run_id=run.id)

    assert (resumed.status, resumed.error_message) == ("running", None)
    assert again is not None
    assert (again.pause_reason, again.statistics["away"]["tries"]) == ("target", 2)
    assert cancelled.status == "cancelled"


@pytest.mark.parametrize(("wish", "status"), [("pause", "paused"), ("cancel", "cancelled")])
async def test_whoever_asked_for_something_meanwhile_is_heard(house: House, wish: str, status: str) -> None:
    run = await house.start()
    async with tenant(house.pool, house.tenant_id) as conn:
        ask = runs.request_pause if wish == "pause" else runs.request_cancel
        await ask(conn, tenant_id=house.tenant_id, run_id=run.id)
    async with tenant(house.pool, house.tenant_id) as conn:
        left = await wait_for_target(conn, run, TargetUnavailable())

    assert (left.status, left.pause_reason) == (status, "person" if wish == "pause" else None)


async def test_process_that_lost_its_run_puts_nothing_down(house: House) -> None:
    stale = await house.start()
    await house.die(stale)
    await house.claim(stale.id)

    async with tenant(house.pool, house.tenant_id) as conn:
        with pytest.raises(LeaseLost):
            await wait_for_target(conn, stale, TargetUnavailable())
    assert [row["status"] for row in await house.rows("SELECT status FROM runs")] == ["running"]
