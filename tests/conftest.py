"""What every test may ask for: a real server behind ``needs``, a database of its own, a tenant.

Every pytest process reads this, the one that only hands out the work too: what takes long to import is imported by
whoever uses it.
"""

import fcntl
import gc
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit
from uuid import UUID, uuid4

import pytest

from tests.session import FAILED, MEMORY, READY, TEMPLATE, is_roomy, session_directory
from worker.service.postmaster import read_pid_file, serves

ROOT = Path(__file__).parent.parent
START_TIMEOUT = 60.0
# Debian keeps servers where an ordinary user's PATH does not look.
SEARCHED = os.pathsep.join([os.environ.get("PATH", os.defpath), "/usr/sbin", "/usr/local/sbin", "/sbin"])
# service -> programs, each with its possible names, and what gives them
SERVICES: dict[str, tuple[tuple[tuple[str, ...], ...], str]] = {
    "slapd": ((("slapd",), ("ldapsearch",)), "apt-get install slapd ldap-utils"),
    "chromium": ((("chromium", "chromium-browser", "google-chrome"),), "apt-get install chromium"),
    "faketime": ((("faketime",),), "apt-get install faketime"),
    "pgbouncer": ((("pgbouncer",),), "apt-get install pgbouncer"),
    "prometheus": ((("prometheus",), ("promtool",)), "apt-get install prometheus"),
}


def program(*names: str) -> str | None:
    """The path of the first of these programs that is installed."""
    return next((path for name in names if (path := shutil.which(name, path=SEARCHED))), None)


def missing_program(service: str) -> str | None:
    """The program that this service lacks here, None when all are there."""
    programs, _ = SERVICES[service]
    return next((names[0] for names in programs if program(*names) is None), None)


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """A busy machine is no failure: tests assert what comes out, never how long it took.

    The number of examples keeps the unit suite short; a longer search is `pytest --hypothesis-profile thorough`.
    """
    if hands_out_work(config):
        return
    gc.disable()
    import hypothesis  # noqa: PLC0415 - half a second, for those who run tests

    slow = [hypothesis.HealthCheck.too_slow]
    hypothesis.settings.register_profile("house", deadline=None, suppress_health_check=slow, max_examples=50)
    hypothesis.settings.register_profile("thorough", deadline=None, suppress_health_check=slow, max_examples=2_000)
    hypothesis.settings.load_profile("house")


def hands_out_work(config: pytest.Config) -> bool:
    """Whether this is the process that others get their tests from, which runs none itself."""
    return bool(config.getoption("numprocesses", None)) and not hasattr(config, "workerinput")


def pytest_collection_finish() -> None:
    """What was imported and collected lives as long as the process: no search for garbage needs to look at it.

    Searches are as rare as memory allows: by the interpreter's own measure a third of the unit suite is spent on them.
    """
    gc.freeze()
    gc.set_threshold(50_000, 20, 20)
    gc.enable()


def pytest_runtest_setup(item: pytest.Item) -> None:
    for marker in item.iter_markers("needs"):
        for service in marker.args:
            if service not in SERVICES:
                pytest.fail(f"needs({service!r}): not one of {', '.join(SERVICES)}", pytrace=False)
            if absent := missing_program(service):
                reason = f"needs {service}, and {absent} is not installed: {SERVICES[service][1]}"
                if os.environ.get("REQUIRE_SERVICES") == "1":
                    pytest.fail(reason, pytrace=False)
                pytest.skip(reason)


@dataclass(frozen=True, slots=True)
class Server:
    """The PostgreSQL that all workers of this test run share; URLs lead to the template database."""

    admin_dsn: str
    owner_dsn: str
    daemon_dsn: str
    failure: str | None


@dataclass(frozen=True, slots=True)
class Database:
    """A migrated database of one test alone: the owner's URL, the daemon's and the superuser's."""

    name: str
    owner_dsn: str
    daemon_dsn: str
    admin_dsn: str


@pytest.fixture(scope="session")
def postgres() -> Server:
    """The PostgreSQL of this test run, started by whoever asks first; it ends with the run (tests/cluster.py)."""
    session = os.getppid() if "PYTEST_XDIST_WORKER" in os.environ else os.getpid()
    directory = session_directory(session)
    directory.mkdir(mode=0o711, exist_ok=True)
    log = directory / "cluster.log"
    with _locked(directory / "start.lock"):
        if not (directory / READY).exists():
            _start_cluster(directory, session, log)
    urls = json.loads((directory / READY).read_text())
    failed = directory / FAILED
    return Server(urls["admin"], urls["owner"], urls["daemon"], failed.read_text() if failed.exists() else None)


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _start_cluster(directory: Path, session: int, log: Path) -> None:
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.cluster", str(directory), str(session)],
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    deadline = time.monotonic() + START_TIMEOUT
    while not (directory / READY).exists():
        if process.poll() is not None or time.monotonic() > deadline:
            words = log.read_text(errors="replace") if log.exists() else ""
            pytest.fail(f"the test server did not start: {words[-2000:]}", pytrace=False)
        time.sleep(0.02)
    process.returncode = 0  # it outlives us on purpose, and is not to be reported as forgotten


@pytest.fixture
def open_directory() -> Iterator[Path]:
    """A folder that every account can pass through, as an embedded server of root needs; ``tmp_path`` is closed."""
    folder = Path(tempfile.mkdtemp(prefix="provisiond-open-", dir=MEMORY if is_roomy(MEMORY) else None))
    folder.chmod(0o711)
    yield folder
    for pid_file in folder.rglob("postmaster.pid"):
        _end_server(pid_file.parent)
    shutil.rmtree(folder)


def _end_server(data: Path) -> None:
    left = read_pid_file(data)
    if left and serves(data, pid=left.pid):
        os.kill(left.pid, signal.SIGQUIT)
        deadline = time.monotonic() + START_TIMEOUT
        while serves(data, pid=left.pid) and time.monotonic() < deadline:
            time.sleep(0.02)


@pytest.fixture
async def database(postgres: Server) -> AsyncIterator[Database]:
    """A database cloned from the migrated template, dropped afterwards whoever is still connected."""
    if postgres.failure:
        pytest.fail(f"the migrations fail: {postgres.failure}", pytrace=False)
    name = f"test_{uuid4().hex}"
    await _as_admin(postgres, f"CREATE DATABASE {name} OWNER provisiond_owner TEMPLATE {TEMPLATE} STRATEGY file_copy")
    try:
        await _as_admin(postgres, f"GRANT CONNECT, TEMPORARY ON DATABASE {name} TO provisiond_worker")
        yield Database(
            name,
            at_database(postgres.owner_dsn, name),
            at_database(postgres.daemon_dsn, name),
            at_database(postgres.admin_dsn, name),
        )
    finally:
        await _as_admin(postgres, f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")


@pytest.fixture
async def empty_database(postgres: Server) -> AsyncIterator[Database]:
    """The same without our schema: for the migrations themselves, and for databases of targets."""
    name = f"test_{uuid4().hex}"
    await _as_admin(postgres, f"CREATE DATABASE {name} OWNER provisiond_owner STRATEGY file_copy")
    try:
        yield Database(
            name,
            at_database(postgres.owner_dsn, name),
            at_database(postgres.daemon_dsn, name),
            at_database(postgres.admin_dsn, name),
        )
    finally:
        await _as_admin(postgres, f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")


@pytest.fixture
async def tenant_id(database: Database) -> UUID:
    """A tenant of this test's database."""
    tenant = uuid4()
    await _run(database.owner_dsn, "INSERT INTO tenants (id, name) VALUES ($1, $2)", tenant, f"tenant-{tenant}")
    return tenant


def at_database(dsn: str, name: str) -> str:
    """The same server and user, another database."""
    return urlunsplit(urlsplit(dsn)._replace(path=f"/{name}"))


async def _as_admin(server: Server, statement: str) -> None:
    await _run(at_database(server.admin_dsn, "postgres"), statement)


async def _run(dsn: str, statement: str, *values: Any) -> None:
    import asyncpg  # noqa: PLC0415 - for those who use a database

    conn = await asyncpg.connect(dsn)
    try:
        await conn.execute(statement, *values)
    finally:
        await conn.close()
