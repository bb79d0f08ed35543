"""Reconciliation of many accounts, by the engine in a process of its own, beside a plain full join of the same data."""

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asyncpg

from tests.benchmarks.figures import Figure, Size, at_least, at_most, beside, left_out
from tests.benchmarks.ground import Ground, Site
from tests.benchmarks.queue.installing import NotToBeHad, python_folder
from tests.benchmarks.recon import census, fulljoin, house, real
from tests.benchmarks.recon.house import Way
from tests.conftest import ROOT
from worker.domain.connector import Connector

ACCOUNTS_A_SECOND = 100_000
CHANGES_A_SECOND = 50_000
MOST_MIB = 256
MOST_MIB_APART = 2_560
WITHIN_S = 1_800.0
CHANGES_A_PAGE = 2_000
#: Into how many ranges a listing is divided for two processes.
RANGES = 8
#: What a slow target takes over a page.
SLOW_PAGE_S = 0.05
ALONE = Way()
PINS = Path(__file__).with_name("peers") / "requirements.txt"


@dataclass(frozen=True, slots=True)
class Stage:
    """A target, and the files that it lists: as wanted, after it drifted, and what it tells as changed."""

    ground: Ground
    site: Site
    connector: Connector
    count: int
    changes: int

    def file(self, name: str) -> Path:
        return self.site.directory / f"{name}.jsonl"

    async def run(self, name: str, total: int, way: Way = ALONE) -> dict[str, Any]:
        """One run over that file; raises RuntimeError when it did not complete."""
        found = await _answer(self.words(name, total, way))
        if found["status"] != "completed":
            raise RuntimeError(f"the run is {found['status']}: {found['error']}")
        return found

    def words(self, name: str, total: int, way: Way) -> list[str]:
        """The command of a process that works on runs over that file."""
        task = house.task(self.site, self.connector, self.file(name), total=total, way=way)
        return [sys.executable, "-m", "tests.benchmarks.recon.runner", task]


async def measure(ground: Ground, size: Size) -> AsyncIterator[Figure]:
    """Full runs, a delta, the same by a full join, and real targets."""
    async with ground.site("recon") as site:
        stage = Stage(ground, site, await house.a_target(site), size.reconciled, size.changed)
        await _prepare(stage)
        async for figure in _unchanged(stage):
            yield figure
        yield await _together(stage, "two processes")
        yield await _together(stage, "two at a slow target", page_s=SLOW_PAGE_S)
        async for figure in _drifted(stage, has_peers=size.has_peers):
            yield figure
        delta = await stage.run("changes", stage.changes, Way(mode="delta"))
        _expect(delta, {"mismatch": len(range(0, stage.changes, 10))})
        rate = stage.changes / delta["seconds"]
        named = f"recon, delta of {stage.changes:,}"
        yield at_least(named, rate, "changes/s", CHANGES_A_SECOND)
        yield at_least(f"{named}, by core time", stage.changes / delta["cpu_s"], "changes/s", CHANGES_A_SECOND)
    async for figure in real.measure(ground, size):
        yield figure


async def _prepare(stage: Stage) -> None:
    """People with accounts, which a first run has found to be as wanted."""
    await house.fill(stage.site, stage.connector, census.as_wanted(stage.count))
    census.write(stage.file("wanted"), census.as_wanted(stage.count))
    census.write(stage.file("drifted"), census.drifted(stage.count))
    census.write(stage.file("changes"), census.changed(stage.changes, of=stage.count), page=CHANGES_A_PAGE)
    await house.settle(stage.ground, stage.site)
    await stage.run("wanted", stage.count)
    await house.settle(stage.ground, stage.site)


async def _unchanged(stage: Stage) -> AsyncIterator[Figure]:
    before = await house.written(stage.ground, stage.site)
    found = await stage.run("wanted", stage.count)
    _expect(found, {})
    wrote = (await house.written(stage.ground, stage.site)).since(before)
    named = f"recon unchanged, {stage.count:,}"
    yield at_least(named, stage.count / found["seconds"], "accounts/s", ACCOUNTS_A_SECOND)
    yield at_least(f"{named}, by core time", stage.count / found["cpu_s"], "accounts/s", ACCOUNTS_A_SECOND)
    yield at_most(f"{named}, memory", found["peak_mib"], "MiB", MOST_MIB)
    yield Figure(f"{named}, rows written", wrote.rows, "rows", "target: none", 1.0 if wrote.rows == 0 else 0.0)
    yield at_most(f"{named}, log of the server", wrote.wal / stage.count, "bytes/account", 16)


async def _together(stage: Stage, named: str, *, page_s: float = 0.0) -> Figure:
    """The same by two processes, each a range after the other, beside one that does it alone."""
    alone = await stage.run("wanted", stage.count, Way(page_s=page_s))
    async with _helped(stage, Way(mode="help", ranges=RANGES, page_s=page_s)):
        found = await stage.run("wanted", stage.count, Way(ranges=RANGES, page_s=page_s))
    _expect(found, {})
    rate, by_one = stage.count / found["seconds"], stage.count / alone["seconds"]
    return beside(f"recon unchanged, {named}", rate, "accounts/s", peer="one process", rate=by_one)


@asynccontextmanager
async def _helped(stage: Stage, way: Way) -> AsyncIterator[None]:
    """While a second process lists ranges of whatever run there is."""
    helper = await asyncio.create_subprocess_exec(
        *stage.words("wanted", stage.count, way), cwd=ROOT, stdout=subprocess.PIPE
    )
    try:
        if helper.stdout is None or not await asyncio.wait_for(helper.stdout.readline(), WITHIN_S):
            raise RuntimeError("the second process did not begin")
        yield
    finally:
        if helper.returncode is None:
            helper.terminate()
        await helper.wait()


async def _drifted(stage: Stage, *, has_peers: bool) -> AsyncIterator[Figure]:
    drift = census.Drift.of(stage.count)
    found = await stage.run("drifted", stage.count, Way(gone=census.gone(stage.count)))
    expected = {"mismatch": drift.mismatch, "deleted": drift.deleted, "orphan": drift.orphan}
    _expect(found, expected)
    named, rate = f"recon, {drift.total:,} of {stage.count:,} differ", stage.count / found["listing_s"]
    yield at_least(f"{named}, judged", rate, "accounts/s", ACCOUNTS_A_SECOND)
    yield beside(f"{named}, to its end", stage.count / found["seconds"], "accounts/s", peer="until judged", rate=rate)
    yield at_most(f"{named}, memory", found["peak_mib"], "MiB", MOST_MIB)
    yield at_most(f"{named}, memory apart", found["apart_peak_mib"], "MiB", MOST_MIB_APART)
    theirs = await _in_postgres(stage, expected)
    yield beside(named, rate, "accounts/s", peer="FULL JOIN in PostgreSQL", rate=stage.count / theirs)
    if has_peers:
        try:
            theirs = await _in_duckdb(stage, expected)
        except NotToBeHad as error:
            yield left_out(f"{named}, beside DuckDB", "accounts/s", str(error))
        else:
            yield beside(f"{named}, beside DuckDB", rate, "accounts/s", peer="its join", rate=stage.count / theirs)


async def _in_postgres(stage: Stage, expected: dict[str, int]) -> float:
    """Seconds of the full join in the same server."""
    dsn = stage.ground.postgres.admin_dsn(stage.site.name)
    conn = await asyncpg.connect(dsn)
    await conn.execute(fulljoin.TABLES, timeout=900)
    await conn.close()
    return await _joined([dsn, str(stage.file("drifted"))], expected)


async def _in_duckdb(stage: Stage, expected: dict[str, int]) -> float:
    folder = await asyncio.to_thread(python_folder, PINS, "recon")
    words = ["duckdb", str(stage.file("wanted")), str(stage.file("drifted"))]
    return await _joined(words, expected, path=str(folder))


async def _joined(words: Sequence[str], expected: dict[str, int], *, path: str = "") -> float:
    found = await _answer([sys.executable, "-m", "tests.benchmarks.recon.fulljoin", *words], path=path)
    _expect(found, expected)
    return float(found["seconds"])


def _expect(found: dict[str, Any], expected: dict[str, int]) -> None:
    if found["found"] != expected:
        raise RuntimeError(f"found {found['found']}, not {expected}")


async def _answer(command: Sequence[str], *, path: str = "") -> dict[str, Any]:
    """What a process says as its last line; raises RuntimeError with its last words when it fails."""
    environment = {**os.environ, "PYTHONPATH": path} if path else None
    process = await asyncio.create_subprocess_exec(
        *command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    try:
        out, err = await asyncio.wait_for(process.communicate(), WITHIN_S)
    except BaseException:
        process.kill()
        await process.wait()
        raise
    if process.returncode != 0:
        raise RuntimeError((err.decode().strip().splitlines() or ["it said nothing"])[-1])
    answer: dict[str, Any] = json.loads(out.decode().splitlines()[-1])
    return answer
