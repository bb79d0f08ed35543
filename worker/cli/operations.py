"""``provisiond ops``."""

import argparse
from collections.abc import Awaitable, Callable
from uuid import UUID

from worker.actions import operations as acts
from worker.cli.context import Desk, acting
from worker.cli.output import console, errors, facts, say_json, show
from worker.domain.errors import InvalidRequest, NotFound, RequestError
from worker.domain.operation import OperationStatus, Origin
from worker.store import connectors, listings, operations
from worker.store.tenant import tenant

COLUMNS = ("id", "operation_type", "status", "connector_name", "target_uid", "error_code", "retry_count", "created_at")


def list_operations(options: argparse.Namespace) -> int:
    """List operations."""

    async def act(desk: Desk) -> int:
        status = _status(options.status)
        async with tenant(desk.house.pool, desk.tenant_id) as conn:
            connector_id = None
            if options.connector:
                found = await connectors.by_name(conn, tenant_id=desk.tenant_id, name=options.connector)
                if found is None:
                    raise NotFound(f"There is no connector {options.connector}.")
                connector_id = found.id
            where = listings.OperationQuery(status=status, connector_id=connector_id)
            rows = await listings.operations(conn, desk.tenant_id, where=where, before=None, limit=options.limit)
        show([dict(row) for row in rows], COLUMNS, as_json=options.json, empty="No operation matches.")
        return 0

    return acting(options, act)


def show_operation(desk_row: dict[str, object], *, as_json: bool) -> None:
    """One operation, without what is nobody's business."""
    facts({name: value for name, value in desk_row.items() if name != "secrets"}, as_json=as_json)


def show_one(options: argparse.Namespace) -> int:
    """One operation with its attempts and its log."""

    async def act(desk: Desk) -> int:
        operation_id = _id(options.id)
        async with tenant(desk.house.pool, desk.tenant_id) as conn:
            row = await operations.find(conn, desk.tenant_id, operation_id)
            if row is None:
                raise NotFound(f"There is no operation {operation_id}.")
            tries = await listings.attempts(conn, desk.tenant_id, operation_id=operation_id)
            lines = await listings.logs(conn, desk.tenant_id, operation_id=operation_id)
        if options.json:
            found = {k: v for k, v in dict(row).items() if k != "secrets"}
            say_json({**found, "attempts": [dict(t) for t in tries], "logs": [dict(line) for line in lines]})
            return 0
        show_operation(dict(row), as_json=False)
        for each in tries:
            console.print(
                f"attempt {each['attempt_number']}: {each['outcome']} after {each['duration_ms']} ms "
                f"{each['error_code'] or ''} {each['error_message'] or ''}",
                markup=False,
            )
        for line in lines:
            console.print(f"{line['at']:%H:%M:%S} {line['level']}: {line['message']}", markup=False)
        return 0

    return acting(options, act)


def retry(options: argparse.Namespace) -> int:
    """Try again now."""
    return _each(
        options, lambda desk, op: acts.retry(desk.house, desk.principal, operation_id=op), "will be tried again"
    )


def cancel(options: argparse.Namespace) -> int:
    """Cancel."""
    return _each(options, lambda desk, op: acts.cancel(desk.house, desk.principal, operation_id=op), "is cancelled")


def redrive(options: argparse.Namespace) -> int:
    """Make new operations from dead letters."""

    def act(desk: Desk, op: UUID) -> Awaitable[object]:
        return acts.redrive(desk.house, desk.principal, operation_id=op, payload=None, origin=Origin.API)

    return _each(options, act, "was sent again")


def resolve(options: argparse.Namespace) -> int:
    """Close dead letters."""

    def act(desk: Desk, op: UUID) -> Awaitable[object]:
        return acts.resolve(desk.house, desk.principal, operation_id=op, notes=options.notes)

    return _each(options, act, "is resolved")


def _each(options: argparse.Namespace, one: Callable[[Desk, UUID], Awaitable[object]], done: str) -> int:
    """Do it to every id; what cannot be done is said, and the exit code tells."""

    async def act(desk: Desk) -> int:
        failures = 0
        for text in options.id:
            try:
                result = await one(desk, _id(text))
            except RequestError as error:
                failures += 1
                errors.print(f"{text}: {error}", markup=False)
                continue
            console.print(f"{text} {done}" + (f" as {result}" if isinstance(result, UUID) else ""), markup=False)
        return 4 if failures else 0

    return acting(options, act)


def _id(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError as error:
        raise InvalidRequest(f"{text} is not an id.") from error


def _status(text: str | None) -> OperationStatus | None:
    if text is None:
        return None
    try:
        return OperationStatus(text)
    except ValueError as error:
        raise InvalidRequest(f"{text} is not a status; there are {', '.join(OperationStatus)}.") from error
