"""``provisiond recon``."""

import argparse
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import asdict
from typing import Any
from uuid import UUID

from worker.actions import approvals
from worker.actions import runs as acts
from worker.cli.arguments import HELD, RUN, id_of
from worker.cli.context import Desk, acting
from worker.cli.output import complain, facts, say, say_json, show, table
from worker.cli.watching import end_of, the_run
from worker.domain.errors import InvalidRequest, NotFound, WrongState
from worker.domain.run import Only, Run, RunMode, RunStatus
from worker.recon import report as report_of
from worker.store import listings_approvals, listings_runs, runs, safeguard
from worker.store.tenant import tenant

RUN_COLUMNS = {
    "id": "id",
    "status": "status",
    "connector_name": "connector",
    "started_at": "started",
    "kind": "kind",
    "mode": "mode",
    "accounts_processed": "accounts",
    "discrepancies_found": "findings",
    "items_error": "errors",
}
APPROVAL_COLUMNS = {
    "id": "id",
    "connector_name": "connector",
    "held": "held",
    "version": "version",
    "threshold": "allowed",
    "kind": "kind",
    "created_at": "since",
    "reason": "reason",
}
#: What is true of nearly every run, and what only daemons need.
INTERNAL = {"tenant_id", "owner", "epoch", "correlation_id", "created_by", "schedule_id"}


def start(options: argparse.Namespace) -> int:
    """Start a run of a connector, and follow it."""

    async def act(desk: Desk) -> int:
        connector = await desk.connector(options.connector)
        if not connector.is_target:
            raise InvalidRequest(f"{connector.name} is no target: `provisiond identities import {connector.name}`.")
        run = await acts.start(
            desk.house,
            desk.principal,
            connector_id=connector.id,
            mode=RunMode(options.mode) if options.mode else None,
            dry_run=options.dry_run,
            only=await _only(desk, options),
        )
        return await follow(desk, run.id, wait=not options.no_wait, as_json=options.json)

    return acting(options, act)


async def _only(desk: Desk, options: argparse.Namespace) -> Only | None:
    """The single accounts and people that were named, if any."""
    if not options.uid and not options.user:
        return None
    people = [await desk.identity(who) for who in options.user]
    return Only(tuple(options.uid), tuple(people))


def watch(options: argparse.Namespace) -> int:
    """Follow a run to its end."""
    return acting(options, lambda desk: follow(desk, id_of(options.id, RUN), wait=True, as_json=options.json))


def show_one(options: argparse.Namespace) -> int:
    """One run."""
    return acting(options, lambda desk: follow(desk, id_of(options.id, RUN), wait=False, as_json=options.json))


def list_runs(options: argparse.Namespace) -> int:
    """The latest runs."""

    async def act(desk: Desk) -> int:
        connector = await desk.connector(options.connector) if options.connector else None
        connector_id = connector.id if connector else None
        async with tenant(desk.house.pool, desk.tenant_id) as conn:
            rows = await listings_runs.page(
                conn, desk.tenant_id, connector_id=connector_id, only_live=options.live, limit=options.limit
            )
        empty = "No run is under way." if options.live else "There was no run yet."
        show([dict(row) for row in rows], RUN_COLUMNS, as_json=options.json, empty=empty)
        return 0

    return acting(options, act)


def report(options: argparse.Namespace) -> int:
    """What a run found and did."""

    async def act(desk: Desk) -> int:
        run = await the_run(desk, id_of(options.id, RUN))
        async with tenant(desk.house.pool, desk.tenant_id) as conn:
            found = await report_of(conn, run)
        if options.json:
            say_json(found)
        else:
            _tell_report(found)
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


def list_approvals(options: argparse.Namespace) -> int:
    """What the safeguard holds until somebody decides."""

    async def act(desk: Desk) -> int:
        async with tenant(desk.house.pool, desk.tenant_id) as conn:
            rows = await listings_approvals.page(conn, desk.tenant_id, is_decided=False, limit=options.limit)
        show([dict(row) for row in rows], APPROVAL_COLUMNS, as_json=options.json, empty="Nothing is held.")
        return 0

    return acting(options, act)


def approve(options: argparse.Namespace) -> int:
    """Decide about what the safeguard holds."""

    async def act(desk: Desk) -> int:
        given = id_of(options.id, HELD)
        if not options.reject and options.version is None:
            raise InvalidRequest("Say with --version what you approve: `provisiond recon approvals` shows it.")
        approval_id = await _approval_of(desk, given)
        await approvals.decide(
            desk.house,
            desk.principal,
            approval_id=approval_id,
            approve=not options.reject,
            seen=options.version,
        )
        decided = "rejected" if options.reject else "approved"
        if options.json:
            say_json({"id": str(approval_id), "status": decided})
        else:
            say(f"{approval_id} is {decided}.")
        return 0

    return acting(options, act)


async def _approval_of(desk: Desk, given: UUID) -> UUID:
    """An approval by its own id, or by that of the run that waits for it."""
    async with tenant(desk.house.pool, desk.tenant_id) as conn:
        run = await runs.get(conn, tenant_id=desk.tenant_id, run_id=given)
        held = await safeguard.approval(conn, tenant_id=desk.tenant_id, approval_id=given) if run is None else None
    if held is not None:
        return given
    if run is None:
        raise NotFound(f"There is no approval and no run {given}: {HELD.advice}")
    if run.approval_id is None:
        raise WrongState("This run waits for nobody's approval.")
    return run.approval_id


async def follow(desk: Desk, run_id: UUID, *, wait: bool, as_json: bool) -> int:
    """Show a run, with ``wait`` only when it is over or put down; exit 1 when it did not end well."""
    run = await (end_of(desk, run_id) if wait else the_run(desk, run_id))
    facts(await _shown(desk, run), as_json=as_json)
    if not as_json and (advice := next_step(run)):
        complain(advice)
    return 0 if not wait or (run.status is RunStatus.COMPLETED and not run.items_error) else 1


def next_step(run: Run) -> str | None:
    """What a person does next about a run that is put down."""
    if run.status is not RunStatus.PAUSED:
        return None
    if run.approval_id is not None:
        return f"It waits for an approval: `provisiond recon approvals`, then `recon approve {run.id} --version N`."
    return f"It goes on with `provisiond recon resume {run.id}`."


def _one(options: argparse.Namespace, verb: Callable[..., Awaitable[Run]]) -> int:
    async def act(desk: Desk) -> int:
        run = await the_run(desk, id_of(options.id, RUN))
        run = await verb(desk.house, desk.principal, run_id=run.id)
        facts(await _shown(desk, run), as_json=options.json)
        return 0

    return acting(options, act)


async def _shown(desk: Desk, run: Run) -> dict[str, Any]:
    """The facts of a run that people ask for, its connector by name."""
    async with tenant(desk.house.pool, desk.tenant_id) as conn:
        [row] = await listings_runs.page(conn, desk.tenant_id, run_id=run.id, limit=1)
    told = {name: value for name, value in asdict(run).items() if name not in INTERNAL and value is not False}
    return {"id": told.pop("id"), "connector": row["connector_name"], **told}


def _tell_report(found: Mapping[str, Any]) -> None:
    findings, actions, speed = found["discrepancy_summary"], found["action_summary"], found["performance_metrics"]
    facts(
        {
            "run": found["run_id"],
            "findings": {kind: n for kind, n in findings["by_type"].items() if n} or "none",
            "resolution": {each: n for each, n in findings["by_resolution"].items() if n},
            "actions": actions["by_action"] or "none",
            "results": actions["by_result"],
            "took": f"{speed['total_duration_ms']} ms, {speed['accounts_per_second'] or 0} accounts a second, "
            f"{speed['api_calls_made']} calls of the target",
            "notes": found["notes"],
        },
        as_json=False,
    )
    for title, name in (
        ("What differs most:", "top_mismatched_attributes"),
        ("Differences that seem to have one cause:", "one_cause_groups"),
    ):
        if found[name]:
            say(f"\n{title}")
            columns = [each for each in found[name][0] if each not in {"id", "kind", "detail", "sample"}]
            table(found[name], {column: column.replace("_", " ") for column in columns})
