import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.conformance.gate import gate_to
from tests.conformance.targets import Target

TOKEN = "conformance-token"


@dataclass(slots=True)
class ScimServer:
    """The demo's SCIM service as a process; ``start`` after ``kill`` finds the accounts again."""

    data: Path
    port: int
    process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        command = [sys.executable, "-m", "worker.service.demo.scimserver"]
        options = ["--port", str(self.port), "--token", TOKEN, "--data", str(self.data), "--parent", str(os.getpid())]
        self.process = subprocess.Popen([*command, *options])
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{self.port}/v2/ServiceProviderConfig", timeout=5).close()
            except OSError:
                time.sleep(0.05)
            else:
                return
        pytest.fail("the SCIM service did not start")

    def kill(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


@pytest.fixture(scope="session")
def scim_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ScimServer]:
    server = ScimServer(tmp_path_factory.mktemp("scim") / "scim.log", free_port())
    server.start()
    yield server
    server.kill()


@pytest.fixture
async def scim_target(scim_server: ScimServer) -> AsyncIterator[Target]:
    async with gate_to("127.0.0.1", scim_server.port) as gate:
        yield Target(
            type="scim",
            config={"url": f"http://127.0.0.1:{gate.port}/v2"},
            credentials={"token": TOKEN},
            bad_credentials={"token": "wrong"},
            gate=gate,
            naming="userName",
            text="title",
            multi_valued="roles",
            unknown_uid="0123456789abcdef",
            person=person,
        )


def person(name: str) -> dict[str, Any]:
    return {
        "userName": name,
        "externalId": f"id-{name}",
        "name.givenName": "Zoë",
        "name.familyName": "Müller",
        "emails.work": f"{name}@example.com",
        "title": "Dr.",
        "department": "Research",
    }
