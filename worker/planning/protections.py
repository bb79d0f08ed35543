"""Changes of protected accounts are refused where operations are accepted; the guard refuses what is left of them.

What is known here are our records; the guard reads the account itself, so it also sees what we do not keep. Where a
protected filter cannot be read, nothing is refused here: such a target is not called at all.
"""

from collections.abc import Sequence
from uuid import UUID

import structlog

from worker.domain.errors import InvalidFilter
from worker.domain.operation import NewOperation, Operation, OperationType
from worker.domain.protection import Protects, protection, touches_protected
from worker.store import accounts, connectors
from worker.store.pool import Connection

log = structlog.get_logger(__name__)


async def protected(
    conn: Connection, tenant_id: UUID, operations: Sequence[NewOperation | Operation]
) -> frozenset[UUID]:
    """The ids of those operations that would change a protected account, as far as our records tell."""
    filters = await _filters(conn, tenant_id, {op.connector_id for op in operations})
    doubtful = [op for op in operations if op.connector_id in filters]
    if not doubtful:
        return frozenset()
    known = await accounts.by_ids(
        conn,
        tenant_id=tenant_id,
        ids=[op.account_id for op in doubtful if op.operation_type is not OperationType.CREATE],
    )
    return frozenset(
        op.id
        for op in doubtful
        if touches_protected(
            filters[op.connector_id],
            known[op.account_id].account if op.account_id in known else None,
            op.payload.get("attributes", {}),
        )
    )


async def _filters(conn: Connection, tenant_id: UUID, connector_ids: set[UUID]) -> dict[UUID, Protects]:
    found: dict[UUID, Protects] = {}
    for connector in await connectors.by_ids(conn, tenant_id=tenant_id, connector_ids=sorted(connector_ids)):
        try:
            protects = protection(connector.protected_filter)
        except InvalidFilter as error:
            log.warning("acceptance.protection_unreadable", connector=connector.name, error=str(error))
            continue
        if protects is not None:
            found[connector.id] = protects
    return found
