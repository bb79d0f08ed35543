"""Who takes part in a race: ours, the limit loop, and other people's queues. Each brings its tables and its worker."""

import os
import sys
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Protocol

from tests.benchmarks.ground import Ground
from tests.benchmarks.queue import filling, installing, limit
from tests.benchmarks.queue.arena import Arena, database, dropped_at_end, ended, run_sql
from tests.conftest import ROOT

#: As the daemon's settings have it.
POLL_S = 1.0


class Contender(Protocol):
    name: str

    def arena(self, ground: Ground) -> AbstractAsyncContextManager[Arena]:
        """A fresh database; it is dropped at the end. Raises NotToBeHad."""
        ...

    async def fill(self, arena: Arena, count: int) -> None:
        """Submit so many jobs."""
        ...


class Ours:
    """The daemon's dispatcher, finisher, poller and lease.

    ``accounts``: how many lanes (None: one an operation). ``is_notified``: whether processes tell each other of work.
    ``is_whole``: whether the workers load all that a daemon consists of.
    """

    name = "provisiond"

    def __init__(self, *, accounts: int | None = None, is_notified: bool = True, is_whole: bool = False) -> None:
        self._accounts = accounts
        self._is_whole = is_whole
        self.is_notified = is_notified

    @asynccontextmanager
    async def arena(self, ground: Ground) -> AsyncIterator[Arena]:
        async with dropped_at_end(ground) as dropped, ground.site("race") as site:
            dropped.append(site.name)
            yield Arena(
                site.name,
                ground.postgres.admin_dsn(site.name),
                worker=_module("worker", site.dsn, str(POLL_S), *self._words()),
                left="SELECT EXISTS (SELECT FROM operations)",
                kept="SELECT count(*) FROM operations_archive o JOIN attempts a ON a.tenant_id = o.tenant_id "
                "AND a.operation_id = o.id AND a.success WHERE o.status = 'completed'",
                site=site,
            )

    def _words(self) -> tuple[str, str]:
        return "on" if self.is_notified else "off", "whole" if self._is_whole else "parts"

    async def fill(self, arena: Arena, count: int) -> None:
        await filling.submit(arena.ours, count, accounts=self._accounts or count)


class Limit:
    """The hand-written loop."""

    name = "limit loop"

    @asynccontextmanager
    async def arena(self, ground: Ground) -> AsyncIterator[Arena]:
        async with database(ground, "limit") as (name, dsn, admin):
            await run_sql(dsn, limit.TABLES)
            yield Arena(name, admin, worker=_module("limit", dsn), left=limit.LEFT, kept=limit.KEPT)

    async def fill(self, arena: Arena, count: int) -> None:
        await run_sql(arena.admin_dsn, limit.FILL, count)


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
        async with database(ground, self._script.partition(".")[0]) as (name, dsn, admin):
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
        async with database(ground, "pgqueuer") as (name, dsn, admin):
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


def _module(name: str, *arguments: str) -> list[str]:
    return [sys.executable, "-m", f"tests.benchmarks.queue.{name}", *arguments]
