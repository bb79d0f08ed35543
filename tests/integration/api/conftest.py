"""The doors of a house on a port of their own: tokens of each role, and a signed-in person."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import aiohttp
import pytest

from tests.integration.actions.conftest import Works, pool, table, works
from worker.intake import EventReceiver
from worker.security import Role, create_link, create_token
from worker.service.http import Doors
from worker.settings import Settings
from worker.store.tenant import tenant

__all__ = ["pool", "table", "works"]


@dataclass
class Client:
    """Speaks to the API with the token of one role."""

    base: str
    session: aiohttp.ClientSession
    tokens: dict[str, str]

    async def call(self, method: str, path: str, *, role: str = "operator", **options: Any) -> tuple[int, Any]:
        headers = {"Authorization": f"Bearer {self.tokens[role]}", **options.pop("headers", {})}
        async with self.session.request(method, self.base + path, headers=headers, **options) as answer:
            is_json = answer.content_type == "application/json" or answer.content_type.endswith("+json")
            return answer.status, await (answer.json(content_type=None) if is_json else answer.text())

    async def get(self, path: str, **options: Any) -> tuple[int, Any]:
        return await self.call("GET", path, **options)

    async def post(self, path: str, body: Any = None, **options: Any) -> tuple[int, Any]:
        return await self.call("POST", path, json=body if body is not None else {}, **options)


@pytest.fixture
async def client(works: Works) -> AsyncIterator[Client]:
    stop = asyncio.Event()
    settings = Settings.model_validate({"bind": {"port": 0}})
    doors = Doors(settings, works.house, EventReceiver(works.house.pool), version="0", stop=stop)
    port = await doors.open()
    async with tenant(works.house.pool, works.tenant_id) as conn:
        tokens = {
            role.value: await create_token(conn, works.tenant_id, name=f"t-{role.value}", roles=frozenset({role}))
            for role in Role
        }
    async with aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as session:
        yield Client(f"http://127.0.0.1:{port}", session, tokens)
    stop.set()
    await doors.close()


@pytest.fixture
async def browser(client: Client, works: Works) -> Client:
    """The same, signed in to the console as an operator."""
    async with tenant(works.house.pool, works.tenant_id) as conn:
        secret = await create_link(conn, works.tenant_id, principal_id=works.operator.id)
    async with client.session.post(client.base + "/sign-in", data={"secret": secret}, allow_redirects=False) as answer:
        assert answer.status == 303, await answer.text()
    return client
