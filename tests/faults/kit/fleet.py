"""The daemons of a storm: forked by a zygote, one in each slot, started again whenever one is gone."""

import asyncio
import json
import os
import signal
import sys
from collections.abc import Mapping
from contextlib import AsyncExitStack, suppress
from pathlib import Path
from typing import Any, Self

ROOT = Path(__file__).parents[3]


class Zygote:
    """The process that forks daemons."""

    def __init__(self, *, environment: Mapping[str, str] | None = None) -> None:
        self._environment = dict(environment or {})
        self._process: asyncio.subprocess.Process | None = None
        self._asking = asyncio.Lock()

    async def __aenter__(self) -> Self:
        self._process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "tests.faults.kit.zygote",
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            cwd=ROOT,
            # one thread: a process with several cannot be forked safely
            env={**os.environ, "OPENBLAS_NUM_THREADS": "1", **self._environment},
        )
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._process is not None
        assert self._process.stdin is not None
        self._process.stdin.close()
        await self._process.wait()

    async def fork(self, settings: Mapping[str, Any], log: Path) -> int:
        """Start a daemon; its process id."""
        assert self._process is not None
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        async with self._asking:
            order = json.dumps({"settings": dict(settings), "log": str(log)})
            self._process.stdin.write(order.encode() + b"\n")
            return int(await self._process.stdout.readline())


def is_running(pid: int) -> bool:
    """Whether the process is there; the zygote leaves no dead ones behind."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def state_of(pid: int) -> str:
    """The kernel's letter for what the process does, empty when it is gone."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (OSError, IndexError):
        return ""


async def until_gone(pid: int, *, within_s: float) -> bool:
    deadline = asyncio.get_running_loop().time() + within_s
    while is_running(pid):
        if asyncio.get_running_loop().time() > deadline:
            return False
        await asyncio.sleep(0.005)
    return True


class Fleet:
    """A daemon in each slot. Those that the nemesis holds are in ``held`` and are left alone by others."""

    def __init__(self, zygote: Zygote, settings: Mapping[str, Any], directory: Path, *, size: int) -> None:
        self._zygote = zygote
        self._settings = settings
        self._directory = directory
        self._stack = AsyncExitStack()
        self.pids: list[int] = [0] * size
        self.logs: list[Path] = [directory] * size
        self.held: set[int] = set()
        self.started = 0

    async def __aenter__(self) -> Self:
        for slot in range(len(self.pids)):
            await self.start(slot)
        return self

    async def __aexit__(self, *_: object) -> None:
        for pid in self.pids:
            if pid:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)

    async def start(self, slot: int) -> None:
        """Put a new daemon into the slot."""
        self.started += 1
        self.logs[slot] = self._directory / f"daemon-{slot}-{self.started}.log"
        self.pids[slot] = await self._zygote.fork(self._settings, self.logs[slot])

    def was_ready(self, slot: int) -> bool:
        """Whether the daemon has come as far as to take work; one whose database is away ends instead."""
        return self.logs[slot].exists() and "daemon.ready" in self.logs[slot].read_text()

    def losses(self, slot: int) -> int:
        """How often the daemon has lost its lease."""
        return self.logs[slot].read_text().count("heartbeat.lease_lost")

    def free(self, pick: int) -> list[int]:
        """The slots that nobody holds, beginning somewhere."""
        order = [(pick + n) % len(self.pids) for n in range(len(self.pids))]
        return [slot for slot in order if slot not in self.held]

    async def kill(self, slot: int) -> None:
        os.kill(self.pids[slot], signal.SIGKILL)
        await until_gone(self.pids[slot], within_s=10)

    async def revive(self) -> int:
        """Start anew whatever ended by itself; how many of those had been at work."""
        gone = [slot for slot, pid in enumerate(self.pids) if slot not in self.held and not is_running(pid)]
        at_work = sum(self.was_ready(slot) for slot in gone)
        for slot in gone:
            await self.start(slot)
        return at_work

    async def stop(self, *, within_s: float) -> list[int]:
        """SIGTERM to all; the process ids that did not end."""
        for pid in self.pids:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGTERM)
        return [pid for pid in self.pids if not await until_gone(pid, within_s=within_s)]
