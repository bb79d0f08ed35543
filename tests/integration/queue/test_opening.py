"""Creations of accounts that nobody knows yet bring their account row with them."""

from typing import Any
from uuid import UUID, uuid4

from tests.factories import an_operation
from worker.domain.ids import uuid7
from worker.domain.operation import NewOperation, Origin
from worker.queue import OperationQueue
from worker.queue.submission import Enqueued
from worker.store import operations
from worker.store.pool import Pool
from worker.store.tenant import tenant


def a_first(target: UUID, *, attributes: dict[str, Any] | None = None, **fields: Any) -> NewOperation:
    """A planned creation whose account is wanted to be called x."""
    return an_operation(
        target,
        uuid7(),
        operation_type="create",
        payload={"attributes": attributes or {"cn": "x"}, "active": True},
        origin=Origin.SOURCE,
        user_id=fields.pop("user_id", None) or uuid4(),
        identity_version=fields.pop("identity_version", 3),
        mapping_version=7,
        opens={"cn": "x"},
        **fields,
    )


async def enqueue(pool: Pool, tenant_id: UUID, *wanted: NewOperation) -> Enqueued:
    async with tenant(pool, tenant_id) as conn:
        return await OperationQueue().enqueue(conn, tenant_id=tenant_id, operations=wanted)


async def rows(pool: Pool, tenant_id: UUID, query: str) -> list[dict[str, Any]]:
    async with tenant(pool, tenant_id) as conn:
        return [dict(row.items()) for row in await conn.fetch(query)]


async def test_the_row_says_what_is_wanted_and_the_operation_heads_its_lane(
    pool: Pool, tenant_id: UUID, target: UUID
) -> None:
    first, run_id = a_first(target), uuid4()
    other = a_first(target, run_id=run_id, correlation_id=uuid4())
    done = await enqueue(pool, tenant_id, first, other)

    assert set(done.accepted) == {first.id, other.id}
    assert await rows(
        pool,
        tenant_id,
        "SELECT id, identity_id, uid, state, wanted, wanted_active, mapping_version, identity_version, "
        "seq, live, head_id FROM accounts ORDER BY id",
    ) == [
        {
            "id": op.account_id,
            "identity_id": op.user_id,
            "uid": None,
            "state": "pending",
            "wanted": {"cn": "x"},
            "wanted_active": True,
            "mapping_version": 7,
            "identity_version": 3,
            "seq": 1,
            "live": 1,
            "head_id": op.id,
        }
        for op in (first, other)
    ]
    assert await rows(
        pool,
        tenant_id,
        "SELECT id, account_id, user_id, operation_type, status, head, seq, payload, origin, run_id, correlation_id, "
        "identity_version, mapping_version FROM operations ORDER BY id",
    ) == [
        {
            "id": op.id,
            "account_id": op.account_id,
            "user_id": op.user_id,
            "operation_type": "create",
            "status": "pending",
            "head": True,
            "seq": 1,
            "payload": {"attributes": {"cn": "x"}, "active": True},
            "origin": "source",
            "run_id": op.run_id,
            "correlation_id": op.correlation_id,
            "identity_version": 3,
            "mapping_version": 7,
        }
        for op in (first, other)
    ]


async def test_what_is_sent_on_create_alone_is_in_the_payload_and_not_wanted(
    pool: Pool, tenant_id: UUID, target: UUID
) -> None:
    await enqueue(pool, tenant_id, a_first(target), a_first(target, attributes={"cn": "x", "start": "today"}))

    assert await rows(pool, tenant_id, "SELECT payload->'attributes' AS sent FROM operations ORDER BY id") == [
        {"sent": {"cn": "x"}},
        {"sent": {"cn": "x", "start": "today"}},
    ]
    assert await rows(pool, tenant_id, "SELECT DISTINCT wanted FROM accounts") == [{"wanted": {"cn": "x"}}]


async def test_each_keeps_what_is_its_own(pool: Pool, tenant_id: UUID, target: UUID) -> None:
    each = [a_first(target, identity_version=n, correlation_id=uuid4() if n else None) for n in range(3)]
    await enqueue(pool, tenant_id, *each)

    assert await rows(
        pool,
        tenant_id,
        "SELECT o.id, o.identity_version, o.correlation_id, a.identity_version AS of_account "
        "FROM operations o JOIN accounts a ON a.id = o.account_id ORDER BY o.id",
    ) == [
        {
            "id": op.id,
            "identity_version": op.identity_version,
            "correlation_id": op.correlation_id,
            "of_account": op.identity_version,
        }
        for op in each
    ]


async def test_somebody_who_has_an_account_by_now_is_left_out(pool: Pool, tenant_id: UUID, target: UUID) -> None:
    earlier, other = a_first(target), a_first(target)
    await enqueue(pool, tenant_id, earlier)
    done = await enqueue(pool, tenant_id, a_first(target, user_id=earlier.user_id), other)

    assert done.accepted == (other.id,)
    assert [row["id"] for row in await rows(pool, tenant_id, "SELECT id FROM operations ORDER BY id")] == [
        earlier.id,
        other.id,
    ]
    assert len(await rows(pool, tenant_id, "SELECT id FROM accounts")) == 2


async def test_what_follows_in_the_same_submission_waits_behind_it(pool: Pool, tenant_id: UUID, target: UUID) -> None:
    first = a_first(target)
    done = await enqueue(pool, tenant_id, an_operation(target, first.account_id), first)

    assert done.accepted[0] == first.id
    assert await rows(pool, tenant_id, "SELECT seq, head FROM operations ORDER BY seq") == [
        {"seq": 1, "head": True},
        {"seq": 2, "head": False},
    ]


async def test_an_opened_lane_can_be_claimed(pool: Pool, tenant_id: UUID, target: UUID, owner: UUID) -> None:
    first = a_first(target)
    await enqueue(pool, tenant_id, first)
    async with tenant(pool, tenant_id) as conn:
        claimed = await operations.claim(conn, tenant_id, connector_id=target, owner=owner, limit=10)

    assert [op.id for op in claimed] == [first.id]
