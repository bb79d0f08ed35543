"""Reconciliation of a target where nothing has changed: listed, compared, nothing written."""

import time
from collections.abc import AsyncIterator, Sequence
from typing import Any

from tests.benchmarks import company
from tests.benchmarks.figures import Figure, Size, at_least, beside
from tests.benchmarks.ground import Ground, Site
from tests.fakes import MemoryTarget, MemoryTargets
from worker.connectors import ConnectorGuard, Page, Targets
from worker.domain.account import TargetAccount
from worker.domain.connector import Connector, Limits
from worker.domain.ids import uuid7
from worker.domain.mapping import MappingRule
from worker.domain.run import Run, RunKind, RunMode, RunStatus, RunTrigger
from worker.planning import Acceptance
from worker.queue import OperationQueue
from worker.recon import ReconciliationEngine
from worker.service.demo import targets as demo
from worker.store import connectors, mappings, runs
from worker.store import demo as stage
from worker.store.tenant import tenant

ACCOUNTS_A_SECOND = 100_000
PAGE = 1_000
STORED_AT_ONCE = 5_000

ATTRIBUTES = (
    "login", "mail", "given_name", "family_name", "display_name", "department",
    "title", "phone", "location", "employee_number", "manager", "employee_type",
)  # fmt: skip

_PEOPLE = """
INSERT INTO identities (tenant_id, id, external_id, user_name)
SELECT $1, n.id, n.external_id, n.external_id FROM unnest($2::uuid[], $3::text[]) AS n(id, external_id)
"""
_ACCOUNTS = """
INSERT INTO accounts (tenant_id, id, connector_id, object_class, uid, identity_id, state, wanted, wanted_active,
    wanted_hash, mapping_version, identity_version)
SELECT $1, n.id, $2, 'user', n.uid, n.identity_id, 'active', n.wanted, true, 1, $3, 1
FROM unnest($4::uuid[], $5::text[], $6::uuid[], $7::jsonb[]) AS n(id, uid, identity_id, wanted)
"""
_ROWS = f"""
INSERT INTO {demo.APP_TABLE} (login, employee_no, first_name, last_name, email, department, title, phone, birth_date)
SELECT 'login' || n, 'e' || n, 'Given' || n, 'Family' || n, 'login' || n || '@nordwerk.example', 'Sales',
    'Account Manager', '+49 30 ' || n, date '1980-01-01' + (n % 5000)::int
FROM generate_series(1, {{count}}) n
"""


class Listed(MemoryTarget):
    """A target in memory whose pages cost nothing to cut."""

    def __init__(self, accounts: Sequence[TargetAccount]) -> None:
        super().__init__(attributes=ATTRIBUTES)
        self._listed = tuple(accounts)

    async def search(self, object_class: str, *, token: str | None, page_size: int) -> Page:
        start = int(token or 0)
        follows = start + page_size
        is_last = follows >= len(self._listed)
        return Page(self._listed[start:follows], None if is_last else str(follows), is_last, len(self._listed))


async def measure(ground: Ground, size: Size) -> AsyncIterator[Figure]:
    """Accounts compared a second, in memory and in a table."""
    async with ground.site("memory_recon") as site:
        rate = await _in_memory(site, size.listed)
    yield at_least("recon unchanged, in memory", rate, "accounts/s", ACCOUNTS_A_SECOND)
    async with ground.site("sql_recon") as site:
        rate, bare = await _in_table(ground, site, size.rows)
    yield beside("recon unchanged, SQL", rate, "accounts/s", peer="bare listing loop", rate=bare)


async def _in_memory(site: Site, count: int) -> float:
    accounts = [
        TargetAccount(f"uid-{n:08}", {name: f"{name} {n}" for name in ATTRIBUTES}, active=True) for n in range(count)
    ]
    connector = Connector(site.tenant_id, uuid7(), "memory", "memory", limits=Limits(page_size=PAGE))
    async with tenant(site.pool, site.tenant_id) as conn:
        await connectors.insert(conn, connector)
        await company.add_mapping(conn, connector, [MappingRule(name, source=name) for name in ATTRIBUTES])
    targets = MemoryTargets()
    targets.add(connector, Listed(accounts))
    await _store(site, connector, accounts)
    return await _second_run(site, connector, targets, count)


async def _in_table(ground: Ground, site: Site, count: int) -> tuple[float, float]:
    dsn = await ground.postgres.application(f"app_{site.name}")
    reach = await company.sql_reach(ground, site)
    await stage.run_script(dsn, _ROWS.format(count=count))
    connector = await company.add_target(site, reach)
    targets = Targets(site.pool, site.vault)
    try:
        target = await targets.get(site.tenant_id, connector.id)
        accounts = [each async for page in _pages(target.guard, connector) for each in page.accounts]
        await _store(site, connector, accounts)
        rate = await _second_run(site, connector, targets, count)
        target = await targets.get(site.tenant_id, connector.id)
        return rate, await _bare_rate(target.guard, connector)
    finally:
        await targets.aclose()


async def _store(site: Site, connector: Connector, accounts: Sequence[TargetAccount]) -> None:
    """People who own these accounts, each of which is as wanted."""
    key = (connector.id, connector.object_class)
    for at in range(0, len(accounts), STORED_AT_ONCE):
        part = accounts[at : at + STORED_AT_ONCE]
        people = [uuid7() for _ in part]
        uids = [each.uid for each in part]
        async with tenant(site.pool, site.tenant_id) as conn:
            active = await mappings.active(conn, tenant_id=site.tenant_id, connector_ids=[connector.id])
            await conn.execute(_PEOPLE, site.tenant_id, people, uids)
            rows = [uuid7() for _ in part]
            wanted: list[Any] = [each.attributes for each in part]
            await conn.execute(_ACCOUNTS, site.tenant_id, connector.id, active[key].version, rows, uids, people, wanted)


async def _second_run(site: Site, connector: Connector, targets: Any, count: int) -> float:
    """Accounts a second of the second full run, which must find nothing; the first one notes that all agrees."""
    engine = ReconciliationEngine(site.pool, targets, Acceptance(OperationQueue()))
    await _run(site, connector, engine)
    run = await _claimed(site, connector)
    started = time.monotonic()
    ended = await engine.run(run)
    took = time.monotonic() - started
    _check(ended, count)
    return count / took


async def _run(site: Site, connector: Connector, engine: ReconciliationEngine) -> None:
    ended = await engine.run(await _claimed(site, connector))
    _check(ended, None)


def _check(ended: Run | None, count: int | None) -> None:
    if ended is None or ended.status is not RunStatus.COMPLETED:
        raise RuntimeError(f"the run did not complete: {ended and ended.error_message}")
    if ended.discrepancies_found or (count is not None and ended.accounts_processed != count):
        raise RuntimeError(f"{ended.accounts_processed} accounts, {ended.discrepancies_found} discrepancies")


async def _claimed(site: Site, connector: Connector) -> Run:
    owner = await site.lease()
    async with tenant(site.pool, site.tenant_id) as conn:
        made = await runs.create(
            conn,
            tenant_id=site.tenant_id,
            connector_id=connector.id,
            kind=RunKind.RECONCILIATION,
            mode=RunMode.FULL,
            trigger=RunTrigger.MANUAL,
        )
        run = await runs.claim(conn, tenant_id=site.tenant_id, run_id=made.id, owner=owner)
    if run is None:
        raise RuntimeError("the run cannot be claimed")
    return run


async def _pages(guard: ConnectorGuard, connector: Connector) -> AsyncIterator[Page]:
    token: str | None = None
    while True:
        page = await guard.search(connector.object_class, token=token)
        yield page
        if page.is_last or page.next_token is None:
            return
        token = page.next_token


async def _bare_rate(guard: ConnectorGuard, connector: Connector) -> float:
    """Accounts a second of a loop that lists and does nothing else."""
    started = time.monotonic()
    listed = 0
    async for page in _pages(guard, connector):
        listed += len(page.accounts)
    return listed / (time.monotonic() - started)
