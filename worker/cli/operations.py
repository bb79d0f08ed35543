"""``provisiond ops``."""

import argparse
import json
import sys
from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any

from worker.actions import bulk
from worker.actions import operations as acts
from worker.actions.bulk import BulkAction
from worker.cli.arguments import OPERATION, RUN, id_of, moment_of, word_of
from worker.cli.context import Desk, acting
from worker.cli.output import complain, facts, say, say_json, show
from worker.domain.errors import InvalidRequest, NotFound
from worker.domain.operation import OperationStatus, OperationType, Origin
from worker.domain.redaction import shown_payload
from worker.domain.waiting import Blocker, WaitsFor, waits_for
from worker.store import follow_ups, listings, listings_waiting
from worker.store.listings import OperationQuery
from worker.store.tenant import tenant

#: The exit code when something of what was asked could not be done.
NOT_ALL = 4
COLUMNS = {
    "id": "id",
    "status": "status",
    "operation_type": "type",
    "connector_name": "connector",
    "user_name": "who",
    "created_at": "made",
    "error_code": "error",
}
FILTERS = ("status", "connector", "type", "user", "error_code", "run", "since", "until", "q")
#: Sealed values of a payload, and what only our own bookkeeping needs.
HIDDEN = {"secrets"}
INTERNAL = {
    "tenant_id",
    "completed_day",
    "epoch",
    "owner",
    "head",
    "closed",
    "version",
    "seq",
    "crashed_leases",
    "attempts",
    "logs",
    "waits_for",
    "is_counted",
    "urgency",
    "ready_at",
}
#: What is told by its name instead of its id.
NAMES = {"connector_id": "connector_name", "user_id": "user_name"}


def list_operations(options: argparse.Namespace) -> int:
    """List operations."""

    async def act(desk: Desk) -> int:
        where = await query_of(desk, options)
        async with tenant(desk.house.pool, desk.tenant_id) as conn:
            rows = await listings.operations(conn, desk.tenant_id, where=where, limit=options.limit)
        show([_told(dict(row)) for row in rows], COLUMNS, as_json=options.json, empty="No operation matches.")
        return 0

    return acting(options, act)


def show_one(options: argparse.Namespace) -> int:
    """One operation: what it waits for, and its life in order."""

    async def act(desk: Desk) -> int:
        operation_id = id_of(options.id, OPERATION)
        async with tenant(desk.house.pool, desk.tenant_id) as conn:
            row = await listings.operation(conn, desk.tenant_id, operation_id)
            if row is None:
                raise NotFound(f"There is no operation {operation_id}.")
            still = await listings_waiting.standstill(conn, desk.tenant_id, operation_id=operation_id)
            tries = await listings.attempts(conn, desk.tenant_id, operation_id=operation_id)
            lines = await listings.logs(conn, desk.tenant_id, operation_id=operation_id)
            chain = await follow_ups.of_operation(conn, desk.tenant_id, operation_id=operation_id)
        waits = waits_for(still) if still is not None else None
        told = {
            **_told(dict(row)),
            "waits_for": asdict(waits) if waits is not None else None,
            "attempts": [dict(each) for each in tries],
            "logs": [dict(each) for each in lines],
            "follows_from": next((_link(dict(each)) for each in chain if each["made_id"] == operation_id), None),
            "follow_ups": [_link(dict(each)) for each in chain if each["operation_id"] == operation_id],
        }
        if options.json:
            say_json(told)
        else:
            _tell_story(told, waits)
        return 0

    return acting(options, act)


def retry(options: argparse.Namespace) -> int:
    """Try again now."""
    return _many(options, BulkAction.RETRY, "will be tried again")


def cancel(options: argparse.Namespace) -> int:
    """Cancel."""
    return _many(options, BulkAction.CANCEL, "is cancelled")


def resolve(options: argparse.Namespace) -> int:
    """Close dead letters."""
    return _many(options, BulkAction.RESOLVE, "is resolved")


def redrive(options: argparse.Namespace) -> int:
    """Make new operations from dead letters, one of them with a corrected payload."""
    if options.payload is None:
        return _many(options, BulkAction.REDRIVE, "was sent again")
    if len(options.id) != 1 or _has_filters(options):
        raise InvalidRequest("A corrected payload is for one operation: give its id.")
    payload = _payload(options.payload)

    async def act(desk: Desk) -> int:
        made = await acts.redrive(
            desk.house, desk.principal, operation_id=id_of(options.id[0], OPERATION), payload=payload, origin=Origin.API
        )
        result = {"id": options.id[0], "result": f"was sent again as {made}", "redriven_as": made, "error": None}
        _tell_results([result], as_json=options.json)
        return 0

    return acting(options, act)


def _has_filters(options: argparse.Namespace) -> bool:
    return options.expect is not None or any(getattr(options, name) is not None for name in FILTERS)


async def query_of(desk: Desk, options: argparse.Namespace) -> OperationQuery:
    """The filters of a command line; raises InvalidRequest or NotFound for what cannot be."""
    return OperationQuery(
        status=word_of(OperationStatus, options.status, noun="status") if options.status else None,
        operation_type=word_of(OperationType, options.type, noun="type") if options.type else None,
        connector_id=(await desk.connector(options.connector)).id if options.connector else None,
        user_id=await desk.identity(options.user) if options.user else None,
        error_code=options.error_code,
        run_id=id_of(options.run, RUN) if options.run else None,
        from_date=moment_of(options.since) if options.since else None,
        to_date=moment_of(options.until) if options.until else None,
        q=options.q,
    )


def _payload(path: str) -> dict[str, Any]:
    text = sys.stdin.read() if path == "-" else Path(path).read_text(encoding="utf-8")
    try:
        found = json.loads(text)
    except ValueError as error:
        raise InvalidRequest(f"The payload is not JSON: {error}.") from error
    if not isinstance(found, dict):
        raise InvalidRequest("The payload must be a JSON object.")
    return found


def _told(row: Mapping[str, Any]) -> dict[str, Any]:
    told = {name: value for name, value in row.items() if name not in HIDDEN}
    return told | {"payload": shown_payload(row["payload"])} if "payload" in row else told


def _tell_story(operation: Mapping[str, Any], waits: WaitsFor | None) -> None:
    facts(_named(operation), as_json=False)
    if waits is not None:
        say(waiting_sentence(waits))
    for at, line in _life(operation):
        say(f"{at:%Y-%m-%d %H:%M:%S}  {line}")


def _named(operation: Mapping[str, Any]) -> dict[str, Any]:
    """What a person wants to know of it: of target and person the names, where they have one."""
    told = {name: value for name, value in operation.items() if name not in INTERNAL | NAMES.keys()}
    for id_, name in NAMES.items():
        if not operation[name]:
            told[id_] = operation[id_]
    return told


def waiting_sentence(waits: WaitsFor) -> str:
    """What it waits for, in a sentence with what one needs to look further."""
    until = f" until {waits.until:%Y-%m-%d %H:%M:%S}" if waits.until else ""
    behind = f"; {waits.ahead} of the same account go first" if waits.ahead else ""
    match waits.blocker:
        case Blocker.OPERATION:
            return f"It waits behind {waits.ahead} of the same account; the one in front is {waits.id}."
        case Blocker.CASE | Blocker.APPROVAL | Blocker.CONFLICT:
            return f"It waits for a person: {waits.blocker.value} {waits.id or '(unknown)'}{behind}."
        case Blocker.TARGET:
            return f"It waits for its target ({waits.reason or 'closed'}){until}."
        case Blocker.TIME:
            return f"It waits for its next try{until}."
        case Blocker.WORKER:
            return "It waits for a free worker."


def _link(row: Mapping[str, Any]) -> dict[str, Any]:
    """A follow-up without what it was to set: that is with the operation that it became."""
    return {name: value for name, value in row.items() if name not in {"tenant_id", "identity_id", "attributes"}}


def _life(operation: Mapping[str, Any]) -> list[tuple[datetime, str]]:
    """What happened to it, in order: making, tries, log lines, its end."""
    life = [(operation["created_at"], f"accepted: {operation['operation_type']}, origin {operation['origin']}")]
    for each in operation["attempts"]:
        why = " ".join(filter(None, (each["error_code"], each["error_message"])))
        took = f" after {each['duration_ms']} ms" if each["duration_ms"] is not None else ""
        told = f"attempt {each['attempt_number']}: {each['outcome']}{took}" + (f": {why}" if why else "")
        life.append((each["completed_at"], told))
    life += [(line["at"], f"{line['level']}: {line['message']}") for line in operation["logs"]]
    ended = operation.get("completed_at") or operation.get("dead_at")
    if ended:
        life.append((ended, str(operation["status"])))
    return sorted(life, key=lambda each: each[0])


def _many(options: argparse.Namespace, action: BulkAction, done: str) -> int:
    """Do it to the ids given, or to whatever matches the filters given; the exit code tells whether all was done."""
    notes = getattr(options, "notes", "")

    async def act(desk: Desk) -> int:
        if options.id:
            if _has_filters(options):
                raise InvalidRequest("Give ids or filters, not both: which of the two is meant cannot be told.")
            return await _each(desk, options, action, done, notes)
        where = await query_of(desk, options)
        if where == OperationQuery():
            raise InvalidRequest("Say which: ids, or filters such as --status, --connector, --error-code.")
        if options.expect is None:
            found = await bulk.matching(desk.house, desk.principal, action=action, where=where)
            _tell_count({"would_take": found, "action": action.value}, as_json=options.json)
            return 0
        result = await bulk.act_on_matching(
            desk.house,
            desk.principal,
            action=action,
            where=where,
            expected=options.expect,
            notes=notes,
            origin=Origin.API,
        )
        told = {"total": result.total, "succeeded": result.succeeded, "skipped": result.skipped}
        _tell_count({**told, "failed": result.failed, "action": action.value}, as_json=options.json)
        return NOT_ALL if result.succeeded < result.total else 0

    return acting(options, act)


async def _each(desk: Desk, options: argparse.Namespace, action: BulkAction, done: str, notes: str) -> int:
    results: list[dict[str, Any]] = []
    for text in options.id:
        try:
            told = await bulk.act_on(
                desk.house, desk.principal, action=action, ids=[id_of(text, OPERATION)], notes=notes, origin=Origin.API
            )
        except InvalidRequest as error:
            results.append({"id": text, "result": None, "redriven_as": None, "error": str(error)})
            continue
        one = told.results[0]
        sentence = f"{done} as {one.redriven_as}" if one.redriven_as else done
        if one.under_way:
            sentence = "is under way; its daemon is asked to end it"
        results.append(
            {
                "id": text,
                "result": sentence if one.success else None,
                "redriven_as": one.redriven_as,
                "error": one.error,
            }
        )
    _tell_results(results, as_json=options.json)
    return NOT_ALL if any(result["error"] for result in results) else 0


def _tell_results(results: list[dict[str, Any]], *, as_json: bool) -> None:
    if as_json:
        say_json(results)
        return
    for result in results:
        if result["error"]:
            complain(f"{result['id']}: {result['error']}")
        else:
            say(f"{result['id']} {result['result']}")


def _tell_count(told: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        say_json(told)
    elif told.get("would_take") == 0:
        say(f"No operation matches that {told['action']} could be done to.")
    elif "would_take" in told:
        say(f"{told['would_take']} match; to {told['action']} them, say so again with --expect {told['would_take']}.")
    else:
        say(f"{told['succeeded']} of {told['total']} done, {told['skipped']} skipped, {told['failed']} failed.")
