"""Runs a PostgreSQL of our own for ``provisiond dev`` and for the tests, on the programs of a wheel.

Promises:

- The data directory is complete or absent: ``initdb`` works beside it and is moved into place, so a start that was
  killed half-way is simply done again.
- One owner at a time: a lock on the directory, which ends with the process that holds it.
- A server left behind by a killed daemon is adopted when it is the one of this directory; a process id that by now
  belongs to somebody else is never signalled.
- The server has a session of its own, so Ctrl-C reaches the daemon alone, which stops the server last.
- Passwords (SCRAM) everywhere, on 127.0.0.1 and on a socket in our own folder; ``cluster.json`` (0600) keeps them.
"""

import asyncio
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self
from urllib.parse import quote

from worker.domain.errors import SurroundingsError
from worker.service.cluster import Cluster, lock, new_password
from worker.service.placement import Place, Say, settle, shared_memory_kind, socket_folder, writing
from worker.service.postmaster import (
    Postmaster,
    Refusal,
    Refused,
    explain,
    forget_reused_pid,
    free_ports,
    is_alive,
    read_pid_file,
    server_settings,
    serves,
)
from worker.store import bootstrap

SUPERUSER = "postgres"
START_TIMEOUT = 120.0  # crash recovery after a power cut is the long case
ENDING_TIMEOUT = 20.0
STOP_TIMEOUT = 20.0
KILL_TIMEOUT = 5.0
POLL = 0.02
LOG_KEPT = 10 * 1024 * 1024
SHORT_FOLDER = "pvd-pg-"


@dataclass(frozen=True, slots=True)
class Urls:
    """How the two roles reach one database: the owner migrates, the daemon works."""

    owner: str
    daemon: str


class EmbeddedPostgres:
    """One cluster below ``directory``; ``durable=False`` trades safety for speed and is meant for tests.

    ``bin_dir`` names other programs than the wheel's. What takes long is told to ``on_progress`` in sentences.
    Every failure is a SurroundingsError of one sentence.
    """

    def __init__(
        self,
        directory: Path,
        *,
        durable: bool = True,
        bin_dir: Path | None = None,
        on_progress: Say | None = None,
    ) -> None:
        self._directory = directory.resolve()
        self._is_durable = durable
        self._bin_dir = bin_dir
        self._say: Say = on_progress or (lambda _: None)
        self._lock: int | None = None
        self._cluster: Cluster | None = None
        self._data: Path | None = None
        self._pid: int | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._short_folder: Path | None = None

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    @property
    def log_file(self) -> Path:
        """Where the server writes what it has to say."""
        return self._directory / "postgres.log"

    @property
    def port(self) -> int:
        """The port on 127.0.0.1; it stays the same between starts as long as it is free."""
        if self._pid is None or self._known.port is None:
            raise SurroundingsError("The embedded PostgreSQL is not running.")
        return self._known.port

    def dsn(self, user: str, password: str, database: str) -> str:
        """A libpq URL over TCP."""
        return _url(user, password, port=self.port, database=database)

    def admin_dsn(self, database: str = "postgres") -> str:
        """The superuser's URL."""
        return self.dsn(SUPERUSER, self._known.superuser, database)

    async def bootstrap(self, database: str) -> Urls:
        """Make roles and database where they are missing, and say how to reach them."""
        known = self._known
        await bootstrap.ensure_database(
            self.admin_dsn(), name=database, owner_password=known.owner, daemon_password=known.daemon
        )
        return Urls(
            owner=self.dsn(bootstrap.OWNER, known.owner, database),
            daemon=self.dsn(bootstrap.DAEMON, known.daemon, database),
        )

    async def application(self, name: str) -> str:
        """Make the database of another application, owned by a role of its name; the URL that it would use."""
        known = self._known
        password = known.applications.get(name) or new_password()
        self._remember(replace(known, applications={**known.applications, name: password}))
        await bootstrap.ensure_application(self.admin_dsn(), name=name, password=password)
        return self.dsn(name, password, name)

    async def start(self) -> None:
        """Come back when the server takes connections; nothing stays behind when it fails or is cancelled."""
        try:
            # not in a thread, nor are the programs spawned in one: a cancelled start must not go on behind our back
            place = self._prepare()
            self._data = place.data
            server = await self._adopt(place) or await self._launch(place)
            self._remember(replace(self._known, port=server.port))
        except BaseException:
            await self.stop()
            raise

    async def stop(self, *, fast: bool = True) -> None:
        """End the server and give the directory free. Without ``fast`` its clients may finish first, for a while."""
        try:
            await self._end_server(fast=fast)
        finally:
            self._process = self._pid = None
            if self._short_folder:
                shutil.rmtree(self._short_folder, ignore_errors=True)
                self._short_folder = None
            if self._lock is not None:
                os.close(self._lock)
                self._lock = None

    def kill(self) -> None:
        """End the server without waiting for it; it recovers at its next start."""
        pid = self._process.pid if self._process else self._pid
        if pid is not None and self._is_up():
            os.kill(pid, signal.SIGQUIT)

    @property
    def _known(self) -> Cluster:
        if self._cluster is None:
            raise SurroundingsError("The embedded PostgreSQL is not running.")
        return self._cluster

    def _remember(self, cluster: Cluster) -> None:
        if cluster != self._cluster:
            with writing(self._directory):
                cluster.write(self._directory)
            self._cluster = cluster

    def _prepare(self) -> Place:
        """Lock the directory and decide where the cluster lives."""
        with writing(self._directory):
            self._directory.mkdir(parents=True, exist_ok=True)
            self._lock = lock(self._directory)
            self._cluster = Cluster.read(self._directory)
            place = settle(self._directory, bin_dir=self._bin_dir, is_known=self._cluster is not None, say=self._say)
            if self._cluster is None:
                self._clear(place)
            if self.log_file.exists() and self.log_file.stat().st_size > LOG_KEPT:
                self.log_file.unlink()
        self._remember(self._cluster or Cluster.new())
        return place

    def _clear(self, place: Place) -> None:
        """Without our record there may be no data: those that were placed elsewhere for us are abandoned."""
        if not place.data.exists():
            return
        if place.data.is_relative_to(self._directory):
            raise SurroundingsError(f"{place.data} is there, its passwords are not: remove {self._directory}.")
        self._say(f"{place.data} belonged to a directory that was removed, and is removed too.")
        server = read_pid_file(place.data)
        if server and serves(place.data, pid=server.pid):
            os.kill(server.pid, signal.SIGQUIT)
            deadline = time.monotonic() + KILL_TIMEOUT
            while serves(place.data, pid=server.pid) and time.monotonic() < deadline:
                time.sleep(POLL)
        shutil.rmtree(place.data)

    async def _adopt(self, place: Place) -> Postmaster | None:
        """The server that a killed daemon left behind, once it is ready; None when a new one is needed."""
        deadline = time.monotonic() + START_TIMEOUT
        while (server := read_pid_file(place.data)) and time.monotonic() < deadline:
            if not serves(place.data, pid=server.pid):
                if is_alive(server.pid):
                    forget_reused_pid(place.data, found=server)
                return None
            if server.is_ready and await self._answers(server):
                self._say("PostgreSQL is still running from last time and is used again.")
                self._pid = server.pid
                if server.socket_folder and server.socket_folder.name.startswith(SHORT_FOLDER):
                    self._short_folder = server.socket_folder
                return server
            await asyncio.sleep(POLL)
        return None

    async def _answers(self, server: Postmaster) -> bool:
        return await bootstrap.answers(_url(SUPERUSER, self._known.superuser, port=server.port, database="postgres"))

    async def _launch(self, place: Place) -> Postmaster:
        if not place.data.exists():
            self._say("Creating the database cluster.")
            await self._create(place)
        if not (place.data / "PG_VERSION").exists():
            raise SurroundingsError(f"{place.data} is not a data directory of PostgreSQL: remove it and start again.")
        self._say("Starting PostgreSQL.")
        deadline = time.monotonic() + ENDING_TIMEOUT
        last: Refused | None = None
        ports = free_ports(self._known.port)
        port = next(ports, None)
        while port is not None:
            try:
                return await self._try(place, port=port)
            except Refused as refused:
                last = refused
            if last.refusal is Refusal.PORT_TAKEN:
                port = next(ports, None)
            elif last.refusal is Refusal.STILL_ENDING and time.monotonic() < deadline:
                await asyncio.sleep(10 * POLL)
            else:
                break
        raise SurroundingsError(last.sentence if last else "No port of 127.0.0.1 is free for PostgreSQL.")

    async def _create(self, place: Place) -> None:
        """``initdb`` beside the final place, then one rename: a cluster is there whole or not at all."""
        fresh = place.data.with_name("data.new")
        password_file = place.data.with_name("initdb.password")
        with writing(place.data):
            shutil.rmtree(fresh, ignore_errors=True)
            fresh.mkdir(mode=0o700)
            password_file.unlink(missing_ok=True)
            password_file.touch(mode=0o600)
            password_file.write_text(self._known.superuser, encoding="utf-8")
            place.give(fresh)
            place.give(password_file)
        arguments = ["-D", str(fresh), "-U", SUPERUSER, "-A", "scram-sha-256", "--pwfile", str(password_file)]
        arguments += ["-E", "UTF8", "--locale=C.UTF-8", "--no-instructions"]
        arguments += ["--data-checksums"] if self._is_durable else ["--no-sync"]
        try:
            status, words = await self._run_to_end(place, "initdb", arguments)
        finally:
            password_file.unlink(missing_ok=True)
        if status != 0:
            shutil.rmtree(fresh, ignore_errors=True)
            raise SurroundingsError(explain(words, status=status).sentence)
        with writing(place.data):
            fresh.rename(place.data)

    async def _run_to_end(self, place: Place, program: str, arguments: list[str]) -> tuple[int, str]:
        log_from = self._log_size()
        process = self._process = self._spawn(place, program, arguments)
        if not await _until(lambda: process.poll() is not None, within=START_TIMEOUT):
            raise SurroundingsError(f"{program} did not end within {START_TIMEOUT:.0f} s: see {self.log_file}.")
        self._process = None
        return process.returncode, self._log_since(log_from)

    async def _try(self, place: Place, *, port: int) -> Postmaster:
        """Start the server on this port; raises Refused with its own words when it ends instead."""
        folder = socket_folder(place.data, port=port) or self._make_short_folder(place)
        settings = server_settings(
            port=port, socket_folder=folder, is_durable=self._is_durable, shared_memory=shared_memory_kind()
        )
        arguments = ["-D", str(place.data)]
        for name, value in settings.items():
            arguments += ["-c", f"{name}={value}"]
        log_from = self._log_size()
        process = self._process = self._spawn(place, "postgres", arguments)
        deadline = time.monotonic() + START_TIMEOUT
        while time.monotonic() < deadline:
            if (status := process.poll()) is not None:
                self._process = None
                raise explain(self._log_since(log_from), status=status)
            server = read_pid_file(place.data)
            if server and server.pid == process.pid and server.is_ready:
                self._pid = server.pid
                return server
            await asyncio.sleep(POLL)
        raise SurroundingsError(f"PostgreSQL was not ready after {START_TIMEOUT:.0f} s: see {self.log_file}.")

    def _spawn(self, place: Place, program: str, arguments: list[str]) -> subprocess.Popen[bytes]:
        """Start a program as the account of this place; its output goes to the log."""
        account = place.account
        with writing(self.log_file):
            log = os.open(self.log_file, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            return subprocess.Popen(  # noqa: S603 - our own programs with our own arguments
                [str(place.bin_dir / program), *arguments],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd="/",
                # nothing of the caller's PG* variables may steer our server
                env={"PATH": os.defpath, "LC_ALL": "C.UTF-8", "TZ": "UTC"},
                start_new_session=True,
                user=account.uid if account else None,
                group=account.gid if account else None,
                extra_groups=[] if account else None,
            )
        except OSError as error:
            who = f" as {account.name}" if account else ""
            raise SurroundingsError(f"{place.bin_dir / program} cannot be started{who}: {error.strerror}.") from error
        finally:
            os.close(log)

    def _make_short_folder(self, place: Place) -> Path:
        if self._short_folder is None:
            self._short_folder = Path(tempfile.mkdtemp(prefix=SHORT_FOLDER))
            place.give(self._short_folder)
        return self._short_folder

    def _log_size(self) -> int:
        return self.log_file.stat().st_size if self.log_file.exists() else 0

    def _log_since(self, offset: int) -> str:
        with self.log_file.open("rb") as log:
            log.seek(offset)
            return log.read().decode(errors="replace")

    async def _end_server(self, *, fast: bool) -> None:
        steps = [(signal.SIGINT, STOP_TIMEOUT), (signal.SIGQUIT, KILL_TIMEOUT), (signal.SIGKILL, KILL_TIMEOUT)]
        if not fast:
            steps.insert(0, (signal.SIGTERM, STOP_TIMEOUT))
        for number, patience in steps:
            if not self._is_up():
                return
            pid = self._process.pid if self._process else self._pid
            if pid is not None:
                os.kill(pid, number)
            await _until(lambda: not self._is_up(), within=patience)

    def _is_up(self) -> bool:
        if self._process:
            return self._process.poll() is None
        return self._pid is not None and self._data is not None and serves(self._data, pid=self._pid)


def _url(user: str, password: str, *, port: int, database: str) -> str:
    return f"postgresql://{quote(user, safe='')}:{quote(password, safe='')}@127.0.0.1:{port}/{quote(database, safe='')}"


async def _until(is_so: Callable[[], bool], *, within: float) -> bool:
    """Look again and again until it is so, or the seconds are over."""
    deadline = time.monotonic() + within
    while not is_so():
        if time.monotonic() >= deadline:
            return False
        await asyncio.sleep(POLL)
    return True
