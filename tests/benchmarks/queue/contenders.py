"""Who takes part in a race: ours, the limit loop, and other people's queues. Each brings its tables and its worker."""

import asyncio
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import asyncpg

from tests.benchmarks.ground import Ground, Site
from tests.benchmarks.queue import filling, installing, limit
from tests.conftest import ROOT

POLL_S = 1.0


@dataclass(frozen=True, slots=True)
class Arena:
    """One fresh database of a contender.

    ``left`` asks whether anything is not durably finished, ``kept`` counts what was finished (None: nothing stays).
    ``worker``, ``fill`` and ``single`` are commands (a number follows the last two). ``site`` is there for ours.
    """

    database: str
    admin_dsn: str
    worker: Sequence[str]
    left: str
    kept: str | None = None
    environment: dict[str, str] = field(default_factory=dict)
    fill: Sequence[str] | None = None
    single: Sequence[str] | None = None
    site: Site | None = None


class Contender(Protocol):
    name: str

    def arena(self, ground: Ground) -> AbstractAsyncContextManager[Arena]:
        """A fresh database; it is dropped at the end. Raises NotToBeHad."""
        ...

    async def fill(self, arena: Arena, count: int) -> None:
        """Submit so many jobs."""
        ...


class Ours:
    """The daemon's dispatcher, finisher, poller and lease. ``accounts``: how many lanes (None: one an operation)."""

    name = "provisiond"

    def __init__(self, *, accounts: int | None = None, poll_s: float = POLL_S) -> None:
        self._accounts = accounts
        self._poll_s = poll_s

    @asynccontextmanager
    async def arena(self, ground: Ground) -> AsyncIterator[Arena]:
        async with _dropped_at_end(ground) as dropped, ground.site("race") as site:
            dropped.append(site.name)
            yield Arena(
                site.name,
                ground.postgres.admin_dsn(site.name),
                worker=_module("worker", site.dsn, str(self._poll_s)),
                left="SELECT EXISTS (SELECT FROM operations)",
                kept="SELECT count(*) FROM operations_archive o JOIN attempts a ON a.tenant_id = o.tenant_id "
                "AND a.operation_id = o.id AND a.success WHERE o.status = 'completed'",
                site=site,
            )

    async def fill(self, arena: Arena, count: int) -> None:
        if arena.site is None:
            raise RuntimeError("an arena of ours has a site")
        await filling.submit(arena.site, count, accounts=self._accounts or count)


class Limit:
    """The hand-written loop."""

    name = "limit loop"

    @asynccontextmanager
    async def arena(self, ground: Ground) -> AsyncIterator[Arena]:
        async with _database(ground, "limit") as (name, dsn, admin):
            await _run(dsn, limit.TABLES)
            yield Arena(name, admin, worker=_module("limit", dsn), left=limit.LEFT, kept=limit.KEPT)

    async def fill(self, arena: Arena, count: int) -> None:
        await _run(arena.admin_dsn, limit.FILL, count)


class Node:
    """A queue for Node."""

    def __init__(self, name: str, script: str, *, left: str) -> None:
        self.name = name
        self._script = script
        self._left = left

    @asynccontextmanager
    async def arena(self, ground: Ground) -> AsyncIterator[Arena]:
        folder = installing.node_folder()
        command = [str(installing.node_program(folder)), str(folder / self._script)]
        async with _database(ground, self._script.partition(".")[0]) as (name, dsn, admin):
            arena = Arena(
                name, admin, worker=[*command, "work"], left=self._left, environment={"BENCH_DSN": dsn},
                fill=[*command, "fill"], single=[*command, "single"],
            )  # fmt: skip
            await ended([*command, "setup"], arena)
            yield arena

    async def fill(self, arena: Arena, count: int) -> None:
        await ended([*(arena.fill or ()), str(count)], arena)


class PgQueuer:
    """A queue for Python."""

    name = "PGQueuer"

    @asynccontextmanager
    async def arena(self, ground: Ground) -> AsyncIterator[Arena]:
        path = os.pathsep.join([str(installing.python_folder()), str(ROOT)])
        command = [sys.executable, str(installing.PEERS / "pgqueuer_worker.py")]
        async with _database(ground, "pgqueuer") as (name, dsn, admin):
            arena = Arena(
                name, admin, worker=[*command, "work"], left="SELECT EXISTS (SELECT FROM pgqueuer)",
                environment={"BENCH_DSN": dsn, "PYTHONPATH": path}, fill=[*command, "fill"],
                single=[*command, "single"],
            )  # fmt: skip
            await ended([*command, "setup"], arena)
            yield arena

    async def fill(self, arena: Arena, count: int) -> None:
        await ended([*(arena.fill or ()), str(count)], arena)


GRAPHILE = Node("graphile-worker", "graphile.mjs", left="SELECT EXISTS (SELECT FROM graphile_worker._private_jobs)")
PGBOSS = Node("pg-boss", "pgboss.mjs", left="SELECT EXISTS (SELECT FROM pgboss.job WHERE state < 'completed')")


def environment(arena: Arena, *, meter: Path = Path(os.devnull), go: Path = Path(os.devnull)) -> dict[str, str]:
    """What a process of this contender sees."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PROVISIOND_", "PG"))}
    return kept | arena.environment | {"BENCH_METER": str(meter), "BENCH_GO": str(go)}


async def ended(command: Sequence[str], arena: Arena) -> None:
    """Run a command of a contender to its end; raises RuntimeError with its last words."""
    process = await asyncio.create_subprocess_exec(
        *command, cwd=ROOT, env=environment(arena), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    )
    _, words = await process.communicate()
    if process.returncode != 0:
        raise RuntimeError(f"{' '.join(command[-2:])} failed: {words.decode(errors='replace')[-500:]}")


def _module(name: str, *arguments: str) -> list[str]:
    return [sys.executable, "-m", f"tests.benchmarks.queue.{name}", *arguments]


@asynccontextmanager
async def _database(ground: Ground, kind: str) -> AsyncIterator[tuple[str, str, str]]:
    name = ground.fresh_name(kind)
    async with _dropped_at_end(ground) as dropped:
        dsn = await ground.postgres.application(name)
        dropped.append(name)
        yield name, dsn, ground.postgres.admin_dsn(name)


@asynccontextmanager
async def _dropped_at_end(ground: Ground) -> AsyncIterator[list[str]]:
    """What is left behind would be vacuumed while others are measured."""
    names: list[str] = []
    try:
        yield names
    finally:
        conn = await asyncpg.connect(ground.postgres.admin_dsn())
        try:
            for name in names:
                await conn.execute(f"DROP DATABASE {name} WITH (FORCE)")
        finally:
            await conn.close()


async def _run(dsn: str, script: str, *arguments: int) -> None:
    conn = await asyncpg.connect(dsn)
    try:
        await conn.execute(script, *arguments)
    finally:
        await conn.close()
