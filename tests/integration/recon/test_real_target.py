"""The whole circle on a real table: planned, listed, created, drifted, found, repaired, and quiet again."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from random import Random
from typing import Any, cast
from urllib.parse import urlsplit
from uuid import UUID

import asyncpg
import pytest

from tests.factories import VAULT, a_connector, registered_worker
from tests.fakes import MemoryTarget, MemoryTargets
from tests.integration.recon.conftest import RULES, House
from tests.waiting import eventually
from worker.connectors import Targets
from worker.correlation import CorrelationService
from worker.domain.connector import Limits
from worker.execution import Executor, Journal, Matching, Names, Scripting, Secrets, WorkLoader
from worker.hooks import HookExecutor
from worker.mapping import MappingEngine
from worker.queue import Dispatcher, Finisher
from worker.recon import ReconciliationEngine
from worker.security import Vault, new_key, parse_key
from worker.store import mappings
from worker.store.pool import Pool
from worker.store.tenant import tenant

TABLE = """
CREATE TABLE people (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    login text NOT NULL UNIQUE,
    mail text,
    department text,
    enabled boolean NOT NULL DEFAULT true
)
"""
POLICY = {"mismatch": "update", "missing": "create", "deleted": "create", "unlinked": "link", "orphan": "delete"}


@dataclass
class Lease:
    """The lease of one worker, always held."""

    owner: UUID

    def is_held(self) -> bool:
        return True


@pytest.fixture
async def table(empty_database: Any) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(empty_database.owner_dsn)
    await connection.execute(TABLE)
    yield connection
    await connection.close()


@pytest.fixture
async def circle(
    pool: Pool, tenant_id: UUID, empty_database: Any, table: asyncpg.Connection
) -> AsyncIterator["Circle"]:
    url = urlsplit(empty_database.owner_dsn)
    vault = Vault([parse_key(new_key())])
    config = {
        "url": url._replace(netloc=f"{url.username}@{url.hostname}:{url.port}").geturl(),
        "table": "people",
        "key": "id",
        "naming": "login",
        "columns": {"login": "login", "mail": "mail", "department": "department"},
        "active_column": "enabled",
    }
    connector = await a_connector(pool, tenant_id, config=config, limits=Limits(page_size=20), policy=POLICY)
    async with tenant(pool, tenant_id) as conn:
        where = {"tenant_id": tenant_id, "connector_id": connector.id, "object_class": "user"}
        version = await mappings.insert(conn, **where, rules=RULES)
        await mappings.activate(conn, **where, version=version)
        sealed = vault.seal_credentials(
            {"password": url.password or ""}, tenant_id=tenant_id, connector_id=connector.id
        )
        await conn.execute("UPDATE connectors SET credentials = $1", sealed)
    targets = Targets(pool, vault)
    house = House(pool, tenant_id, connector, MemoryTarget(), MemoryTargets())
    async with registered_worker(pool) as owner:
        yield Circle(house, targets, Lease(owner), table)
    await targets.aclose()


@dataclass
class Circle:
    """A house whose target is a table, with everything that carries operations out."""

    house: House
    targets: Targets
    lease: Lease
    table: asyncpg.Connection

    async def reconcile(self, **fields: Any) -> Any:
        engine = ReconciliationEngine(self.house.pool, self.targets, self.house.acceptance)
        return await engine.run(await self.house.start(**fields))

    async def work(self) -> None:
        """Run operations until none is left."""
        pool, house = self.house.pool, self.house
        finisher = Finisher(pool, self.lease, rng=Random(1))
        secrets = Secrets(pool, VAULT, MappingEngine())
        executor = Executor(
            self.targets,
            WorkLoader(pool, self.targets),
            Scripting(
                cast("HookExecutor", None), names=Names(pool), journal=Journal(pool), secrets=secrets, key=bytes(32)
            ),
            Matching(pool, CorrelationService()),
            secrets=secrets,
            attempt_s=45.0,
        )
        dispatcher = Dispatcher(pool, lease=self.lease, gate=self.targets, processor=executor, finisher=finisher)
        writing = asyncio.create_task(finisher.run())

        async def is_done() -> bool:
            await dispatcher.run_once(house.tenant_id, house.connector.id)
            return not await house.rows("SELECT 1 FROM operations")

        try:
            await eventually(is_done, timeout=20, what="every operation carried out")
        finally:
            writing.cancel()
            await asyncio.gather(writing, return_exceptions=True)

    async def rows(self) -> list[tuple[str, str, str, bool]]:
        found = await self.table.fetch("SELECT login, mail, department, enabled FROM people ORDER BY login")
        return [tuple(row) for row in found]


async def test_drift_of_a_real_table_is_repaired_and_the_next_run_is_quiet(circle: Circle) -> None:
    house, table = circle.house, circle.table
    await table.execute("INSERT INTO people (login, mail, department) VALUES ('p07', 'p07@example.org', 'Sales')")
    await house.hire(*(f"p{n:02}" for n in range(50)))
    await house.plan()
    first = await circle.reconcile()
    await circle.work()
    wanted = await circle.rows()
    await circle.reconcile()
    await table.execute("UPDATE people SET department = 'Wrong' WHERE login = 'p03'")
    await table.execute("UPDATE people SET enabled = false WHERE login = 'p04'")
    await table.execute("DELETE FROM people WHERE login = 'p05'")
    await table.execute("INSERT INTO people (login, mail) VALUES ('zzz9q', 'nobody@elsewhere.net')")

    found = await circle.reconcile()
    await house.plan()
    await circle.work()
    quiet = await circle.reconcile()
    versions = await house.rows("SELECT id, xmin::text, ctid::text FROM accounts ORDER BY id")
    again = await circle.reconcile()

    assert first.discrepancies_by_type == {"unlinked": 1}
    assert len(wanted) == 50
    assert found.discrepancies_by_type == {"mismatch": 2, "deleted": 1, "orphan": 1}
    assert await circle.rows() == wanted
    assert (quiet.discrepancies_found, again.discrepancies_found) == (0, 0)
    assert await house.rows("SELECT id, xmin::text, ctid::text FROM accounts ORDER BY id") == versions
    assert await house.findings() == {}
    dead = await house.rows("SELECT error_message FROM dead_letters")
    assert dead == []
