"""The command line as a person uses it: in this process where it ends by itself, as a process where signals end it."""

import asyncio
import base64
import logging
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import structlog

from tests.conftest import ROOT

KEY = base64.b64encode(bytes(range(32))).decode()
Configure = Callable[..., None]
PATIENCE_S = 60.0


@pytest.fixture(autouse=True)
def _logging_as_before() -> Iterator[None]:
    """Verbs that configure logging do it for the whole process."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:], root.level = handlers, level
    logging.captureWarnings(capture=False)
    structlog.reset_defaults()


@pytest.fixture
def configure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Configure:
    """Set settings by name, in an empty directory and with nothing else configured."""
    for name in [name for name in os.environ if name.startswith("PROVISIOND_")]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)

    def configured(**settings: str) -> None:
        for name, value in settings.items():
            monkeypatch.setenv(f"PROVISIOND_{name.upper()}", value)

    configured(secret_key=KEY, hooks__require_seccomp="false")
    return configured


class Program:
    """``provisiond`` as a process; what it says is kept."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self.said = ""

    @property
    def pid(self) -> int:
        return self._process.pid

    async def until(self, words: str) -> str:
        """Read until a line holds these words; that line. Fails when it ends before."""
        assert self._process.stdout is not None
        async with asyncio.timeout(PATIENCE_S):
            while line := (await self._process.stdout.readline()).decode():
                self.said += line
                if words in line:
                    return line
        raise AssertionError(f"it ended without {words!r}:\n{self.said}")

    async def end(self, *signals: signal.Signals) -> int:
        """Send these one after the other; the exit code."""
        for number in signals:
            self._process.send_signal(number)
        assert self._process.stdout is not None
        async with asyncio.timeout(PATIENCE_S):
            self.said += (await self._process.stdout.read()).decode()
            return await self._process.wait()


@asynccontextmanager
async def program(*arguments: str, cwd: Path = ROOT, user: int | None = None) -> AsyncIterator[Program]:
    """Start a verb in the environment of this process; killed at the end when it still runs."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "worker",
        *arguments,
        cwd=cwd,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        user=user,
    )
    try:
        yield Program(process)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
