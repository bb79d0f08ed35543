"""How operations are written when they are accepted: many in one statement, what they have in common once; and one
alone, which mostly finds its lane empty, with a single statement for all of it.
"""

from collections import Counter
from collections.abc import Sequence
from typing import Any
from uuid import UUID

from worker.domain import sealing
from worker.domain.operation import NewOperation
from worker.store import operations
from worker.store.pool import Connection
from worker.store.sql import load

queries = load("submission")


async def begin_lane(conn: Connection, tenant_id: UUID, op: NewOperation) -> bool:
    """Write an operation as the head of a lane that is empty, and lock the lane; False when there is no such lane.

    Only for one operation: lanes of several are locked in their order first.
    """
    payload, secrets = sealing.stored(op.payload)
    written = await queries.begin_lane.run(
        conn,
        tenant_id=tenant_id,
        id=op.id,
        connector_id=op.connector_id,
        account_id=op.account_id,
        user_id=op.user_id,
        operation_type=op.operation_type,
        object_class=op.object_class,
        target_uid=op.target_uid,
        wait_reason=op.wait_reason,
        priority=op.priority,
        max_retries=op.max_retries,
        payload=payload,
        secrets=secrets,
        idempotency_key=op.idempotency_key,
        origin=op.origin,
        identity_version=op.identity_version,
        mapping_version=op.mapping_version,
        run_id=op.run_id,
        correlation_id=op.correlation_id,
        discrepancy_id=op.discrepancy_id,
        expected_hash=op.expected_hash,
        approval_id=op.approval_id,
        redrive_of=op.redrive_of,
        created_by=op.created_by,
    )
    return written == 1


async def insert(conn: Connection, tenant_id: UUID, inserts: Sequence[tuple[NewOperation, int, bool]]) -> None:
    """Write operations with their place in the lane and whether they are its head; their lanes must be locked."""
    wanted = [op for op, _, _ in inserts]
    counts = Counter([(op.connector_id, op.operation_type) for op in wanted])
    await operations.queries.insert.run(
        conn,
        tenant_id=tenant_id,
        counted_connectors=[connector_id for connector_id, _ in counts],
        counted_types=[str(kind) for _, kind in counts],
        counts=list(counts.values()),
        ids=[op.id for op in wanted],
        account_ids=[op.account_id for op in wanted],
        **_once("seq", [seq for _, seq, _ in inserts]),
        **_once("head", [is_head for _, _, is_head in inserts]),
        **_once("wait_reason", [op.wait_reason for op in wanted]),
        **_once("idempotency_key", [op.idempotency_key for op in wanted]),
        **_once("expected_hash", [op.expected_hash for op in wanted]),
        **_once("approval_id", [op.approval_id for op in wanted]),
        **spelt(wanted),
    )


def spelt(wanted: Sequence[NewOperation]) -> dict[str, Any]:
    """What operations say, whatever becomes of them, as arguments of a statement: of each name a value and an array.

    A value that all have is sent once, and the array is empty.
    """
    stored = [sealing.stored(op.payload) for op in wanted]
    return {
        **_once("connector_id", [op.connector_id for op in wanted]),
        **_once("user_id", [op.user_id for op in wanted]),
        **_once("operation_type", [op.operation_type for op in wanted]),
        **_once("object_class", [op.object_class for op in wanted]),
        **_once("target_uid", [op.target_uid for op in wanted]),
        **_once("priority", [op.priority for op in wanted]),
        **_once("max_retries", [op.max_retries for op in wanted]),
        "each_payload": [payload for payload, _ in stored],  # Python takes 1 for true: these are never called common
        **_once("secrets", [secrets for _, secrets in stored]),
        **_once("origin", [op.origin for op in wanted]),
        **_once("identity_version", [op.identity_version for op in wanted]),
        **_once("mapping_version", [op.mapping_version for op in wanted]),
        **_once("run_id", [op.run_id for op in wanted]),
        **_once("correlation_id", [op.correlation_id for op in wanted]),
        **_once("discrepancy_id", [op.discrepancy_id for op in wanted]),
        **_once("redrive_of", [op.redrive_of for op in wanted]),
        **_once("created_by", [op.created_by for op in wanted]),
    }


def _once(name: str, values: list[Any]) -> dict[str, Any]:
    first = values[0]
    # what differs nearly always differs at the end, and comparing ids that differ is slow
    is_common = (values[-1] is first or values[-1] == first) and values.count(first) == len(values)
    return {name: first if is_common else None, f"each_{name}": [] if is_common else values}
