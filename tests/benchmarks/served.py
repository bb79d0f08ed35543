"""``provisiond serve`` as a process of its own: started, watched, stopped for a moment, ended."""

import asyncio
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from uuid import UUID

from tests.benchmarks import processes
from tests.benchmarks.ground import Site
from worker.domain.run import RunKind, RunMode, RunTrigger
from worker.store import runs
from worker.store.tenant import tenant

READY_WITHIN_S = 60.0
END_WITHIN_S = 40.0
DONE_WITHIN_S = 180.0
LOOK_S = 0.01
POLL_S = 0.05


class Served:
    """A running daemon. ``ready_s``: from its start to the first 200 of /readyz."""

    def __init__(self, process: "subprocess.Popen[bytes]", port: int, ready_s: float, log: Path) -> None:
        self.process = process
        self.port = port
        self.ready_s = ready_s
        self.log = log

    def memory(self, field: str) -> float:
        """MiB of the process alone, without its children: ``VmRSS`` now, or ``VmHWM``, the most there ever was."""
        return processes.memory_mib(self.process.pid, field)

    @contextmanager
    def stopped(self) -> Iterator[None]:
        """Hold the process still, so that what is made meanwhile waits for it."""
        os.kill(self.process.pid, signal.SIGSTOP)
        try:
            yield
        finally:
            os.kill(self.process.pid, signal.SIGCONT)


@asynccontextmanager
async def serve(site: Site, *, dsn: str | None = None, poll_s: float | None = POLL_S) -> AsyncIterator[Served]:
    """Start a daemon on the site's database, and drain it at the end.

    ``dsn``: where it finds the database, if not where the site does. ``poll_s``: None for what is usual.
    """
    port, log = _free_port(), site.directory / "serve.log"
    started = time.monotonic()
    with log.open("ab") as output:
        process = subprocess.Popen(
            [str(Path(sys.executable).with_name("provisiond")), "serve", "--port", str(port)],
            env=_environment(site, dsn or site.dsn, poll_s),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
        )
    try:
        await _until_ready(process, port, log)
        yield Served(process, port, time.monotonic() - started, log)
    finally:
        await _end(process)


async def until_done(site: Site) -> None:
    """Wait until nothing waits for a daemon: no run, no event, nobody to be planned, no operation that can go on."""
    await _while(site, _is_busy)


async def until_worked_off(site: Site) -> None:
    """Wait until no operation can go on."""
    await _while(site, _has_operations)


async def completed(site: Site) -> int:
    """How many operations were completed, ever."""
    async with tenant(site.pool, site.tenant_id) as conn:
        return int(await conn.fetchval("SELECT count(*) FROM operations_archive WHERE status = 'completed'"))


async def leftovers(site: Site) -> str:
    """What did not complete, in words for a person."""
    async with tenant(site.pool, site.tenant_id) as conn:
        waiting = await conn.fetch(
            "SELECT status, coalesce(wait_reason, error_message) AS why, count(*) AS n FROM operations GROUP BY 1, 2 "
            "UNION ALL SELECT 'dead letter', error_message, count(*) FROM dead_letters GROUP BY 1, 2 "
            "UNION ALL SELECT 'to plan', '', count(*) FROM plan_items HAVING count(*) > 0 "
            "UNION ALL SELECT kind || ' run ' || status, pause_reason, count(*) FROM runs "
            "WHERE status <> 'completed' GROUP BY 1, 2"
        )
    return ", ".join(f"{row['n']} {row['status']} ({row['why']})" for row in waiting) or "nothing"


async def _while(site: Site, is_so: Callable[[Site], Awaitable[bool]]) -> None:
    deadline = time.monotonic() + DONE_WITHIN_S
    while await is_so(site):
        if time.monotonic() > deadline:
            raise RuntimeError(f"the daemon did not come to an end; left: {await leftovers(site)}")
        await asyncio.sleep(LOOK_S)


async def _is_busy(site: Site) -> bool:
    async with tenant(site.pool, site.tenant_id) as conn:
        return bool(
            await conn.fetchval(
                "SELECT EXISTS (SELECT FROM runs WHERE status IN ('pending', 'running')) "
                "OR EXISTS (SELECT FROM inbox WHERE status = 'received') OR EXISTS (SELECT FROM plan_items) "
                "OR EXISTS (SELECT FROM operations WHERE status IN ('pending', 'in_progress', 'failed'))"
            )
        )


async def _has_operations(site: Site) -> bool:
    async with tenant(site.pool, site.tenant_id) as conn:
        return bool(
            await conn.fetchval(
                "SELECT EXISTS (SELECT FROM operations WHERE status IN ('pending', 'in_progress', 'failed'))"
            )
        )


async def start_run(site: Site, connector_id: UUID, *, kind: RunKind) -> None:
    """Ask the daemon for a full run, unless one of this connector lives already (a watched file starts its own)."""
    async with tenant(site.pool, site.tenant_id) as conn:
        await runs.insert(
            conn,
            tenant_id=site.tenant_id,
            connector_id=connector_id,
            kind=kind,
            mode=RunMode.FULL,
            trigger=RunTrigger.MANUAL,
        )


def _environment(site: Site, dsn: str, poll_s: float | None) -> dict[str, str]:
    """As an operator would set it, but for a shorter poll where how soon work is seen is not what is measured."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PROVISIOND_", "PG"))}
    chosen = {} if poll_s is None else {"PROVISIOND_POLL_S": str(poll_s)}
    return (
        kept
        | chosen
        | {
            "PROVISIOND_DATABASE_URL": dsn,
            "PROVISIOND_SECRET_KEY": site.key_text,
            "PROVISIOND_DATA_DIR": str(site.directory),
            "PROVISIOND_HOOKS__REQUIRE_SECCOMP": "false",
        }
    )


async def _until_ready(process: "subprocess.Popen[bytes]", port: int, log: Path) -> None:
    deadline = time.monotonic() + READY_WITHIN_S
    while not await _is_ready(port):
        if process.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError(f"the daemon did not get ready: {log.read_text(errors='replace')[-2000:]}")
        await asyncio.sleep(LOOK_S)


async def _is_ready(port: int) -> bool:
    try:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        return False
    try:
        writer.write(b"GET /readyz HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n")
        line = await reader.readline()
    except OSError:
        return False
    finally:
        writer.close()
    return b" 200 " in line


async def _end(process: "subprocess.Popen[bytes]") -> None:
    process.terminate()
    try:
        await asyncio.to_thread(process.wait, END_WITHIN_S)
    except subprocess.TimeoutExpired:
        process.kill()
        await asyncio.to_thread(process.wait)


def _free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])
