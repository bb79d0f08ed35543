"""A target in memory with a mapping, people, and a process that runs reconciliations."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID, uuid4

import pytest

from tests.factories import VAULT, a_connector
from tests.fakes import MemoryTarget, MemoryTargets
from worker.domain.connector import Connector, Limits
from worker.domain.ids import uuid7
from worker.domain.mapping import MappingRule
from worker.domain.operation import Origin
from worker.domain.run import Run, RunKind, RunMode, RunTrigger
from worker.mapping import MappingEngine
from worker.planning import Acceptance, Planner
from worker.queue import OperationQueue
from worker.recon import ReconciliationEngine, Remediation
from worker.store import identities, mappings, plan_items, principals, runs, workers
from worker.store.identities import StoredIdentity
from worker.store.pool import Pool, open_pool
from worker.store.tenant import tenant

RULES = (
    MappingRule("login", source="user_name", required=True),
    MappingRule("mail", source="mail", case_sensitive=False),
    MappingRule("department", source="department"),
)


@dataclass
class House:
    """One tenant with one target."""

    pool: Pool
    tenant_id: UUID
    connector: Connector
    target: MemoryTarget
    targets: MemoryTargets
    stop: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def acceptance(self) -> Acceptance:
        return Acceptance(OperationQueue())

    @property
    def engine(self) -> ReconciliationEngine:
        return ReconciliationEngine(self.pool, self.targets, self.acceptance, stop=self.stop)

    @property
    def remediation(self) -> Remediation:
        return Remediation(self.acceptance)

    @property
    def where(self) -> dict[str, UUID]:
        return {"tenant_id": self.tenant_id, "connector_id": self.connector.id}

    async def hire(self, *names: str, **fields: Any) -> dict[str, UUID]:
        """Store people and ask for their planning; their ids by user name."""
        people = [
            StoredIdentity(
                uuid7(),
                f"e-{name}",
                name,
                {
                    "mail": f"{name}@Example.org",
                    "department": "Sales",
                    "display_name": name.title(),
                    **fields.get("attributes", {}),
                },
                active=fields.get("active", True),
            )
            for name in names
        ]
        async with tenant(self.pool, self.tenant_id) as conn:
            await identities.insert(conn, tenant_id=self.tenant_id, identities=people)
            await plan_items.ask(
                conn, tenant_id=self.tenant_id, identity_ids=[p.id for p in people], origin=Origin.EVENT
            )
        return {each.user_name: each.id for each in people}

    async def plan(self) -> None:
        planner = Planner(self.pool, mapper=MappingEngine(), acceptance=self.acceptance, vault=VAULT)
        await planner.run_once(self.tenant_id, self.tenant_id)

    async def carry_out(self) -> None:
        """Do at the target what waits in the queue, and note it as the queue's finish does."""
        async with tenant(self.pool, self.tenant_id) as conn:
            waiting = await conn.fetch(
                "SELECT o.*, a.uid FROM operations o JOIN accounts a ON a.id = o.account_id ORDER BY o.seq"
            )
            for op in waiting:
                await self._carry_out(conn, op)
            await conn.execute("DELETE FROM operations")
            await conn.execute("UPDATE accounts SET live = 0, head_id = NULL")

    async def _carry_out(self, conn: Any, op: Any) -> None:
        attributes, active = op["payload"]["attributes"], op["payload"].get("active")
        if op["operation_type"] == "delete":
            self.target.remove(op["uid"])
            await conn.execute(
                "UPDATE accounts SET uid = NULL, state = 'dead', last_change_at = now() WHERE id = $1", op["account_id"]
            )
            return
        uid = op["uid"]
        if uid is None:
            uid = await self.target.create("user", attributes, active=active)
        else:
            self.target.change(uid, active=active, **attributes)
        await conn.execute(
            "UPDATE accounts SET uid = $2, state = 'active', observed = $3, observed_active = true, "
            "last_change_at = now() WHERE id = $1",
            op["account_id"],
            uid,
            self.target.accounts[uid].attributes,
        )

    async def provide(self, *names: str, **fields: Any) -> dict[str, UUID]:
        """People whose accounts are all as wanted."""
        found = await self.hire(*names, **fields)
        await self.plan()
        await self.carry_out()
        return found

    async def start(self, **fields: Any) -> Run:
        """Start a run and claim it in the name of a fresh worker."""
        async with tenant(self.pool, self.tenant_id) as conn:
            run = await runs.create(
                conn,
                kind=fields.pop("kind", RunKind.RECONCILIATION),
                mode=RunMode(fields.pop("mode", "full")),
                trigger=RunTrigger.MANUAL,
                **self.where,
                **fields,
            )
        return await self.claim(run.id)

    async def claim(self, run_id: UUID) -> Run:
        owner = uuid4()
        async with self.pool.acquire() as conn:
            await workers.register(conn, owner, host="t", pid=1, version="0", roles=["scheduler"], lease_s=60)
        async with tenant(self.pool, self.tenant_id) as conn:
            run = await runs.claim(conn, tenant_id=self.tenant_id, run_id=run_id, owner=owner)
        assert run is not None
        return run

    async def die(self, run: Run) -> None:
        """The process that owns the run is gone."""
        assert run.owner is not None
        async with self.pool.acquire() as conn:
            await workers.leave(conn, run.owner)

    async def reconcile(self, **fields: Any) -> Run:
        """A run from start to end; the row as it was left."""
        run = await self.engine.run(await self.start(**fields))
        assert run is not None
        return run

    async def rows(self, query: str, *values: Any) -> list[dict[str, Any]]:
        async with tenant(self.pool, self.tenant_id) as conn:
            return [dict(row.items()) for row in await conn.fetch(query, *values)]

    async def findings(self, status: str = "pending") -> dict[str, dict[str, Any]]:
        """Discrepancies by their key."""
        rows = await self.rows("SELECT * FROM discrepancies WHERE resolution_status = $1 ORDER BY finding_key", status)
        return {row["finding_key"]: row for row in rows}

    async def uid_of(self, name: str) -> str:
        rows = await self.rows(
            "SELECT a.uid FROM accounts a JOIN identities i ON i.id = a.identity_id WHERE i.user_name = $1", name
        )
        return str(rows[0]["uid"])

    async def person(self) -> UUID:
        async with tenant(self.pool, self.tenant_id) as conn:
            return await principals.ensure(conn, self.tenant_id, kind="user", name="Ada")


async def a_house(pool: Pool, tenant_id: UUID, *, target: MemoryTarget | None = None, **fields: Any) -> House:
    """A house with its own connector; ``fields`` are the connector's."""
    rules = fields.pop("rules", RULES)
    fields.setdefault("limits", Limits(page_size=4))
    connector = await a_connector(pool, tenant_id, name=fields.pop("name", "app"), type="memory", **fields)
    async with tenant(pool, tenant_id) as conn:
        where = {"tenant_id": tenant_id, "connector_id": connector.id, "object_class": "user"}
        version = await mappings.insert(conn, **where, rules=rules)
        await mappings.activate(conn, **where, version=version)
    targets, memory = MemoryTargets(), target or MemoryTarget()
    targets.add(connector, memory)
    return House(pool, tenant_id, connector, memory, targets)


@pytest.fixture
async def pool(database: Any) -> AsyncIterator[Pool]:
    opened = await open_pool(database.daemon_dsn, size=8)
    yield opened
    await opened.close()


@pytest.fixture
async def house(pool: Pool, tenant_id: UUID) -> House:
    return await a_house(pool, tenant_id)
