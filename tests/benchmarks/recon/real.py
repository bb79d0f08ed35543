"""Unchanged accounts of real targets, in turns with a loop that lists them with the same client and does no more."""

import time
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

from tests.benchmarks import company
from tests.benchmarks.company import Reach, Staff
from tests.benchmarks.figures import Figure, Size, beside
from tests.benchmarks.ground import Ground, Site
from tests.benchmarks.recon import house
from worker.connectors import ConnectorGuard, Page, Targets
from worker.domain.connector import Connector
from worker.domain.run import Run, RunKind, RunMode, RunStatus, RunTrigger
from worker.planning import Acceptance
from worker.queue import OperationQueue
from worker.recon import ReconciliationEngine
from worker.service.demo import targets as demo
from worker.service.demo.organisation import generate
from worker.store import demo as stage
from worker.store import runs
from worker.store.tenant import tenant

#: How much of a bare loop's rate must be left.
BARE_SHARE = 0.9
TURNS = 3

_ROWS = f"""
INSERT INTO {demo.APP_TABLE} (login, employee_no, first_name, last_name, email, department, title, phone, birth_date)
SELECT 'login' || n, 'e' || n, 'Given' || n, 'Family' || n, 'login' || n || '@nordwerk.example', 'Sales',
    'Account Manager', '+49 30 ' || n, date '1980-01-01' + (n % 5000)::int
FROM generate_series(1, {{count}}) n
"""


async def measure(ground: Ground, size: Size) -> AsyncIterator[Figure]:
    """An application's table, and a SCIM service."""
    async with ground.site("sql_recon") as site:

        async def fill_table(_: Reach, __: Connector) -> None:
            dsn = await ground.postgres.application(f"app_{site.name}")
            await stage.run_script(dsn, _ROWS.format(count=size.rows))

        ours, bare = await _rates(site, await company.sql_reach(ground, site), fill_table)
    yield _beside("recon unchanged, SQL", ours, bare)
    async with ground.site("scim_recon") as site:
        reach = await company.scim_reach(ground)
        staff = Staff(generate(count=12_000), reach.target)

        async def fill_service(reach: Reach, connector: Connector) -> None:
            await company.fill(reach, connector, staff.take(size.served))

        ours, bare = await _rates(site, reach, fill_service)
    yield _beside("recon unchanged, SCIM", ours, bare)


def _beside(measure: str, ours: float, bare: float) -> Figure:
    return beside(measure, ours, "accounts/s", peer="bare listing loop", rate=bare, wanted=BARE_SHARE)


async def _rates(site: Site, reach: Reach, fill: Callable[[Reach, Connector], Awaitable[None]]) -> tuple[float, float]:
    """Accounts a second of runs that find nothing, and of bare loops; each run follows a loop and goes before one."""
    connector = await company.add_target(site, reach)
    await fill(reach, connector)
    targets = Targets(site.pool, site.vault)
    try:
        guard = (await targets.get(site.tenant_id, connector.id)).guard
        listed = [(each.uid, each.attributes) async for page in _pages(guard, connector) for each in page.accounts]
        await house.fill(site, connector, iter(listed))
        engine = ReconciliationEngine(site.pool, targets, Acceptance(OperationQueue()))
        await _run(site, connector, engine)
        ours, bare = 0.0, await _bare_s(guard, connector)
        for _ in range(TURNS):
            ours += await _run(site, connector, engine)
            bare += await _bare_s(guard, connector)
    finally:
        await targets.aclose()
    return TURNS * len(listed) / ours, (TURNS + 1) * len(listed) / bare


async def _run(site: Site, connector: Connector, engine: ReconciliationEngine) -> float:
    """The seconds of a full run, which must find nothing."""
    run = await _claimed(site, connector)
    started = time.monotonic()
    ended = await engine.run(run)
    took = time.monotonic() - started
    if ended is None or ended.status is not RunStatus.COMPLETED or ended.discrepancies_found:
        raise RuntimeError(f"the run found something, or did not complete: {ended and ended.error_message}")
    return took


async def _claimed(site: Site, connector: Connector) -> Run:
    owner = await site.lease()
    where: dict[str, Any] = {"tenant_id": site.tenant_id}
    async with tenant(site.pool, site.tenant_id) as conn:
        made = await runs.create(
            conn,
            connector_id=connector.id,
            kind=RunKind.RECONCILIATION,
            mode=RunMode.FULL,
            trigger=RunTrigger.MANUAL,
            **where,
        )
        run = await runs.claim(conn, run_id=made.id, owner=owner, **where)
    if run is None:
        raise RuntimeError("the run cannot be claimed")
    return run


async def _bare_s(guard: ConnectorGuard, connector: Connector) -> float:
    started = time.monotonic()
    async for _ in _pages(guard, connector):
        pass
    return time.monotonic() - started


async def _pages(guard: ConnectorGuard, connector: Connector) -> AsyncIterator[Page]:
    token: str | None = None
    while True:
        page = await guard.search(connector.object_class, token=token)
        yield page
        if page.is_last or page.next_token is None:
            return
        token = page.next_token
