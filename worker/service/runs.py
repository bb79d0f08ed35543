"""Runs that are due, and ranges of runs that others lead."""

import asyncio
from collections.abc import Callable
from uuid import UUID

from worker.domain.run import RunKind, RunProcessor
from worker.recon import ReconciliationEngine
from worker.service.loop import Handler
from worker.store import runs
from worker.store.due_work import Kind
from worker.store.pool import Pool
from worker.store.tenant import tenant
from worker.telemetry import logs


def handlers_of_runs(
    pool: Pool, engine: ReconciliationEngine, importer: RunProcessor, *, owner: Callable[[], UUID], stop: asyncio.Event
) -> dict[Kind, Handler]:
    """What a scheduler does with them; ``owner`` is the process, by its lease of now."""

    async def run_due(tenant_id: UUID, run_id: UUID) -> None:
        if stop.is_set():
            return
        async with tenant(pool, tenant_id) as conn:
            run = await runs.claim(conn, tenant_id=tenant_id, run_id=run_id, owner=owner())
        if run is None:
            return
        with logs.bound(tenant_id=tenant_id, run_id=run.id, correlation_id=run.correlation_id):
            processor = importer if run.kind is RunKind.IMPORT else engine
            await processor.process(run)

    async def help_list(tenant_id: UUID, run_id: UUID) -> None:
        if stop.is_set():
            return
        with logs.bound(tenant_id=tenant_id, run_id=run_id):
            await engine.help(tenant_id, run_id, owner=owner())

    return {Kind.RUN: run_due, Kind.RANGE: help_list}
