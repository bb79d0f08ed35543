"""One run of one contender: its jobs wait, its processes start, and the clock runs until all is durably finished."""

import asyncio
import signal
import subprocess
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import asyncpg

from tests.benchmarks.ground import Ground
from tests.benchmarks.processes import cpu_s
from tests.benchmarks.queue import meter
from tests.benchmarks.queue.arena import Arena, environment
from tests.benchmarks.queue.contenders import Contender
from tests.conftest import ROOT

WITHIN_S = 900.0
LOOK_S = 0.005
END_WITHIN_S = 15.0


@dataclass(slots=True)
class Crew:
    """The worker processes of one contender, loaded and held back until ``go``."""

    start: Path
    processes: list["subprocess.Popen[bytes]"] = field(default_factory=list)
    meters: list[Path] = field(default_factory=list)
    logs: list[Path] = field(default_factory=list)

    @property
    def handled(self) -> int:
        return meter.handled(self.meters)

    @property
    def cpu_s(self) -> float:
        """Seconds that they have spent on a core so far."""
        return sum(cpu_s(process.pid) for process in self.processes)

    async def go(self) -> int:
        """Let them begin, when all are loaded; the nanosecond of it."""
        await self.loaded()
        self.start.touch()
        return time.monotonic_ns()

    async def loaded(self) -> None:
        """Wait until all are loaded."""
        await self._until(lambda: all(meter.read(path)[0] == meter.LOADED for path in self.meters), "load")

    async def until(self, count: int) -> int:
        """Wait until so many jobs are handled; the nanosecond at which they were."""
        await self._until(lambda: self.handled >= count, f"handle {count} jobs")
        return time.monotonic_ns()

    async def _until(self, is_so: Callable[[], bool], what: str) -> None:
        deadline = time.monotonic() + WITHIN_S
        while not is_so():
            self.check()
            if time.monotonic() > deadline:
                raise RuntimeError(f"the workers did not {what}; {self.handled} jobs were handled")
            await asyncio.sleep(LOOK_S)

    def check(self) -> None:
        """Raises RuntimeError with the last words of one that has ended."""
        for process, log in zip(self.processes, self.logs, strict=True):
            if process.poll() is not None:
                raise RuntimeError(f"a worker ended by itself: {log.read_text(errors='replace')[-500:]}")


@asynccontextmanager
async def crew(ground: Ground, arena: Arena, count: int) -> AsyncIterator[Crew]:
    """So many worker processes, ended politely."""
    made = Crew(ground.directory / f"{ground.fresh_name('crew')}.go")
    try:
        for n in range(count):
            path = made.start.with_suffix(f".meter{n}")
            log = made.start.with_suffix(f".log{n}")
            with log.open("ab") as output:
                made.processes.append(
                    subprocess.Popen(
                        arena.worker,
                        cwd=ROOT,
                        env=environment(arena, meter=path, go=made.start),
                        stdin=subprocess.DEVNULL,
                        stdout=output,
                        stderr=output,
                    )
                )
            made.meters.append(path)
            made.logs.append(log)
        yield made
    finally:
        for process in made.processes:
            process.send_signal(signal.SIGTERM)
        for process in made.processes:
            await _end(process)


async def _end(process: "subprocess.Popen[bytes]") -> None:
    try:
        await asyncio.to_thread(process.wait, END_WITHIN_S)
    except subprocess.TimeoutExpired:
        process.kill()
        await asyncio.to_thread(process.wait)


async def settle(arena: Arena) -> None:
    """The same state of the server before everybody's start."""
    conn = await asyncpg.connect(arena.admin_dsn)
    try:
        await conn.execute("VACUUM ANALYZE")
        await conn.execute("CHECKPOINT")
    finally:
        await conn.close()


@dataclass(frozen=True, slots=True)
class Raced:
    """Jobs a second, and microseconds on a core for each: of the workers and of the server together."""

    rate: float
    core_us: float


async def race(ground: Ground, contender: Contender, *, processes: int, count: int) -> Raced:
    """From the moment the workers may connect until the last job is durably finished."""
    server = await ground.server_pid()
    async with contender.arena(ground) as arena:
        await contender.fill(arena, count)
        await settle(arena)
        async with crew(ground, arena, processes) as workers:
            await workers.loaded()
            busy_s = workers.cpu_s + cpu_s(server)
            began_ns = await workers.go()
            await workers.until(count)
            took = (await until_nothing_left(arena) - began_ns) / 1e9
            busy_s = workers.cpu_s + cpu_s(server) - busy_s
        await check(arena, count)
        return Raced(count / took, busy_s / count * 1e6)


async def until_nothing_left(arena: Arena) -> int:
    """Wait until all is durably finished; the nanosecond at which it was."""
    conn = await asyncpg.connect(arena.admin_dsn)
    try:
        deadline = time.monotonic() + WITHIN_S
        while await conn.fetchval(arena.left):
            if time.monotonic() > deadline:
                raise RuntimeError("not all was finished")
            await asyncio.sleep(LOOK_S)
        return time.monotonic_ns()
    finally:
        await conn.close()


async def check(arena: Arena, count: int) -> None:
    """Everything was really done, where anything tells."""
    if arena.kept is None:
        return
    conn = await asyncpg.connect(arena.admin_dsn)
    try:
        kept = await conn.fetchval(arena.kept)
    finally:
        await conn.close()
    if kept != count:
        raise RuntimeError(f"{kept} of {count} jobs were finished")
