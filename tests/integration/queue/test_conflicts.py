"""Operations of one account that disagree, on a real server: what becomes of both, in one transaction."""

import asyncio
from dataclasses import dataclass
from random import Random
from typing import Any
from uuid import UUID

import pytest

from tests.factories import a_connector, accounts, an_operation, enqueue
from worker.domain.conflict import ConflictOutcome, ConflictType
from worker.domain.operation import Operation, Origin
from worker.domain.outcome import Cancelled, Outcome, Released, Retry
from worker.domain.processing import Finished
from worker.queue import DeadLetters, Finisher, OperationQueue, Rescuer, settle_conflict
from worker.store import operations
from worker.store.pool import Pool
from worker.store.tenant import tenant


async def lane_of(pool: Pool, tenant_id: UUID, strategy: str) -> tuple[UUID, UUID]:
    """A target that settles conflicts like this, and an account there."""
    connector = await a_connector(pool, tenant_id, settings={"conflict_strategy": strategy})
    return connector.id, (await accounts(pool, tenant_id, connector.id, 1))[0]


async def submit(pool: Pool, tenant_id: UUID, lane: tuple[UUID, UUID], **fields: Any) -> UUID:
    payload = {"attributes": fields.pop("attributes")}
    return (await enqueue(pool, tenant_id, an_operation(*lane, payload=payload, **fields)))[0]


async def rows(pool: Pool, tenant_id: UUID, query: str, *values: Any) -> list[Any]:
    async with tenant(pool, tenant_id) as conn:
        return list(await conn.fetch(query, *values))


async def shown(pool: Pool, tenant_id: UUID, *ids: UUID) -> list[tuple[str, dict[str, Any]]]:
    async with tenant(pool, tenant_id) as conn:
        found = [await operations.find(conn, tenant_id, each) for each in ids]
    return [(row["status"], row["payload"]["attributes"]) for row in found if row is not None]


@pytest.mark.parametrize(
    ("strategy", "older", "newer", "outcome"),
    [
        pytest.param(
            "last_write_wins",
            ("cancelled", {"mail": "a", "phone": "1"}),
            ("pending", {"mail": "b", "fax": "9", "phone": "1"}),
            "superseded",
            id="the last write wins",
        ),
        pytest.param(
            "first_write_wins",
            ("pending", {"mail": "a", "phone": "1", "fax": "9"}),
            ("cancelled", {"mail": "b", "fax": "9"}),
            "rejected",
            id="the first write wins",
        ),
        pytest.param(
            "merge",
            ("cancelled", {"mail": "a", "phone": "1"}),
            ("pending", {"mail": "b", "fax": "9", "phone": "1"}),
            "merged",
            id="merge",
        ),
        pytest.param(
            "manual",
            ("awaiting_system", {"mail": "a", "phone": "1"}),
            ("awaiting_system", {"mail": "b", "fax": "9"}),
            None,
            id="a person decides",
        ),
    ],
)
async def test_an_outcome_changes_the_operations(
    pool: Pool, tenant_id: UUID, strategy: str, older: Any, newer: Any, outcome: str | None
) -> None:
    lane = await lane_of(pool, tenant_id, strategy)
    first = await submit(pool, tenant_id, lane, attributes={"mail": "a", "phone": "1"})
    second = await submit(pool, tenant_id, lane, attributes={"mail": "b", "fax": "9"})

    assert await shown(pool, tenant_id, first, second) == [older, newer]
    (found,) = await rows(pool, tenant_id, "SELECT * FROM conflicts")
    assert (found["operation_id_a"], found["operation_id_b"]) == (first, second)
    assert (found["conflict_type"], found["outcome"]) == (ConflictType.CONCURRENT_UPDATE, outcome)
    assert (found["affected_attributes"], found["strategy"]) == (["mail"], strategy)
    lines = await rows(pool, tenant_id, "SELECT operation_id, message FROM operation_logs")
    assert {row["operation_id"] for row in lines} == {first, second}
    assert not any("'a'" in row["message"] for row in lines)


async def test_a_lane_is_right_after_each_outcome(pool: Pool, tenant_id: UUID) -> None:
    lane = await lane_of(pool, tenant_id, "last_write_wins")
    for value in ("a", "b", "c"):
        last = await submit(pool, tenant_id, lane, attributes={"mail": value})

    (account,) = await rows(pool, tenant_id, "SELECT live, head_id, seq FROM accounts")
    assert (account["live"], account["head_id"], account["seq"]) == (1, last, 3)
    (op,) = await rows(pool, tenant_id, "SELECT id, head FROM operations")
    assert (op["id"], op["head"]) == (last, True)


async def test_several_values_are_merged_against_what_the_account_has(pool: Pool, tenant_id: UUID) -> None:
    lane = await lane_of(pool, tenant_id, "merge")
    await rows(pool, tenant_id, "UPDATE accounts SET observed = $1 RETURNING id", {"groups": ["staff", "old"]})
    await submit(pool, tenant_id, lane, attributes={"groups": ["staff", "old", "new"]})
    second = await submit(pool, tenant_id, lane, attributes={"groups": ["staff", "other"]})

    assert await shown(pool, tenant_id, second) == [("pending", {"groups": ["staff", "new", "other"]})]


async def test_a_third_one_frees_what_waited_with_the_first(pool: Pool, tenant_id: UUID) -> None:
    """The strategy was changed meanwhile: nobody is left to wait for a decision about what is gone."""
    lane = await lane_of(pool, tenant_id, "manual")
    first = await submit(pool, tenant_id, lane, attributes={"mail": "a"})
    second = await submit(pool, tenant_id, lane, attributes={"mail": "b", "phone": "1"})
    settings = {"conflict_strategy": "last_write_wins"}
    await rows(pool, tenant_id, "UPDATE connectors SET settings = $1 RETURNING id", settings)

    third = await submit(pool, tenant_id, lane, attributes={"mail": "c"})

    assert [status for status, _ in await shown(pool, tenant_id, first, second, third)] == [
        "cancelled",
        "cancelled",
        "pending",
    ]
    assert await rows(pool, tenant_id, "SELECT 1 FROM conflicts WHERE status = 'pending'") == []


async def test_what_a_person_lets_go_on_is_claimed_where_the_last_claim_stopped(pool: Pool, tenant_id: UUID) -> None:
    """It waited while others of the same target were claimed, and a claim does not go back that far."""
    lane = await lane_of(pool, tenant_id, "manual")
    ids = [await submit(pool, tenant_id, lane, attributes={"mail": value}) for value in ("a", "b")]
    (conflict,) = await rows(pool, tenant_id, "SELECT id FROM conflicts")
    (now,) = await rows(pool, tenant_id, "SELECT db_now() AS now")
    async with tenant(pool, tenant_id) as conn:
        await settle_conflict(
            conn,
            tenant_id=tenant_id,
            conflict_id=conflict["id"],
            outcome=ConflictOutcome.APPLIED,
            notes=None,
            by=lane[1],
        )

    found = await rows(pool, tenant_id, "SELECT id FROM operations WHERE status = 'pending' AND ready_at > $1", now[0])
    assert {row["id"] for row in found} == set(ids)


async def test_a_plan_gives_way_to_nobody_by_default_and_is_sent_as_one(pool: Pool, tenant_id: UUID) -> None:
    lane = await lane_of(pool, tenant_id, "last_write_wins")
    person = await submit(pool, tenant_id, lane, attributes={"mail": "mine"})
    plan = await submit(pool, tenant_id, lane, attributes={"phone": "1"}, origin=Origin.EVENT)
    async with tenant(pool, tenant_id) as conn:
        newer = an_operation(*lane, payload={"attributes": {"mail": "planned"}}, origin=Origin.EVENT)
        done = await OperationQueue().enqueue(conn, tenant_id=tenant_id, operations=[newer])

    assert (done.accepted, done.coalesced) == ((), (plan,))
    assert await shown(pool, tenant_id, person, plan) == [
        ("cancelled", {"mail": "mine"}),
        ("pending", {"mail": "planned", "phone": "1"}),
    ]


async def test_empty_lanes_are_not_looked_at(pool: Pool, tenant_id: UUID, target: UUID) -> None:
    """What no lane needs is not asked: no further statement for operations of accounts that wait for nothing."""
    ids = await accounts(pool, tenant_id, target, 3)
    asked: list[str] = []
    async with tenant(pool, tenant_id) as conn:
        conn.add_query_logger(lambda query: asked.append(query.query))
        await OperationQueue().enqueue(
            conn, tenant_id=tenant_id, operations=[an_operation(target, account) for account in ids]
        )

    assert not [query for query in asked if "conflicts" in query or "LATERAL" in query]


@dataclass(frozen=True, slots=True)
class Lease:
    """A lease that holds."""

    owner: UUID


async def end(pool: Pool, owner: UUID, op: Operation, outcome: Outcome | None) -> None:
    """Write a try down, or (None) have its process die."""
    if outcome is None:
        async with pool.acquire() as conn:
            await conn.execute("UPDATE workers SET expires_at = db_now() WHERE id = $1", owner)
        await Rescuer(pool).run_once()
        return
    finisher = Finisher(pool, Lease(owner), rng=Random(1))
    writing = asyncio.create_task(finisher.run())
    finisher.put(owner, Finished(op, outcome, 1))
    await finisher.drained()
    writing.cancel()
    await asyncio.wait([writing])


@pytest.mark.parametrize(
    "outcome",
    [
        pytest.param(Retry("timeout", "No answer."), id="its try fails"),
        pytest.param(Released(), id="it goes back"),
        pytest.param(Cancelled("By a person."), id="it is cancelled unstarted"),
        pytest.param(None, id="its process dies"),
    ],
)
async def test_what_runs_and_is_cancelled_keeps_nobody_waiting_for_a_decision(
    pool: Pool, tenant_id: UUID, owner: UUID, outcome: Outcome | None
) -> None:
    lane = await lane_of(pool, tenant_id, "manual")
    first = await submit(pool, tenant_id, lane, attributes={"mail": "a"})
    async with tenant(pool, tenant_id) as conn:
        (op,) = await operations.claim(conn, tenant_id, connector_id=lane[0], owner=owner, limit=1)
    second = await submit(pool, tenant_id, lane, attributes={"mail": "b"})
    async with tenant(pool, tenant_id) as conn:
        letters = DeadLetters(OperationQueue())
        await letters.cancel(conn, tenant_id=tenant_id, operation_id=first, notes="no", by=lane[1])

    await end(pool, owner, op, outcome)

    assert await shown(pool, tenant_id, first, second) == [("cancelled", {"mail": "a"}), ("pending", {"mail": "b"})]
    assert await rows(pool, tenant_id, "SELECT 1 FROM conflicts WHERE status = 'pending'") == []
    (due,) = await rows(pool, tenant_id, "SELECT 1 FROM due_work WHERE kind = 'claim' AND due_at <= db_now()")
    assert due
