"""What is provisioned in a benchmark: the demo's people, its source and its targets, set up as ``dev`` does."""

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit
from uuid import UUID

from tests.benchmarks.ground import Ground, Site
from worker.connectors import guard_for
from worker.domain.connector import Connector, Limits
from worker.domain.hook import HookPhase
from worker.domain.ids import uuid7
from worker.domain.operation import OperationType, Origin
from worker.mapping import MappingEngine
from worker.planning import Acceptance, Planner
from worker.queue import OperationQueue
from worker.service.demo import targets as demo
from worker.service.demo.existing import ordinary_employees
from worker.service.demo.organisation import COLUMNS, Employee, Organisation
from worker.service.demo.servers import LDAP_ROOT
from worker.service.demo.targets import DemoTarget
from worker.store import connectors, hooks, identities, mappings, plan_items, rule_sets
from worker.store import demo as stage
from worker.store.hooks import Binding
from worker.store.identities import StoredIdentity
from worker.store.pool import Connection
from worker.store.tenant import tenant

CONCURRENCY = 8  # what the demo allows a target
PLANNED_AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class Reach:
    """A demo target, where it is, and what opens it."""

    target: DemoTarget
    config: dict[str, Any]
    credentials: dict[str, str]


async def sql_reach(ground: Ground, site: Site) -> Reach:
    """The application's table, empty, in a database of its own."""
    dsn = await ground.postgres.application(f"app_{site.name}")
    await stage.run_script(dsn, demo.APP_DDL)
    parts = urlsplit(dsn)
    url = urlunsplit((parts.scheme, f"{parts.username}@{parts.hostname}:{parts.port}", parts.path, "", ""))
    return Reach(demo.SQL, demo.sql_config(url), {"password": parts.password or ""})


async def scim_reach(ground: Ground) -> Reach:
    ports = (await ground.servers()).ports
    return Reach(demo.SCIM, demo.scim_config(f"http://127.0.0.1:{ports.scim}/v2"), {"token": ports.scim_token})


async def ldap_reach(ground: Ground) -> Reach | None:
    """The directory; None where slapd is not installed."""
    servers = await ground.servers()
    if not servers.has_ldap:
        return None
    config = demo.ldap_config(f"ldap://127.0.0.1:{servers.ports.ldap}", bind_dn=LDAP_ROOT)
    return Reach(demo.LDAP, config, {"password": servers.ports.ldap_password})


def unreached(target: DemoTarget) -> Reach:
    """A target that is planned for and never called."""
    configs = {
        "sql": demo.sql_config("postgresql://nobody@127.0.0.1:1/nowhere"),
        "scim": demo.scim_config("http://127.0.0.1:1/v2"),
        "ldap": demo.ldap_config("ldap://127.0.0.1:1", bind_dn=LDAP_ROOT),
    }
    return Reach(target, configs[target.type], {})


async def add_target(site: Site, reach: Reach) -> Connector:
    """Store a target with its mapping, correlation rules and the hook that computes names and mail."""
    target = reach.target
    connector = Connector(
        site.tenant_id,
        uuid7(),
        target.name,
        target.type,
        config=reach.config,
        limits=Limits(concurrency=CONCURRENCY),
        scope=target.scope,
        deprovision=target.deprovision,
        protected_filter=target.protected_filter,
        settings=target.settings,
    )
    sealed = site.vault.seal_credentials(reach.credentials, tenant_id=site.tenant_id, connector_id=connector.id)
    async with tenant(site.pool, site.tenant_id) as conn:
        await connectors.insert(conn, connector, credentials=sealed)
        await add_mapping(conn, connector, target.rules)
        await rule_sets.put(conn, tenant_id=site.tenant_id, connector_id=connector.id, rules=target.rule_set)
        binding = Binding(
            await _hook(conn, site.tenant_id),
            connector.id,
            HookPhase.BEFORE,
            operation_types=(OperationType.CREATE, OperationType.UPDATE),
            params=target.hook_params,
        )
        await hooks.bind(conn, binding, tenant_id=site.tenant_id)
    return connector


async def add_mapping(conn: Connection, connector: Connector, rules: Sequence[Any]) -> int:
    """Store and activate a mapping; its version."""
    which: dict[str, Any] = {
        "tenant_id": connector.tenant_id,
        "connector_id": connector.id,
        "object_class": connector.object_class,
    }
    version = await mappings.insert(conn, **which, rules=rules)
    await mappings.activate(conn, **which, version=version)
    return version


async def _hook(conn: Connection, tenant_id: UUID) -> UUID:
    known = await hooks.by_name(conn, tenant_id=tenant_id, name=demo.HOOK_NAME)
    if known is not None:
        return UUID(str(known["id"]))
    hook_id = await hooks.insert(conn, tenant_id=tenant_id, name=demo.HOOK_NAME)
    version = await hooks.add_version(conn, tenant_id=tenant_id, hook_id=hook_id, source=demo.HOOK_SOURCE)
    await hooks.activate(conn, tenant_id=tenant_id, hook_id=hook_id, version=version)
    return hook_id


async def add_source(site: Site, people: Iterable[Employee]) -> Connector:
    """Write these people into a CSV file, and store the connector that reads it."""
    path = site.directory / "personnel.csv"
    Organisation(tuple(people)).write_csv(path)
    return await store_source(site, path)


async def store_source(site: Site, path: Path) -> Connector:
    source = Connector(
        site.tenant_id,
        uuid7(),
        demo.SOURCE_NAME,
        "csv",
        config=demo.source_config(str(path)),
        is_target=False,
        is_source=True,
        limits=Limits(page_size=1000),
        settings={"import": {"user_name": "display_name", "attributes": {c: c for c in COLUMNS}}},
    )
    async with tenant(site.pool, site.tenant_id) as conn:
        await connectors.insert(conn, source)
    return source


class Staff:
    """Deals out employees who are nobody's namesake, each once."""

    def __init__(self, organisation: Organisation, target: DemoTarget) -> None:
        self._deck = iter(ordinary_employees(organisation, target))

    def take(self, count: int) -> list[Employee]:
        found = [one for one, _ in zip(self._deck, range(count), strict=False)]
        if len(found) < count:
            raise ValueError("the organisation has too few people for this size")
        return found


async def fill(reach: Reach, connector: Connector, people: Sequence[Employee]) -> None:
    """Make accounts at the target that we know nothing of."""
    limit = asyncio.Semaphore(CONCURRENCY)
    unprotected = replace(connector, protected_filter=None)
    async with guard_for(unprotected, credentials=reach.credentials) as guard, asyncio.TaskGroup() as group:

        async def make(one: Employee) -> None:
            async with limit:
                await guard.create(connector.object_class, reach.target.account_of(one), active=True)

        for one in people:
            group.create_task(make(one))


async def hire(site: Site, people: Sequence[Employee]) -> list[UUID]:
    """Store people and plan them; their ids."""
    stored = [
        StoredIdentity(uuid7(), one.employee_number, one.display_name, {n: v for n, v in one.as_row().items() if v})
        for one in people
    ]
    async with tenant(site.pool, site.tenant_id) as conn:
        await identities.insert(conn, tenant_id=site.tenant_id, identities=stored)
    await plan(site, [each.id for each in stored])
    return [each.id for each in stored]


async def move(site: Site, ids: Sequence[UUID]) -> None:
    """Let people change their department, and plan them."""
    async with tenant(site.pool, site.tenant_id) as conn:
        found = await identities.get(conn, tenant_id=site.tenant_id, ids=ids)
        moved = [
            replace(each, attributes={**each.attributes, "department": "Reserve"}, version=each.version + 1)
            for each in found.values()
        ]
        await identities.update(conn, tenant_id=site.tenant_id, identities=moved)
    await plan(site, ids)


async def plan(site: Site, ids: Sequence[UUID]) -> None:
    """Turn what these people are into operations."""
    planner = Planner(site.pool, mapper=MappingEngine(), acceptance=Acceptance(OperationQueue()), vault=site.vault)
    for at in range(0, len(ids), PLANNED_AT_ONCE):
        async with tenant(site.pool, site.tenant_id) as conn:
            await plan_items.ask(
                conn,
                tenant_id=site.tenant_id,
                identity_ids=ids[at : at + PLANNED_AT_ONCE],
                origin=Origin.SOURCE,
            )
        await planner.run_once(site.tenant_id, site.tenant_id)
