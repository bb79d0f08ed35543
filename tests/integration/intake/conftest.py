"""A pool of the daemon's role, a source whose listing a test scripts, and a worker that may own runs."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from tests.factories import a_connector, registered_worker
from worker.connectors import guard_for
from worker.domain.connector import Connector
from worker.domain.run import Run, RunKind, RunMode, RunTrigger
from worker.intake import Importer
from worker.store import connectors, runs
from worker.store.pool import Pool, open_pool
from worker.store.tenant import tenant


@dataclass
class Found:
    """A connector with its guard, or with whatever stands in for one."""

    connector: Connector
    guard: Any


@dataclass
class House:
    """Everything around intake on one database; ``guard`` None: the connector's own."""

    pool: Pool
    tenant_id: UUID
    owner: UUID
    folder: Path
    guard: Any = None
    stop_after: int | None = None
    looks: int = field(default=0)

    async def source(self, name: str = "hr", **fields: Any) -> Connector:
        config = {"path": str(self.folder / f"{name}.csv"), "key": "number"}
        return await a_connector(
            self.pool, self.tenant_id, name=name, type="csv", config=config, is_target=False, is_source=True, **fields
        )

    def write(self, rows: list[dict[str, Any]], name: str = "hr") -> None:
        columns = list(rows[0]) if rows else ["number", "title"]
        lines = [",".join(columns), *(",".join(str(row[column]) for column in columns) for row in rows)]
        (self.folder / f"{name}.csv").write_text("\n".join(lines) + "\n")

    async def get(self, tenant_id: UUID, connector_id: UUID) -> Found:
        async with tenant(self.pool, tenant_id) as conn:
            connector = await connectors.get(conn, tenant_id=tenant_id, connector_id=connector_id)
        assert connector is not None
        return Found(connector, self.guard or guard_for(connector, credentials={}))

    async def begin(self, connector: Connector, **fields: Any) -> Run:
        async with tenant(self.pool, self.tenant_id) as conn:
            run = await runs.create(
                conn,
                tenant_id=self.tenant_id,
                connector_id=connector.id,
                kind=RunKind.IMPORT,
                mode=RunMode.FULL,
                trigger=RunTrigger.MANUAL,
                **fields,
            )
        return await self.claim(run.id)

    async def claim(self, run_id: UUID) -> Run:
        async with tenant(self.pool, self.tenant_id) as conn:
            run = await runs.claim(conn, tenant_id=self.tenant_id, run_id=run_id, owner=self.owner)
        assert run is not None
        return run

    async def process(self, run: Run) -> Run:
        """Work on a claimed run; how it is afterwards."""
        await Importer(self.pool, sources=self, is_stopping=self._is_stopping, retry_page_after=()).process(run)
        return await self.run(run.id)

    async def imported(self, connector: Connector, **fields: Any) -> Run:
        return await self.process(await self.begin(connector, **fields))

    async def run(self, run_id: UUID) -> Run:
        async with tenant(self.pool, self.tenant_id) as conn:
            run = await runs.get(conn, tenant_id=self.tenant_id, run_id=run_id)
        assert run is not None
        return run

    async def rows(self, query: str, *values: Any) -> list[dict[str, Any]]:
        async with tenant(self.pool, self.tenant_id) as conn:
            return [dict(row.items()) for row in await conn.fetch(query, *values)]

    async def people(self) -> dict[str, dict[str, Any]]:
        rows = await self.rows("SELECT external_id, attributes, active, version, deleted_at FROM identities")
        return {row.pop("external_id"): row for row in rows}

    async def planned(self) -> int:
        """How many people wait to be planned; afterwards none does."""
        return len(await self.rows("DELETE FROM plan_items RETURNING 1"))

    def _is_stopping(self) -> bool:
        self.looks += 1
        return self.stop_after is not None and self.looks > self.stop_after


@pytest.fixture
async def house(database: Any, tenant_id: UUID, tmp_path: Path) -> AsyncIterator[House]:
    pool = await open_pool(database.daemon_dsn, size=8)
    async with registered_worker(pool) as owner:
        yield House(pool, tenant_id, owner, tmp_path)
    await pool.close()


def staff(count: int, **changed: Any) -> list[dict[str, Any]]:
    """Rows of a personnel file."""
    return [{"number": 100 + n, "title": f"T{n}", **changed} for n in range(count)]
