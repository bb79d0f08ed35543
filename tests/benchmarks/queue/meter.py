"""How a worker process says what it has done, so that watching it costs the database nothing.

A file of two 64-bit numbers, written every few milliseconds: the nanosecond (CLOCK_MONOTONIC, the same for all
processes of a machine) at which the worker began, and how many jobs it has handled. Beside it, a file of nanoseconds:
how long each job waited that carried the time of its submission.

A worker that is loaded writes LOADED and waits for the file that says go, so that no start of an interpreter is timed
and several workers start as one.
"""

import asyncio
import os
import struct
import time
from array import array
from collections.abc import Sequence
from pathlib import Path

FLUSH_S = 0.005
GO_LOOK_S = 0.001
LOADED = -1
_FORM = struct.Struct("<qq")


class Meter:
    """The writing side, in a worker."""

    def __init__(self) -> None:
        path = Path(os.environ["BENCH_METER"])
        self._go = Path(os.environ["BENCH_GO"])
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT, 0o600)
        self._waits_path = waits_path(path)
        self._waits = array("q")
        self._began = 0
        self._told = 0
        self.count = 0

    async def begin(self) -> None:
        """Wait for the start; what comes next is connecting, and is timed."""
        self._write(LOADED)
        while not self._go.exists():
            await asyncio.sleep(GO_LOOK_S)
        self._began = time.monotonic_ns()
        self._flush(asyncio.get_running_loop())

    def hit(self, submitted_ns: int = 0) -> None:
        """One job has reached its handler; ``submitted_ns`` when the job carries it."""
        self.count += 1
        if submitted_ns:
            self._waits.append(time.monotonic_ns() - submitted_ns)

    def _flush(self, loop: asyncio.AbstractEventLoop) -> None:
        if self._told != self.count or not self._told:
            self._told = self.count
            self._write(self._began)
        if self._waits:
            with self._waits_path.open("ab") as file:
                self._waits.tofile(file)
            self._waits = array("q")
        loop.call_later(FLUSH_S, self._flush, loop)

    def _write(self, began: int) -> None:
        os.pwrite(self._file, _FORM.pack(began, self.count), 0)


def waits_path(path: Path) -> Path:
    return path.with_name(path.name + ".waits")


def read(path: Path) -> tuple[int, int]:
    """When the worker began (0: not loaded yet) and how many jobs it has handled."""
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return 0, 0
    return _FORM.unpack(data) if len(data) == _FORM.size else (0, 0)


def handled(paths: Sequence[Path]) -> int:
    """How many jobs these workers have handled together."""
    return sum(read(path)[1] for path in paths)


def waits_ms(path: Path) -> list[float]:
    """How long each job waited from its submission to its handler."""
    found = array("q")
    found.frombytes(waits_path(path).read_bytes())
    return [each / 1e6 for each in found]
