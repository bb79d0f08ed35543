"""Starting what is due by the clock. No leader: whoever looks first locks the schedule, and its run is unique.

One transaction decides about an occurrence: its run, the record of what became of it, and when the schedule is due
again are there together or not at all. Whoever dies before the commit has done nothing, and the schedule stays due.
The clock is the database's.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

import structlog

from worker.domain.run import Run, RunKind, RunMode, RunStatus, RunTrigger
from worker.domain.schedule import PastOccurrence, Schedule, SkipReason
from worker.schedule.calendar import next_occurrence
from worker.schedule.checks import check_schedule
from worker.schedule.decisions import Miss, Wait, decide
from worker.security import Entry, record
from worker.store import connectors, due_work, principals, runs, schedules
from worker.store.pool import Connection, Pool
from worker.store.tenant import tenant

log = structlog.get_logger()

#: A schedule that sleeps is looked at now and then: the rules of its zone, or the database's clock, may be others now.
LOOK_AGAIN = timedelta(hours=1)

MISSED = "No daemon looked when it was due, and missed runs are skipped."
_STANDS = {
    RunStatus.PENDING: "waits to begin",
    RunStatus.RUNNING: "is under way",
    RunStatus.PAUSED: "is paused",
}


@dataclass(frozen=True, slots=True)
class Ticked:
    """What one look at a schedule led to."""

    started: UUID | None = None
    skipped: str | None = None


@dataclass(frozen=True, slots=True)
class _Refusal:
    """Why no run begins, and the run that stands in the way."""

    reason: SkipReason
    message: str
    run_id: UUID | None = None


class Ticker:
    """Handles one schedule that is due."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def run_once(self, tenant_id: UUID, schedule_id: UUID) -> Ticked:
        """Start the run of a due occurrence, and set when the schedule is due again: one transaction."""
        async with tenant(self._pool, tenant_id) as conn:
            schedule = await schedules.lock(conn, tenant_id=tenant_id, schedule_id=schedule_id)
            if schedule is None or not schedule.enabled or schedule.next_run_at is None:
                await due_work.forget(conn, tenant_id, due_work.Kind.SCHEDULE, schedule_id)
                return Ticked()
            now = await schedules.now(conn)
            if mistakes := check_schedule(schedule):
                return await _give_up(conn, tenant_id, schedule, mistakes, now=now)
            due_at = await _corrected(conn, tenant_id, schedule, due_at=schedule.next_run_at, now=now)
            return await _look(conn, tenant_id, schedule, due_at=due_at, now=now)


async def _look(conn: Connection, tenant_id: UUID, schedule: Schedule, *, due_at: datetime, now: datetime) -> Ticked:
    decision = decide(schedule, due_at=due_at, now=now)
    if isinstance(decision, Wait):
        await _sleep(conn, tenant_id, schedule.id, until=decision.until, now=now)
        return Ticked()
    started: Run | _Refusal = _Refusal(SkipReason.MISSED, MISSED)
    if not isinstance(decision, Miss):
        started = await _start(conn, tenant_id, schedule, fire_at=due_at)
    what = _past(started, fire_at=due_at, now=now, passed=decision.passed)
    await schedules.decided(conn, what, tenant_id=tenant_id, schedule_id=schedule.id, next_run_at=decision.next_at)
    await _sleep(conn, tenant_id, schedule.id, until=decision.next_at, now=now)
    await _audit(conn, tenant_id, schedule, started)
    log.info("schedule.fired", schedule_id=str(schedule.id), run_id=str(what.run_id), skipped=what.message)
    return Ticked(started=what.run_id) if what.is_started else Ticked(skipped=what.message)


async def _corrected(
    conn: Connection, tenant_id: UUID, schedule: Schedule, *, due_at: datetime, now: datetime
) -> datetime:
    """When the schedule is due by today's rules of its zone; what is due already stays so."""
    if due_at <= now:
        return due_at
    last = await schedules.last_decided(conn, tenant_id=tenant_id, schedule_id=schedule.id)
    expected = next_occurrence(schedule, after=max(now, last) if last else now)
    if expected != due_at:
        await schedules.set_next(conn, tenant_id=tenant_id, schedule_id=schedule.id, next_run_at=expected)
        log.warning("schedule.corrected", schedule_id=str(schedule.id), was=str(due_at), next=str(expected))
    return expected


async def _give_up(
    conn: Connection, tenant_id: UUID, schedule: Schedule, mistakes: tuple[tuple[str, str], ...], *, now: datetime
) -> Ticked:
    """Say what is wrong with a schedule that was right when it was stored, such as a zone that is no more."""
    message = "; ".join(f"{field}: {what}" for field, what in mistakes)
    due_at = schedule.next_run_at or now
    if due_at <= now:
        what = PastOccurrence(due_at, now, reason=SkipReason.INVALID, message=message)
        await schedules.decided(conn, what, tenant_id=tenant_id, schedule_id=schedule.id, next_run_at=due_at)
    await _sleep(conn, tenant_id, schedule.id, until=now + LOOK_AGAIN, now=now)
    return Ticked(skipped=message)


async def _sleep(conn: Connection, tenant_id: UUID, schedule_id: UUID, *, until: datetime, now: datetime) -> None:
    next_due = min(until, now + LOOK_AGAIN)
    await due_work.settle(conn, tenant_id, due_work.Kind.SCHEDULE, schedule_id, next_due=next_due)


async def _start(conn: Connection, tenant_id: UUID, schedule: Schedule, *, fire_at: datetime) -> Run | _Refusal:
    connector = await connectors.get(conn, tenant_id=tenant_id, connector_id=schedule.connector_id)
    if connector is None:
        return _Refusal(SkipReason.CLOSED, "The connector does not exist any more.")
    if connector.closed_because:
        return _Refusal(SkipReason.CLOSED, connector.closed_because)
    run = await runs.insert(
        conn,
        tenant_id=tenant_id,
        connector_id=connector.id,
        kind=RunKind.RECONCILIATION if connector.is_target else RunKind.IMPORT,
        mode=RunMode(schedule.mode) if connector.is_target else RunMode.FULL,  # a source is read as a whole
        trigger=RunTrigger.SCHEDULED,
        schedule_id=schedule.id,
        fire_at=fire_at,
    )
    if run is not None:
        return run
    return _overlap(await runs.live(conn, tenant_id=tenant_id, connector_id=connector.id))


def _overlap(live: Run | None) -> _Refusal:
    """Two runs of a connector never overlap."""
    if live is None:
        return _Refusal(SkipReason.OVERLAP, "A run of this occurrence was there already.")
    began = live.started_at or live.created_at
    since = f" since {began:%Y-%m-%d %H:%M} UTC" if began else ""
    why = f" ({live.pause_reason})" if live.pause_reason else ""
    stands = _STANDS.get(live.status, "was not over")
    return _Refusal(SkipReason.OVERLAP, f"Another run of this connector {stands}{since}{why}.", live.id)


def _past(started: Run | _Refusal, *, fire_at: datetime, now: datetime, passed: int) -> PastOccurrence:
    if isinstance(started, Run):
        return PastOccurrence(fire_at, now, run_id=started.id, passed=passed)
    return PastOccurrence(fire_at, now, started.run_id, started.reason, started.message, passed)


async def _audit(conn: Connection, tenant_id: UUID, schedule: Schedule, started: Run | _Refusal) -> None:
    """Write what was started into the audit; last in its transaction, as the end of the chain is locked by it."""
    if not isinstance(started, Run):
        return
    connector = await connectors.get(conn, tenant_id=tenant_id, connector_id=schedule.connector_id)
    name = connector.name if connector else str(schedule.connector_id)
    by = await principals.ensure(conn, tenant_id, kind="schedule", name=f"schedule of {name}")
    details = {"connector": name, "mode": schedule.mode, "schedule_id": str(schedule.id)}
    await record(conn, tenant_id, [Entry(by, "run.start", "run", str(started.id), details)])
