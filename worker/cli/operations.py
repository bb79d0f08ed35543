"""``provisiond ops``."""

import argparse
from collections.abc import Awaitable, Callable, Mapping
from typing import Any
from uuid import UUID

from worker.actions import operations as acts
from worker.cli.arguments import id_of, word_of
from worker.cli.context import Desk, acting
from worker.cli.output import complain, facts, say, say_json, show
from worker.domain.errors import NotFound, RequestError
from worker.domain.operation import OperationStatus, Origin
from worker.store import listings, operations
from worker.store.tenant import tenant

COLUMNS = {
    "id": "id",
    "status": "status",
    "operation_type": "type",
    "connector_name": "connector",
    "user_name": "who",
    "created_at": "made",
    "error_code": "error",
}
#: Sealed values of a payload, and what only our own bookkeeping needs.
HIDDEN = {"secrets"}
INTERNAL = {
    "tenant_id",
    "completed_day",
    "epoch",
    "owner",
    "head",
    "version",
    "seq",
    "crashed_leases",
    "attempts",
    "logs",
}


def list_operations(options: argparse.Namespace) -> int:
    """List operations."""

    async def act(desk: Desk) -> int:
        status = word_of(OperationStatus, options.status, noun="status") if options.status else None
        connector_id = (await desk.connector(options.connector)).id if options.connector else None
        where = listings.OperationQuery(status=status, connector_id=connector_id)
        async with tenant(desk.house.pool, desk.tenant_id) as conn:
            rows = await listings.operations(conn, desk.tenant_id, where=where, limit=options.limit)
        show([_told(dict(row)) for row in rows], COLUMNS, as_json=options.json, empty="No operation matches.")
        return 0

    return acting(options, act)


def show_one(options: argparse.Namespace) -> int:
    """One operation with its attempts and its log."""

    async def act(desk: Desk) -> int:
        operation_id = id_of(options.id)
        async with tenant(desk.house.pool, desk.tenant_id) as conn:
            row = await operations.find(conn, desk.tenant_id, operation_id)
            if row is None:
                raise NotFound(f"There is no operation {operation_id}.")
            tries = await listings.attempts(conn, desk.tenant_id, operation_id=operation_id)
            lines = await listings.logs(conn, desk.tenant_id, operation_id=operation_id)
        told = {**_told(dict(row)), "attempts": [dict(each) for each in tries], "logs": [dict(each) for each in lines]}
        if options.json:
            say_json(told)
        else:
            _tell_story(told)
        return 0

    return acting(options, act)


def retry(options: argparse.Namespace) -> int:
    """Try again now."""

    async def one(desk: Desk, operation_id: UUID) -> str:
        await acts.retry(desk.house, desk.principal, operation_id=operation_id)
        return "will be tried again"

    return _each(options, one)


def cancel(options: argparse.Namespace) -> int:
    """Cancel."""

    async def one(desk: Desk, operation_id: UUID) -> str:
        is_over = await acts.cancel(desk.house, desk.principal, operation_id=operation_id)
        return "is cancelled" if is_over else "is under way; its daemon is asked to end it"

    return _each(options, one)


def redrive(options: argparse.Namespace) -> int:
    """Make new operations from dead letters."""

    async def one(desk: Desk, operation_id: UUID) -> str:
        made = await acts.redrive(
            desk.house, desk.principal, operation_id=operation_id, payload=None, origin=Origin.API
        )
        return f"was sent again as {made}"

    return _each(options, one)


def resolve(options: argparse.Namespace) -> int:
    """Close dead letters."""

    async def one(desk: Desk, operation_id: UUID) -> str:
        await acts.resolve(desk.house, desk.principal, operation_id=operation_id, notes=options.notes)
        return "is resolved"

    return _each(options, one)


def _told(row: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name not in HIDDEN}


def _tell_story(operation: Mapping[str, Any]) -> None:
    facts({name: value for name, value in operation.items() if name not in INTERNAL}, as_json=False)
    for each in operation["attempts"]:
        why = " ".join(filter(None, (each["error_code"], each["error_message"])))
        took = f" after {each['duration_ms']} ms" if each["duration_ms"] is not None else ""
        say(f"attempt {each['attempt_number']}: {each['outcome']}{took}" + (f": {why}" if why else ""))
    for line in operation["logs"]:
        say(f"{line['at']:%H:%M:%S} {line['level']}: {line['message']}")


def _each(options: argparse.Namespace, one: Callable[[Desk, UUID], Awaitable[str]]) -> int:
    """Do it to every id; what cannot be done is said, and the exit code tells."""

    async def act(desk: Desk) -> int:
        results = [await _attempted(desk, text, one) for text in options.id]
        if options.json:
            say_json(results)
        else:
            for result in results:
                if result["error"]:
                    complain(f"{result['id']}: {result['error']}")
                else:
                    say(f"{result['id']} {result['result']}")
        return 4 if any(result["error"] for result in results) else 0

    return acting(options, act)


async def _attempted(desk: Desk, text: str, one: Callable[[Desk, UUID], Awaitable[str]]) -> dict[str, str | None]:
    try:
        return {"id": text, "result": await one(desk, id_of(text)), "error": None}
    except RequestError as error:
        return {"id": text, "result": None, "error": str(error)}
