"""A house whose target is a real table, with everything that carries operations out, and people who act."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from random import Random
from typing import Any, cast
from urllib.parse import urlsplit
from uuid import UUID

import asyncpg
import pytest

from tests.factories import a_connector, registered_worker
from tests.waiting import eventually
from worker.actions import House
from worker.connectors import Targets
from worker.correlation import Asker, CorrelationService
from worker.domain.connector import Connector
from worker.domain.ids import uuid7
from worker.domain.mapping import MappingRule
from worker.domain.operation import Origin
from worker.domain.run import RunKind, RunMode, RunTrigger
from worker.execution import Executor, Journal, Matching, Names, Scripting, Secrets, WorkLoader
from worker.hooks import HookExecutor
from worker.mapping import MappingEngine
from worker.planning import Acceptance, Planner
from worker.queue import DeadLetters, Dispatcher, Finisher, OperationQueue
from worker.recon import ReconciliationEngine, Remediation
from worker.security import Principal, Vault, new_key, parse_key
from worker.store import identities, mappings, plan_items, principals, runs
from worker.store.identities import StoredIdentity
from worker.store.pool import Pool, open_pool
from worker.store.tenant import tenant

TABLE = """
CREATE TABLE people (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, login text NOT NULL UNIQUE, mail text, given text, family text,
    enabled boolean NOT NULL DEFAULT true
)
"""
RULES = (
    MappingRule("login", source="user_name", required=True),
    MappingRule("mail", source="mail", case_sensitive=False),
    MappingRule("given", source="given_name"),
    MappingRule("family", source="family_name"),
)
COLUMNS = ("login", "mail", "given", "family")


@dataclass
class Lease:
    """The lease of one worker, always held."""

    owner: UUID

    def is_held(self) -> bool:
        return True


@dataclass
class Works:
    """One tenant, one table, and all that works on them."""

    house: House
    connector: Connector
    table: asyncpg.Connection
    lease: Lease
    operator: Principal
    second: Principal
    viewer: Principal

    @property
    def tenant_id(self) -> UUID:
        return self.operator.tenant_id

    @property
    def asker(self) -> Asker | None:
        """Who asks hooks and expressions whose accounts are, where the house runs scripts."""
        return Asker(self.house.scripts, Journal(self.house.pool)) if self.house.scripts is not None else None

    async def hire(self, *people: tuple[str, str, str], is_planned: bool = True) -> list[UUID]:
        """Store people (given, family, mail) and plan them; user names are their mail's first part."""
        made = [
            StoredIdentity(
                uuid7(),
                f"e-{mail}",
                mail.partition("@")[0],
                {"mail": mail, "given_name": given, "family_name": family},
            )
            for given, family, mail in people
        ]
        async with tenant(self.house.pool, self.tenant_id) as conn:
            await identities.insert(conn, tenant_id=self.tenant_id, identities=made)
            ids = [each.id for each in made]
            await plan_items.ask(conn, tenant_id=self.tenant_id, identity_ids=ids, origin=Origin.EVENT)
        if is_planned:
            await self.plan()
        return ids

    async def plan(self) -> None:
        planner = Planner(
            self.house.pool, mapper=MappingEngine(), acceptance=self.house.acceptance, vault=self.house.vault
        )
        await planner.run_once(self.tenant_id, self.tenant_id)

    async def reconcile(self) -> None:
        async with tenant(self.house.pool, self.tenant_id) as conn:
            run = await runs.create(
                conn,
                tenant_id=self.tenant_id,
                connector_id=self.connector.id,
                kind=RunKind.RECONCILIATION,
                mode=RunMode.FULL,
                trigger=RunTrigger.MANUAL,
            )
        await self.go_on(run.id)

    async def go_on(self, run_id: UUID) -> None:
        """Take a run that waits to its end."""
        async with tenant(self.house.pool, self.tenant_id) as conn:
            claimed = await runs.claim(conn, tenant_id=self.tenant_id, run_id=run_id, owner=self.lease.owner)
        assert claimed is not None
        engine = ReconciliationEngine(self.house.pool, self.house.targets, self.house.acceptance, asker=self.asker)
        await engine.run(claimed)

    async def work(self, *, until: str = "SELECT NOT EXISTS (SELECT 1 FROM operations)") -> None:
        """Run operations until a query says true: by default until none is left."""
        house = self.house
        finisher = Finisher(house.pool, self.lease, rng=Random(1))
        secrets = Secrets(house.pool, house.vault, MappingEngine())
        executor = Executor(
            house.targets,
            WorkLoader(house.pool, house.targets),
            Scripting(
                cast("HookExecutor", None),
                names=Names(house.pool),
                journal=Journal(house.pool),
                secrets=secrets,
                key=bytes(32),
            ),
            Matching(house.pool, CorrelationService(), self.asker),
            secrets=secrets,
            attempt_s=45.0,
        )
        dispatcher = Dispatcher(house.pool, lease=self.lease, gate=house.targets, processor=executor, finisher=finisher)
        writing = asyncio.create_task(finisher.run())

        async def is_done() -> bool:
            await dispatcher.run_once(self.tenant_id, self.connector.id)
            return bool((await self.rows(until))[0][0])

        try:
            await eventually(is_done, timeout=20, what=until)
        finally:
            writing.cancel()
            await asyncio.gather(writing, return_exceptions=True)

    async def rows(self, query: str, *values: Any) -> list[Any]:
        async with tenant(self.house.pool, self.tenant_id) as conn:
            return list(await conn.fetch(query, *values))

    async def value(self, query: str, *values: Any) -> Any:
        return (await self.rows(query, *values))[0][0]

    async def logins(self) -> list[tuple[str, bool]]:
        found = await self.table.fetch("SELECT login, enabled FROM people ORDER BY login")
        return [(row["login"], row["enabled"]) for row in found]


@pytest.fixture
async def pool(database: Any) -> AsyncIterator[Pool]:
    opened = await open_pool(database.daemon_dsn, size=8)
    yield opened
    await opened.close()


@pytest.fixture
async def table(empty_database: Any) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(empty_database.owner_dsn)
    await connection.execute(TABLE)
    yield connection
    await connection.close()


@pytest.fixture
async def works(pool: Pool, tenant_id: UUID, empty_database: Any, table: asyncpg.Connection) -> AsyncIterator[Works]:
    url = urlsplit(empty_database.owner_dsn)
    config = {
        "url": url._replace(netloc=f"{url.username}@{url.hostname}:{url.port}").geturl(),
        "table": "people",
        "key": "id",
        "naming": "login",
        "columns": {name: name for name in COLUMNS},
        "active_column": "enabled",
    }
    vault = Vault([parse_key(new_key())])
    connector = await a_connector(pool, tenant_id, config=config)
    async with tenant(pool, tenant_id) as conn:
        where = {"tenant_id": tenant_id, "connector_id": connector.id, "object_class": "user"}
        version = await mappings.insert(conn, **where, rules=RULES)
        await mappings.activate(conn, **where, version=version)
        sealed = vault.seal_credentials(
            {"password": url.password or ""}, tenant_id=tenant_id, connector_id=connector.id
        )
        await conn.execute("UPDATE connectors SET credentials = $1", sealed)
        people = [await _person(conn, tenant_id, *who) for who in _PEOPLE]
    targets = Targets(pool, vault)
    queue = OperationQueue()
    acceptance = Acceptance(queue)
    house = House(
        pool=pool,
        queue=queue,
        letters=DeadLetters(queue),
        acceptance=acceptance,
        remediation=Remediation(acceptance),
        targets=targets,
        vault=vault,
    )
    async with registered_worker(pool) as owner:
        yield Works(house, connector, table, Lease(owner), *people)
    await targets.aclose()


_PEOPLE = (("Ada", "operator"), ("Ben", "operator"), ("Cleo", "viewer"))


async def _person(conn: Any, tenant_id: UUID, name: str, role: str) -> Principal:
    principal_id = await principals.ensure(conn, tenant_id, kind="user", name=name, roles=[role])
    return Principal(tenant_id, principal_id, "user", name, frozenset({role}))
