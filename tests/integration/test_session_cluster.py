"""The tests' own PostgreSQL: it must not outlive the session that asked for it."""

import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import pytest

from tests.session import READY, is_alive
from tests.waiting import eventually
from worker.service.postmaster import read_pid_file

ROOT = Path(__file__).parents[2]


@pytest.fixture
def session() -> Iterator[subprocess.Popen[bytes]]:
    """A process that stands for a pytest which may be killed."""
    with subprocess.Popen(["sleep", "600"]) as process:
        yield process
        process.kill()


async def test_cluster_ends_when_the_session_is_killed(session):
    directory = Path(tempfile.mkdtemp(prefix="provisiond-session-"))
    directory.chmod(0o711)
    command = [sys.executable, "-m", "tests.cluster", str(directory), str(session.pid)]
    with subprocess.Popen(command, cwd=ROOT, start_new_session=True) as cluster:
        await eventually((directory / READY).exists, timeout=60)
        found = read_pid_file(directory / "postgres" / "data")
        assert found is not None

        session.kill()
        session.wait()

        await eventually(lambda: cluster.poll() is not None, timeout=30)
    assert not is_alive(found.pid)
    assert not directory.exists()


async def test_database_of_a_test_is_migrated_and_its_own(database, tenant_id):
    conn = await asyncpg.connect(database.daemon_dsn)
    try:
        assert await conn.fetchval("SELECT current_database()") == database.name
        assert await conn.fetch("SELECT id FROM tenants") == [(tenant_id,)]
    finally:
        await conn.close()


async def test_daemon_of_a_test_owns_nothing_and_bypasses_nothing(database):
    conn = await asyncpg.connect(database.daemon_dsn)
    try:
        rights = await conn.fetchrow("SELECT rolsuper, rolbypassrls FROM pg_roles WHERE rolname = current_user")
        owned = await conn.fetchval("SELECT count(*) FROM pg_class WHERE relowner = current_user::regrole")

        assert tuple(rights) == (False, False)
        assert owned == 0
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await conn.execute("CREATE TABLE mine ()")
    finally:
        await conn.close()
