"""A streaming standby of a site's database, to be promoted when the first one is gone."""

import asyncio
import os
import signal
import subprocess
from pathlib import Path
from typing import Self
from urllib.parse import urlsplit

import asyncpg

from tests.faults.kit.site import Site
from worker.service.placement import find_programs, owner_of
from worker.service.postmaster import free_ports, read_pid_file

FIRST_PORT = 56400
START_WITHIN_S = 60.0
SYNCHRONOUS = "ALTER SYSTEM SET synchronous_standby_names = '*'"
IN_STEP = "SELECT count(*) AS n FROM pg_stat_replication WHERE sync_state = 'sync'"


class Standby:
    """Copies the site's database and follows it, synchronously: what is acknowledged is on both."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._data = site.directory / "standby" / "data"
        self._process: subprocess.Popen[bytes] | None = None
        self.port = next(free_ports(FIRST_PORT))

    async def __aenter__(self) -> Self:
        await asyncio.to_thread(self._copy)
        self._start()
        await self._until_in_step()
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._process is not None:
            self._process.send_signal(signal.SIGINT)  # at once, whoever is connected
            await asyncio.to_thread(self._process.wait, 30)

    @property
    def admin_dsn(self) -> str:
        return _at_port(self._site.admin_dsn, self.port)

    async def promote(self) -> None:
        """Make it the primary; it takes writes when this returns."""
        conn = await asyncpg.connect(self.admin_dsn)
        try:
            await conn.execute("ALTER SYSTEM RESET synchronous_standby_names")
            await conn.execute("SELECT pg_reload_conf()")
            assert await conn.fetchval("SELECT pg_promote()")
        finally:
            await conn.close()

    def _copy(self) -> None:
        self._data.parent.mkdir(mode=0o711)
        program = find_programs(None) / "pg_basebackup"
        subprocess.run(
            [program, "-d", self._site.postgres.admin_dsn(), "-D", self._data, "-R", "-c", "fast", "-X", "stream"],
            check=True,
            capture_output=True,
            timeout=START_WITHIN_S,
        )
        self._data.chmod(0o700)
        owner = owner_of(self._primary_data)
        if os.geteuid() == 0 and owner is not None:
            for path in [self._data.parent, self._data, *self._data.rglob("*")]:
                os.chown(path, owner.uid, owner.gid)

    @property
    def _primary_data(self) -> Path:
        assert self._site.postgres._data is not None
        return self._site.postgres._data

    def _start(self) -> None:
        owner = owner_of(self._primary_data)
        account = {"user": owner.uid, "group": owner.gid, "extra_groups": []} if os.geteuid() == 0 and owner else {}
        folder = self._data.parent
        settings = {"port": self.port, "unix_socket_directories": folder, "hot_standby": "on", "max_connections": 60}
        arguments = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
        with (folder / "log").open("wb") as log:
            self._process = subprocess.Popen(
                [self._program(), "-D", self._data, *arguments],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd="/",
                env={"PATH": os.defpath, "LC_ALL": "C.UTF-8", "TZ": "UTC"},
                start_new_session=True,
                **account,  # type: ignore[arg-type]  # keywords of Popen
            )

    def _program(self) -> Path:
        """What the primary runs: where its account may read it."""
        primary = read_pid_file(self._primary_data)
        assert primary is not None
        return Path(f"/proc/{primary.pid}/exe").readlink()

    async def _until_in_step(self) -> None:
        await self._site.rows(SYNCHRONOUS)
        await self._site.rows("SELECT pg_reload_conf()")
        for _ in range(int(START_WITHIN_S / 0.1)):
            found = read_pid_file(self._data)
            if found and found.is_ready and (await self._site.rows(IN_STEP))[0]["n"]:
                return
            await asyncio.sleep(0.1)
        raise AssertionError((self._data.parent / "log").read_text()[-2000:])


def _at_port(dsn: str, port: int) -> str:
    parts = urlsplit(dsn)
    return parts._replace(netloc=f"{parts.netloc.rpartition('@')[0]}@127.0.0.1:{port}").geturl()
