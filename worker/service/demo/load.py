"""Loads the demo organisation, every step calm when repeated: a start that was killed halfway is finished by the next.

First start: the accounts that the targets have before us, the personnel file, then connectors, mappings, the hook and
a schedule. From there on everything is the daemon's own work; only the first listing of each target is asked for here.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit
from uuid import UUID, uuid5

from worker.connectors import guard_for
from worker.domain.connector import Connector, Limits
from worker.domain.hook import HookPhase
from worker.domain.operation import OperationType
from worker.domain.run import RunKind, RunMode, RunStatus, RunTrigger
from worker.domain.schedule import Frequency, MissedRunPolicy, Schedule
from worker.schedule import next_occurrence
from worker.security import Role, Vault
from worker.service.demo import targets as demo
from worker.service.demo.existing import plan_existing
from worker.service.demo.organisation import COLUMNS, Organisation, generate
from worker.service.demo.second_act import SecondAct
from worker.service.demo.seed import seed_existing
from worker.service.demo.servers import LDAP_ROOT, Servers
from worker.service.demo.targets import DemoTarget
from worker.service.loop import wait_for
from worker.store import connectors, due_work, hooks, mappings, principals, rule_sets, runs, schedules, tenants
from worker.store import demo as stage
from worker.store.hooks import Binding
from worker.store.pool import Connection, Pool
from worker.store.tenant import tenant

TENANT_NAME = "nordwerk"
_NAMESPACE = UUID("6f0d4c3e-6f0b-5d0e-9a55-1c0f2d7b8e10")
TENANT_ID = uuid5(_NAMESPACE, "tenant")
LOOK_S = 0.5

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Ready:
    """A demo target with its address and credentials."""

    target: DemoTarget
    config: dict[str, Any]
    credentials: dict[str, str]


class Demo:
    """The demo organisation of one directory."""

    def __init__(
        self, pool: Pool, vault: Vault, *, directory: Path, servers: Servers, app_dsn: str, employees: int, say: Say
    ) -> None:
        self._pool = pool
        self._vault = vault
        self._directory = directory
        self._servers = servers
        self._app_dsn = app_dsn
        self._employees = employees
        self._say = say
        self._organisation: Organisation | None = None

    @property
    def file(self) -> Path:
        """The personnel file, which a person may edit."""
        return self._directory / "personnel.csv"

    @property
    def organisation(self) -> Organisation:
        """The invented people; the same at every start."""
        if self._organisation is None:
            self._organisation = generate(count=self._employees)
        return self._organisation

    async def load(self) -> None:
        """Bring everything into place that is not there yet."""
        await self._tenant()
        if (self._directory / "loaded").exists():
            await self._move_in(only_addresses=True)
            return
        await stage.run_script(self._app_dsn, demo.APP_DDL)
        for ready in self._ready():
            self._say(
                f"Filling {ready.target.description or ready.target.name} with the accounts it has had all along …"
            )
            await self._seed(ready)
        self._say(f"Writing the personnel file of {self._employees:,} employees …")
        if not self.file.exists():
            await asyncio.to_thread(self.organisation.write_csv, self.file)
        await self._move_in(only_addresses=False)
        (self._directory / "loaded").write_text("1\n", encoding="utf-8")

    async def ask_for_baselines(self, stop: asyncio.Event) -> None:
        """Ask for the first listing of each target, once, as soon as the people are known."""
        while not stop.is_set():
            async with tenant(self._pool, TENANT_ID) as conn:
                if await self._ask_for_baselines(conn):
                    return
            await wait_for(stop, LOOK_S)

    async def second_act(self, stop: asyncio.Event) -> None:
        """Let things go wrong at the targets once everybody has their accounts."""
        places = [(ready, replace(self._connector(ready), protected_filter=None)) for ready in self._ready()]
        act = SecondAct(self._pool, TENANT_ID, organisation=self.organisation, mark=self._directory / "drifted")
        await act.run(places, stop)

    async def _ask_for_baselines(self, conn: Connection) -> bool:
        """Whether it was the time to ask."""
        imported = await runs.page(
            conn, tenant_id=TENANT_ID, kind=RunKind.IMPORT, statuses=[RunStatus.COMPLETED], limit=1
        )
        if not imported:
            return False
        found = await connectors.targets(conn, tenant_id=TENANT_ID)
        for each in found:
            if not each.has_baseline and await runs.live(conn, tenant_id=TENANT_ID, connector_id=each.id) is None:
                await runs.create(
                    conn,
                    tenant_id=TENANT_ID,
                    connector_id=each.id,
                    kind=RunKind.RECONCILIATION,
                    mode=RunMode.FULL,
                    trigger=RunTrigger.MANUAL,
                )
        return True

    async def _tenant(self) -> None:
        async with self._pool.acquire() as conn:
            await tenants.ensure(conn, tenant_id=TENANT_ID, name=TENANT_NAME)

    async def _seed(self, ready: Ready) -> None:
        # the accounts of machines are there as well, which the daemon itself will never touch
        connector = replace(self._connector(ready), protected_filter=None)
        planned = plan_existing(self.organisation, ready.target)
        async with guard_for(connector, credentials=ready.credentials) as guard:
            await seed_existing(planned, target=guard, concurrency=connector.limits.concurrency)

    async def _move_in(self, *, only_addresses: bool) -> None:
        """Store the connectors, or only their addresses, which change when a port was taken."""
        async with tenant(self._pool, TENANT_ID) as conn:
            for ready in self._ready():
                await self._store(conn, ready, only_addresses=only_addresses)
            if not only_addresses:
                await self._store_source(conn)

    async def _store(self, conn: Connection, ready: Ready, *, only_addresses: bool) -> None:
        connector = self._connector(ready)
        sealed = self._vault.seal_credentials(ready.credentials, tenant_id=TENANT_ID, connector_id=connector.id)
        known = await connectors.get(conn, tenant_id=TENANT_ID, connector_id=connector.id)
        if known is None:
            await connectors.insert(conn, connector, description=ready.target.description, credentials=sealed)
            await self._rules(conn, connector, ready.target)
        elif only_addresses and known.config != ready.config:
            await stage.set_config(conn, tenant_id=TENANT_ID, connector_id=connector.id, config=ready.config)

    async def _rules(self, conn: Connection, connector: Connector, target: DemoTarget) -> None:
        """Mapping, correlation rules, the hook's binding and the nightly run of one target."""
        version = await mappings.insert(
            conn,
            tenant_id=TENANT_ID,
            connector_id=connector.id,
            object_class=connector.object_class,
            rules=target.rules,
        )
        await mappings.activate(
            conn,
            tenant_id=TENANT_ID,
            connector_id=connector.id,
            object_class=connector.object_class,
            version=version,
        )
        await rule_sets.put(conn, tenant_id=TENANT_ID, connector_id=connector.id, rules=target.rule_set)
        await hooks.bind(
            conn,
            Binding(
                await self._hook(conn),
                connector.id,
                HookPhase.BEFORE,
                operation_types=(OperationType.CREATE, OperationType.UPDATE),
                params=target.hook_params,
            ),
            tenant_id=TENANT_ID,
        )
        await self._schedule(conn, connector)

    async def _hook(self, conn: Connection) -> UUID:
        known = await hooks.by_name(conn, tenant_id=TENANT_ID, name=demo.HOOK_NAME)
        if known is not None:
            found: UUID = known["id"]
            return found
        hook_id = await hooks.insert(conn, tenant_id=TENANT_ID, name=demo.HOOK_NAME)
        version = await hooks.add_version(
            conn, tenant_id=TENANT_ID, hook_id=hook_id, source=demo.HOOK_SOURCE, functions=demo.HOOK_FUNCTIONS
        )
        await hooks.activate(conn, tenant_id=TENANT_ID, hook_id=hook_id, version=version)
        return hook_id

    async def _schedule(self, conn: Connection, connector: Connector) -> None:
        nightly = dict(demo.NIGHTLY)
        schedule = Schedule(
            uuid5(connector.id, "schedule"),
            connector.id,
            Frequency(nightly.pop("frequency")),
            missed_run_policy=MissedRunPolicy(nightly.pop("missed_run_policy")),
            **nightly,
        )
        next_at = next_occurrence(schedule, after=await schedules.now(conn))
        await schedules.put(conn, replace(schedule, next_run_at=next_at), tenant_id=TENANT_ID)
        await due_work.ask(conn, TENANT_ID, due_work.Kind.SCHEDULE, schedule.id, at=next_at)

    async def _store_source(self, conn: Connection) -> None:
        source = Connector(
            TENANT_ID,
            uuid5(_NAMESPACE, demo.SOURCE_NAME),
            demo.SOURCE_NAME,
            "csv",
            config=demo.source_config(str(self.file.resolve())),
            is_target=False,
            is_source=True,
            limits=Limits(page_size=1000),
            settings={"import": {"user_name": "display_name", "attributes": {c: c for c in COLUMNS}}},
        )
        if await connectors.get(conn, tenant_id=TENANT_ID, connector_id=source.id) is None:
            await connectors.insert(conn, source, description="The personnel file, watched.")

    def _connector(self, ready: Ready) -> Connector:
        target = ready.target
        return Connector(
            TENANT_ID,
            uuid5(_NAMESPACE, target.name),
            target.name,
            target.type,
            config=ready.config,
            limits=Limits(concurrency=8),
            scope=target.scope,
            deprovision=target.deprovision,
            protected_filter=target.protected_filter,
            policy=dict(target.policy),
            settings=target.settings,
        )

    def _ready(self) -> list[Ready]:
        ports = self._servers.ports
        app_url, app_password = _without_password(self._app_dsn)
        found = [
            Ready(demo.SQL, demo.sql_config(app_url), {"password": app_password}),
            Ready(demo.SCIM, demo.scim_config(f"http://127.0.0.1:{ports.scim}/v2"), {"token": ports.scim_token}),
        ]
        if self._servers.has_ldap:
            config = demo.ldap_config(f"ldap://127.0.0.1:{ports.ldap}", bind_dn=LDAP_ROOT)
            found.append(Ready(demo.LDAP, config, {"password": ports.ldap_password}))
        return found


async def sign_in_principal(conn: Connection) -> UUID:
    """The person whom the sign-in link signs in: an administrator of the demo."""
    return await principals.ensure(conn, TENANT_ID, kind="user", name="demo administrator", roles=[Role.ADMIN.value])


def _without_password(dsn: str) -> tuple[str, str]:
    parts = urlsplit(dsn)
    host = f"{parts.username}@{parts.hostname}:{parts.port}"
    return urlunsplit((parts.scheme, host, parts.path, "", "")), parts.password or ""
