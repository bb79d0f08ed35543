"""First operations of accounts that nobody knows yet: the account row and the operation at its head are one insert.

Nobody else can know such a lane, so it needs no lock and no look at what waits there. What is wanted travels once: most
creations say just that.
"""

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple
from uuid import UUID

from worker.domain import sealing
from worker.domain.operation import NewOperation, Origin
from worker.store import operations
from worker.store.pool import Connection


class _Shared(NamedTuple):
    """What operations of one statement have in common."""

    connector_id: UUID
    object_class: str
    mapping_version: int | None
    origin: Origin
    run_id: UUID | None
    priority: int
    max_retries: int


async def open_lanes(conn: Connection, tenant_id: UUID, wanted: Sequence[NewOperation]) -> tuple[UUID, ...]:
    """Queue operations and make their account rows; the ids of those whose account nobody has made meanwhile."""
    groups: dict[_Shared, list[NewOperation]] = {}
    for op in wanted:
        shared = _Shared(
            op.connector_id, op.object_class, op.mapping_version, op.origin, op.run_id, op.priority, op.max_retries
        )
        groups.setdefault(shared, []).append(op)
    opened: list[UUID] = []
    for shared, group in groups.items():
        opened += await _open(conn, tenant_id, shared, group)
    return tuple(opened)


async def _open(conn: Connection, tenant_id: UUID, shared: _Shared, group: list[NewOperation]) -> Iterable[UUID]:
    ids, account_ids = [op.id for op in group], [op.account_id for op in group]
    inserted = await operations.queries.open_lanes.run(
        conn,
        tenant_id=tenant_id,
        ids=ids,
        account_ids=account_ids,
        user_ids=[op.user_id for op in group],
        wanted=[op.opens for op in group],
        **_payloads(group),
        **_once("identity_version", [op.identity_version for op in group]),
        **_once("correlation_id", [op.correlation_id for op in group]),
        **shared._asdict(),
    )
    if inserted == len(group):
        return ids
    rows = await operations.queries.opened.rows(conn, tenant_id=tenant_id, account_ids=account_ids)
    return [row["head_id"] for row in rows]


def _once(name: str, values: list[Any]) -> dict[str, Any]:
    """A value that all have is sent once, and the server fills an empty list up with nothing."""
    is_common = len(set(values)) == 1
    return {name: values[0] if is_common else None, f"{name}s": [] if is_common else values}


def _payloads(group: list[NewOperation]) -> dict[str, Any]:
    """Those that say more than what is wanted, and what is sealed beside them."""
    found = [None if op.payload == {"attributes": op.opens, "active": True} else op.payload for op in group]
    if not any(found):
        return {"payloads": [], "secrets": []}
    stored = [sealing.stored(payload) if payload is not None else (None, None) for payload in found]
    return {"payloads": [payload for payload, _ in stored], "secrets": [secrets for _, secrets in stored]}
