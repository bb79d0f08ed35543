"""A queue on a real server, a target that answers as it is told, and one executor between them."""

import asyncio
import logging
from collections import defaultdict, deque
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from random import Random
from typing import Any, cast
from uuid import UUID

import pytest
import structlog

from tests.factories import VAULT, a_connector, an_operation, enqueue, registered_worker
from tests.fakes import MemoryTarget, MemoryTargets
from worker.connectors import ObjectSchema, Target, Targets
from worker.correlation import CorrelationService, match_keys, rule_set_in_force
from worker.domain.account import TargetAccount
from worker.domain.connector import Connector
from worker.domain.correlation import PersonDecision, Side
from worker.domain.errors import OutcomeUnknown
from worker.domain.hook import HookLimits, HookPhase
from worker.domain.ids import uuid7
from worker.domain.mapping import MappingRule
from worker.domain.operation import Operation
from worker.domain.processing import Finished, Gate
from worker.execution import Executor, Journal, Matching, Names, Scripting, Secrets, WorkLoader
from worker.hooks import HookExecutor
from worker.mapping import MappingEngine, account_hash, comparator_of
from worker.queue import Finisher
from worker.store import correlation, hooks, identities, mappings, operations
from worker.store.hooks import Binding
from worker.store.identities import StoredIdentity
from worker.store.pool import Pool, open_pool
from worker.store.tenant import tenant

ATTRIBUTES = ("login", "mail", "given", "family", "department", "employee_number", "password")
RULES = (
    MappingRule("login", source="user_name", required=True),
    MappingRule("mail", source="mail", case_sensitive=False),
    MappingRule("given", source="given_name"),
    MappingRule("family", source="family_name"),
    MappingRule("department", source="department"),
)
LOG = structlog.wrap_logger(
    structlog.PrintLogger(), wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL)
)

Between = Callable[[], Awaitable[object]]


@dataclass
class ScriptedTarget(MemoryTarget):
    """Answers to the next calls of a kind are taken from ``script``: an error to raise, or a fault below."""

    attributes: tuple[str, ...] = ATTRIBUTES
    script: dict[str, deque[Any]] = field(default_factory=lambda: defaultdict(deque))

    def next(self, kind: str, *answers: Any) -> None:
        """What the next calls of this kind meet, one each."""
        self.script[kind].extend(answers)

    def count(self, kind: str) -> int:
        return sum(called == kind for called, _ in self.calls)

    async def schema(self, object_class: str) -> ObjectSchema:
        return cast("ObjectSchema", await self._answer("schema", super().schema(object_class)))

    async def get(self, object_class: str, uid: str) -> TargetAccount | None:
        return cast("TargetAccount | None", await self._answer("get", super().get(object_class, uid)))

    async def find(self, object_class: str, attribute: str, value: str) -> list[TargetAccount]:
        return cast("list[TargetAccount]", await self._answer("find", super().find(object_class, attribute, value)))

    async def create(self, object_class: str, attributes: dict[str, Any], *, active: bool | None) -> str:
        self.calls.append(("create", attributes))
        return cast("str", await self._answer("create", super().create(object_class, attributes, active=active)))

    async def update(self, object_class: str, uid: str, attributes: dict[str, Any], *, active: bool | None) -> str:
        self.calls.append(("update", attributes))
        return cast("str", await self._answer("update", super().update(object_class, uid, attributes, active=active)))

    async def delete(self, object_class: str, uid: str) -> None:
        self.calls.append(("delete", uid))
        await self._answer("delete", super().delete(object_class, uid))

    async def _answer(self, kind: str, call: Awaitable[Any]) -> Any:
        told = self.script[kind].popleft() if self.script[kind] else None
        if told is HANGS:
            cast("Any", call).close()
            await asyncio.Event().wait()
        if isinstance(told, Exception):
            cast("Any", call).close()
            raise told
        found = await call
        if told is LOSES_ANSWER:
            raise OutcomeUnknown
        if told is HAPPENS_AND_HANGS:
            await asyncio.Event().wait()
        return found


#: The call is carried out and its answer is lost; nothing ever comes back of it; it is carried out and never ends.
LOSES_ANSWER = object()
HANGS = object()
HAPPENS_AND_HANGS = object()


@dataclass
class Lease:
    """A lease that holds until a test takes it away."""

    owner: UUID
    holds: bool = True

    def is_held(self) -> bool:
        return self.holds


class ScriptedTargets(MemoryTargets):
    """Guards around scripted targets, a gate, and what was reported to the breaker."""

    def __init__(self) -> None:
        super().__init__()
        self.reports: list[Exception | None] = []
        self.slots = 4
        self.refuses: Exception | None = None

    async def get(self, tenant_id: Any, connector_id: Any) -> Target:
        if self.refuses is not None:
            raise self.refuses
        return await super().get(tenant_id, connector_id)

    async def gate(self, tenant_id: UUID, connector_id: UUID) -> Gate:
        del tenant_id, connector_id
        return Gate(self.slots, "app")

    async def report(self, target: Target, error: Exception | None) -> None:
        del target
        self.reports.append(error)

    def set(self, connector: Connector, **settings: Any) -> None:
        """Other settings of a connector, as if its row had been read again."""
        target = self._targets[connector.id]
        target.connector = replace(connector, settings={**connector.settings, **settings})


@dataclass
class Site:
    """One tenant with one target, and what runs operations there."""

    pool: Pool
    tenant_id: UUID
    connector: Connector
    target: ScriptedTarget
    targets: ScriptedTargets
    lease: Lease
    executor: Executor
    loader: WorkLoader
    journal: Journal

    def make(self, scripts: HookExecutor | None = None, *, attempt_s: float = 30.0) -> Executor:
        """An executor of its own, which knows nothing yet."""
        targets = cast("Targets", self.targets)
        self.loader, self.journal = WorkLoader(self.pool, targets), Journal(self.pool)
        secrets = Secrets(self.pool, VAULT, MappingEngine(scripts))
        self.executor = Executor(
            targets,
            self.loader,
            Scripting(
                cast("HookExecutor", scripts),
                names=Names(self.pool),
                journal=self.journal,
                secrets=secrets,
                key=bytes(32),
            ),
            Matching(self.pool, CorrelationService()),
            secrets=secrets,
            attempt_s=attempt_s,
        )
        return self.executor

    async def beside(self, name: str) -> "Site":
        """Another target of the tenant, which the same executor works on."""
        connector = await a_connector(self.pool, self.tenant_id, type="memory", name=name)
        await _map(self.pool, connector)
        target = ScriptedTarget()
        self.targets.add(connector, target)
        return replace(self, connector=connector, target=target)

    async def person(self, given: str, family: str, **attributes: Any) -> UUID:
        """Somebody whose user name is ``given.family`` and whose mail is that at example.org."""
        name = f"{given}.{family}".lower()
        facts = {"given_name": given, "family_name": family, "mail": f"{name}@example.org", **attributes}
        made = StoredIdentity(uuid7(), f"e-{uuid7()}", name, facts)
        async with tenant(self.pool, self.tenant_id) as conn:
            await identities.insert(conn, tenant_id=self.tenant_id, identities=[made])
        return made.id

    async def account(self, owner: UUID | None = None, *, uid: str | None = None, **fields: Any) -> UUID:
        """An account row; ``observed`` of a row that nobody owns can be found by its keys."""
        values = {"id": uuid7(), "identity_id": owner, "uid": uid, "state": "active" if uid else "pending", **fields}
        values |= {"tenant_id": self.tenant_id, "connector_id": self.connector.id, "object_class": "user"}
        names = ", ".join(values)
        places = ", ".join(f"${number}" for number, _ in enumerate(values, 1))
        async with tenant(self.pool, self.tenant_id) as conn:
            await conn.execute(f"INSERT INTO accounts ({names}) VALUES ({places})", *values.values())
            if owner is None and uid is not None:
                await self._put_keys(conn, cast("UUID", values["id"]), fields.get("observed") or {})
        return cast("UUID", values["id"])

    async def _put_keys(self, conn: Any, account_id: UUID, observed: dict[str, Any]) -> None:
        where = {"tenant_id": self.tenant_id, "connector_id": self.connector.id}
        active = await mappings.active(conn, tenant_id=self.tenant_id, connector_ids=[self.connector.id])
        rules = rule_set_in_force(None, attributes=ATTRIBUTES, mapping=active[self.connector.id, "user"])
        keys = match_keys(observed, rules, side=Side.ACCOUNT)
        await correlation.put_keys(conn, keys={account_id: keys}, **where)

    async def unowned(self, **observed: Any) -> tuple[UUID, str]:
        """An object at the target that our records know and nobody owns: the record's id and the uid."""
        uid = self.target.put(observed)
        return await self.account(uid=uid, observed=observed, observed_active=True), uid

    async def asks(self, operation_type: str, account_id: UUID, owner: UUID | None = None, **fields: Any) -> UUID:
        """Enqueue one operation; what is not a field of it is an attribute of its payload."""
        known = {"active", "expected_hash", "target_uid", "priority", "max_retries"}
        payload: dict[str, Any] = {"attributes": {n: v for n, v in fields.items() if n not in known}}
        if "active" in fields:
            payload["active"] = fields.pop("active")
        more = {name: value for name, value in fields.items() if name in known}
        operation = an_operation(
            self.connector.id, account_id, operation_type=operation_type, payload=payload, user_id=owner, **more
        )
        [operation_id] = await enqueue(self.pool, self.tenant_id, operation)
        return operation_id

    async def hires(self, given: str, family: str, **attributes: Any) -> UUID:
        """Somebody new whose account is to be created; the operation's id."""
        owner = await self.person(given, family)
        name = f"{given}.{family}".lower()
        wanted = {"login": name, "mail": f"{name}@example.org", "given": given, "family": family, **attributes}
        account_id = await self.account(owner, wanted=wanted, wanted_active=True)
        return await self.asks("create", account_id, owner, active=True, **wanted)

    async def has(self, **fields: Any) -> tuple[UUID, UUID, str]:
        """Ada Moss with her account in the target and in our records: her id, the account's, the uid."""
        owner = await self.person("Ada", "Moss")
        shown = {"login": "ada.moss", "mail": "ada.moss@example.org", "given": "Ada", "family": "Moss"}
        uid = self.target.put(shown)
        facts = {"wanted": shown, "wanted_active": True, "observed": shown, "observed_active": True, **fields}
        return owner, await self.account(owner, uid=uid, **facts), uid

    async def decided(self, *said: PersonDecision) -> None:
        where = {"tenant_id": self.tenant_id, "connector_id": self.connector.id}
        async with tenant(self.pool, self.tenant_id) as conn:
            await correlation.decide(conn, said=said, by=uuid7(), **where)

    async def claim(self, limit: int = 500) -> list[Operation]:
        async with tenant(self.pool, self.tenant_id) as conn:
            return await operations.claim(
                conn, self.tenant_id, connector_id=self.connector.id, owner=self.lease.owner, limit=limit
            )

    async def run(self, *, between: Between | None = None, is_prepared: bool = True) -> dict[UUID, Finished]:
        """Claim everything, prepare it, try it and write down how it ended; ``between`` comes before the tries."""
        claimed = await self.claim()
        assert claimed
        if is_prepared:
            await self.executor.prepare(self.tenant_id, claimed)
        if between is not None:
            await between()
        finished = await asyncio.gather(*(self.executor.process(op) for op in claimed))
        async with self.writer() as finisher:
            for each in finished:
                finisher.put(self.lease.owner, each)
        return {each.operation.id: each for each in finished}

    async def again(self) -> dict[UUID, Finished]:
        """The same for what waits for its next try."""
        await self.rows("UPDATE operations SET next_retry_at = db_now() WHERE status = 'failed' RETURNING id")
        return await self.run()

    @asynccontextmanager
    async def writer(self, **fields: Any) -> AsyncIterator[Finisher]:
        """A finisher at work; at the end all is written."""
        finisher = Finisher(self.pool, self.lease, rng=Random(1), **fields)
        writing = asyncio.create_task(finisher.run())
        try:
            yield finisher
            await finisher.drained()
        finally:
            writing.cancel()
            await asyncio.gather(writing, return_exceptions=True)

    async def binds(self, source: str, *, name: str = "names", is_suspended: bool = False, **fields: Any) -> UUID:
        """Bind a script to the target, before every change unless told otherwise; the hook's id."""
        fields.setdefault("phase", HookPhase.BEFORE)
        async with tenant(self.pool, self.tenant_id) as conn:
            hook_id = await hooks.insert(conn, tenant_id=self.tenant_id, name=name)
            await hooks.add_version(conn, tenant_id=self.tenant_id, hook_id=hook_id, source=source)
            await hooks.activate(conn, tenant_id=self.tenant_id, hook_id=hook_id, version=1)
            await hooks.bind(conn, Binding(hook_id, self.connector.id, **fields), tenant_id=self.tenant_id)
            if is_suspended:
                await hooks.suspend(conn, tenant_id=self.tenant_id, hook_id=hook_id, reason="it failed too often")
        return hook_id

    async def activates(self, hook_id: UUID, source: str) -> None:
        """Another version of a script, in force at once for who reads the rules again."""
        async with tenant(self.pool, self.tenant_id) as conn:
            version = await hooks.add_version(conn, tenant_id=self.tenant_id, hook_id=hook_id, source=source)
            await hooks.activate(conn, tenant_id=self.tenant_id, hook_id=hook_id, version=version)

    async def hash_of(self, uid: str) -> int:
        """The content hash of an object as it is now."""
        async with tenant(self.pool, self.tenant_id) as conn:
            active = await mappings.active(conn, tenant_id=self.tenant_id, connector_ids=[self.connector.id])
        schema = await self.target.schema("user")
        found = self.target.accounts[uid]
        comparator = comparator_of(self.connector, active[self.connector.id, "user"], schema)
        return account_hash(comparator, found.attributes, active=found.active)

    async def rows(self, query: str, *values: Any) -> list[Any]:
        async with tenant(self.pool, self.tenant_id) as conn:
            return list(await conn.fetch(query, *values))

    async def row(self, query: str, *values: Any) -> Any:
        [found] = await self.rows(query, *values)
        return found

    def logins(self) -> list[str]:
        return sorted(each.attributes["login"] for each in self.target.accounts.values())


async def _map(pool: Pool, connector: Connector) -> None:
    where: dict[str, Any] = {
        "tenant_id": connector.tenant_id,
        "connector_id": connector.id,
        "object_class": connector.object_class,
    }
    async with tenant(pool, connector.tenant_id) as conn:
        version = await mappings.insert(conn, **where, rules=RULES)
        await mappings.activate(conn, **where, version=version)


@pytest.fixture
async def pool(database: Any) -> AsyncIterator[Pool]:
    opened = await open_pool(database.daemon_dsn, size=8)
    yield opened
    await opened.close()


@pytest.fixture
async def site(pool: Pool, tenant_id: UUID) -> AsyncIterator[Site]:
    connector = await a_connector(pool, tenant_id, type="memory", settings={"hook_attributes": ["login", "mail"]})
    await _map(pool, connector)
    target, targets = ScriptedTarget(), ScriptedTargets()
    targets.add(connector, target)
    async with registered_worker(pool) as owner:
        nothing: Any = None
        made = Site(
            pool, tenant_id, connector, target, targets, Lease(owner), executor=nothing, loader=nothing, journal=nothing
        )
        made.make()
        yield made


@pytest.fixture
async def scripts() -> AsyncIterator[HookExecutor]:
    """Real sandboxed children."""
    async with HookExecutor(workers=1, limits=HookLimits(budget_ms=100, memory_mb=64), log=LOG) as made:
        yield made
