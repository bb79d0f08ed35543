"""``provisiond doctor``: look at everything a daemon needs, from here, and say what is not well."""

import argparse
import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import asdict
from datetime import UTC, datetime
from uuid import UUID

import structlog

from worker.cli import findings
from worker.cli.configuration import settings_of
from worker.cli.findings import Finding, Grade
from worker.cli.output import Progress, console, say_json
from worker.connectors import Targets
from worker.domain.connector import Connector, ConnectorStatus
from worker.domain.errors import ProvisioningError, SettingsError, SurroundingsError
from worker.domain.hook import HookLimits
from worker.hooks import HookExecutor
from worker.service.house import database_of, pooler_of, vault_of
from worker.settings import Settings
from worker.store import connectors, listings_targets, overview, schema, server, workers
from worker.store.pool import Connection, Pool, open_pool
from worker.store.standing import standing
from worker.store.tenant import tenant
from worker.telemetry import logs

STYLES = {Grade.OK: "green", Grade.WARN: "yellow", Grade.BAD: "bold red"}


def doctor(options: argparse.Namespace) -> int:
    """Look at everything; exit 1 when something is bad."""
    logs.configure(level="error", format="console")
    found = asyncio.run(_everything(options))
    grade = findings.worst(found)
    if options.json:
        say_json({"grade": grade, "findings": [asdict(each) for each in found]})
    else:
        width = max(len(each.what) for each in found)
        for each in found:
            _tell(each, width)
    return 1 if grade is Grade.BAD else 0


async def _everything(options: argparse.Namespace) -> list[Finding]:
    progress = Progress(is_quiet=True)
    progress.say("Looking …")
    try:
        settings = settings_of(options)
        vault_of(settings)
    except SettingsError as error:
        return [Finding("settings", Grade.BAD, str(error), "See `provisiond check`.")]
    else:
        found = [Finding("settings", Grade.OK, "They can work.")]
        async with asyncio.TaskGroup() as tasks:
            sandbox = tasks.create_task(_sandbox(settings))
            database = tasks.create_task(_database(settings))
        return [*found, await sandbox, *await database]
    finally:
        progress.end()


async def _sandbox(settings: Settings) -> Finding:
    limits = HookLimits(budget_ms=settings.hooks.call_ms, memory_mb=settings.hooks.memory_mb)
    try:
        async with HookExecutor(workers=1, limits=limits, log=structlog.get_logger()) as hooks:
            return findings.of_sandbox(hooks.status, require_seccomp=settings.hooks.require_seccomp)
    except SurroundingsError as error:
        return Finding("sandbox", Grade.BAD, str(error), "No script can run before that is put right.")


async def _database(settings: Settings) -> list[Finding]:
    """All that needs the database; one finding when it cannot be reached."""
    try:
        pool = await open_pool(
            database_of(settings), size=4, application="provisiond doctor", pooler=pooler_of(settings)
        )
    except SurroundingsError as error:
        return [Finding("database", Grade.BAD, str(error), "Check PROVISIOND_DATABASE_URL and that it is running.")]
    try:
        async with pool.acquire() as conn:
            state = await schema.state(conn)
            found = [Finding("database", Grade.OK, "It answers."), findings.of_schema(state)]
            found += findings.of_standing(await standing(conn), now=datetime.now(UTC))
            if schema.refusal(state) is None:
                found += await _work(conn)
        found += await _pooler(database_of(settings), settings)
        if schema.refusal(state) is None:
            found += await _connectors(pool, settings)
    finally:
        await pool.close()
    return found


async def _pooler(dsn: str, settings: Settings) -> list[Finding]:
    found = await server.look(dsn, pooler=pooler_of(settings), application="provisiond doctor")
    return findings.of_pooler(found, shares_servers=found.is_pooled and await server.shares_servers(dsn))


async def _work(conn: Connection) -> list[Finding]:
    """Daemons, the queue and what waits for people, over all tenants."""
    alive = await workers.alive(conn)
    depth = await overview.depth(conn)
    return [
        findings.of_workers(len(alive), draining=sum(row["is_draining"] for row in alive)),
        findings.of_oldest(depth.oldest_pending, now=datetime.now(UTC)),
        findings.of_dead_letters(depth.dead_letters),
    ]


async def _connectors(pool: Pool, settings: Settings) -> list[Finding]:
    async with pool.acquire() as conn:
        tenant_ids = [row["id"] for row in await workers.tenants(conn)]
    if not tenant_ids:
        return [findings.of_no_tenant()]
    found: list[Finding] = []
    async with _targets(pool, settings) as targets:
        for tenant_id in tenant_ids:
            found += await _of_tenant(pool, targets, tenant_id)
    return found or [Finding("connectors", Grade.WARN, "There is none.", "Nothing is provisioned before there is one.")]


@asynccontextmanager
async def _targets(pool: Pool, settings: Settings) -> AsyncIterator[Targets]:
    targets = Targets(pool, vault_of(settings))
    try:
        yield targets
    finally:
        await targets.aclose()


async def _of_tenant(pool: Pool, targets: Targets, tenant_id: UUID) -> list[Finding]:
    async with tenant(pool, tenant_id) as conn:
        waiting = await listings_targets.badges(conn, tenant_id)
        every = await connectors.everyone(conn, tenant_id=tenant_id)
    errors = await asyncio.gather(*(_error_of(targets, each) for each in every))
    return [
        findings.of_waiting(approvals=waiting["approvals"], cases=waiting["cases"]),
        *(findings.of_connector(each, error=error) for each, error in zip(every, errors, strict=True)),
    ]


async def _error_of(targets: Targets, connector: Connector) -> str | None:
    """Why the connector does not answer; None when it does, or is not to be called."""
    if connector.status is not ConnectorStatus.ACTIVE:
        return None
    try:
        target = await targets.get(connector.tenant_id, connector.id)
        await target.guard.test_connection()
    except ProvisioningError as error:
        return str(error)
    return None


def _tell(finding: Finding, width: int) -> None:
    style = STYLES[finding.grade]
    console.print(f"{finding.grade.value.ljust(4)} ", style=style, end="")
    console.print(f"{finding.what.ljust(width)}  ", style="bold", end="")
    console.print(finding.said, soft_wrap=True)
    if finding.advice:
        console.print(f"{' ' * (width + 7)}→ {finding.advice}", soft_wrap=True)
