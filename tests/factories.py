"""Rows for tests: connectors, identities, accounts, operations."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID, uuid4

from worker.domain.connector import Connector
from worker.domain.ids import uuid7
from worker.domain.operation import NewOperation, OperationType, Origin
from worker.queue import OperationQueue
from worker.security import Vault, new_key, parse_key
from worker.store import connectors, workers
from worker.store.pool import Pool
from worker.store.tenant import tenant

#: Seals what tests have sealed.
VAULT = Vault([parse_key(new_key())])


@asynccontextmanager
async def registered_worker(pool: Pool, *, lease_s: float = 60.0) -> AsyncIterator[UUID]:
    """The id of a worker that holds a lease."""
    owner = uuid4()
    async with pool.acquire() as conn:
        await workers.register(conn, owner, host="test", pid=1, version="0", roles=["worker"], lease_s=lease_s)
    yield owner
    async with pool.acquire() as conn:
        await workers.leave(conn, owner)


async def a_connector(pool: Pool, tenant_id: UUID, *, name: str = "app", **fields: Any) -> Connector:
    """A stored target connector."""
    connector = Connector(tenant_id, uuid7(), name, fields.pop("type", "sql"), **fields)
    async with tenant(pool, tenant_id) as conn:
        await connectors.insert(conn, connector)
    return connector


async def accounts(pool: Pool, tenant_id: UUID, connector_id: UUID, count: int) -> list[UUID]:
    """Pending account rows without an identity."""
    ids = [uuid7() for _ in range(count)]
    async with tenant(pool, tenant_id) as conn:
        await conn.execute(
            "INSERT INTO accounts (tenant_id, id, connector_id, object_class, state) "
            "SELECT $1, id, $2, 'user', 'pending' FROM unnest($3::uuid[]) id",
            tenant_id,
            connector_id,
            ids,
        )
    return ids


def an_operation(connector_id: UUID, account_id: UUID, **fields: Any) -> NewOperation:
    """An operation that the API asked for, so that it is never merged, unless ``origin`` says otherwise."""
    return NewOperation(
        connector_id=connector_id,
        account_id=account_id,
        operation_type=OperationType(fields.pop("operation_type", "update")),
        object_class="user",
        payload=fields.pop("payload", {"attributes": {"title": "x"}}),
        origin=fields.pop("origin", Origin.API),
        **fields,
    )


async def enqueue(pool: Pool, tenant_id: UUID, *operations: NewOperation) -> list[UUID]:
    """Accept operations in a transaction of their own; the ids that were accepted."""
    async with tenant(pool, tenant_id) as conn:
        done = await OperationQueue().enqueue(conn, tenant_id=tenant_id, operations=operations)
    return list(done.accepted)
