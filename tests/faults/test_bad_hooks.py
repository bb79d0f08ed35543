"""An operator's script goes wrong in every way that hurts: the operation says so, and nobody else notices."""

import asyncio
from dataclasses import replace
from uuid import UUID, uuid4

import pytest

from tests.faults.house import House
from tests.waiting import eventually
from worker.domain.hook import HookPhase
from worker.domain.operation import OperationType
from worker.execution.work import FRESH_S
from worker.service.demo.existing import ordinary_employees
from worker.service.demo.load import TENANT_ID
from worker.service.demo.organisation import Employee, Organisation
from worker.service.demo.targets import SQL
from worker.store import hooks
from worker.store.hooks import Binding
from worker.store.tenant import tenant

API = "API = 1\n"
BAD = {
    "loops for ever": (
        f"{API}def before_update(ctx):\n    for i in range(2000000000):\n        pass\n",
        {"hook.deadline", "hook.timeout"},
    ),
    "eats memory": (
        f"{API}def before_update(ctx):\n    kept = ['x' * 999999 + str(i) for i in range(1000000)]\n",
        {"hook.memory", "hook.deadline", "hook.timeout", "hook.crash", "hook.limit"},
    ),
    "cannot be read": (f"{API}def before_update(ctx:\n    return None\n", {"hook.syntax"}),
}
GOOD = f"{API}def before_update(ctx):\n    return None\n"


@pytest.mark.timeout(240)
async def test_a_bad_hook_fails_its_own_operation_and_nothing_else(house: House) -> None:
    """One target gets a script, a new version of it each time, and each time somebody is given another title."""
    people = iter(ordinary_employees(house.demo.organisation, SQL))
    ends: dict[str, str] = {}
    async with house.daemon():
        await eventually(house.nordwerk.is_done, timeout=90, interval=0.2)
        hook_id = await _bind(house)
        for what, (source, _) in BAD.items():
            await _activate(house, hook_id, source)
            code = await _promote(house, next(people), "Bad Hook Tester")
            ends[what] = code
        await _activate(house, hook_id, GOOD)
        last = await _promote(house, next(people), "Good Hook Tester")
        titles = await house.rows(
            "SELECT attributes ->> 'title' AS title, count(*) AS n FROM identities WHERE tenant_id = $1 "
            "AND attributes ->> 'title' LIKE '% Hook Tester' GROUP BY 1 ORDER BY 1"
        )
        elsewhere = [
            sum(
                one.attributes.get("title", "").endswith("Hook Tester")
                for one in await house.nordwerk.listed(connector)
            )
            for target, connector in await house.nordwerk.targets()
            if target is not SQL
        ]

    assert {what: code for what, code in ends.items() if code not in BAD[what][1]} == {}
    assert last == "completed"
    assert titles == [{"title": "Bad Hook Tester", "n": len(BAD)}, {"title": "Good Hook Tester", "n": 1}]
    assert set(elsewhere) == {len(BAD) + 1}, "the other targets were changed all the same"


async def _bind(house: House) -> UUID:
    """A hook of its own before every update of the application's table."""
    connector = await house.connector(SQL.name)
    async with tenant(house.nordwerk.pool, TENANT_ID) as conn:
        hook_id = await hooks.insert(conn, tenant_id=TENANT_ID, name="bad")
        binding = Binding(hook_id, connector.id, HookPhase.BEFORE, operation_types=(OperationType.UPDATE,), id=uuid4())
        await hooks.bind(conn, replace(binding, position=1), tenant_id=TENANT_ID)
    return hook_id


async def _activate(house: House, hook_id: UUID, source: str) -> None:
    async with tenant(house.nordwerk.pool, TENANT_ID) as conn:
        version = await hooks.add_version(conn, tenant_id=TENANT_ID, hook_id=hook_id, source=source)
        await hooks.activate(conn, tenant_id=TENANT_ID, hook_id=hook_id, version=version)
    await asyncio.sleep(FRESH_S)  # what is bound to a target is read again that often


async def _promote(house: House, employee: Employee, title: str) -> str:
    """Give somebody a title in the personnel file; how the update of the application's table ends."""
    people = [
        replace(one, title=title) if one.employee_number == employee.employee_number else one
        for one in house.demo.organisation.employees
    ]
    house.demo._organisation = Organisation(tuple(people))
    house.demo._organisation.write_csv(house.demo.file)
    connector = await house.connector(SQL.name)

    async def ended() -> str | None:
        found = await house.rows(
            "SELECT o.error_code AS how FROM dead_letters o JOIN identities i ON i.tenant_id = o.tenant_id "
            "AND i.id = o.user_id WHERE o.tenant_id = $1 AND o.connector_id = $2 AND i.external_id = $3 "
            "UNION ALL SELECT o.status FROM operations_archive o JOIN identities i ON i.tenant_id = o.tenant_id "
            "AND i.id = o.user_id WHERE o.tenant_id = $1 AND o.connector_id = $2 AND i.external_id = $3 "
            "AND o.operation_type = 'update' AND o.payload -> 'attributes' ? 'title'",
            connector.id,
            employee.employee_number,
        )
        return found[0]["how"] if found else None

    how = await eventually(ended, timeout=60, interval=0.1, what=f"an end for {employee.display_name}")
    await eventually(house.nordwerk.is_done, timeout=60, interval=0.1)
    return how
