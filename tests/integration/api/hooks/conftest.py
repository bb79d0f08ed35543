"""The doors of a house that runs scripts, and a client who edits hooks through them."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

import pytest
import structlog

from tests.integration.actions.conftest import Works
from tests.integration.api.conftest import Client
from worker.hooks import HookExecutor, HookLimits

NAMES = """
def before_create(ctx):
    given = ctx["identity"].get("given_name")
    if not given:
        return reject("nobody without a name", code = "nameless")
    return {"set": {"login": text.slug(given)}}
"""


@pytest.fixture
async def works(works: Works) -> AsyncIterator[Works]:
    limits = HookLimits(budget_ms=200, memory_mb=64)
    async with HookExecutor(workers=1, limits=limits, log=structlog.get_logger()) as scripts:
        works.house = replace(works.house, scripts=scripts)
        yield works


@dataclass
class Editor:
    """Edits hooks as an administrator; every call has to succeed."""

    client: Client
    connector_id: UUID

    async def send(self, method: str, path: str, body: Any = None, **options: Any) -> Any:
        status, answer = await self.client.call(method, f"/api/hooks{path}", role="admin", json=body, **options)
        assert status < 300, answer
        return answer

    async def hook(self, name: str = "names", *sources: str, kind: str = "hook") -> str:
        """A hook with these versions, the last of them active; its id."""
        made = await self.send("POST", "", {"name": name, "kind": kind})
        for source in sources:
            await self.version(made["id"], source)
        if sources:
            await self.send("POST", f"/{made['id']}/versions/{len(sources)}/activate")
        return str(made["id"])

    async def version(self, hook_id: str, source: str) -> int:
        return int((await self.send("POST", f"/{hook_id}/versions", {"source": source}))["version"])

    async def saved(self, hook_id: str, name: str, expected: Any, **context: Any) -> str:
        body = {"name": name, "function": "before_create", "context": context, "expected": expected}
        return str((await self.send("POST", f"/{hook_id}/tests", body))["id"])

    async def bound(self, hook_id: str, **fields: Any) -> Any:
        body = {"connector_id": str(self.connector_id), "phase": "before", **fields}
        return await self.send("POST", f"/{hook_id}/bindings", body)


@pytest.fixture
def editor(client: Client, works: Works) -> Editor:
    return Editor(client, works.connector.id)
