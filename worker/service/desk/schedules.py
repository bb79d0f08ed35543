"""The console's schedules: what there is, what would come, and verbs answered in words."""

from collections.abc import Mapping
from datetime import UTC
from typing import Any
from uuid import UUID

from worker.actions import House
from worker.actions import schedules as acts
from worker.actions.schedules import Wanted
from worker.console import ActResult, OccurrenceRow, PlannedRun, ScheduleAhead, ScheduleRow, ScheduleView
from worker.console import Principal as Person
from worker.domain.errors import InvalidRequest
from worker.domain.run import RunMode
from worker.domain.schedule import Blackout, Frequency, MissedRunPolicy, Schedule
from worker.schedule import (
    Planned,
    begin_of,
    blackout_of,
    blackout_text,
    check_schedule,
    foresee,
    zone_names,
    zone_of,
)
from worker.service.desk.briefs import brief_of
from worker.service.desk.saying import principal_of, said
from worker.store import connectors, listings_targets, schedules
from worker.store.sql import Record
from worker.store.tenant import tenant

_SHOWN = 500
_PAST = 20
_NUMBERS = ("hour_of_day", "day_of_week", "day_of_month", "jitter_seconds")
_NEW = {"frequency": "daily", "hour_of_day": "2", "timezone": "UTC", "jitter_seconds": "0", "enabled": "true"}
_LAST = {
    "fire_at": "last_fire_at",
    "message": "last_message",
    "run_id": "last_run_id",
    "run_status": "last_run_status",
    "passed": "last_passed",
}


class Schedules:
    """What pages of schedules read and do, over this house."""

    def __init__(self, house: House) -> None:
        self._house = house

    async def schedules(self, tenant_id: UUID) -> tuple[ScheduleRow, ...]:
        async with tenant(self._house.pool, tenant_id) as conn:
            rows = await schedules.page(conn, tenant_id=tenant_id, limit=_SHOWN)
            known = {row["id"]: row for row in await listings_targets.connectors(conn, tenant_id)}
        return tuple(_row(row, known[row["connector_id"]]) for row in rows if row["connector_id"] in known)

    async def schedule(self, tenant_id: UUID, *, connector_id: UUID) -> ScheduleView | None:
        async with tenant(self._house.pool, tenant_id) as conn:
            found = await listings_targets.connectors(conn, tenant_id, connector_id=connector_id)
            if not found:
                return None
            brief = brief_of(found[0])
            rows = await schedules.page(conn, tenant_id=tenant_id, connector_id=connector_id, limit=1)
            if not rows:
                return ScheduleView(connector=brief, fields=_NEW, zones=zone_names())
            stored, now = schedules.from_row(rows[0]), await schedules.now(conn)
            past = await schedules.occurrences(conn, tenant_id=tenant_id, schedule_id=stored.id, limit=_PAST)
            connector = await connectors.get(conn, tenant_id=tenant_id, connector_id=connector_id)
        mistakes = dict(check_schedule(stored))
        planned = [] if mistakes or not stored.enabled else foresee(stored, after=now)
        return ScheduleView(
            connector=brief,
            fields=_fields(stored),
            zones=zone_names(),
            row=_row(rows[0], found[0]),
            warning=acts.warning_of(connector, stored),
            ahead=ScheduleAhead(planned=_planned(planned, stored.timezone), mistakes=mistakes),
            past=tuple(OccurrenceRow(**{name: row[name] for name in _LAST}) for row in past),
        )

    async def look_ahead(self, principal: Person, *, connector_id: UUID, fields: Mapping[str, str]) -> ScheduleAhead:
        who = principal_of(principal)
        try:
            wanted = _wanted(fields)
            planned = await acts.foreseen(self._house, who, wanted=wanted, connector_id=connector_id)
        except InvalidRequest as error:
            told = error.fields.get("members", {}).get("mistakes", [])
            return ScheduleAhead(mistakes={each["where"]: each["what"] for each in told})
        return ScheduleAhead(planned=_planned(planned, wanted.timezone))

    async def save_schedule(
        self, principal: Person, *, connector_id: UUID, fields: Mapping[str, str], seen: int | None
    ) -> ActResult:
        async def act() -> ActResult:
            who, wanted = principal_of(principal), _wanted(fields)
            await acts.save(self._house, who, connector_id=connector_id, wanted=wanted, seen=seen)
            return ActResult("The schedule is saved." if wanted.enabled else "The schedule is saved. It is off.")

        return await said(act)

    async def switch_schedule(self, principal: Person, *, connector_id: UUID, on: bool, seen: int | None) -> ActResult:
        async def act() -> ActResult:
            who = principal_of(principal)
            await acts.switch(self._house, who, connector_id=connector_id, on=on, seen=seen)
            return ActResult("The schedule is on." if on else "The schedule is off: nothing starts by itself.")

        return await said(act)

    async def delete_schedule(self, principal: Person, *, connector_id: UUID, seen: int | None) -> ActResult:
        async def act() -> ActResult:
            await acts.delete(self._house, principal_of(principal), connector_id=connector_id, seen=seen)
            return ActResult("The schedule is deleted. Its runs stay.")

        return await said(act)

    async def run_schedule(self, principal: Person, *, connector_id: UUID) -> ActResult:
        async def act() -> ActResult:
            run = await acts.run_now(self._house, principal_of(principal), connector_id=connector_id)
            return ActResult("The run starts.", link=f"/connectors/{connector_id}/reconciliation/runs/{run.id}")

        return await said(act)


def _row(row: Record, connector: Record) -> ScheduleRow:
    stored = schedules.from_row(row)
    is_sound = stored.next_run_at is not None and not check_schedule(stored)
    starts_at = begin_of(stored, fire_at=stored.next_run_at) if stored.next_run_at and is_sound else None
    last = OccurrenceRow(**{name: row[column] for name, column in _LAST.items()}) if row["last_fire_at"] else None
    return ScheduleRow(
        connector=brief_of(connector),
        when=acts.in_words(stored),
        mode=stored.mode,
        enabled=stored.enabled,
        starts_at=starts_at,
        local=f"{starts_at.astimezone(zone_of(stored.timezone)):%a %Y-%m-%d %H:%M %Z}" if starts_at else None,
        version=stored.version,
        last=last,
    )


def _planned(planned: list[Planned], timezone: str) -> tuple[PlannedRun, ...]:
    zone = zone_of(timezone)
    return tuple(
        PlannedRun(
            starts_at=each.starts_at.astimezone(UTC),
            local=f"{each.starts_at.astimezone(zone):%a %Y-%m-%d %H:%M:%S %Z}",
            fire_at=each.fire_at,
            is_in_blackout=each.is_in_blackout,
            passed=each.passed,
        )
        for each in planned
    )


def _fields(stored: Schedule) -> dict[str, str]:
    """What the form begins with."""
    numbers = {name: getattr(stored, name) for name in _NUMBERS}
    return {
        **{name: "" if value is None else str(value) for name, value in numbers.items()},
        "frequency": stored.frequency.value,
        "cron_expression": stored.cron_expression or "",
        "timezone": stored.timezone,
        "mode": stored.mode,
        "missed_run_policy": stored.missed_run_policy.value,
        "blackouts": "\n".join(blackout_text(each) for each in stored.blackouts),
        "enabled": "true" if stored.enabled else "",
    }


def _wanted(fields: Mapping[str, str]) -> Wanted:
    """The schedule of a form. Raises InvalidRequest with the mistakes by field, as the verbs do."""
    mistakes: dict[str, str] = {}
    numbers: dict[str, Any] = {name: _number(name, fields.get(name, ""), mistakes) for name in _NUMBERS}
    blackouts = _blackouts(fields.get("blackouts", ""), mistakes)
    chosen = _chosen(fields, mistakes)
    if mistakes:
        told = [{"where": name, "what": what} for name, what in mistakes.items()]
        raise InvalidRequest("Some of it cannot be read.", members={"mistakes": told})
    jitter = numbers.pop("jitter_seconds")
    return Wanted(
        **chosen,
        **numbers,
        jitter_seconds=jitter or 0,
        blackouts=blackouts,
        cron_expression=fields.get("cron_expression") or None,
        timezone=fields.get("timezone") or "UTC",
        enabled=fields.get("enabled") == "true",
    )


def _number(name: str, text: str, mistakes: dict[str, str]) -> int | None:
    if not text:
        return None
    if not text.lstrip("-").isdecimal() or len(text) > 9:
        mistakes[name] = "must be a number"
        return None
    return int(text)


def _blackouts(text: str, mistakes: dict[str, str]) -> tuple[Blackout, ...]:
    try:
        return tuple(blackout_of(line) for line in text.splitlines() if line.strip())
    except InvalidRequest as error:
        mistakes["blackouts"] = str(error)
        return ()


def _chosen(fields: Mapping[str, str], mistakes: dict[str, str]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, kind in (("frequency", Frequency), ("mode", RunMode), ("missed_run_policy", MissedRunPolicy)):
        word = fields.get(name) or ("full" if name == "mode" else "one")
        if word in set(kind):
            found[name] = kind(word)
        else:
            mistakes[name] = "must be chosen"
    return found
