"""The demo organisation inside a test: real targets, a database of its own, the daemon on the test's loop."""

import asyncio
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.e2e.nordwerk import Nordwerk
from worker.domain.connector import Connector
from worker.domain.operation import OperationStatus
from worker.security import new_key
from worker.service.daemon import Daemon
from worker.service.demo.load import TENANT_ID, Demo
from worker.service.demo.servers import Servers
from worker.service.house import vault_of
from worker.settings import Settings, load
from worker.store import connectors, listings
from worker.store.pool import open_pool
from worker.store.tenant import tenant

SCIM = "collaboration"


@dataclass
class House:
    """A running daemon with its organisation."""

    nordwerk: Nordwerk
    servers: Servers
    demo: Demo
    settings: Settings
    app_dsn: str
    directory: Path

    async def rows(self, statement: str, *values: Any) -> list[dict[str, Any]]:
        return await self.nordwerk.rows(statement, *values)

    async def connector(self, name: str) -> Connector:
        async with tenant(self.nordwerk.pool, TENANT_ID) as conn:
            found = await connectors.by_name(conn, tenant_id=TENANT_ID, name=name)
        assert found is not None, f"there is no {name}"
        return found

    async def shown(self, name: str) -> dict[OperationStatus, int]:
        """How people see the unfinished operations of a target: how many by status."""
        where = listings.OperationQuery(connector_id=(await self.connector(name)).id)
        async with tenant(self.nordwerk.pool, TENANT_ID) as conn:
            return (await listings.tally(conn, TENANT_ID, where=where, only_open=True)).by_status

    @asynccontextmanager
    async def daemon(self) -> AsyncIterator[None]:
        """A daemon at work; one that ends by itself fails the test."""
        stop = asyncio.Event()
        is_ready = asyncio.Event()

        async def ready(_: int) -> None:
            is_ready.set()

        running = asyncio.create_task(Daemon(self.settings, stop=stop).run(on_ready=ready))
        asking = asyncio.create_task(self.demo.ask_for_baselines(stop))
        await asyncio.wait([running, asyncio.create_task(is_ready.wait())], return_when=asyncio.FIRST_COMPLETED)
        try:
            yield
            assert not running.done(), "the daemon ended by itself"
        finally:
            stop.set()
            await asyncio.gather(running, asking)

    async def stop_scim(self) -> None:
        """End the SCIM service as a power cut would."""
        process = self.servers._processes[0]
        process.send_signal(signal.SIGKILL)
        await asyncio.to_thread(process.wait)

    async def return_scim(self) -> None:
        """Start it again where it was, with what it had."""
        self.servers._processes.pop(0)
        self.servers._start_scim()
        self.servers._processes.insert(0, self.servers._processes.pop())
        await self.servers._until_open("SCIM service", self.servers.ports.scim, log="scim.log")


@asynccontextmanager
async def moved_in(database: Any, application: Any, directory: Path, *, employees: int) -> AsyncIterator[House]:
    """The organisation with its targets, before anything was provisioned."""
    found = {
        "database_url": database.daemon_dsn,
        "secret_key": new_key(),
        "data_dir": str(directory),
        "bind.port": 0,
        "hooks.require_seccomp": False,
        "poll_s": 0.1,
        "csv_watch_s": 0.2,
    }
    settings = load(environ={}, overrides=found)
    pool = await open_pool(database.daemon_dsn, size=4, application="test")
    servers = Servers(directory)
    try:
        await servers.start()
        demo = Demo(
            pool,
            vault_of(settings),
            directory=directory,
            servers=servers,
            app_dsn=application.owner_dsn,
            employees=employees,
            say=lambda _: None,
        )
        await demo.load()
        nordwerk = Nordwerk(pool, vault_of(settings), employees=employees)
        yield House(nordwerk, servers, demo, settings, application.owner_dsn, directory)
    finally:
        await servers.stop()
        await pool.close()
