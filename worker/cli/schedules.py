"""Verbs of schedules: list, show, set, next, enable, disable, run, delete."""

import argparse
from collections.abc import Sequence
from typing import Any

from worker.actions import schedules as acts
from worker.actions.schedules import Wanted
from worker.cli.arguments import word_of
from worker.cli.context import Desk, acting
from worker.cli.output import facts, say, say_json, show, table
from worker.cli.reconciliation import follow
from worker.domain.errors import InvalidRequest, NotFound
from worker.domain.run import RunMode
from worker.domain.schedule import Frequency, MissedRunPolicy, Schedule
from worker.schedule import Planned, begin_of, blackout_of, blackout_text, zone_of
from worker.store import schedules
from worker.store.sql import Record
from worker.store.tenant import tenant

DAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
NEXT = 5
LAST = 5
COLUMNS = {
    "connector": "connector",
    "when": "when",
    "next": "next run (UTC)",
    "last": "last occurrence (UTC)",
    "outcome": "what became of it",
    "mode": "mode",
}
PLANNED = {"run": "run", "utc": "UTC", "note": "note"}


def list_schedules(options: argparse.Namespace) -> int:
    """Every schedule, the next to run first."""

    async def act(desk: Desk) -> int:
        async with tenant(desk.house.pool, desk.tenant_id) as conn:
            rows = await schedules.page(conn, tenant_id=desk.tenant_id, limit=options.limit)
        shown = [_listed(row) if not options.json else _stored(row) for row in rows]
        show(shown, COLUMNS, as_json=options.json, empty="There is no schedule.")
        return 0

    return acting(options, act)


def show_one(options: argparse.Namespace) -> int:
    """One schedule, its next runs, and what became of its last occurrences."""

    async def act(desk: Desk) -> int:
        await _tell(desk, options.connector, as_json=options.json)
        return 0

    return acting(options, act)


def set_one(options: argparse.Namespace) -> int:
    """Give a connector its schedule, in place of the one it had."""

    async def act(desk: Desk) -> int:
        connector = await desk.connector(options.connector)
        await acts.save(desk.house, desk.principal, connector_id=connector.id, wanted=_wanted(options))
        await _tell(desk, options.connector, as_json=options.json)
        return 0

    return acting(options, act)


def next_runs(options: argparse.Namespace) -> int:
    """The next runs of a schedule as stored or, with options, as it would be; nothing is saved."""

    async def act(desk: Desk) -> int:
        connector = await desk.connector(options.connector)
        if options.frequency is None:
            _, stored = await _stored_of(desk, options.connector)
            wanted = _as_wanted(stored)
        else:
            wanted = _wanted(options)
        found = await acts.foreseen(desk.house, desk.principal, wanted=wanted, connector_id=connector.id, n=options.n)
        _tell_planned(found, timezone=wanted.timezone, as_json=options.json)
        return 0

    return acting(options, act)


def switch(options: argparse.Namespace) -> int:
    """Switch a schedule on or off."""

    async def act(desk: Desk) -> int:
        connector = await desk.connector(options.connector)
        await acts.switch(desk.house, desk.principal, connector_id=connector.id, on=options.on)
        await _tell(desk, options.connector, as_json=options.json)
        return 0

    return acting(options, act)


def run_now(options: argparse.Namespace) -> int:
    """Start now what the schedule would start."""

    async def act(desk: Desk) -> int:
        connector = await desk.connector(options.connector)
        run = await acts.run_now(desk.house, desk.principal, connector_id=connector.id)
        return await follow(desk, run.id, wait=not options.no_wait, as_json=options.json)

    return acting(options, act)


def delete(options: argparse.Namespace) -> int:
    """Delete a schedule; its runs stay."""

    async def act(desk: Desk) -> int:
        connector = await desk.connector(options.connector)
        await acts.delete(desk.house, desk.principal, connector_id=connector.id)
        if options.json:
            say_json({"connector": connector.name, "deleted": True})
        else:
            say(f"The schedule of {connector.name} is deleted. Its runs stay.")
        return 0

    return acting(options, act)


def _wanted(options: argparse.Namespace) -> Wanted:
    if options.frequency is None:
        raise InvalidRequest(f"Say how often with --every: {', '.join(Frequency)}.")
    return Wanted(
        frequency=word_of(Frequency, options.frequency, noun="frequency"),
        mode=word_of(RunMode, options.mode, noun="mode"),
        day_of_week=_weekday(options.weekday),
        day_of_month=options.day,
        hour_of_day=options.hour,
        cron_expression=options.cron,
        timezone=options.timezone,
        missed_run_policy=word_of(MissedRunPolicy, options.missed, noun="policy"),
        jitter_seconds=options.jitter,
        blackouts=tuple(blackout_of(each) for each in options.blackout),
        enabled=not options.off,
    )


def _as_wanted(stored: Schedule) -> Wanted:
    names = ("day_of_week", "day_of_month", "hour_of_day", "cron_expression", "timezone", "missed_run_policy")
    fields = {name: getattr(stored, name) for name in (*names, "jitter_seconds", "blackouts", "enabled")}
    return Wanted(frequency=stored.frequency, mode=RunMode(stored.mode), **fields)


def _weekday(text: str | None) -> int | None:
    if text is None:
        return None
    if text[:3].lower() not in DAYS:
        raise InvalidRequest(f"{text} is no day; there are {', '.join(DAYS)}.")
    return DAYS.index(text[:3].lower())


async def _stored_of(desk: Desk, name: str) -> tuple[Record, Schedule]:
    connector = await desk.connector(name)
    async with tenant(desk.house.pool, desk.tenant_id) as conn:
        rows = await schedules.page(conn, tenant_id=desk.tenant_id, connector_id=connector.id, limit=1)
    if not rows:
        raise NotFound(f"{name} has no schedule; make one with `provisiond schedules set {name} --every …`.")
    return rows[0], schedules.from_row(rows[0])


async def _tell(desk: Desk, name: str, *, as_json: bool) -> None:
    row, stored = await _stored_of(desk, name)
    warning = acts.warning_of(await desk.connector(name), stored)
    async with tenant(desk.house.pool, desk.tenant_id) as conn:
        past = await schedules.occurrences(conn, tenant_id=desk.tenant_id, schedule_id=stored.id, limit=LAST)
    planned = []
    if stored.enabled:
        planned = await acts.foreseen(
            desk.house, desk.principal, wanted=_as_wanted(stored), connector_id=stored.connector_id, n=NEXT
        )
    if as_json:
        told = {"next": _planned_json(planned), "last": [_past_json(each) for each in past], "warning": warning}
        say_json(_stored(row) | told)
        return
    facts(_listed(row) | _rules(stored) | ({"warning": warning} if warning else {}), as_json=False)
    if planned:
        say("\nNext runs:")
        _tell_planned(planned, timezone=stored.timezone, as_json=False)
    if past:
        say("\nWhat became of the last occurrences:")
        table([_past(each) for each in past], {"at": "occurrence (UTC)", "outcome": "what became of it"})


def _tell_planned(planned: Sequence[Planned], *, timezone: str, as_json: bool) -> None:
    if as_json:
        say_json(_planned_json(planned))
        return
    zone = zone_of(timezone)
    rows = [
        {
            "run": f"{each.starts_at.astimezone(zone):%a %Y-%m-%d %H:%M:%S %Z}",
            "utc": f"{each.starts_at:%Y-%m-%d %H:%M:%S}",
            "note": _note(each),
        }
        for each in planned
    ]
    table(rows, {**PLANNED, "run": f"run ({timezone})"})


def _note(planned: Planned) -> str:
    found = [f"for {planned.fire_at:%H:%M} UTC, behind a black-out"] if planned.is_in_blackout else []
    return ", ".join([*found, f"{planned.passed} more go with it"] if planned.passed else found) or "–"


def _planned_json(planned: Sequence[Planned]) -> list[dict[str, Any]]:
    names = ("fire_at", "starts_at", "is_in_blackout", "passed")
    return [{name: getattr(each, name) for name in names} for each in planned]


def _listed(row: Record) -> dict[str, Any]:
    stored = schedules.from_row(row)
    begins = begin_of(stored, fire_at=stored.next_run_at) if stored.next_run_at else None
    return {
        "connector": row["connector_name"],
        "when": acts.in_words(stored),
        "next": begins if stored.enabled else "off",
        "last": row["last_fire_at"],
        "outcome": (row["last_message"] or f"run {row['last_run_status']}") if row["last_fire_at"] else None,
        "mode": row["mode"],
    }


def _rules(stored: Schedule) -> dict[str, Any]:
    return {
        "missed_runs": "one run for all" if stored.missed_run_policy is MissedRunPolicy.ONE else "skipped",
        "jitter": f"up to {stored.jitter_seconds} s" if stored.jitter_seconds else None,
        "black_outs": [blackout_text(each) for each in stored.blackouts],
    }


def _stored(row: Record) -> dict[str, Any]:
    return {name: value for name, value in dict(row).items() if name != "tenant_id"}


def _past(row: Record) -> dict[str, Any]:
    more = f", {row['passed']} more with it" if row["passed"] else ""
    return {"at": row["fire_at"], "outcome": (row["message"] or f"run {row['run_id']} {row['run_status']}") + more}


def _past_json(row: Record) -> dict[str, Any]:
    return {name: value for name, value in dict(row).items() if name not in {"tenant_id", "schedule_id"}}
