"""Connectors, mappings and hooks as stored: what goes in comes out, and two people who save at once both win."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any
from uuid import UUID, uuid4

import pytest

from tests.factories import a_connector
from worker.domain.connector import BreakerState, Connector, ConnectorStatus, DeprovisionPolicy, Limits
from worker.domain.hook import FailurePolicy, HookPhase
from worker.domain.ids import uuid7
from worker.domain.mapping import MappingRule
from worker.domain.operation import OperationType
from worker.store import connectors, hooks, mappings
from worker.store.hooks import Binding
from worker.store.pool import Pool, open_pool
from worker.store.tenant import tenant


@pytest.fixture
async def pool(database: Any) -> AsyncIterator[Pool]:
    opened = await open_pool(database.daemon_dsn, size=4)
    yield opened
    await opened.close()


async def stored(pool: Pool, connector: Connector) -> Connector | None:
    async with tenant(pool, connector.tenant_id) as conn:
        return await connectors.get(conn, tenant_id=connector.tenant_id, connector_id=connector.id)


async def test_a_connector_comes_out_as_it_went_in(pool: Pool, tenant_id: UUID) -> None:
    connector = Connector(
        tenant_id,
        uuid7(),
        "app",
        "sql",
        config={"table": "users"},
        status=ConnectorStatus.MAINTENANCE,
        is_source=True,
        object_class="person",
        limits=Limits(concurrency=2, rate=1.5),
        scope="active eq true",
        deprovision=DeprovisionPolicy.DELETE,
        protected_filter='uid eq "root"',
        policy={"missing": "create"},
        settings={"require_baseline": False},
    )
    async with tenant(pool, tenant_id) as conn:
        await connectors.insert(conn, connector, credentials=b"sealed")
        by_name = await connectors.by_name(conn, tenant_id=tenant_id, name="app")
        sealed = await connectors.credentials(conn, tenant_id=tenant_id, connector_id=connector.id)

    assert await stored(pool, connector) == by_name == connector
    assert sealed == b"sealed"


async def test_lists_leave_out_what_is_switched_off(pool: Pool, tenant_id: UUID) -> None:
    await a_connector(pool, tenant_id, name="a")
    await a_connector(pool, tenant_id, name="b", status=ConnectorStatus.MAINTENANCE)
    await a_connector(pool, tenant_id, name="c", status=ConnectorStatus.INACTIVE)
    await a_connector(pool, tenant_id, name="d", is_target=False, is_source=True)
    async with tenant(pool, tenant_id) as conn:
        lists = [
            await read(conn, tenant_id=tenant_id)
            for read in (connectors.targets, connectors.sources, connectors.everyone)
        ]

    assert [[each.name for each in found] for found in lists] == [["a", "b"], ["d"], ["a", "b", "c", "d"]]


async def test_an_edit_of_an_old_version_changes_nothing(pool: Pool, tenant_id: UUID) -> None:
    connector = await a_connector(pool, tenant_id)
    async with tenant(pool, tenant_id) as conn:
        first = await connectors.update(conn, replace(connector, scope="a pr"))
        second = await connectors.update(conn, replace(connector, scope="b pr"))

    assert (first, second) == (2, None)
    assert await stored(pool, connector) == replace(connector, scope="a pr", version=2)


async def test_a_limit_of_a_newer_version_is_ignored(pool: Pool, tenant_id: UUID) -> None:
    connector = await a_connector(pool, tenant_id)
    async with tenant(pool, tenant_id) as conn:
        await conn.execute("UPDATE connectors SET limits = $1", {"concurrency": 3, "colour": "red"})
    found = await stored(pool, connector)

    assert found is not None
    assert found.limits == Limits(concurrency=3)


async def test_one_worker_probes_an_open_target(pool: Pool, tenant_id: UUID) -> None:
    connector = await a_connector(pool, tenant_id)
    async with tenant(pool, tenant_id) as conn:
        where = {"tenant_id": tenant_id, "connector_id": connector.id}
        closed = await connectors.claim_probe(conn, **where, every_s=30)
        await connectors.set_breaker(conn, **where, state=BreakerState.OPEN, failures=5, opened_at=None, probe_at=None)

    async def claim() -> bool:
        async with tenant(pool, tenant_id) as conn:
            return await connectors.claim_probe(conn, tenant_id=tenant_id, connector_id=connector.id, every_s=30)

    assert closed is False
    assert sorted(await asyncio.gather(*(claim() for _ in range(4)))) == [False, False, False, True]


async def test_the_first_baseline_counts(pool: Pool, tenant_id: UUID) -> None:
    connector = await a_connector(pool, tenant_id)
    async with tenant(pool, tenant_id) as conn:
        where = {"tenant_id": tenant_id, "connector_id": connector.id}
        was_first = [await connectors.set_baseline(conn, **where) for _ in range(2)]
    found = await stored(pool, connector)

    assert was_first == [True, False]
    assert found is not None
    assert found.has_baseline


async def test_mapping_versions_are_numbered_and_one_is_active(pool: Pool, tenant_id: UUID) -> None:
    connector = await a_connector(pool, tenant_id)
    rule = MappingRule("cn", source="name", transforms=("lower",), on=("create",), required=True)
    where: dict[str, Any] = {"tenant_id": tenant_id, "connector_id": connector.id, "object_class": "user"}

    async def save() -> int:
        async with tenant(pool, tenant_id) as conn:
            return await mappings.insert(conn, **where, rules=[rule])

    numbers = await asyncio.gather(*(save() for _ in range(4)))
    async with tenant(pool, tenant_id) as conn:
        switched = [await mappings.activate(conn, **where, version=number) for number in (1, 3, 9)]
        active = await mappings.active(conn, tenant_id=tenant_id, connector_ids=[connector.id])
        listed, count = await mappings.versions(conn, **where)

    assert sorted(numbers) == [1, 2, 3, 4]
    assert switched == [True, True, False]
    assert active[connector.id, "user"].version == 3
    assert active[connector.id, "user"].rules == (rule,)
    assert [row["version"] for row in listed if row["is_active"]] == [3]
    assert count == 4
    assert [row["version"] for row in listed if row["activated_at"] is not None] == [3, 1]


async def test_bound_hooks_come_with_their_active_script_in_order(pool: Pool, tenant_id: UUID) -> None:
    connector = await a_connector(pool, tenant_id)
    async with tenant(pool, tenant_id) as conn:
        hook_id = await hooks.insert(conn, tenant_id=tenant_id, name="names")
        for source in ("one", "two"):
            await hooks.add_version(conn, tenant_id=tenant_id, hook_id=hook_id, source=source)
        bindings = [
            Binding(
                hook_id,
                connector.id,
                HookPhase.BEFORE,
                operation_types=(OperationType.CREATE,),
                position=position,
                on_error=FailurePolicy.QUARANTINE,
                params={"n": position},
            )
            for position in (2, 1)
        ]
        for binding in bindings:
            await hooks.bind(conn, binding, tenant_id=tenant_id)
        before = await hooks.bound(conn, tenant_id=tenant_id, connector_ids=[connector.id])
        activated = [await hooks.activate(conn, tenant_id=tenant_id, hook_id=hook_id, version=n) for n in (7, 2)]
        await hooks.suspend(conn, tenant_id=tenant_id, hook_id=hook_id, reason="It loops.")
        bound = (await hooks.bound(conn, tenant_id=tenant_id, connector_ids=[connector.id]))[connector.id]

    assert before == {connector.id: []}
    assert activated == [False, True]
    assert [each.binding for each in bound] == bindings[::-1]
    assert {(each.script.source, each.script.version, each.script.id) for each in bound} == {("two", 2, hook_id)}
    assert bound[0].suspended_reason == "It loops."


async def test_another_version_lifts_a_suspension(pool: Pool, tenant_id: UUID) -> None:
    async with tenant(pool, tenant_id) as conn:
        hook_id = await hooks.insert(conn, tenant_id=tenant_id, name="names")
        await hooks.add_version(conn, tenant_id=tenant_id, hook_id=hook_id, source="x", created_by=uuid4())
        suspended = [
            await hooks.suspend(conn, tenant_id=tenant_id, hook_id=hook_id, reason="It loops.") for _ in range(2)
        ]
        await hooks.activate(conn, tenant_id=tenant_id, hook_id=hook_id, version=1)
        row = await hooks.by_name(conn, tenant_id=tenant_id, name="names")

    assert suspended == [True, False]
    assert row is not None
    assert (row["active_version"], row["suspended_at"]) == (1, None)
