"""``provisiond dev`` in bad surroundings, and what it leaves behind: nothing."""

import os
import signal
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.integration.cli.conftest import program
from tests.waiting import eventually
from worker.cli import developing, run

NOBODY = 65534


@pytest.fixture
def directory(open_directory: Path) -> Path:
    """Where a set-up of its own may live; the database of root must be able to pass."""
    directory = open_directory / "dev"
    directory.mkdir(mode=0o711)
    return directory


@pytest.fixture
def small_disk(open_directory: Path) -> Iterator[Path]:
    """A disk on which a database does not fit."""
    if os.geteuid() != 0:
        pytest.skip("only root can mount a small disk")
    place = open_directory / "small"
    place.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=6m,mode=711", "tmpfs", place], capture_output=True, check=False
    )
    if mounted.returncode != 0:
        pytest.skip(f"this root may not mount: {mounted.stderr.decode().strip()}")
    yield place
    subprocess.run(["umount", place], check=True)


@pytest.fixture
def foreign_directory(tmp_path: Path) -> Iterator[Path]:
    """A directory that this process may read and not write."""
    tmp_path.chmod(0o555)
    if os.geteuid() == 0:
        os.seteuid(NOBODY)
    yield tmp_path / "dev"
    os.seteuid(os.getuid())
    tmp_path.chmod(0o755)


def processes_of(directory: Path) -> list[str]:
    """Command lines of processes that name this directory."""
    found = []
    for entry in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = entry.read_bytes().split(b"\0")
        except OSError:  # it ended meanwhile
            continue
        if any(os.fsencode(directory) in word for word in words):
            found.append(b" ".join(words).decode())
    return found


async def test_dev_takes_the_next_free_port_and_leaves_no_process_behind(directory: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]

        async with program("dev", "--empty", "--data-dir", str(directory), "--port", str(port)) as dev:
            link = urlsplit((await dev.until("/sign-in?")).strip())
            running = processes_of(directory)
            code = await dev.end(signal.SIGTERM)

        assert link.port is not None
        assert port < link.port < port + 50
        assert any("postgres" in each for each in running)
        assert (code, processes_of(directory)) == (0, [])
        assert dev.said.endswith("Everything that was started is stopped.\n")

    async with program("dev", "--empty", "--data-dir", str(directory), "--port", "0") as dev:
        await dev.until("/sign-in?")
        code = await dev.end(signal.SIGTERM, signal.SIGINT)

    assert code == 130
    await eventually(lambda: not processes_of(directory), what="the database is ended too")


async def test_disk_full(small_disk: Path) -> None:
    async with program("dev", "--empty", "--data-dir", str(small_disk), "--port", "0") as dev:
        code = await dev.end()

    sentences = [line for line in dev.said.splitlines() if line.startswith("provisiond: ")]
    assert (code, len(sentences)) == (3, 1), dev.said
    assert "disk is full" in sentences[0]
    assert processes_of(small_disk) == []


def test_no_write_permission(foreign_directory: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert developing.dev  # imported as who we are: another account may not read our Python

    code = run(["dev", "--data-dir", str(foreign_directory)])

    assert code == 3
    assert capsys.readouterr().err == f"provisiond: There is no permission to write to {foreign_directory}.\n"
