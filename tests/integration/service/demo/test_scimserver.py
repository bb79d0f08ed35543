import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from tests.conformance.targets.scim import TOKEN, ScimServer, free_port
from tests.waiting import eventually
from worker.connectors import ConnectorGuard, guard_for
from worker.domain.connector import Connector
from worker.domain.errors import AlreadyExists, CredentialsRejected, InvalidAttributes, TransientError


@pytest.fixture
def server(tmp_path: Path) -> Iterator[ScimServer]:
    server = ScimServer(tmp_path / "new" / "scim.log", free_port())
    server.start()
    yield server
    server.kill()


def guard_to(server: ScimServer, *, token: str = TOKEN) -> ConnectorGuard:
    config = {"url": f"http://127.0.0.1:{server.port}/v2"}
    return guard_for(Connector(uuid4(), uuid4(), "app", "scim", config=config), credentials={"token": token})


def person(name: str) -> dict[str, Any]:
    return {"userName": name, "externalId": f"id-{name}", "name.givenName": "Zoë", "department": "IT"}


async def test_accounts_survive_a_kill(server):
    async with guard_to(server) as guard:
        kept = await guard.create("user", person("kept"), active=True)
        changed = await guard.create("user", person("changed"), active=True)
        gone = await guard.create("user", person("gone"), active=True)
        await guard.update("user", changed, {"department": "HR", "userName": "new-name"}, active=False)
        await guard.delete("user", gone)
        before = [await guard.get("user", uid) for uid in (kept, changed, gone)]
    server.kill()
    server.start()
    async with guard_to(server) as guard:
        after = [await guard.get("user", uid) for uid in (kept, changed, gone)]
        with pytest.raises(AlreadyExists):
            await guard.create("user", person("NEW-name"))
        await guard.create("user", person("gone"))

    assert after == before
    assert after[2] is None
    assert after[1].attributes["department"] == "HR"


async def test_every_answered_create_survives_a_kill_in_the_middle(server):
    answered: list[str] = []

    async def create(guard: ConnectorGuard) -> None:
        while True:
            name = uuid4().hex
            await guard.create("user", person(name))
            answered.append(name)

    async with guard_to(server) as guard:
        tasks = [asyncio.create_task(create(guard)) for _ in range(4)]
        await eventually(lambda: len(answered) > 50)
        server.kill()
        for result in await asyncio.gather(*tasks, return_exceptions=True):
            assert isinstance(result, TransientError)
    server.start()
    async with guard_to(server) as guard:
        page = await guard.search("user", page_size=1000)

    names = [account.attributes["userName"] for account in page.accounts]
    assert set(answered) <= set(names)
    assert len(names) == len(set(names))


async def test_line_that_death_cut_off_is_dropped(server):
    async with guard_to(server) as guard:
        uid = await guard.create("user", person("anna"))
    server.kill()
    with server.data.open("a") as file:
        file.write('{"type": "User", "id": "half')
    server.start()
    async with guard_to(server) as guard:
        assert (await guard.get("user", uid)).attributes["userName"] == "anna"
        await guard.create("user", person("bert"))
    server.kill()
    server.start()
    async with guard_to(server) as guard:
        assert (await guard.search("user")).total == 2


async def test_history_is_dropped_at_the_next_start(server):
    async with guard_to(server) as guard:
        uid = await guard.create("user", person("anna"))
        for n in range(20):
            await guard.update("user", uid, {"title": str(n)})
    assert len(server.data.read_text().splitlines()) == 21
    server.kill()
    server.start()

    assert len(server.data.read_text().splitlines()) == 1


async def test_only_the_token_opens_it(server):
    async with guard_to(server, token="another") as guard:
        with pytest.raises(CredentialsRejected):
            await guard.search("user")


async def test_schema_is_kept(server):
    async with guard_to(server) as guard:
        with pytest.raises(InvalidAttributes):
            await guard.create("user", {"name.givenName": "nobody"})
        with pytest.raises(InvalidAttributes):
            await guard.create("user", {"userName": 7})


async def test_it_ends_with_the_process_that_started_it(tmp_path):
    """Whoever starts it may be killed; nothing of the demo is left running."""
    command = [sys.executable, "-m", "worker.service.demo.scimserver", "--port", str(free_port()), "--token", "t"]
    command += ["--data", str(tmp_path / "scim.log")]
    code = (
        "import os, subprocess, time\n"
        f"command = [*{command!r}, '--parent', str(os.getpid())]\n"
        "print(subprocess.Popen(command).pid, flush=True)\n"
        "time.sleep(600)"
    )
    parent = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE)
    assert parent.stdout is not None
    child = int(parent.stdout.readline())
    os.kill(parent.pid, signal.SIGKILL)
    parent.wait()
    parent.stdout.close()

    await eventually(lambda: not is_running(child), timeout=20)


def is_running(pid: int) -> bool:
    try:
        return "\nState:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except FileNotFoundError:
        return False
