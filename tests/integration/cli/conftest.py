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
from uuid import UUID

import pytest
import structlog

from tests.conftest import ROOT, Database
from tests.factories import a_connector, accounts
from tests.integration.cli.saying import Say
from worker.cli import run
from worker.domain.discrepancy import DiscrepancyType, Finding, RepairAction, RepairDirection, Suggestion, finding_key
from worker.domain.run import RunKind, RunMode, RunTrigger
from worker.recon import causes
from worker.store import discrepancies, principals, recon_actions, runs
from worker.store.pool import open_pool
from worker.store.recon_actions import NewAction
from worker.store.tenant import tenant

KEY = base64.b64encode(bytes(range(32))).decode()
Configure = Callable[..., None]
PATIENCE_S = 60.0
UPDATE = Suggestion(RepairAction.UPDATE, RepairDirection.TO_TARGET, "The identity decides.")


@pytest.fixture
def say(capsys: pytest.CaptureFixture[str]) -> Say:
    """Run a command line here: exit code, output, errors."""

    def said(*arguments: str | UUID) -> tuple[int, str, str]:
        code = run([str(each) for each in arguments])
        return code, *capsys.readouterr()

    return said


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


@pytest.fixture
async def found(database: Database, tenant_id: UUID, configure: Configure) -> tuple[UUID, list[UUID]]:
    """A dry run of a target with three mismatches of one cause, of which it proposed one; their ids."""
    configure(database_url=database.daemon_dsn)
    pool = await open_pool(database.daemon_dsn, size=2)
    target = await a_connector(pool, tenant_id, name="app", config={"nothing": "known"}, has_baseline=True)
    lanes = await accounts(pool, tenant_id, target.id, 3)
    where = {"tenant_id": tenant_id, "connector_id": target.id}
    async with tenant(pool, tenant_id) as conn:
        started = await runs.create(
            conn, kind=RunKind.RECONCILIATION, mode=RunMode.FULL, trigger=RunTrigger.MANUAL, dry_run=True, **where
        )
        differing = [{"mail": {"expected": f"p{n}@a.org", "actual": f"p{n}@b.org"}} for n in range(3)]
        made = [
            Finding(
                DiscrepancyType.MISMATCH,
                finding_key(DiscrepancyType.MISMATCH, f"u{n}"),
                "mail is not as wanted.",
                (UPDATE,),
                account_id=lane,
                external_uid=f"u{n}",
                attributes=differing[n],
                causes=causes.causes_of(differing[n]),
            )
            for n, lane in enumerate(lanes)
        ]
        recorded = await discrepancies.record(conn, run_id=started.id, findings=made, **where)
        by = await principals.ensure(conn, tenant_id, kind="policy", name="reconciliation")
        states = {"before_state": {"mail": "p0@b.org"}, "after_state": {"mail": "p0@a.org"}}
        proposed = NewAction(recorded[0].id, "update", RepairDirection.TO_TARGET, "proposed", details=states)
        await recon_actions.record(conn, actions=[proposed], by=by, run_id=started.id, dry_run=True, **where)
        await conn.execute("UPDATE accounts SET uid = 'u' || right(id::text, 4), state = 'active'")
    await pool.close()
    return started.id, [each.id for each in recorded]


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
