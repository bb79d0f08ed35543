"""Nobody reaches what is of another tenant: every route, asked with ids of theirs, finds nothing."""

from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any, Final
from uuid import UUID, uuid4

import pytest
import structlog

from tests.factories import a_connector
from tests.integration.actions.conftest import Works
from tests.integration.api.conftest import Client
from worker.domain.hook import HookPhase
from worker.hooks import HookExecutor
from worker.store import bindings, hook_tests, hooks, tenants
from worker.store.hook_tests import SavedTest
from worker.store.hooks import Binding
from worker.store.tenant import tenant

SOURCE = "def before_create(ctx):\n    return None\n"
#: Routes of these nouns are walked: of each of them the other tenant has one.
NOUNS = ("/api/hooks/{", "/api/connectors/{connector_id}")
#: Bodies that are sound, so that it is the id in the path which is looked at.
_RECONCILIATION: Final = "POST /api/connectors/{connector_id}/reconciliation"
BODIES: dict[str, Any] = {
    f"{_RECONCILIATION}/discrepancies/bulk-remediate": {"items": [{"discrepancy_id": str(uuid4())}]},
    f"{_RECONCILIATION}/discrepancies/preview": {"discrepancy_ids": [str(uuid4())]},
    f"{_RECONCILIATION}/discrepancies/{{discrepancy_id}}/ignore": {"reason": "theirs"},
    "POST /api/connectors/{connector_id}/mappings": {"document": "[]"},
    "POST /api/connectors/{connector_id}/mappings/validate": {"document": "[]"},
    "POST /api/connectors/{connector_id}/mappings/preview": {"sample": 1},
    "POST /api/connectors/{connector_id}/mappings/scope": {"scope": "active eq true"},
    "PUT /api/connectors/{connector_id}/mappings/scope": {"scope": "active eq true"},
    "PATCH /api/hooks/{hook_id}": {"description": "theirs"},
    "POST /api/hooks/{hook_id}/versions": {"source": SOURCE},
    "POST /api/hooks/{hook_id}/tests": {"name": "x", "function": "before_create"},
    "POST /api/hooks/{hook_id}/bindings": {"connector_id": None, "phase": "before"},
    "PUT /api/hooks/{hook_id}/bindings/{binding_id}": {"connector_id": None, "phase": "before"},
    "PUT /api/hooks/{hook_id}/tests/{test_id}": {"name": "x", "function": "before_create"},
    "POST /api/hooks/{hook_id}/test": {"function": "before_create"},
}


@pytest.fixture
async def works(works: Works) -> AsyncIterator[Works]:
    async with HookExecutor(workers=1, log=structlog.get_logger()) as scripts:
        works.house = replace(works.house, scripts=scripts)
        yield works


@pytest.fixture
async def theirs(works: Works) -> dict[str, UUID]:
    """One of each, of another tenant, by the name that the id has in paths."""
    pool = works.house.pool
    tenant_id = uuid4()
    async with pool.acquire() as conn:
        await tenants.ensure(conn, tenant_id=tenant_id, name="theirs")
    connector = await a_connector(pool, tenant_id)
    async with tenant(pool, tenant_id) as conn:
        where = {"tenant_id": tenant_id}
        hook_id = await hooks.insert(conn, **where, name="theirs")
        await hooks.add_version(conn, **where, hook_id=hook_id, source=SOURCE)
        await hooks.activate(conn, **where, hook_id=hook_id, version=1)
        await hooks.suspend(conn, **where, hook_id=hook_id, reason="It loops.")
        test = SavedTest("theirs", "before_create")
        await hook_tests.insert(conn, test, **where, hook_id=hook_id)
        binding = Binding(hook_id, connector.id, HookPhase.BEFORE)
        await hooks.bind(conn, binding, **where)
        assert await bindings.count(conn, **where, hook_id=hook_id) == 1
    return {"hook_id": hook_id, "test_id": test.id, "binding_id": binding.id, "connector_id": connector.id}


async def test_what_is_of_another_tenant_is_not_there(client: Client, works: Works, theirs: dict[str, UUID]) -> None:
    _, described = await client.get("/api/openapi.json")
    found: dict[str, int] = {}
    for path, methods in described["paths"].items():
        for method in methods if path.startswith(NOUNS) else ():
            route = f"{method.upper()} {path}"
            values = {name: str(theirs.get(name, uuid4())) for name in _names(path)} | {"version": "1"}
            body = {name: value or str(theirs["connector_id"]) for name, value in BODIES.get(route, {}).items()}
            place = path.format(**(values | {"before": "1", "after": "1"}))
            found[route], _ = await client.call(method.upper(), place, role="admin", json=body or None)

    assert len(found) > 25
    assert {route: status for route, status in found.items() if status != 404} == {}
    assert not await works.rows("SELECT 1 FROM audit WHERE object_id = $1", str(theirs["hook_id"]))


async def test_a_hook_is_not_bound_to_a_connector_of_another_tenant(client: Client, theirs: dict[str, UUID]) -> None:
    _, hook = await client.post("/api/hooks", {"name": "ours"}, role="admin")
    body = {"connector_id": str(theirs["connector_id"]), "phase": "before"}

    status, _ = await client.post(f"/api/hooks/{hook['id']}/bindings", body, role="admin")
    _, listed = await client.get(f"/api/hooks?connector_id={theirs['connector_id']}")

    assert (status, listed["total"]) == (404, 0)


def _names(path: str) -> list[str]:
    return [part[1:-1] for part in path.split("/") if part.startswith("{")]
