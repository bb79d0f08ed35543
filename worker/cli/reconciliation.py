"""``provisiond recon``."""

import argparse
import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import asdict
from typing import Any
from uuid import UUID

from worker.actions import approvals
from worker.actions import runs as acts
from worker.cli.context import Desk, acting
from worker.cli.operations import _id
from worker.cli.output import console, facts, say_json
from worker.domain.errors import NotFound
from worker.domain.run import Run, RunMode, RunStatus
from worker.store import connectors, runs
from worker.store.tenant import tenant

LOOK_S = 0.5


def start(options: argparse.Namespace) -> int:
    """Start a run of a connector, and follow it."""

    async def act(desk: Desk) -> int:
        async with tenant(desk.house.pool, desk.tenant_id) as conn:
            connector = await connectors.by_name(conn, tenant_id=desk.tenant_id, name=options.connector)
        if connector is None:
            raise NotFound(f"There is no connector {options.connector}.")
        run = await acts.start(
            desk.house,
            desk.principal,
            connector_id=connector.id,
            mode=RunMode(options.mode),
            dry_run=options.dry_run,
        )
        if options.no_wait:
            facts(_shown(run), as_json=options.json)
            return 0
        return await _follow(desk, run.id, as_json=options.json)

    return acting(options, act)


def watch(options: argparse.Namespace) -> int:
    """Follow a run to its end."""
    return acting(options, lambda desk: _follow(desk, _id(options.id), as_json=options.json))


def show(options: argparse.Namespace) -> int:
    """One run."""

    async def act(desk: Desk) -> int:
        facts(_shown(await _run(desk, _id(options.id))), as_json=options.json)
        return 0

    return acting(options, act)


def report(options: argparse.Namespace) -> int:
    """What a run found and did."""

    async def act(desk: Desk) -> int:
        from worker.recon import report as made  # noqa: PLC0415 - only this verb needs it

        run = await _run(desk, _id(options.id))
        async with tenant(desk.house.pool, desk.tenant_id) as conn:
            say_json(await made(conn, run))
        return 0

    return acting(options, act)


def pause(options: argparse.Namespace) -> int:
    """Put a run down."""
    return _one(options, acts.pause)


def resume(options: argparse.Namespace) -> int:
    """Let a paused run go on."""
    return _one(options, acts.resume)


def cancel(options: argparse.Namespace) -> int:
    """End a run."""
    return _one(options, acts.cancel)


def approve(options: argparse.Namespace) -> int:
    """Decide about what the safeguard holds."""

    async def act(desk: Desk) -> int:
        await approvals.decide(
            desk.house, desk.principal, approval_id=_id(options.id), approve=not options.reject, notes=None
        )
        console.print("Rejected." if options.reject else "Approved.")
        return 0

    return acting(options, act)


def _one(options: argparse.Namespace, verb: Callable[..., Awaitable[Run]]) -> int:
    async def act(desk: Desk) -> int:
        facts(_shown(await verb(desk.house, desk.principal, run_id=_id(options.id))), as_json=options.json)
        return 0

    return acting(options, act)


async def _follow(desk: Desk, run_id: UUID, *, as_json: bool) -> int:
    """Show the progress of a run until it is over, or paused; exit 1 when it did not end well."""
    with console.status("waiting for a daemon to take the run …") as status:
        while True:
            run = await _run(desk, run_id)
            if run.status not in {RunStatus.PENDING, RunStatus.RUNNING}:
                break
            total = f" of {run.accounts_total}" if run.accounts_total else ""
            status.update(f"{run.phase}: {run.accounts_processed}{total} accounts, {run.discrepancies_found} findings")
            await asyncio.sleep(LOOK_S)
    facts(_shown(run), as_json=as_json)
    return 0 if run.status is RunStatus.COMPLETED and not run.items_error else 1


async def _run(desk: Desk, run_id: UUID) -> Run:
    async with tenant(desk.house.pool, desk.tenant_id) as conn:
        run = await runs.get(conn, tenant_id=desk.tenant_id, run_id=run_id)
    if run is None:
        raise NotFound(f"There is no run {run_id}.")
    return run


def _shown(run: Run) -> dict[str, Any]:
    """The facts of a run that people ask for."""
    hidden = {"tenant_id", "owner", "epoch"}
    return {name: value for name, value in asdict(run).items() if name not in hidden and value not in (None, {}, "")}
