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

from worker.service.embedded import EmbeddedPostgres
from worker.store.migrate import migrate

TEMPLATE = "provisiond_template"
READY = "ready.json"
FAILED = "failed.txt"


async def main(directory: Path, session: int) -> None:
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
    except Exception as error:
        publish(directory / FAILED, f"{type(error).__name__}: {error}")
    publish(directory / READY, json.dumps({"admin": server.admin_dsn(), "owner": urls.owner, "daemon": urls.daemon}))


def publish(path: Path, text: str) -> None:
    partial = path.with_suffix(".partial")
    partial.write_text(text)
    partial.rename(path)


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), int(sys.argv[2])))
