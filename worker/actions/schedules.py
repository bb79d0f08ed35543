"""What people do with schedules: look ahead, save, switch on and off, run now, delete."""

from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from worker.actions import runs
from worker.actions.deltas import why_no_delta
from worker.actions.house import Act, House, acting, refuse_outdated, refuse_unstorable
from worker.domain.connector import Connector
from worker.domain.errors import InvalidRequest, NotFound, WrongState
from worker.domain.ids import uuid7
from worker.domain.run import Run, RunMode
from worker.domain.schedule import Blackout, Frequency, MissedRunPolicy, PastOccurrence, Schedule
from worker.schedule import GIVEN_UP, Planned, change_of, check_schedule, foresee
from worker.security import Principal, Role, require
from worker.store import connectors, due_work, schedules
from worker.store.pool import Connection
from worker.store.tenant import tenant

MOST_FORESEEN = 50


@dataclass(frozen=True, slots=True)
class Wanted:
    """A schedule as somebody wants it; the fields are those of ``Schedule``."""

    frequency: Frequency
    mode: RunMode = RunMode.FULL
    day_of_week: int | None = None
    day_of_month: int | None = None
    hour_of_day: int | None = None
    cron_expression: str | None = None
    timezone: str = "UTC"
    missed_run_policy: MissedRunPolicy = MissedRunPolicy.ONE
    jitter_seconds: int = 0
    blackouts: tuple[Blackout, ...] = ()
    enabled: bool = True

    def of(self, connector_id: UUID) -> Schedule:
        """As a schedule of a connector; fields that its frequency does not use are left out."""
        return Schedule(
            id=uuid7(),
            connector_id=connector_id,
            frequency=self.frequency,
            mode=self.mode.value,
            day_of_week=self.day_of_week if self.frequency is Frequency.WEEKLY else None,
            day_of_month=self.day_of_month if self.frequency is Frequency.MONTHLY else None,
            hour_of_day=self.hour_of_day if self.frequency in _HOURS else None,
            cron_expression=_tidy(self.cron_expression) if self.frequency is Frequency.CRON else None,
            timezone=self.timezone,
            missed_run_policy=self.missed_run_policy,
            jitter_seconds=self.jitter_seconds,
            blackouts=self.blackouts,
            enabled=self.enabled,
        )


_DAYS = ("Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday")
_HOURS = {Frequency.DAILY, Frequency.WEEKLY, Frequency.MONTHLY}


def in_words(schedule: Schedule) -> str:
    """When a schedule occurs, for people."""
    at = f"at {schedule.hour_of_day or 0:02d}:00 {schedule.timezone}"
    match schedule.frequency:
        case Frequency.HOURLY:
            return "every hour"
        case Frequency.DAILY:
            return f"daily {at}"
        case Frequency.WEEKLY:
            return f"every {_DAYS[schedule.day_of_week or 0]} {at}"
        case Frequency.MONTHLY:
            return f"on day {schedule.day_of_month or 1} of each month {at}"
        case Frequency.CRON:
            return f"by the cron expression {schedule.cron_expression} ({schedule.timezone})"


def warning_of(connector: Connector | None, schedule: Schedule) -> str | None:
    """Why a stored schedule does not do what people expect of it, in a sentence; None when it does.

    It could not be saved like that today: its connector was another, or could do more, when it was.
    """
    why = why_no_delta(connector) if connector and schedule.mode == RunMode.DELTA else None
    return f"{why[0].upper()}{why[1:]}." if why else None


async def foreseen(
    house: House, principal: Principal, *, wanted: Wanted, connector_id: UUID | None = None, n: int = 5
) -> list[Planned]:
    """The next ``n`` runs of a schedule that nobody saved yet; as a connector's, for jitter differs by connector.

    Raises InvalidRequest with every mistake.
    """
    require(principal.roles, Role.VIEWER)
    schedule = _sound(wanted, connector_id or UUID(int=0))
    async with tenant(house.pool, principal.tenant_id) as conn:
        now = await schedules.now(conn)
    return foresee(schedule, after=now, n=min(n, MOST_FORESEEN))


async def save(
    house: House, principal: Principal, *, connector_id: UUID, wanted: Wanted, seen: int | None = None
) -> None:
    """Give a connector its schedule, in place of the one it had.

    What is due stays due unless the times are others: then it is recorded as skipped. Raises NotFound, InvalidRequest
    with every mistake, Outdated.
    """
    async with acting(house, principal, Role.ADMIN) as act:
        connector = await _connector(act.conn, act.tenant_id, connector_id)
        schedule = _sound(wanted, connector_id)
        stored = await schedules.lock_of_connector(act.conn, tenant_id=act.tenant_id, connector_id=connector_id)
        refuse_outdated(stored.version if stored else 0, seen=seen)
        if stored is not None:
            schedule = replace(schedule, id=stored.id)
        _refuse_blind(connector, schedule)
        await _store(act, stored, schedule)
        act.note("schedule.save", "schedule", schedule.id, connector=connector.name, **_told(schedule))


async def switch(house: House, principal: Principal, *, connector_id: UUID, on: bool, seen: int | None = None) -> bool:
    """Switch a schedule on or off; whether that changed anything. Raises NotFound, Outdated."""
    async with acting(house, principal, Role.OPERATOR) as act:
        connector, stored = await _the_schedule(act, connector_id, seen=seen)
        if stored.enabled != on:
            if on:
                _refuse_blind(connector, stored)
            await _store(act, stored, replace(stored, enabled=on))
        act.note("schedule.enable" if on else "schedule.disable", "schedule", stored.id, connector=connector.name)
    return stored.enabled != on


async def delete(house: House, principal: Principal, *, connector_id: UUID, seen: int | None = None) -> None:
    """Delete a schedule and the record of its occurrences; its runs stay. Raises NotFound, Outdated."""
    async with acting(house, principal, Role.ADMIN) as act:
        connector, stored = await _the_schedule(act, connector_id, seen=seen)
        await schedules.delete(act.conn, tenant_id=act.tenant_id, schedule_id=stored.id)
        await due_work.forget(act.conn, act.tenant_id, due_work.Kind.SCHEDULE, stored.id)
        act.note("schedule.delete", "schedule", stored.id, connector=connector.name, **_told(stored))


async def run_now(house: House, principal: Principal, *, connector_id: UUID) -> Run:
    """Start what the schedule would start, beside its times. Raises NotFound, WrongState."""
    require(principal.roles, Role.OPERATOR)
    async with tenant(house.pool, principal.tenant_id) as conn:
        connector = await _connector(conn, principal.tenant_id, connector_id)
        schedule = await schedules.of_connector(conn, tenant_id=principal.tenant_id, connector_id=connector_id)
    if schedule is None:
        raise NotFound("This connector has no schedule.")
    mode = RunMode(schedule.mode) if connector.is_target else RunMode.FULL
    return await runs.start(house, principal, connector_id=connector_id, mode=mode)


async def _store(act: Act, stored: Schedule | None, schedule: Schedule) -> None:
    now = await schedules.now(act.conn)
    known: dict[str, Any] = {"tenant_id": act.tenant_id, "schedule_id": schedule.id}
    last = await schedules.last_decided(act.conn, **known)
    if schedule.enabled and (mistakes := check_schedule(schedule)):
        raise _invalid(mistakes)
    change = change_of(stored, schedule, now=now, last=last)
    if change.given_up and stored and stored.next_run_at:
        what = PastOccurrence(stored.next_run_at, now, reason=change.given_up, message=GIVEN_UP[change.given_up])
        await schedules.decided(act.conn, what, **known, next_run_at=change.next_run_at)
    await schedules.put(act.conn, replace(schedule, next_run_at=change.next_run_at), tenant_id=act.tenant_id)
    if change.next_run_at is None:
        await due_work.forget(act.conn, act.tenant_id, due_work.Kind.SCHEDULE, schedule.id)
    else:
        # Looked at once: whoever ticks then sleeps until the run begins.
        await due_work.ask(act.conn, act.tenant_id, due_work.Kind.SCHEDULE, schedule.id)


async def _the_schedule(act: Act, connector_id: UUID, *, seen: int | None) -> tuple[Connector, Schedule]:
    connector = await _connector(act.conn, act.tenant_id, connector_id)
    stored = await schedules.lock_of_connector(act.conn, tenant_id=act.tenant_id, connector_id=connector_id)
    if stored is None:
        raise NotFound(f"{connector.name} has no schedule.")
    refuse_outdated(stored.version, seen=seen)
    return connector, stored


async def _connector(conn: Connection, tenant_id: UUID, connector_id: UUID) -> Connector:
    found = await connectors.get(conn, tenant_id=tenant_id, connector_id=connector_id)
    if found is None:
        raise NotFound(f"There is no connector {connector_id}.")
    if not (found.is_target or found.is_source):
        raise WrongState(f"{found.name} is neither a target nor a source: there is nothing to run.")
    return found


def _refuse_blind(connector: Connector, schedule: Schedule) -> None:
    why = why_no_delta(connector) if schedule.mode == RunMode.DELTA else None
    if why:
        raise _invalid((("mode", why),))


def _sound(wanted: Wanted, connector_id: UUID) -> Schedule:
    refuse_unstorable("timezone", wanted.timezone)
    refuse_unstorable("cron_expression", wanted.cron_expression)
    schedule = wanted.of(connector_id)
    if mistakes := check_schedule(schedule):
        raise _invalid(mistakes)
    return schedule


def _invalid(mistakes: tuple[tuple[str, str], ...]) -> InvalidRequest:
    said = "; ".join(f"{field}: {what}" for field, what in mistakes)
    return InvalidRequest(
        said if said.endswith("?") else f"{said}.",
        members={"mistakes": [{"where": field, "what": what} for field, what in mistakes]},
    )


def _told(schedule: Schedule) -> dict[str, Any]:
    """What the audit keeps."""
    at = schedule.cron_expression if schedule.frequency is Frequency.CRON else schedule.hour_of_day
    return {
        "frequency": schedule.frequency.value,
        "at": at,
        "timezone": schedule.timezone,
        "mode": schedule.mode,
        "enabled": schedule.enabled,
    }


def _tidy(expression: str | None) -> str | None:
    return " ".join(expression.split()) if expression is not None else None
