"""``provisiond ops conflicts``."""

import argparse
from typing import Any
from uuid import UUID

from worker.actions import conflicts as acts
from worker.cli.arguments import CONFLICT, OPERATION, id_of, word_of
from worker.cli.context import Desk, acting
from worker.cli.output import facts, say, say_json, show
from worker.domain.conflict import ConflictOutcome, ConflictStatus, ConflictType
from worker.domain.errors import NotFound
from worker.store import conflicts
from worker.store.conflicts import ConflictQuery
from worker.store.sql import Record
from worker.store.tenant import tenant

COLUMNS = {
    "id": "id",
    "status": "status",
    "conflict_type": "type",
    "connector_name": "connector",
    "subject_name": "who",
    "affected_attributes": "attributes",
    "outcome": "outcome",
    "created_at": "found",
}
#: What a person is told by other words.
INTERNAL = {"tenant_id", "connector_id", "identity_id"}


def list_conflicts(options: argparse.Namespace) -> int:
    """List conflicts."""

    async def act(desk: Desk) -> int:
        where = ConflictQuery(
            status=word_of(ConflictStatus, options.status, noun="status") if options.status else None,
            conflict_type=word_of(ConflictType, options.type, noun="type") if options.type else None,
            connector_id=(await desk.connector(options.connector)).id if options.connector else None,
            operation_id=id_of(options.operation, OPERATION) if options.operation else None,
        )
        async with tenant(desk.house.pool, desk.tenant_id) as conn:
            rows = await conflicts.page(conn, desk.tenant_id, where=where, limit=options.limit)
        show([dict(row) for row in rows], COLUMNS, as_json=options.json, empty="No conflict matches.")
        return 0

    return acting(options, act)


def show_one(options: argparse.Namespace) -> int:
    """One conflict."""

    async def act(desk: Desk) -> int:
        _tell(await _found(desk, id_of(options.id, CONFLICT)), as_json=options.json)
        return 0

    return acting(options, act)


def resolve(options: argparse.Namespace) -> int:
    """Settle one that waits for a person."""

    async def act(desk: Desk) -> int:
        conflict_id = id_of(options.id, CONFLICT)
        outcome = word_of(ConflictOutcome, options.outcome, noun="outcome")
        await acts.resolve(desk.house, desk.principal, conflict_id=conflict_id, outcome=outcome, notes=options.notes)
        if options.json:
            say_json(dict(await _found(desk, conflict_id)))
        else:
            say(f"{conflict_id} is resolved: {outcome.value}.")
        return 0

    return acting(options, act)


async def _found(desk: Desk, conflict_id: UUID) -> Record:
    async with tenant(desk.house.pool, desk.tenant_id) as conn:
        row = await conflicts.get(conn, desk.tenant_id, conflict_id)
    if row is None:
        raise NotFound(f"There is no conflict {conflict_id}.")
    return row


def _tell(row: Record, *, as_json: bool) -> None:
    told: dict[str, Any] = dict(row)
    facts(told if as_json else {name: told[name] for name in told if name not in INTERNAL}, as_json=as_json)
