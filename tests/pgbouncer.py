"""A PgBouncer of one test, before the session's PostgreSQL: many clients, few server connections."""

import asyncio
import contextlib
import os
import shutil
import socket
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import unquote, urlsplit, urlunsplit

from tests.conftest import SEARCHED
from tests.waiting import eventually

_CONFIGURATION = """
[databases]
* = host={host} port={port}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {listen}
unix_socket_dir =
auth_type = trust
auth_file = {users}
pool_mode = {mode}
default_pool_size = {servers}
max_client_conn = 500
server_idle_timeout = 5
"""


@asynccontextmanager
async def pooled(directory: Path, *dsns: str, mode: str = "transaction", servers: int = 3) -> AsyncIterator[list[str]]:
    """These URLs of one server, through a pooler with so many connections for each user of a database."""
    listen = _free_port()
    parts = [urlsplit(dsn) for dsn in dsns]
    users = directory / "users.txt"
    users.write_text("".join(f'"{each.username}" "{unquote(each.password or "")}"\n' for each in parts))
    file = directory / "pgbouncer.ini"
    file.write_text(
        _CONFIGURATION.format(
            host=parts[0].hostname, port=parts[0].port, listen=listen, users=users, mode=mode, servers=servers
        )
    )
    command = [shutil.which("pgbouncer", path=SEARCHED) or "pgbouncer", str(file)]
    if os.geteuid() == 0:
        command[1:1] = ["-u", "nobody"]  # it does not run as root
    with (directory / "pgbouncer.log").open("wb") as log:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
    try:
        await eventually(lambda: _listens(listen), timeout=30)
        yield [_through(each.geturl(), listen) for each in parts]
    finally:
        process.terminate()
        await asyncio.to_thread(process.wait)


def _through(dsn: str, port: int) -> str:
    parts = urlsplit(dsn)
    login = parts.netloc.rpartition("@")[0]
    return urlunsplit(parts._replace(netloc=f"{login}@127.0.0.1:{port}"))


async def _listens(port: int) -> bool:
    with contextlib.suppress(OSError):
        _, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.close()
        await writer.wait_closed()
        return True
    return False


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
