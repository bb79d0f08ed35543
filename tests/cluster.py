"""The PostgreSQL of one test session: run as a process of its own, which ends when the session does, however it does.

    python tests/cluster.py DIRECTORY PID

keeps a cluster below DIRECTORY until the process PID (the pytest that everybody started) is gone, then removes it.
A process of its own, because several pytest workers share the cluster and each of them may be killed.
"""

import asyncio
import json
import os
import shutil
import signal
import sys
from pathlib import Path

from tests.session import FAILED, NAME, READY, TEMPLATE, is_alive
from worker.service.embedded import EmbeddedPostgres
from worker.service.postmaster import read_pid_file, serves
from worker.store.migrate import migrate


def sweep(base: Path) -> None:
    """Remove what sessions left whose cluster process was killed too."""
    for left in base.glob(f"{NAME}*"):
        session = left.name.removeprefix(NAME)
        if session.isdigit() and not is_alive(int(session)):
            data = left / "postgres" / "data"
            server = read_pid_file(data)
            if server and serves(data, pid=server.pid):
                os.kill(server.pid, signal.SIGQUIT)
            shutil.rmtree(left, ignore_errors=True)


async def main(directory: Path, session: int) -> None:
    sweep(directory.parent)
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        loop.add_signal_handler(number, stop.set)
    try:
        async with EmbeddedPostgres(directory / "postgres", durable=False) as server:
            await prepare(server, directory)
            while not stop.is_set() and is_alive(session):
                await asyncio.sleep(0.2)
    finally:
        shutil.rmtree(directory, ignore_errors=True)


async def prepare(server: EmbeddedPostgres, directory: Path) -> None:
    """Migrate the template once; what goes wrong is left for every test to read."""
    urls = await server.bootstrap(TEMPLATE)
    try:
        await migrate(urls.owner)
    except Exception as error:  # noqa: BLE001 - whatever it is, each test that needs the schema tells it
        publish(directory / FAILED, f"{type(error).__name__}: {error}")
    publish(directory / READY, json.dumps({"admin": server.admin_dsn(), "owner": urls.owner, "daemon": urls.daemon}))


def publish(path: Path, text: str) -> None:
    partial = path.with_suffix(".partial")
    partial.write_text(text)
    partial.rename(path)


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), int(sys.argv[2])))
