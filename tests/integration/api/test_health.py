"""What metrics and status tell, and to whom."""

import json
from uuid import UUID, uuid4

import pytest
from starlette.requests import Request

from tests.factories import a_connector
from tests.integration.actions.conftest import Works
from worker.domain.errors import Forbidden, Unauthenticated
from worker.security import Role, create_token
from worker.store.tenant import tenant
from worker.telemetry import metrics
from worker.web import Auth, Health, health_routes


async def a_tenant(works: Works, name: str) -> UUID:
    """Another tenant with one connector that has been called."""
    tenant_id = uuid4()
    async with works.house.pool.acquire() as conn:
        await conn.execute("INSERT INTO tenants (id, name) VALUES ($1, $2)", tenant_id, name)
    await a_connector(works.house.pool, tenant_id, name=f"{name}-ldap")
    metrics.target_calls_total.labels(f"{name}-ldap", "get", "ok").inc()
    return tenant_id


async def a_token(works: Works, tenant_id: UUID, role: Role) -> str:
    async with tenant(works.house.pool, tenant_id) as conn:
        return await create_token(conn, tenant_id, name=f"t-{role}", roles=frozenset({role}))


async def read(works: Works, path: str, *, token: str | None = None, is_open: bool = False) -> str:
    """A page, as another machine sees it unless it ``is_open``."""
    health = Health(works.house.pool, Auth(works.house.pool), "0", ["api"], is_open=is_open)
    (route,) = [each for each in health_routes(health) if each.path == path]
    headers = [(b"authorization", f"Bearer {token}".encode())] if token else []
    answer = await route.endpoint(Request({"type": "http", "method": "GET", "path": path, "headers": headers}))
    return bytes(answer.body).decode()


async def test_whoever_has_the_machine_sees_all(works: Works) -> None:
    await a_tenant(works, "red")
    await a_tenant(works, "blue")

    page = await read(works, "/metrics", is_open=True)
    status = json.loads(await read(works, "/status", is_open=True))

    assert "red-ldap" in page
    assert "blue-ldap" in page
    assert {"red", "blue"} <= {each["name"] for each in status["tenants"]}


async def test_a_token_sees_what_is_of_its_tenant(works: Works) -> None:
    red = await a_tenant(works, "red")
    await a_tenant(works, "blue")
    token = await a_token(works, red, Role.METRICS)

    page = await read(works, "/metrics", token=token)
    status = json.loads(await read(works, "/status", token=token))

    assert 'connector="red-ldap"' in page
    assert "provisiond_queue_depth" in page
    assert "blue" not in page
    assert [each["name"] for each in status["tenants"]] == ["red"]


async def test_the_pages_ask_for_the_role(works: Works) -> None:
    for path in ("/metrics", "/status"):
        with pytest.raises(Unauthenticated):
            await read(works, path)
        with pytest.raises(Forbidden):
            await read(works, path, token=await a_token(works, works.tenant_id, Role.VIEWER))
