"""A pool of the daemon's role, targets with a mapping, and people who ask to be planned."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import pytest

from tests.factories import VAULT, a_connector
from worker.domain.connector import Connector
from worker.domain.ids import uuid7
from worker.domain.mapping import MappingRule
from worker.domain.operation import Origin
from worker.mapping import MappingEngine
from worker.planning import Acceptance, Planned, Planner
from worker.queue import OperationQueue
from worker.store import identities, mappings, plan_items
from worker.store.identities import StoredIdentity
from worker.store.pool import Pool, open_pool
from worker.store.tenant import tenant

RULES = (
    MappingRule("cn", source="name", required=True),
    MappingRule("mail", source="mail", transforms=("lower",)),
)


@dataclass
class House:
    """Everything around planning on one database."""

    pool: Pool
    tenant_id: UUID
    targets: list[Connector] = field(default_factory=list)
    planner: Planner | None = None

    async def target(self, name: str = "app", rules: Sequence[MappingRule] = RULES, **fields: Any) -> Connector:
        connector = await a_connector(self.pool, self.tenant_id, name=name, **fields)
        await self.map(connector, rules)
        self.targets.append(connector)
        return connector

    async def map(self, connector: Connector, rules: Sequence[MappingRule]) -> None:
        async with tenant(self.pool, self.tenant_id) as conn:
            where = {"tenant_id": self.tenant_id, "connector_id": connector.id, "object_class": "user"}
            version = await mappings.insert(conn, **where, rules=rules)
            await mappings.activate(conn, **where, version=version)

    async def people(self, *names: str, first: int = 0, **fields: Any) -> list[StoredIdentity]:
        """Store people and ask for their planning."""
        made = [
            StoredIdentity(uuid7(), f"{first + n}", name, {"name": name, "mail": f"{name}@X.org"}, **fields)
            for n, name in enumerate(names)
        ]
        async with tenant(self.pool, self.tenant_id) as conn:
            await identities.insert(conn, tenant_id=self.tenant_id, identities=made)
        await self.ask(*made)
        return made

    async def change(self, *people: StoredIdentity) -> None:
        """Write people as given and ask for their planning."""
        async with tenant(self.pool, self.tenant_id) as conn:
            await identities.update(conn, tenant_id=self.tenant_id, identities=people)
        await self.ask(*people)

    async def ask(self, *people: StoredIdentity) -> None:
        async with tenant(self.pool, self.tenant_id) as conn:
            ids = [each.id for each in people]
            await plan_items.ask(conn, tenant_id=self.tenant_id, identity_ids=ids, origin=Origin.EVENT)

    async def plan(self) -> Planned:
        planner = self.planner or a_planner(self.pool)
        return await planner.run_once(self.tenant_id, self.tenant_id)

    async def rows(self, query: str, *values: Any) -> list[dict[str, Any]]:
        async with tenant(self.pool, self.tenant_id) as conn:
            return [dict(row.items()) for row in await conn.fetch(query, *values)]

    async def operations(self) -> list[tuple[str, str, dict[str, Any]]]:
        """(type, status, payload) of the live ones, in order."""
        rows = await self.rows(
            "SELECT operation_type, status, payload FROM operations ORDER BY connector_id, account_id, seq"
        )
        return [(row["operation_type"], row["status"], row["payload"]) for row in rows]

    async def settle(self) -> None:
        """Pretend that every operation was carried out: accounts exist, lanes are empty."""
        async with tenant(self.pool, self.tenant_id) as conn:
            await conn.execute("DELETE FROM operations")
            await conn.execute(
                "UPDATE accounts SET uid = coalesce(uid, id::text), state = 'active', observed = wanted, "
                "observed_active = wanted_active, live = 0, head_id = NULL"
            )


def a_planner(pool: Pool, *, batch: int = 1000, mapper: Any = None) -> Planner:
    acceptance = Acceptance(OperationQueue())
    return Planner(pool, mapper=mapper or MappingEngine(), acceptance=acceptance, vault=VAULT, batch=batch)


@pytest.fixture
async def pool(database: Any) -> AsyncIterator[Pool]:
    opened = await open_pool(database.daemon_dsn, size=8)
    yield opened
    await opened.close()


@pytest.fixture
async def house(pool: Pool, tenant_id: UUID) -> House:
    return House(pool, tenant_id)
