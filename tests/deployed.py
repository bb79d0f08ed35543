"""A small deployment: daemons as processes of their own, one table as target, and operations for it.

The code that a daemon runs is named by its directory, so that another version's runs beside this one's.
"""

import asyncio
import base64
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast
from uuid import UUID

import asyncpg
from sqlalchemy.engine import make_url

from tests.conftest import ROOT, Database
from tests.factories import accounts, an_operation, enqueue
from tests.waiting import eventually
from worker.domain.connector import Connector, Limits
from worker.domain.ids import uuid7
from worker.security import Vault, parse_key
from worker.store import connectors
from worker.store.pool import Pool, open_pool
from worker.store.tenant import tenant

KEY = base64.b64encode(bytes(range(32))).decode()
#: Short, so that the work of a killed daemon is free again soon.
QUICK = {"LEASE_S": "6", "BEAT_S": "1", "ATTEMPT_S": "4", "POLL_S": "0.2", "BIND__PORT": "0", "POOL_SIZE": "4"}
PEOPLE = """
CREATE TABLE people (login text PRIMARY KEY, title text, writes int NOT NULL DEFAULT 0);
CREATE FUNCTION counted() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN NEW.writes := OLD.writes + 1; RETURN NEW; END $$;
CREATE TRIGGER counted BEFORE UPDATE ON people FOR EACH ROW EXECUTE FUNCTION counted();
"""


class Daemon:
    """``provisiond serve`` as a process; ``said`` is what it wrote so far."""

    def __init__(self, process: "subprocess.Popen[bytes]", output: Path) -> None:
        self._process = process
        self._output = output

    @property
    def said(self) -> str:
        return self._output.read_text(encoding="utf-8", errors="replace")

    async def ready(self) -> "Daemon":
        def is_ready() -> bool:
            if self._process.poll() is not None:
                raise RuntimeError(f"it ended: {self.said[-3000:]}")
            return "daemon.ready" in self.said

        await eventually(is_ready, timeout=90, interval=0.1, what="daemon.ready")
        return self

    async def kill(self) -> None:
        """End it as a power cut would."""
        await self.end(signal.SIGKILL)

    async def end(self, how: signal.Signals = signal.SIGTERM) -> int:
        if self._process.poll() is None:
            self._process.send_signal(how)
        return await asyncio.to_thread(self._process.wait, 60)


@dataclass
class Deployment:
    """One database, one tenant, one target; daemons come and go."""

    database: Database
    target_database: Database
    pool: Pool
    tenant_id: UUID
    connector_id: UUID
    directory: Path

    @asynccontextmanager
    async def daemon(self, *, dsn: str | None = None, code: Path = ROOT, **settings: str) -> AsyncIterator[Daemon]:
        """A daemon that runs the code of this directory; killed at the end when it still runs."""
        given = {"DATABASE_URL": dsn or self.database.daemon_dsn, "SECRET_KEY": KEY, "HOOKS__REQUIRE_SECCOMP": "false"}
        given |= QUICK | settings | {"LOG__FORMAT": "json"}
        environment = {name: value for name, value in os.environ.items() if not name.startswith("PROVISIOND_")}
        environment |= {f"PROVISIOND_{name}": value for name, value in given.items()} | {"PYTHONPATH": str(code)}
        output = self.directory / f"daemon-{uuid7()}.log"
        with output.open("wb") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "worker", "serve"],
                cwd=code,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        running = Daemon(process, output)
        try:
            yield running
        finally:
            await running.kill()

    async def create(self, count: int) -> list[UUID]:
        """Accept the creation of so many accounts, each of a lane of its own; the lanes."""
        lanes = await accounts(self.pool, self.tenant_id, self.connector_id, count)
        wanted = [
            an_operation(
                self.connector_id,
                lane,
                operation_type="create",
                payload={"attributes": {"login": str(lane), "title": "0"}},
            )
            for lane in lanes
        ]
        await enqueue(self.pool, self.tenant_id, *wanted)
        return lanes

    async def change(self, lanes: list[UUID], *, title: str) -> None:
        """Accept a change of each of these, behind what waits there."""
        payload = {"attributes": {"title": title}}
        await enqueue(
            self.pool, self.tenant_id, *(an_operation(self.connector_id, lane, payload=payload) for lane in lanes)
        )

    async def value(self, statement: str, *values: Any) -> Any:
        """One value of the tenant's rows; ``$1`` is the tenant."""
        async with tenant(self.pool, self.tenant_id) as conn:
            return await conn.fetchval(statement, self.tenant_id, *values)

    async def finished(self) -> int:
        return cast("int", await self.value("SELECT count(*) FROM operations_archive WHERE tenant_id = $1"))

    async def all_finished(self) -> bool:
        return bool(await self.value("SELECT NOT EXISTS (SELECT FROM operations WHERE tenant_id = $1)"))

    async def people(self) -> dict[str, tuple[str, int]]:
        """What the target holds: title and how often it was written, by login."""
        conn = await asyncpg.connect(self.target_database.owner_dsn)
        try:
            rows = await conn.fetch("SELECT login, title, writes FROM people")
        finally:
            await conn.close()
        return {row["login"]: (row["title"], row["writes"]) for row in rows}


@asynccontextmanager
async def deployed(
    database: Database, target_database: Database, tenant_id: UUID, directory: Path
) -> AsyncIterator[Deployment]:
    """Everything but a daemon."""
    conn = await asyncpg.connect(target_database.owner_dsn)
    await conn.execute(PEOPLE)
    await conn.close()
    url = make_url(target_database.owner_dsn)
    connector = Connector(
        tenant_id,
        uuid7(),
        "people",
        "sql",
        config={
            "url": url.set(drivername="postgresql")._replace(password=None).render_as_string(),
            "table": "people",
            "key": "login",
            "naming": "login",
            "columns": {"login": "login", "title": "title"},
        },
        limits=Limits(concurrency=4),
        settings={"require_baseline": False},
    )
    sealed = Vault([parse_key(KEY)]).seal_credentials(
        {"password": url.password or ""}, tenant_id=tenant_id, connector_id=connector.id
    )
    pool = await open_pool(database.daemon_dsn, size=4, application="test")
    try:
        async with tenant(pool, tenant_id) as conn:
            await connectors.insert(conn, connector, credentials=sealed)
        yield Deployment(database, target_database, pool, tenant_id, connector.id, directory)
    finally:
        await pool.close()
