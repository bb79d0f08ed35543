"""The database that a contender has for one run, and how its processes are started in it."""

import asyncio
import os
import subprocess
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import asyncpg

from tests.benchmarks.ground import Ground, Site
from tests.conftest import ROOT


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

    @property
    def ours(self) -> Site:
        """The site; raises RuntimeError where another contender has the arena."""
        if self.site is None:
            raise RuntimeError("only an arena of ours has a site")
        return self.site


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


@asynccontextmanager
async def database(ground: Ground, kind: str) -> AsyncIterator[tuple[str, str, str]]:
    """A database for another contender: its name, its owner's URL and the superuser's."""
    name = ground.fresh_name(kind)
    async with dropped_at_end(ground) as dropped:
        dsn = await ground.postgres.application(name)
        dropped.append(name)
        yield name, dsn, ground.postgres.admin_dsn(name)


@asynccontextmanager
async def dropped_at_end(ground: Ground) -> AsyncIterator[list[str]]:
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


async def run_sql(dsn: str, script: str, *arguments: int) -> None:
    conn = await asyncpg.connect(dsn)
    try:
        await conn.execute(script, *arguments)
    finally:
        await conn.close()
