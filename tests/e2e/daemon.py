"""``provisiond dev`` as a person runs it: a process of its own on a directory of its own."""

import asyncio
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from tests.e2e.nordwerk import Nordwerk
from worker.domain.errors import SurroundingsError
from worker.service.demo.organisation import EMPLOYEES
from worker.service.house import vault_of
from worker.service.runtime import read_runtime
from worker.settings import load
from worker.store.pool import open_pool

ROOT = Path(__file__).parent.parent.parent
#: Of each test process its own: a port is looked for long before it is listened at, and two may find the same one.
FIRST_PORT = 8400 + 100 * int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
START_WITHIN_S = 90.0
#: The first start of a checkout fetches the packages and fills the targets, on a machine that may have other work.
INSTALL_WITHIN_S = 1_200.0
#: Short, so that the work of a killed daemon is free again soon.
LEASE = {"PROVISIOND_LEASE_S": "8", "PROVISIOND_BEAT_S": "1", "PROVISIOND_ATTEMPT_S": "6"}


class Dev:
    """One directory's development set-up, to be started, killed and started again."""

    command: tuple[str, ...] = (sys.executable, "-m", "worker")
    where = ROOT

    def __init__(self, directory: Path, *, employees: int) -> None:
        self.directory = directory
        self.employees = employees
        self.output = directory.parent / f"{directory.name}.out"
        self.start_within_s = START_WITHIN_S
        self._process: subprocess.Popen[bytes] | None = None

    def launch(self) -> None:
        """Start the process, without waiting for it."""
        self.directory.mkdir(mode=0o711, exist_ok=True)
        demo = ["--port", str(FIRST_PORT), "--employees", str(self.employees), "--no-drift"]
        self._launch([*self.command, "dev", "--data-dir", str(self.directory), *demo], settings=LEASE)

    def _launch(self, command: list[str], *, settings: dict[str, str]) -> None:
        with self.output.open("wb") as output:
            self._process = subprocess.Popen(
                command,
                cwd=self.where,
                env=_surroundings() | settings,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )

    async def start(self) -> str:
        """Start the process and wait until it is ready; the sign-in link."""
        self.launch()
        deadline = time.monotonic() + self.start_within_s
        while time.monotonic() < deadline and self.is_running:
            if found := re.search(r"http://127\.0\.0\.1:\d+/sign-in\?\S+", self.said()):
                return found.group()
            await asyncio.sleep(0.1)
        raise AssertionError(f"{'slow' if self.is_running else 'ended'} instead of ready: {self.said()[-2000:]}")

    def said(self) -> str:
        """What the process has told the person who started it."""
        return self.output.read_text(encoding="utf-8", errors="replace")

    @property
    def is_running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    async def provisiond(self, *arguments: str) -> str:
        """What a verb of the command says; it must succeed."""
        process = await asyncio.create_subprocess_exec(
            *self.command,
            *arguments,
            cwd=self.where,
            env=_surroundings() | {"PROVISIOND_DATA_DIR": str(self.directory)},
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        said, _ = await process.communicate()
        assert process.returncode == 0, (arguments[:3], said.decode())
        return said.decode()

    async def kill(self) -> None:
        """End it as a power cut would."""
        await self._end(signal.SIGKILL)

    async def stop(self) -> int:
        """Ask it to end; its exit code."""
        return await self._end(signal.SIGTERM)

    async def interrupt(self) -> int:
        """Ctrl-C; its exit code."""
        return await self._end(signal.SIGINT)

    async def _end(self, how: signal.Signals) -> int:
        assert self._process is not None
        if self._process.poll() is None:
            self._process.send_signal(how)
        return await asyncio.to_thread(self._process.wait, 60)

    @asynccontextmanager
    async def organisation(self) -> AsyncIterator[Nordwerk]:
        """Look at what it has done so far; the database must be running."""
        found = self._runtime()
        pool = await open_pool(found["database_url"], size=2, application="test")
        try:
            yield Nordwerk(pool, vault_of(load(environ={}, overrides=found)), employees=self.employees)
        finally:
            await pool.close()

    async def has_database(self) -> bool:
        """Whether one can look at it; the database outlives a daemon that was killed."""
        assert self.is_running, self.said()
        found = read_runtime(self.directory)
        if found is None:
            return False
        try:
            pool = await open_pool(found["database_url"], size=1, application="test")
        except SurroundingsError:
            return False
        await pool.close()
        return True

    def _runtime(self) -> dict[str, Any]:
        found = read_runtime(self.directory)
        assert found is not None, self.said()
        return found

    def log(self) -> list[dict[str, Any]]:
        """Every line of the daemon's log."""
        text = (self.directory / "daemon.log").read_text(encoding="utf-8", errors="replace")
        return [json.loads(line) for line in text.splitlines() if line.startswith("{") and line.endswith("}")]


class Newcomer(Dev):
    """Who has just cloned the project, types ``./scripts/run`` and nothing else."""

    def __init__(self, checkout: Path) -> None:
        super().__init__(checkout / ".provisiond", employees=EMPLOYEES)
        self.command = (".venv/bin/provisiond",)
        self.where = checkout
        self.output = checkout.parent / "run.out"
        self.start_within_s = INSTALL_WITHIN_S

    def launch(self) -> None:
        """Start the process, without waiting for it; the first one makes the virtual environment."""
        self._launch(["./scripts/run"], settings={})


def _surroundings() -> dict[str, str]:
    """This process's environment without what would configure a daemon."""
    return {name: value for name, value in os.environ.items() if not name.startswith("PROVISIOND_")}


def descendants(pid: int) -> dict[int, str]:
    """Every process below this one, with its command line."""
    children: dict[int, list[int]] = {}
    for status in Path("/proc").glob("[0-9]*/stat"):
        try:
            _, _, rest = status.read_text().rpartition(")")
        except OSError:
            continue
        children.setdefault(int(rest.split()[1]), []).append(int(status.parent.name))
    found: list[int] = []
    ahead = [pid]
    while ahead:
        below = children.get(ahead.pop(), [])
        found += below
        ahead += below
    return {one: words for one in found if (words := command_of(one))}


def command_of(pid: int) -> str:
    """The command line of a process, empty when there is none."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace").strip()
    except OSError:
        return ""
