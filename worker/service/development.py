"""``provisiond dev``: a database, the demo organisation and a daemon, started in order and stopped in reverse."""

import asyncio
import json
import os
import socket
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path

from worker.domain.errors import SurroundingsError
from worker.security import create_link, new_key
from worker.service.daemon import Daemon
from worker.service.demo.load import TENANT_ID, TENANT_NAME, Demo, sign_in_principal
from worker.service.demo.servers import Servers
from worker.service.embedded import EmbeddedPostgres
from worker.service.house import vault_of
from worker.service.loop import guarded
from worker.service.runtime import write_runtime
from worker.settings import Settings, load
from worker.store import migrate, tenants
from worker.store.pool import Pool, open_pool
from worker.store.tenant import tenant

DATABASE = "provisiond"
APP_DATABASE = "intranet"
PORTS_TRIED = 50

Say = Callable[[str], None]


class Development:
    """One directory's development set-up."""

    def __init__(
        self,
        directory: Path,
        *,
        port: int,
        is_empty: bool,
        employees: int,
        without_drift: bool,
        say: Say,
        stop: asyncio.Event,
    ) -> None:
        self._directory = directory
        self._port = port
        self._is_empty = is_empty
        self._employees = employees
        self._without_drift = without_drift
        self._say = say
        self._stop = stop
        self._postgres = EmbeddedPostgres(directory / "postgres", on_progress=say)

    def kill(self) -> None:
        """End what would outlive this process, without waiting: it is recovered at the next start."""
        self._postgres.kill()

    async def run(self, on_ready: Callable[[str], Awaitable[None]]) -> None:
        """Start everything, tell the sign-in link, serve until stopped, stop everything that was started."""
        make_directory(self._directory)
        async with AsyncExitStack() as stack:
            await stack.enter_async_context(self._postgres)
            urls = await self._postgres.bootstrap(DATABASE)
            await migrate.migrate(urls.owner, phase=migrate.Phase.POST)
            settings = self._settings(urls.daemon)
            pool = await open_pool(urls.daemon, size=4, application="provisiond dev")
            stack.push_async_callback(pool.close)
            demo = None
            if not self._is_empty and not self._stop.is_set():
                demo = await self._load(stack, pool, settings)
            if not self._stop.is_set():
                await self._serve(settings, pool, demo, on_ready)

    async def _load(self, stack: AsyncExitStack, pool: Pool, settings: Settings) -> Demo:
        servers = Servers(self._directory / "demo")
        stack.push_async_callback(servers.stop)
        self._say("Starting the demo's targets …")
        await servers.start()
        app_dsn = await self._postgres.application(APP_DATABASE)
        demo = Demo(
            pool,
            vault_of(settings),
            directory=self._directory / "demo",
            servers=servers,
            app_dsn=app_dsn,
            employees=self._employees,
            say=self._say,
        )
        await demo.load()
        return demo

    async def _serve(
        self, settings: Settings, pool: Pool, demo: Demo | None, on_ready: Callable[[str], Awaitable[None]]
    ) -> None:
        async def ready(port: int) -> None:
            await on_ready(await self._link(pool, port))

        acts = [asyncio.create_task(self._play(demo), name="demo")] if demo else []
        try:
            await Daemon(settings, stop=self._stop).run(on_ready=ready)
        finally:
            for act in acts:
                act.cancel()
            await asyncio.gather(*acts, return_exceptions=True)

    async def _play(self, demo: Demo) -> None:
        """What happens in the demo by itself; it must not take the daemon down."""
        await guarded(lambda: demo.ask_for_baselines(self._stop), name="demo baselines")
        if not self._without_drift:
            await guarded(lambda: demo.second_act(self._stop), name="demo drift")

    def _settings(self, daemon_dsn: str) -> Settings:
        """The daemon's settings; left in the directory, so that other commands find the database."""
        key_file = self._directory / "secret.key"
        if not key_file.exists():
            _write_private(key_file, new_key())
        found = {
            "database_url": daemon_dsn,
            "secret_key": f"file:{key_file.resolve()}",
            "data_dir": str(self._directory),
            "bind.port": self._free_port(),
            "hooks.require_seccomp": False,
            "poll_s": 0.25,
        }
        environ = {name: value for name, value in os.environ.items() if not name.startswith("PROVISIOND_DATABASE")}
        settings = load(environ=environ, overrides=found)
        write_runtime(self._directory, found)
        return settings

    def _free_port(self) -> int:
        """The wanted port, or the next one that is free."""
        for port in range(self._port, self._port + PORTS_TRIED):
            with socket.socket() as one:
                one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                try:
                    one.bind(("127.0.0.1", port))
                except OSError:
                    continue
                return port
        raise SurroundingsError(f"No port from {self._port} to {self._port + PORTS_TRIED} is free on 127.0.0.1.")

    async def _link(self, pool: Pool, port: int) -> str:
        """An address that signs the demo's administrator in, once."""
        async with pool.acquire() as conn:
            await tenants.ensure(conn, tenant_id=TENANT_ID, name=TENANT_NAME)
        async with tenant(pool, TENANT_ID) as conn:
            who = await sign_in_principal(conn)
            secret = await create_link(conn, TENANT_ID, principal_id=who)
        return f"http://127.0.0.1:{port}/sign-in?link={secret}"


def make_directory(directory: Path) -> None:
    """Make the directory, readable by its owner alone; raises SurroundingsError in one sentence."""
    try:
        directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        probe = directory / ".probe"
        probe.write_text(json.dumps({"pid": os.getpid()}), encoding="utf-8")
        probe.unlink()
    except PermissionError as error:
        raise SurroundingsError(f"There is no permission to write to {directory}.") from error
    except OSError as error:
        raise SurroundingsError(f"{directory} cannot be used: {error.strerror}.") from error


def _write_private(path: Path, text: str) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
