"""Starting what is due by the clock. No leader: whoever looks first locks the schedule, and its run is unique."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import structlog

from worker.domain.run import RunKind, RunMode, RunTrigger
from worker.domain.schedule import Schedule
from worker.schedule.calendar import decide, jitter_of
from worker.security import Entry, record
from worker.store import connectors, due_work, principals, runs, schedules
from worker.store.pool import Connection, Pool
from worker.store.tenant import tenant

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Ticked:
    """What one look at a schedule led to."""

    started: UUID | None = None
    skipped: str | None = None
    connector: str = ""


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
            start_at = schedule.next_run_at + jitter_of(schedule, fire_at=schedule.next_run_at)
            if start_at > now:
                await self._sleep(conn, tenant_id, schedule_id, start_at)
                return Ticked()
            return await self._fire(conn, tenant_id, schedule, due_at=schedule.next_run_at, now=now)

    async def _fire(
        self, conn: Connection, tenant_id: UUID, schedule: Schedule, *, due_at: datetime, now: datetime
    ) -> Ticked:
        decision = decide(schedule, due_at=due_at, now=now)
        ticked = Ticked(skipped="The occurrence was missed, and missed runs are skipped.")
        if decision.fire_at is not None:
            ticked = await self._start(conn, tenant_id, schedule, fire_at=decision.fire_at)
        await schedules.fired(
            conn,
            tenant_id=tenant_id,
            schedule_id=schedule.id,
            fired_at=due_at,
            next_run_at=decision.next_at,
            skip_reason=ticked.skipped,
        )
        await self._sleep(conn, tenant_id, schedule.id, decision.next_at)
        await _audit(conn, tenant_id, schedule, ticked)
        log.info("schedule.fired", schedule_id=str(schedule.id), run_id=str(ticked.started), skipped=ticked.skipped)
        return ticked

    async def _start(self, conn: Connection, tenant_id: UUID, schedule: Schedule, *, fire_at: datetime) -> Ticked:
        connector = await connectors.get(conn, tenant_id=tenant_id, connector_id=schedule.connector_id)
        if connector is None:
            return Ticked(skipped="The connector does not exist any more.")
        if connector.closed_because:
            return Ticked(skipped=connector.closed_because)
        run = await runs.insert(
            conn,
            tenant_id=tenant_id,
            connector_id=connector.id,
            kind=RunKind.RECONCILIATION if connector.is_target else RunKind.IMPORT,
            mode=RunMode(schedule.mode),
            trigger=RunTrigger.SCHEDULED,
            schedule_id=schedule.id,
            fire_at=fire_at,
        )
        if run is None:
            return Ticked(skipped="A run of this connector was not over yet.")
        return Ticked(run.id, connector=connector.name)

    async def _sleep(self, conn: Connection, tenant_id: UUID, schedule_id: UUID, until: datetime) -> None:
        await due_work.settle(conn, tenant_id, due_work.Kind.SCHEDULE, schedule_id, next_due=until)


async def _audit(conn: Connection, tenant_id: UUID, schedule: Schedule, ticked: Ticked) -> None:
    """Write what was started into the audit; last in its transaction, as the end of the chain is locked by it."""
    if ticked.started is None:
        return
    by = await principals.ensure(conn, tenant_id, kind="schedule", name=f"schedule of {ticked.connector}")
    details = {"connector": ticked.connector, "mode": schedule.mode, "schedule_id": str(schedule.id)}
    await record(conn, tenant_id, [Entry(by, "run.start", "run", str(ticked.started), details)])
