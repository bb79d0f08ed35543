"""What one PostgreSQL server process says and needs: its settings, its pid file, its last words in the log."""

import os
import re
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

FIRST_PORT = 54320
PORTS_TRIED = 200


class Refusal(StrEnum):
    """Why a server did not start, as far as it changes what is done next."""

    PORT_TAKEN = "port_taken"  # the next port may be free
    STILL_ENDING = "still_ending"  # processes of a killed server are about to notice
    FINAL = "final"


class Refused(Exception):
    """The server ended instead of starting; ``sentence`` is for a person."""

    def __init__(self, refusal: Refusal, sentence: str) -> None:
        super().__init__(sentence)
        self.refusal = refusal
        self.sentence = sentence


@dataclass(frozen=True, slots=True)
class Postmaster:
    """A server as its ``postmaster.pid`` describes it."""

    pid: int
    port: int
    socket_folder: Path | None
    status: str

    @property
    def is_ready(self) -> bool:
        """Whether it takes connections."""
        return self.status == "ready"


def parse_pid_file(text: str) -> Postmaster | None:
    """Eight lines: pid, data, start, port, socket folder, address, memory key, status. None while it is incomplete."""
    lines = text.split("\n")
    if len(lines) < 8 or not lines[0].strip().isdigit() or not lines[3].strip().isdigit():
        return None
    folder = Path(lines[4]) if lines[4].strip() else None
    return Postmaster(int(lines[0]), int(lines[3]), folder, lines[7].strip())


def read_pid_file(data: Path) -> Postmaster | None:
    """The server that this data directory names, alive or not."""
    try:
        return parse_pid_file((data / "postmaster.pid").read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None


def serves(data: Path, *, pid: int) -> bool:
    """Whether this process is alive and the server of this directory: process ids are given out again."""
    try:
        words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except OSError:
        return False
    return os.fsencode(data) in words


def is_alive(pid: int) -> bool:
    """Whether any process has this id."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def forget_reused_pid(data: Path, *, found: Postmaster) -> None:
    """Make a stale pid file harmless whose process id now belongs to somebody else.

    PostgreSQL would refuse to start because that process is alive. Naming ourselves instead, the parent of the server
    to come, makes it skip that question and keep the other one: whether the old shared memory is still in use.
    """
    locks = [data / "postmaster.pid"]
    if found.socket_folder:
        locks.append(found.socket_folder / f".s.PGSQL.{found.port}.lock")
    for lock in locks:
        if lock.exists():
            rest = lock.read_text(encoding="utf-8").split("\n")[1:]
            lock.write_text("\n".join([str(os.getpid()), *rest]), encoding="utf-8")


def server_settings(
    *, port: int, socket_folder: Path, is_durable: bool, shared_memory: str, listen: str = "127.0.0.1"
) -> dict[str, str]:
    """The settings of one start. Not durable means: for tests, whose data a power cut may take."""
    common = {
        "listen_addresses": listen,
        "port": str(port),
        "unix_socket_directories": f'"{socket_folder}"',
        "dynamic_shared_memory_type": shared_memory,
        "password_encryption": "scram-sha-256",
        "timezone": "UTC",
        "log_timezone": "UTC",
        "log_line_prefix": "%m [%p] ",
        "jit": "off",
    }
    if is_durable:
        return common | {"max_connections": "60", "shared_buffers": "128MB", "wal_compression": "on"}
    return common | {
        "max_connections": "200",
        "shared_buffers": "64MB",
        "fsync": "off",
        "synchronous_commit": "off",
        "full_page_writes": "off",
        "wal_level": "minimal",
        "max_wal_senders": "0",
        "max_wal_size": "4GB",
        "checkpoint_timeout": "1h",
        "autovacuum": "off",
    }


def free_ports(first: int | None) -> Iterator[int]:
    """Ports of 127.0.0.1 that are free at this moment, the one of the last start first."""
    for port in dict.fromkeys([first or FIRST_PORT, *range(FIRST_PORT, FIRST_PORT + PORTS_TRIED)]):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        yield port


_MEANINGS: tuple[tuple[str, Refusal, str], ...] = (
    (r"No space left on device|Disk quota exceeded", Refusal.FINAL, "the disk is full"),
    (r"pre-existing shared memory block", Refusal.STILL_ENDING, "processes of the last server are still there"),
    (r"Address already in use|could not create any TCP/IP sockets", Refusal.PORT_TAKEN, "its port is taken"),
    (r"database files are incompatible", Refusal.FINAL, "its data were made by another version of PostgreSQL"),
    (r"could not look up effective user ID", Refusal.FINAL, "the user we run as has no entry in the passwd database"),
    (r"invalid locale name", Refusal.FINAL, "the system lacks the locale C.UTF-8"),
    (r"could not (?:create|map|resize) .*shared memory", Refusal.FINAL, "there is too little shared memory"),
    (r"Permission denied|Operation not permitted", Refusal.FINAL, "a file may not be read or written"),
)


def explain(log: str, *, status: int) -> Refused:
    """What the server's last words mean, in one sentence that holds the words themselves."""
    lines = [line for line in log.splitlines() if line.strip()]
    words = [line for line in lines if re.search(r"FATAL|PANIC|ERROR|error:", line)] or lines
    said = re.sub(r"^.*?(?:FATAL|PANIC|ERROR|error):\s*", "", words[-1]).strip() if words else ""
    for pattern, refusal, meaning in _MEANINGS:
        if re.search(pattern, log):
            return Refused(refusal, f"PostgreSQL did not start because {meaning}" + (f" ({said})." if said else "."))
    if said:
        return Refused(Refusal.FINAL, f"PostgreSQL did not start: {said}.")
    return Refused(Refusal.FINAL, f"PostgreSQL ended at once with status {status} and said nothing.")
