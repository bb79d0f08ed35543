"""Runs whose target is away: put down where they are, and taken up again by any process when it may be back."""

from worker.domain.away import Away
from worker.domain.errors import ConnectorError, LeaseLost, TransientError
from worker.domain.run import PauseReason, Run, RunStatus
from worker.store import due_work, runs
from worker.store.pool import Connection
from worker.store.sql import load

queries = load("run_waits")


async def wait_for_target(conn: Connection, run: Run, error: ConnectorError) -> Run:
    """Let the run wait, or do what somebody asked for meanwhile; fail it when that took too long. Raises LeaseLost."""
    known = await runs.get(conn, tenant_id=run.tenant_id, run_id=run.id)
    if known is None or (known.owner, known.epoch) != (run.owner, run.epoch):
        raise LeaseLost("Another process has taken this run over.", run_id=str(run.id))
    if known.cancel_requested:
        return await runs.finish(conn, run, status=RunStatus.CANCELLED)
    if known.pause_requested:
        return await runs.pause(conn, run, reason=PauseReason.PERSON)
    now = await runs.now(conn)
    away = Away.after(known.statistics, processed=known.accounts_processed, now=now)
    asked = error.retry_after if isinstance(error, TransientError) else None
    again_at = away.again_at(now, asked=asked)
    if again_at is None:
        message = f"Waited since {away.since:%Y-%m-%d %H:%M} UTC, in vain: {error}"
        return await runs.finish(conn, run, status=RunStatus.FAILED, error_message=message)
    row = await queries.wait.row(
        conn,
        tenant_id=run.tenant_id,
        id=run.id,
        owner=run.owner,
        epoch=run.epoch,
        error_message=f"{error} The run goes on from where it is when that is over."[:1000],
        facts=away.kept(),
    )
    if row is None:
        raise LeaseLost("Another process has taken this run over.", run_id=str(run.id))
    await due_work.forget(conn, run.tenant_id, due_work.Kind.RUN, run.id)
    await due_work.ask(conn, run.tenant_id, due_work.Kind.RUN, run.id, at=again_at)
    return runs.from_row(row)
