"""Runs and their checkpoints.

Guarantees:

- one run of a connector lives at a time, and an occurrence of a schedule makes one run (unique indexes);
- every write of whoever works on a run carries its fence (owner, epoch) and raises ``LeaseLost`` when another process
  has taken the run over; the caller's transaction then writes nothing;
- ``advance`` with a page writes its checkpoint in the caller's transaction, together with what that page found.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import asyncpg

from worker.domain.errors import LeaseLost, NotFound, WrongState
from worker.domain.ids import uuid7
from worker.domain.run import PauseReason, Run, RunKind, RunMode, RunStatus, RunTrigger
from worker.store import due_work, run_ranges
from worker.store.pool import Connection, DatabaseGone
from worker.store.sql import Query, Record, load

queries = load("runs")

#: What a run survives by going on from its last checkpoint: the database went away, or chose us to break a deadlock.
Interrupted = (*DatabaseGone, asyncpg.exceptions.TransactionRollbackError)

#: How often daemons look whether the process that works on a run is still alive.
LOOK_AGAIN = timedelta(seconds=15)


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """Where a listing goes on after a page; ``seen`` is what the page saw, packed by whoever wrote it."""

    page: int
    next_token: str | None
    is_last: bool
    seen: bytes
    total: int | None = None


@dataclass(frozen=True, slots=True)
class Progress:
    """What one step adds to a run: numbers of ``tally`` are added to its statistics, ``facts`` replace theirs."""

    processed: int = 0
    total: int | None = None
    phase: str | None = None
    listing_complete: bool | None = None
    tally: dict[str, int] = field(default_factory=dict)
    facts: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Requests:
    """What people asked of a run while somebody works on it."""

    pause: bool
    cancel: bool


async def create(
    conn: Connection,
    *,
    tenant_id: UUID,
    connector_id: UUID,
    kind: RunKind,
    mode: RunMode,
    trigger: RunTrigger,
    dry_run: bool = False,
    created_by: UUID | None = None,
    correlation_id: UUID | None = None,
    statistics: dict[str, Any] | None = None,
) -> Run:
    """Start a run; raises WrongState with the field ``run_id`` while another of the connector lives."""
    run = await insert(
        conn,
        tenant_id=tenant_id,
        connector_id=connector_id,
        kind=kind,
        mode=mode,
        trigger=trigger,
        dry_run=dry_run,
        created_by=created_by,
        correlation_id=correlation_id,
        statistics=statistics,
    )
    if run is None:
        living = await live(conn, tenant_id=tenant_id, connector_id=connector_id)
        raise WrongState(
            "A run of this connector is under way.", run_id=str(living.id) if living else None, field="connector_id"
        )
    return run


async def insert(
    conn: Connection,
    *,
    tenant_id: UUID,
    connector_id: UUID,
    kind: RunKind,
    mode: RunMode,
    trigger: RunTrigger,
    dry_run: bool = False,
    created_by: UUID | None = None,
    correlation_id: UUID | None = None,
    schedule_id: UUID | None = None,
    fire_at: datetime | None = None,
    statistics: dict[str, Any] | None = None,
) -> Run | None:
    """Start a run and ask for it; None when one of the connector lives, or this occurrence has fired already."""
    row = await queries.insert.row(
        conn,
        tenant_id=tenant_id,
        id=uuid7(),
        connector_id=connector_id,
        kind=str(kind),
        mode=str(mode),
        dry_run=dry_run,
        trigger=str(trigger),
        correlation_id=correlation_id or uuid7(),
        created_by=created_by,
        schedule_id=schedule_id,
        fire_at=fire_at,
        statistics=statistics or {},
    )
    if row is None:
        return None
    await due_work.ask(conn, tenant_id, due_work.Kind.RUN, row["id"])
    return from_row(row)


async def get(conn: Connection, *, tenant_id: UUID, run_id: UUID) -> Run | None:
    row = await queries.get.row(conn, tenant_id=tenant_id, id=run_id)
    return from_row(row) if row else None


async def live(conn: Connection, *, tenant_id: UUID, connector_id: UUID) -> Run | None:
    """The connector's run that is pending, running or paused."""
    row = await queries.live.row(conn, tenant_id=tenant_id, connector_id=connector_id)
    return from_row(row) if row else None


async def page(
    conn: Connection,
    *,
    tenant_id: UUID,
    connector_id: UUID | None = None,
    kind: RunKind | None = None,
    mode: RunMode | None = None,
    statuses: Sequence[RunStatus] | None = None,
    before: UUID | None = None,
    limit: int = 20,
    offset: int = 0,
) -> list[Run]:
    """Runs, the newest first; ``before`` is the last id of the page before."""
    rows = await queries.page.rows(
        conn,
        before=before,
        limit=limit,
        offset=offset,
        **_filters(tenant_id, connector_id, kind, mode, statuses),
    )
    return [from_row(row) for row in rows]


async def count(
    conn: Connection,
    *,
    tenant_id: UUID,
    connector_id: UUID | None = None,
    kind: RunKind | None = None,
    mode: RunMode | None = None,
    statuses: Sequence[RunStatus] | None = None,
) -> int:
    return int(await queries.count.value(conn, **_filters(tenant_id, connector_id, kind, mode, statuses)))


async def last_good(conn: Connection, run: Run, *, mode: RunMode | None = None) -> Run | None:
    """The last completed run before this one, of the same kind and connector, that was no dry run."""
    row = await queries.last_good.row(
        conn,
        tenant_id=run.tenant_id,
        connector_id=run.connector_id,
        kind=str(run.kind),
        mode=str(mode) if mode else None,
        before=run.id,
    )
    return from_row(row) if row else None


async def claim(conn: Connection, *, tenant_id: UUID, run_id: UUID, owner: UUID) -> Run | None:
    """Take a run that waits, or whose process is dead; None when there is nothing to do for this process now.

    A live run stays due: its next process is found when the present one dies.
    """
    row = await queries.claim.row(conn, tenant_id=tenant_id, id=run_id, owner=owner)
    run = from_row(row) if row else await get(conn, tenant_id=tenant_id, run_id=run_id)
    if run is None or not run.goes_on:
        await due_work.forget(conn, tenant_id, due_work.Kind.RUN, run_id)
    else:
        next_look = await now(conn) + LOOK_AGAIN
        await due_work.settle(conn, tenant_id, due_work.Kind.RUN, run_id, next_due=next_look)
    return run if row else None


async def advance(conn: Connection, run: Run, progress: Progress, *, checkpoint: Checkpoint | None = None) -> Requests:
    """Note what a step did, first thing in its transaction: the row stays locked until the end.

    Raises LeaseLost when the run is not ours any more.
    """
    page = asdict(checkpoint) if checkpoint else dict.fromkeys(("page", "next_token", "is_last", "seen"))
    noted = page | {name: getattr(progress, name) for name in ("processed", "total", "tally", "facts")}
    if run.part is not None:
        row = await run_ranges.advance(conn, run, run.part, noted)
    else:
        phase, complete = progress.phase, progress.listing_complete
        row = await queries.advance.row(conn, phase=phase, listing_complete=complete, **noted, **_fence(run))
    if row is None:
        raise _lost(run)
    return Requests(row["pause_requested"], row["cancel_requested"])


async def tally_findings(
    conn: Connection, run: Run, by_type: dict[str, int], *, new: int, detected: dict[str, int]
) -> None:
    """Count what this step found, after ``advance`` in the same transaction; ``detected`` are new or came back."""
    if by_type and run.part is not None:
        await advance(conn, run, Progress(tally=run_ranges.findings(by_type, new=new, detected=detected)))
    elif by_type:
        counts = {"found": sum(by_type.values()), "new": new, "reopened": sum(detected.values()) - new}
        await queries.tally_findings.run(conn, **_fence(run), by_type=by_type, detected=detected, **counts)


async def tally_items(conn: Connection, run: Run, *, total: int, success: int, error: int) -> None:
    """Count items, after ``advance`` in the same transaction."""
    await queries.tally_items.run(conn, **_fence(run), total=total, success=success, error=error)


async def finish(
    conn: Connection,
    run: Run,
    *,
    status: RunStatus,
    error_message: str | None = None,
    listing_complete: bool | None = None,
) -> Run:
    """End a run; its checkpoints go. Raises LeaseLost."""
    ended = await _end(
        conn,
        run,
        queries.finish,
        status=str(status),
        error_message=error_message[:1000] if error_message else None,
        listing_complete=listing_complete,
    )
    await queries.drop_checkpoints.run(conn, tenant_id=run.tenant_id, id=run.id)
    return ended


async def pause(
    conn: Connection,
    run: Run,
    *,
    reason: PauseReason,
    approval_id: UUID | None = None,
    listing_complete: bool | None = None,
) -> Run:
    """Put a run down where it is. After a shutdown the next process takes it up by itself. Raises LeaseLost."""
    paused = await _end(
        conn, run, queries.pause, reason=str(reason), approval_id=approval_id, listing_complete=listing_complete
    )
    if reason is PauseReason.SHUTDOWN:
        await due_work.ask(conn, run.tenant_id, due_work.Kind.RUN, run.id)
    return paused


async def request_pause(conn: Connection, *, tenant_id: UUID, run_id: UUID) -> Run:
    """Ask for a pause; raises NotFound, or WrongState when it is not pending or running."""
    return await _ask(conn, queries.request_pause, tenant_id, run_id, "This run cannot be paused")


async def request_cancel(conn: Connection, *, tenant_id: UUID, run_id: UUID) -> Run:
    """Cancel what nobody works on, ask for it else; raises NotFound, or WrongState when the run is over."""
    run = await _ask(conn, queries.request_cancel, tenant_id, run_id, "This run is over")
    if run.status is RunStatus.CANCELLED:
        await due_work.forget(conn, tenant_id, due_work.Kind.RUN, run_id)
        await queries.drop_checkpoints.run(conn, tenant_id=tenant_id, id=run_id)
    return run


async def resume(conn: Connection, *, tenant_id: UUID, run_id: UUID) -> Run:
    """Let a paused run go on; raises NotFound, or WrongState when it is not paused or its approval is still open."""
    run = await _ask(
        conn, queries.resume, tenant_id, run_id, "This run cannot be resumed, or waits for an approval to be decided"
    )
    await due_work.ask(conn, tenant_id, due_work.Kind.RUN, run_id)
    return run


async def now(conn: Connection) -> datetime:
    """The database's clock."""
    found: datetime = await queries.now.value(conn)
    return found


async def checkpoints(conn: Connection, run: Run, *, number: int | None = None) -> list[Checkpoint]:
    """Every page so far, in order; of all, or of the range with this number."""
    pages = run_ranges.PAGES_A_RANGE
    first = None if number is None else number * pages
    rows = await queries.checkpoints.rows(conn, tenant_id=run.tenant_id, id=run.id, first=first, pages=pages)
    return [Checkpoint(r["page"], r["next_token"], r["is_last"], r["seen"], r["total"]) for r in rows]


def from_row(row: Record) -> Run:
    return Run(
        tenant_id=row["tenant_id"],
        id=row["id"],
        connector_id=row["connector_id"],
        kind=RunKind(row["kind"]),
        mode=RunMode(row["mode"]),
        status=RunStatus(row["status"]),
        trigger=RunTrigger(row["trigger"]),
        correlation_id=row["correlation_id"],
        dry_run=row["dry_run"],
        listing_complete=row["listing_complete"],
        pause_reason=row["pause_reason"],
        pause_requested=row["pause_requested"],
        cancel_requested=row["cancel_requested"],
        approval_id=row["approval_id"],
        error_message=row["error_message"],
        phase=row["phase"],
        accounts_total=row["accounts_total"],
        accounts_processed=row["accounts_processed"],
        discrepancies_found=row["discrepancies_found"],
        discrepancies_by_type=row["discrepancies_by_type"],
        items_total=row["items_total"],
        items_success=row["items_success"],
        items_error=row["items_error"],
        statistics=row["statistics"],
        owner=row["owner"],
        epoch=row["epoch"],
        created_by=row["created_by"],
        schedule_id=row["schedule_id"],
        fire_at=row["fire_at"],
        created_at=row["created_at"],
        started_at=row["started_at"],
        completed_at=row["completed_at"],
    )


async def _end(conn: Connection, run: Run, query: Query, **values: Any) -> Run:
    row = await query.row(conn, **_fence(run), **values)
    if row is None:
        raise _lost(run)
    await due_work.forget(conn, run.tenant_id, due_work.Kind.RUN, run.id)
    return from_row(row)


async def _ask(conn: Connection, query: Query, tenant_id: UUID, run_id: UUID, refusal: str) -> Run:
    row = await query.row(conn, tenant_id=tenant_id, id=run_id)
    if row is not None:
        return from_row(row)
    run = await get(conn, tenant_id=tenant_id, run_id=run_id)
    if run is None:
        raise NotFound(f"There is no run {run_id}.")
    raise WrongState(f"{refusal}: it is {run.status}.", status=str(run.status))


def _fence(run: Run) -> dict[str, Any]:
    return {"tenant_id": run.tenant_id, "id": run.id, "owner": run.owner, "epoch": run.epoch}


def _filters(
    tenant_id: UUID,
    connector_id: UUID | None,
    kind: RunKind | None,
    mode: RunMode | None,
    statuses: Sequence[RunStatus] | None,
) -> dict[str, Any]:
    return {
        "tenant_id": tenant_id,
        "connector_id": connector_id,
        "kind": str(kind) if kind else None,
        "mode": str(mode) if mode else None,
        "statuses": [str(each) for each in statuses] if statuses is not None else None,
    }


def _lost(run: Run) -> LeaseLost:
    return LeaseLost("Another process has taken this run over.", run_id=str(run.id))
