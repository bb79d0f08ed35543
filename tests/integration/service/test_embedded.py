"""The embedded PostgreSQL through everything that happens to it: restarts, kills, taken ports, odd places."""

import asyncio
import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import pytest

from tests.conftest import at_database
from tests.waiting import eventually
from worker.domain.errors import SurroundingsError
from worker.service import placement
from worker.service.embedded import EmbeddedPostgres
from worker.service.postmaster import Postmaster, is_alive, read_pid_file, serves

ROOT = Path(__file__).parents[3]
AS_ROOT = os.geteuid() == 0
# A daemon that is killed: it starts the server, says so, and then does nothing.
DAEMON = """
import asyncio, sys
from pathlib import Path
from worker.service.embedded import EmbeddedPostgres
async def main():
    server = EmbeddedPostgres(Path(sys.argv[1]), durable=False)
    await server.start()
    print("ready", flush=True)
    await asyncio.sleep(3600)
asyncio.run(main())
"""


@pytest.fixture
def directory(open_directory: Path) -> Path:
    return open_directory


def embedded(directory: Path) -> EmbeddedPostgres:
    return EmbeddedPostgres(directory, durable=False)


async def ask(dsn: str, query: str) -> object:
    conn = await asyncpg.connect(dsn)
    try:
        return await conn.fetchval(query)
    finally:
        await conn.close()


def server_of(directory: Path) -> Postmaster:
    found = read_pid_file(directory / "data")
    assert found is not None
    return found


@contextlib.contextmanager
def killed_daemon(directory: Path) -> Iterator[None]:
    """Start a daemon with its server, kill it without warning, and come back."""
    daemon = subprocess.Popen([sys.executable, "-c", DAEMON, str(directory)], cwd=ROOT, stdout=subprocess.PIPE)
    with daemon:
        assert daemon.stdout is not None
        assert daemon.stdout.readline() == b"ready\n"
        daemon.kill()
    yield


async def test_data_and_port_survive_a_restart(directory):
    async with embedded(directory) as server:
        urls, port = await server.bootstrap("provisiond"), server.port
        await ask(urls.owner, "CREATE TABLE kept AS SELECT 42 AS answer")

    assert read_pid_file(directory / "data") is None

    async with embedded(directory) as server:
        assert server.port == port
        assert await ask((await server.bootstrap("provisiond")).owner, "SELECT answer FROM kept") == 42


async def test_durable_cluster_writes_to_disk_and_checks_its_pages(directory):
    async with EmbeddedPostgres(directory) as server:
        assert await ask(server.admin_dsn(), "SHOW fsync") == "on"
        assert await ask(server.admin_dsn(), "SHOW data_checksums") == "on"


async def test_next_port_is_taken_where_one_is_in_use(directory):
    async with embedded(directory) as server:
        first = server.port
    with socket.socket() as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        other.bind(("127.0.0.1", first))
        other.listen()

        async with embedded(directory) as server:
            assert server.port != first
            assert await ask(server.admin_dsn(), "SELECT 1") == 1


async def test_nobody_connects_without_the_password(directory):
    async with embedded(directory) as server:
        wrong = server.dsn("postgres", "guessed", "postgres")

        with pytest.raises(asyncpg.InvalidPasswordError):
            await ask(wrong, "SELECT 1")


async def test_umlauts_have_upper_and_lower_case(directory):
    """Rules compare names in SQL, and the locale decides what a letter is."""
    async with embedded(directory) as server:
        assert await ask(server.admin_dsn(), "SELECT lower('ÄÖÜ')") == "äöü"


async def test_another_application_gets_a_database_of_its_own(directory):
    async with embedded(directory) as server:
        first = await server.application("crm")
        second = await server.application("crm")

        assert first == second
        assert await ask(first, "SELECT current_user || '@' || current_database()") == "crm@crm"
        ours = await server.bootstrap("provisiond")
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await ask(at_database(ours.daemon, "crm"), "SELECT 1")


async def test_directory_has_one_owner_at_a_time(directory):
    async with embedded(directory) as server:
        with pytest.raises(SurroundingsError, match=f"process {os.getpid()}"):
            await embedded(directory).start()

        assert await ask(server.admin_dsn(), "SELECT 1") == 1


async def test_server_has_a_session_of_its_own(directory):
    """Ctrl-C goes to the foreground group: it must not end the database under the draining daemon."""
    async with embedded(directory):
        pid = server_of(directory).pid

        assert os.getsid(pid) != os.getsid(0)


async def test_server_of_a_killed_daemon_is_adopted_and_ended(directory):
    with killed_daemon(directory):
        left = server_of(directory)

        async with embedded(directory) as server:
            assert server_of(directory).pid == left.pid
            assert await ask(server.admin_dsn(), "SELECT 1") == 1

    assert not serves(directory / "data", pid=left.pid)


async def test_start_recovers_when_daemon_and_server_were_killed(directory):
    with killed_daemon(directory):
        os.kill(server_of(directory).pid, signal.SIGKILL)

        async with embedded(directory) as server:
            assert await ask(server.admin_dsn(), "SELECT 1") == 1


async def test_process_that_got_the_id_of_the_dead_server_is_left_alone(directory):
    with killed_daemon(directory):
        dead = server_of(directory).pid
        os.kill(dead, signal.SIGKILL)
        await eventually(lambda: not serves(directory / "data", pid=dead))
    identity = {"user": (directory / "data").stat().st_uid} if AS_ROOT else {}
    with subprocess.Popen(["sleep", "600"], cwd="/", **identity) as bystander:
        for lock in (directory / "data" / "postmaster.pid", *(directory / "data").glob(".s.PGSQL.*.lock")):
            lock.write_text(lock.read_text().replace(str(dead), str(bystander.pid), 1))

        async with embedded(directory) as server:
            assert await ask(server.admin_dsn(), "SELECT 1") == 1

        assert is_alive(bystander.pid)
        bystander.kill()


async def test_half_made_cluster_is_made_again(directory):
    half = directory / "data.new"
    half.mkdir()
    (half / "PG_VERSION").write_text("18\n")

    async with embedded(directory) as server:
        assert await ask(server.admin_dsn(), "SELECT 1") == 1

    assert not half.exists()


async def test_cancelled_start_leaves_no_process(directory):
    said: list[str] = []
    starting = asyncio.create_task(EmbeddedPostgres(directory, durable=False, on_progress=said.append).start())
    await eventually(lambda: "Creating the database cluster." in said)
    starting.cancel()

    with pytest.raises(asyncio.CancelledError):
        await starting

    async with embedded(directory) as server:
        assert await ask(server.admin_dsn(), "SELECT 1") == 1


async def test_socket_of_a_deep_directory_is_put_where_its_path_fits(directory):
    deep = directory / ("d" * 100)
    deep.mkdir(mode=0o711)
    async with embedded(deep) as server:
        folder = server_of(deep).socket_folder

        assert folder != deep / "data"
        assert (folder / f".s.PGSQL.{server.port}").is_socket()

    assert not folder.exists()


async def test_client_that_stays_does_not_hold_up_the_end(directory):
    server = embedded(directory)
    await server.start()
    conn = await asyncpg.connect(server.admin_dsn())

    await server.stop()

    assert read_pid_file(directory / "data") is None
    conn.terminate()


async def test_programs_of_another_machine_are_refused_in_words(directory):
    programs = directory / "bin"
    programs.mkdir()
    for name in placement.PROGRAMS:
        (programs / name).write_bytes(b"MZ")
        (programs / name).chmod(0o755)

    with pytest.raises(SurroundingsError, match=r"initdb cannot be started.*: Exec format error\."):
        await EmbeddedPostgres(directory, bin_dir=programs).start()


async def test_data_without_passwords_are_not_touched(directory):
    async with embedded(directory):
        pass
    (directory / "cluster.json").unlink()

    with pytest.raises(SurroundingsError, match="its passwords are not"):
        await embedded(directory).start()

    assert (directory / "data" / "PG_VERSION").exists()


async def test_data_of_another_version_are_refused_in_words(directory):
    async with embedded(directory):
        pass
    (directory / "data" / "PG_VERSION").write_text("9\n")

    with pytest.raises(SurroundingsError, match="another version of PostgreSQL"):
        await embedded(directory).start()


@pytest.mark.skipif(not AS_ROOT, reason="only root runs the server as another account")
async def test_closed_directory_of_root_gets_an_open_home(directory, monkeypatch):
    """Checkouts below /root are closed to every other account."""
    monkeypatch.setattr(placement, "OPEN_BASES", (directory,))
    closed = directory / "closed"
    closed.mkdir(mode=0o700)
    installed = placement.find_programs(None).parents[1]
    for part in (installed, installed.with_name(f"{installed.name}.libs")):
        shutil.copytree(part, closed / part.name, symlinks=True)
    programs = closed / installed.name / "pginstall" / "bin"
    inner = closed / "cluster"
    said: list[str] = []

    for _ in range(2):
        async with EmbeddedPostgres(inner, durable=False, bin_dir=programs, on_progress=said.append) as server:
            assert await ask(server.admin_dsn(), "SELECT 1") == 1

    assert not (inner / "data").exists()
    assert sum("the database is kept in" in line for line in said) == 1
    assert sum("programs are copied" in line for line in said) == 1

    shutil.rmtree(inner)
    async with EmbeddedPostgres(inner, durable=False, bin_dir=programs, on_progress=said.append) as server:
        assert await ask(server.admin_dsn(), "SELECT 1") == 1
    assert any("is removed too" in line for line in said)


@pytest.mark.skipif(not AS_ROOT, reason="a small disk is mounted, which only root may do")
async def test_full_disk_is_said_in_one_sentence(directory):
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=20m,mode=0711", "small", directory], check=False).returncode:
        pytest.skip("this machine mounts nothing")
    try:
        with pytest.raises(SurroundingsError, match="the disk is full"):
            await embedded(directory).start()

        assert not (directory / "data").exists()
    finally:
        subprocess.run(["umount", directory], check=True)
