"""The queue's statements on a real server: claims, fences, lanes, what is written at the end."""

import asyncio
from dataclasses import dataclass
from random import Random
from typing import Any
from uuid import UUID, uuid4

import pytest

from tests.factories import accounts, an_operation, enqueue, registered_worker
from worker.domain.errors import NotFound, WrongState
from worker.domain.operation import Operation, Origin, WaitReason
from worker.domain.outcome import Retry
from worker.domain.processing import Finished
from worker.queue import DeadLetters, Finisher, OperationQueue, Rescuer
from worker.store import due_work, operations
from worker.store.operations import Completion, Failure, Fence
from worker.store.pool import Pool
from worker.store.tenant import tenant


async def claim(pool: Pool, tenant_id: UUID, target: UUID, owner: UUID, limit: int = 10) -> list[Operation]:
    async with tenant(pool, tenant_id) as conn:
        return await operations.claim(conn, tenant_id, connector_id=target, owner=owner, limit=limit)


def fence(op: Operation) -> Fence:
    return Fence(id=op.id, epoch=op.epoch, account_id=op.account_id)


async def complete(pool: Pool, tenant_id: UUID, owner: UUID, *ops: Operation, **facts: Any) -> set[UUID]:
    facts.setdefault("uid", "u1")
    async with tenant(pool, tenant_id) as conn:
        ends = [Completion(fence(op), 5, connector_id=op.connector_id, **facts) for op in ops]
        return set(await operations.complete(conn, tenant_id, owner, ends))


async def fetch(pool: Pool, tenant_id: UUID, query: str, *args: Any) -> list[Any]:
    async with tenant(pool, tenant_id) as conn:
        return await conn.fetch(query, *args)


async def test_claim_takes_the_most_urgent_first_and_only_heads_of_lanes(
    pool: Pool, tenant_id: UUID, target: UUID, owner: UUID
) -> None:
    first, second = await accounts(pool, tenant_id, target, 2)
    await enqueue(
        pool,
        tenant_id,
        an_operation(target, first),
        an_operation(target, first, priority=99),
        an_operation(target, second, priority=5),
    )

    claimed = await claim(pool, tenant_id, target, owner)

    assert [(op.account_id, op.priority) for op in claimed] == [(second, 5), (first, 0)]


async def test_operations_of_one_account_run_in_the_order_they_were_accepted(
    pool: Pool, tenant_id: UUID, target: UUID, owner: UUID
) -> None:
    (account,) = await accounts(pool, tenant_id, target, 1)
    wanted = [op_id for _ in range(4) for op_id in await enqueue(pool, tenant_id, an_operation(target, account))]

    ran = []
    while found := await claim(pool, tenant_id, target, owner):
        assert len(found) == 1
        ran.append(found[0].id)
        await complete(pool, tenant_id, owner, *found)

    assert ran == wanted
    lane = (await fetch(pool, tenant_id, "SELECT live, seq, head_id FROM accounts WHERE id = $1", account))[0]
    assert (lane["live"], lane["seq"], lane["head_id"]) == (0, 4, None)


async def test_one_operation_alone_is_stored_as_one_of_many(pool: Pool, tenant_id: UUID, target: UUID) -> None:
    alone, *together = await accounts(pool, tenant_id, target, 3)
    facts = {
        "user_id": uuid4(), "target_uid": "u1", "priority": 7, "max_retries": 3, "payload": {"attributes": {"a": [1]}},
        "origin": Origin.RECON, "identity_version": 4, "mapping_version": 5, "run_id": uuid4(),
        "correlation_id": uuid4(), "discrepancy_id": uuid4(), "expected_hash": -6, "approval_id": uuid4(),
        "redrive_of": uuid4(), "created_by": uuid4(), "wait_reason": WaitReason.APPROVAL,
    }  # fmt: skip

    await enqueue(pool, tenant_id, an_operation(target, alone, **facts, idempotency_key="one"))
    await enqueue(pool, tenant_id, *(an_operation(target, lane, **facts) for lane in together))

    own = {"id", "account_id", "idempotency_key", "created_at", "updated_at", "ready_at", "head_id"}
    rows = await fetch(pool, tenant_id, "SELECT o.*, a.live, a.seq AS last_seq, a.head_id = o.id AS is_head "
                       "FROM operations o JOIN accounts a ON a.id = o.account_id ORDER BY o.id")  # fmt: skip
    stored = [{name: value for name, value in row.items() if name not in own} for row in rows]
    assert stored[0] == stored[1] == stored[2]
    assert (stored[0]["is_head"], stored[0]["live"], stored[0]["last_seq"], stored[0]["seq"]) == (True, 1, 1, 1)
    assert [row["idempotency_key"] for row in rows] == ["one", None, None]
    counted = await fetch(
        pool, tenant_id, "SELECT sum(n)::integer AS n FROM live_counts WHERE connector_id = $1", target
    )
    assert counted[0]["n"] == 3


async def test_many_that_come_at_once_for_one_account_get_a_place_each(
    pool: Pool, tenant_id: UUID, target: UUID
) -> None:
    (lane,) = await accounts(pool, tenant_id, target, 1)

    await asyncio.gather(*(enqueue(pool, tenant_id, an_operation(target, lane)) for _ in range(12)))

    rows = await fetch(pool, tenant_id, "SELECT id, seq, head FROM operations ORDER BY seq")
    assert [(row["seq"], row["head"]) for row in rows] == [(n, n == 1) for n in range(1, 13)]
    at_end = (await fetch(pool, tenant_id, "SELECT live, seq, head_id FROM accounts WHERE id = $1", lane))[0]
    assert (at_end["live"], at_end["seq"], at_end["head_id"]) == (12, 12, rows[0]["id"])


async def test_claim_skips_operations_that_another_worker_is_claiming(
    pool: Pool, tenant_id: UUID, target: UUID, owner: UUID
) -> None:
    lanes = await accounts(pool, tenant_id, target, 20)
    await enqueue(pool, tenant_id, *(an_operation(target, lane) for lane in lanes))

    async with registered_worker(pool) as other:
        mine, theirs = await asyncio.gather(
            claim(pool, tenant_id, target, owner, 10), claim(pool, tenant_id, target, other, 10)
        )
        rest = await claim(pool, tenant_id, target, owner, 20)

    taken = [op.id for op in [*mine, *theirs, *rest]]
    assert len(taken) == len(set(taken)) == 20


async def test_a_process_without_a_lease_claims_nothing(pool: Pool, tenant_id: UUID, target: UUID) -> None:
    lanes = await accounts(pool, tenant_id, target, 1)
    await enqueue(pool, tenant_id, an_operation(target, lanes[0]))

    assert await claim(pool, tenant_id, target, uuid4()) == []


async def test_a_finish_without_the_present_epoch_or_owner_changes_nothing(
    pool: Pool, tenant_id: UUID, target: UUID, owner: UUID
) -> None:
    lanes = await accounts(pool, tenant_id, target, 1)
    await enqueue(pool, tenant_id, an_operation(target, lanes[0]))
    (op,) = await claim(pool, tenant_id, target, owner)
    late = Completion(Fence(id=op.id, epoch=op.epoch - 1, account_id=op.account_id), 1, connector_id=target, uid="x")

    async with tenant(pool, tenant_id) as conn:
        assert await operations.complete(conn, tenant_id, owner, [late]) == {}
        assert (
            await operations.complete(
                conn, tenant_id, uuid4(), [Completion(fence(op), 1, connector_id=target, uid="x")]
            )
            == {}
        )
        assert await operations.release(conn, tenant_id, uuid4(), [fence(op)]) == set()
        assert await operations.fail(conn, tenant_id, uuid4(), [Failure(fence(op), 1, "x", "x", 1.0)]) == set()
        assert await operations.bury(conn, tenant_id, uuid4(), [Failure(fence(op), 1, "x", "x")]) == set()

    assert not await fetch(pool, tenant_id, "SELECT 1 FROM attempts UNION ALL SELECT 1 FROM operations_archive")
    assert await complete(pool, tenant_id, owner, op) == {op.id}


async def test_a_finished_operation_is_archived_with_its_attempt_and_its_account(
    pool: Pool, tenant_id: UUID, target: UUID, owner: UUID
) -> None:
    lanes = await accounts(pool, tenant_id, target, 1)
    await enqueue(pool, tenant_id, an_operation(target, lanes[0], operation_type="create"))
    (op,) = await claim(pool, tenant_id, target, owner)

    await complete(
        pool, tenant_id, owner, op, uid="anna", observed={"title": "x"}, observed_active=True, observed_hash=7
    )

    assert not await fetch(pool, tenant_id, "SELECT 1 FROM operations")
    (archived,) = await fetch(pool, tenant_id, "SELECT status, target_uid FROM operations_archive WHERE id = $1", op.id)
    (attempt,) = await fetch(pool, tenant_id, "SELECT attempt_number, success, worker FROM attempts")
    (account,) = await fetch(pool, tenant_id, "SELECT * FROM accounts WHERE id = $1", lanes[0])
    assert (archived["status"], archived["target_uid"]) == ("completed", "anna")
    assert (attempt["attempt_number"], attempt["success"], attempt["worker"]) == (1, True, owner)
    assert (account["uid"], account["state"], account["observed"], account["observed_hash"]) == (
        "anna",
        "active",
        {"title": "x"},
        7,
    )
    assert account["last_change_operation"] == op.id


async def test_a_failed_try_waits_and_keeps_its_lane_closed(
    pool: Pool, tenant_id: UUID, target: UUID, owner: UUID
) -> None:
    lanes = await accounts(pool, tenant_id, target, 1)
    await enqueue(pool, tenant_id, an_operation(target, lanes[0]), an_operation(target, lanes[0]))
    (op,) = await claim(pool, tenant_id, target, owner)
    async with tenant(pool, tenant_id) as conn:
        await operations.fail(conn, tenant_id, owner, [Failure(fence(op), 3, "target_busy", "slow", 3600.0)])

    assert await claim(pool, tenant_id, target, owner) == []

    async with tenant(pool, tenant_id) as conn:
        await conn.execute("UPDATE operations SET next_retry_at = db_now() WHERE status = 'failed'")
    (again,) = await claim(pool, tenant_id, target, owner)
    assert (again.id, again.retry_count, again.attempt_number, again.epoch) == (op.id, 1, 2, 2)


async def test_a_dead_letter_opens_its_lane_and_can_be_retried_behind_it(
    pool: Pool, tenant_id: UUID, target: UUID, owner: UUID
) -> None:
    lanes = await accounts(pool, tenant_id, target, 1)
    first, second = await enqueue(pool, tenant_id, an_operation(target, lanes[0]), an_operation(target, lanes[0]))
    (op,) = await claim(pool, tenant_id, target, owner)
    async with tenant(pool, tenant_id) as conn:
        await operations.bury(conn, tenant_id, owner, [Failure(fence(op), 3, "invalid_attributes", "no")])
    letters = DeadLetters(OperationQueue())
    async with tenant(pool, tenant_id) as conn:
        await letters.retry(conn, tenant_id=tenant_id, operation_id=first)

    (next_one,) = await claim(pool, tenant_id, target, owner)
    assert next_one.id == second
    await complete(pool, tenant_id, owner, next_one)
    (back,) = await claim(pool, tenant_id, target, owner)
    assert (back.id, back.retry_count, back.epoch) == (first, 0, 2)


async def test_what_a_dead_process_held_is_claimed_again_and_a_crash_loop_ends_as_dead_letter(
    pool: Pool, tenant_id: UUID, target: UUID
) -> None:
    lanes = await accounts(pool, tenant_id, target, 1)
    (op_id,) = await enqueue(pool, tenant_id, an_operation(target, lanes[0]))
    rescued = []
    for _ in range(3):
        async with registered_worker(pool) as dead:
            (op,) = await claim(pool, tenant_id, target, dead)
            async with pool.acquire() as conn:
                await conn.execute("UPDATE workers SET expires_at = db_now() WHERE id = $1", dead)
            rescued.append(await Rescuer(pool).run_once())
        assert op.id == op_id

    assert [(r.requeued, r.dead_lettered) for r in rescued] == [(1, 0), (1, 0), (0, 1)]
    (letter,) = await fetch(pool, tenant_id, "SELECT id, error_code FROM dead_letters")
    tries = await fetch(pool, tenant_id, "SELECT outcome FROM attempts ORDER BY attempt_number")
    assert (letter["id"], letter["error_code"]) == (op_id, "crash_loop")
    assert [t["outcome"] for t in tries] == ["lost", "lost", "dead_letter"]


async def test_only_what_kills_its_process_is_taken_out_and_not_what_was_held_beside_it(
    pool: Pool, tenant_id: UUID, target: UUID
) -> None:
    lanes = await accounts(pool, tenant_id, target, 40)
    ids = await enqueue(pool, tenant_id, *(an_operation(target, lane) for lane in lanes))
    killer, held = ids[25], []
    for _ in range(60):
        async with registered_worker(pool) as worker:
            claimed = await claim(pool, tenant_id, target, worker, limit=30)
            if killer in {op.id for op in claimed}:  # whatever else it holds ends with the process
                held.append(len(claimed))
                async with pool.acquire() as conn:
                    await conn.execute("UPDATE workers SET expires_at = db_now() WHERE id = $1", worker)
                await Rescuer(pool).run_once()
            else:
                await complete(pool, tenant_id, worker, *claimed, uid=None)
    letters = await fetch(pool, tenant_id, "SELECT id, error_code FROM dead_letters")
    done = await fetch(pool, tenant_id, "SELECT id FROM operations_archive")

    assert [(row["id"], row["error_code"]) for row in letters] == [(killer, "crash_loop")]
    assert {row["id"] for row in done} == set(ids) - {killer}
    assert held == [30, 6, 1]


async def test_a_rescued_operation_refuses_the_late_result_of_its_first_owner(
    pool: Pool, tenant_id: UUID, target: UUID, owner: UUID
) -> None:
    lanes = await accounts(pool, tenant_id, target, 1)
    await enqueue(pool, tenant_id, an_operation(target, lanes[0]))
    async with registered_worker(pool) as slow:
        (op,) = await claim(pool, tenant_id, target, slow)
        async with pool.acquire() as conn:
            await conn.execute("UPDATE workers SET expires_at = db_now() WHERE id = $1", slow)
        await Rescuer(pool).run_once()
        (again,) = await claim(pool, tenant_id, target, owner)

        assert await complete(pool, tenant_id, slow, op) == set()
    assert await complete(pool, tenant_id, owner, again) == {op.id}


async def test_a_newer_plan_rewrites_what_was_never_tried(
    pool: Pool, tenant_id: UUID, target: UUID, owner: UUID
) -> None:
    lanes = await accounts(pool, tenant_id, target, 1)
    plan = {"operation_type": "create", "origin": Origin.SOURCE}
    (first,) = await enqueue(
        pool, tenant_id, an_operation(target, lanes[0], payload={"attributes": {"a": "1", "b": "1"}}, **plan)
    )
    update = an_operation(target, lanes[0], payload={"attributes": {"b": "2"}}, origin=Origin.EVENT)

    assert await enqueue(pool, tenant_id, update) == []

    (op,) = await claim(pool, tenant_id, target, owner)
    assert (op.id, op.operation_type, op.attributes) == (first, "create", {"a": "1", "b": "2"})


@pytest.mark.parametrize(
    ("older", "newer", "checked"),
    [
        pytest.param(7, None, None, id="a plan is merged into a repair"),
        pytest.param(None, 7, None, id="a repair is merged into a plan"),
        pytest.param(7, 8, 8, id="a repair is merged into a repair"),
    ],
)
async def test_only_what_is_all_repair_is_dropped_when_its_account_has_moved(
    pool: Pool, tenant_id: UUID, target: UUID, older: int | None, newer: int | None, checked: int | None
) -> None:
    """What a person's change has been merged with would be lost with it."""
    [account] = await accounts(pool, tenant_id, target, 1)
    for value in (older, newer):
        origin = Origin.RECON if value else Origin.EVENT
        await enqueue(pool, tenant_id, an_operation(target, account, origin=origin, expected_hash=value))

    [op] = await fetch(pool, tenant_id, "SELECT expected_hash FROM operations")

    assert op["expected_hash"] == checked


async def test_a_delete_that_replaces_a_plan_keeps_its_own_look_at_the_account(
    pool: Pool, tenant_id: UUID, target: UUID
) -> None:
    [account] = await accounts(pool, tenant_id, target, 1)
    await enqueue(pool, tenant_id, an_operation(target, account, origin=Origin.EVENT))
    gone = {"operation_type": "delete", "payload": {"attributes": {}}}
    await enqueue(pool, tenant_id, an_operation(target, account, origin=Origin.RECON, expected_hash=7, **gone))

    [op] = await fetch(pool, tenant_id, "SELECT operation_type, expected_hash FROM operations")

    assert (op["operation_type"], op["expected_hash"]) == ("delete", 7)


async def test_a_create_that_is_taken_back_before_it_was_tried_leaves_nothing(
    pool: Pool, tenant_id: UUID, target: UUID, owner: UUID
) -> None:
    lanes = await accounts(pool, tenant_id, target, 1)
    await enqueue(pool, tenant_id, an_operation(target, lanes[0], operation_type="create", origin=Origin.SOURCE))
    await enqueue(pool, tenant_id, an_operation(target, lanes[0], operation_type="delete", origin=Origin.SOURCE))

    assert await claim(pool, tenant_id, target, owner) == []
    (lane,) = await fetch(pool, tenant_id, "SELECT live, head_id FROM accounts WHERE id = $1", lanes[0])
    (gone,) = await fetch(pool, tenant_id, "SELECT status FROM operations_archive")
    assert (lane["live"], lane["head_id"], gone["status"]) == (0, None, "cancelled")


async def test_what_people_asked_for_is_never_merged(pool: Pool, tenant_id: UUID, target: UUID) -> None:
    lanes = await accounts(pool, tenant_id, target, 1)

    ids = await enqueue(pool, tenant_id, an_operation(target, lanes[0]), an_operation(target, lanes[0]))

    assert len(ids) == 2


async def test_cancelling_the_head_promotes_the_next(pool: Pool, tenant_id: UUID, target: UUID, owner: UUID) -> None:
    lanes = await accounts(pool, tenant_id, target, 1)
    first, second, third = await enqueue(pool, tenant_id, *(an_operation(target, lanes[0]) for _ in range(3)))
    letters = DeadLetters(OperationQueue())

    async with tenant(pool, tenant_id) as conn:
        await letters.cancel(conn, tenant_id=tenant_id, operation_id=first, notes="no", by=uuid4())
        await letters.cancel(conn, tenant_id=tenant_id, operation_id=third, notes="no", by=uuid4())

    (op,) = await claim(pool, tenant_id, target, owner)
    assert op.id == second
    await complete(pool, tenant_id, owner, op)
    (lane,) = await fetch(pool, tenant_id, "SELECT live, head_id FROM accounts WHERE id = $1", lanes[0])
    assert (lane["live"], lane["head_id"]) == (0, None)


async def test_a_decision_that_comes_too_late_says_what_the_operation_is_now(
    pool: Pool, tenant_id: UUID, target: UUID, owner: UUID
) -> None:
    lanes = await accounts(pool, tenant_id, target, 1)
    (op_id,) = await enqueue(pool, tenant_id, an_operation(target, lanes[0]))
    (op,) = await claim(pool, tenant_id, target, owner)
    await complete(pool, tenant_id, owner, op)
    letters = DeadLetters(OperationQueue())

    async with tenant(pool, tenant_id) as conn:
        with pytest.raises(WrongState, match="completed cannot be retried") as caught:
            await letters.retry(conn, tenant_id=tenant_id, operation_id=op_id)
        with pytest.raises(NotFound):
            await letters.retry(conn, tenant_id=tenant_id, operation_id=uuid4())

    assert caught.value.fields["current"]["status"] == "completed"


@pytest.mark.parametrize("again", ["retry", "retry many", "redrive"])
async def test_a_dead_letter_whose_account_is_gone_stays_until_somebody_resolves_it(
    pool: Pool, tenant_id: UUID, target: UUID, owner: UUID, again: str
) -> None:
    lanes = await accounts(pool, tenant_id, target, 1)
    (old,) = await enqueue(pool, tenant_id, an_operation(target, lanes[0]))
    (op,) = await claim(pool, tenant_id, target, owner)
    letters = DeadLetters(OperationQueue())
    async with tenant(pool, tenant_id) as conn:
        await operations.bury(conn, tenant_id, owner, [Failure(fence(op), 1, "invalid_value", "no")])
        await conn.execute("DELETE FROM accounts WHERE tenant_id = $1 AND id = $2", tenant_id, lanes[0])

    async with tenant(pool, tenant_id) as conn:
        match again:
            case "retry":
                with pytest.raises(WrongState, match="resolve it"):
                    await letters.retry(conn, tenant_id=tenant_id, operation_id=old)
            case "redrive":
                with pytest.raises(WrongState, match="resolve it"):
                    await letters.redrive(conn, tenant_id=tenant_id, operation_id=old, by=uuid4(), origin=Origin.API)
            case _:
                assert await operations.exhume(conn, tenant_id, [old]) == []

    assert [row["id"] for row in await fetch(pool, tenant_id, "SELECT id FROM dead_letters")] == [old]
    async with tenant(pool, tenant_id) as conn:
        await letters.resolve(conn, tenant_id=tenant_id, operation_id=old, notes="gone", by=uuid4())


async def test_redrive_makes_a_corrected_operation_and_resolves_the_old(
    pool: Pool, tenant_id: UUID, target: UUID, owner: UUID
) -> None:
    lanes = await accounts(pool, tenant_id, target, 1)
    (old,) = await enqueue(pool, tenant_id, an_operation(target, lanes[0]))
    (op,) = await claim(pool, tenant_id, target, owner)
    async with tenant(pool, tenant_id) as conn:
        await operations.bury(conn, tenant_id, owner, [Failure(fence(op), 3, "invalid_attributes", "no")])
        new = await DeadLetters(OperationQueue()).redrive(
            conn,
            tenant_id=tenant_id,
            operation_id=old,
            by=uuid4(),
            origin=Origin.CONSOLE,
            payload={"attributes": {"title": "y"}},
        )

    (again,) = await claim(pool, tenant_id, target, owner)
    async with tenant(pool, tenant_id) as conn:
        before = await operations.find(conn, tenant_id, old)
        now = await operations.find(conn, tenant_id, new)
    assert (again.id, again.attributes) == (new, {"title": "y"})
    assert before is not None
    assert now is not None
    assert (before["status"], now["redrive_of"]) == ("resolved", old)


async def test_linking_an_object_that_has_a_record_of_its_own_merges_the_two(
    pool: Pool, tenant_id: UUID, target: UUID, owner: UUID
) -> None:
    pending, seen = await accounts(pool, tenant_id, target, 2)
    async with tenant(pool, tenant_id) as conn:
        await conn.execute("UPDATE accounts SET uid = 'old', state = 'active' WHERE id = $1", seen)
    await enqueue(pool, tenant_id, an_operation(target, pending, operation_type="create"))
    (op,) = await claim(pool, tenant_id, target, owner)

    await complete(pool, tenant_id, owner, op, uid="old", match={"decision": "auto"})

    rows = await fetch(pool, tenant_id, "SELECT id, uid FROM accounts")
    assert [(row["id"], row["uid"]) for row in rows] == [(pending, "old")]


@pytest.mark.parametrize("commits", [pytest.param(False, id="at work"), pytest.param(True, id="about to commit")])
async def test_no_wake_up_is_lost_while_a_producer_has_not_committed(
    pool: Pool, tenant_id: UUID, target: UUID, *, commits: bool
) -> None:
    """It wakes whoever went to sleep meanwhile; and once it has said what is due, nobody does."""
    lanes = await accounts(pool, tenant_id, target, 1)
    async with tenant(pool, tenant_id) as producer:
        await OperationQueue().enqueue(producer, tenant_id=tenant_id, operations=[an_operation(target, lanes[0])])
        if commits:
            await due_work.write_asked(producer)
        async with tenant(pool, tenant_id) as consumer:
            settled = await due_work.settle_claim(consumer, tenant_id, target)
        assert settled is not commits

    async with pool.acquire() as conn:
        assert [d.ref_id for d in await due_work.due(conn, ["claim"])] == [target]


async def test_a_tenant_sees_nothing_of_another(pool: Pool, tenant_id: UUID, target: UUID) -> None:
    lanes = await accounts(pool, tenant_id, target, 1)
    await enqueue(pool, tenant_id, an_operation(target, lanes[0]))

    assert await fetch(pool, uuid4(), "SELECT 1 FROM operations") == []
    async with pool.acquire() as conn:
        assert await conn.fetch("SELECT 1 FROM operations") == []


async def test_a_running_one_that_people_cancel_is_not_tried_again(
    pool: Pool, tenant_id: UUID, target: UUID, owner: UUID
) -> None:
    lanes = await accounts(pool, tenant_id, target, 1)
    (op_id,) = await enqueue(pool, tenant_id, an_operation(target, lanes[0]))
    (op,) = await claim(pool, tenant_id, target, owner)
    async with tenant(pool, tenant_id) as conn:
        at_once = await DeadLetters(OperationQueue()).cancel(
            conn, tenant_id=tenant_id, operation_id=op_id, notes="no", by=uuid4()
        )
    finisher = Finisher(pool, HeldLease(owner), rng=Random(1))
    writing = asyncio.create_task(finisher.run())
    finisher.put(owner, Finished(op, Retry("transient", "later"), 1))
    await finisher.drained()
    writing.cancel()

    (ended,) = await fetch(pool, tenant_id, "SELECT status FROM operations_archive WHERE id = $1", op_id)
    assert (at_once, ended["status"]) == (False, "cancelled")


@dataclass(frozen=True, slots=True)
class HeldLease:
    """A lease that holds."""

    owner: UUID

    def is_held(self) -> bool:
        return True


async def test_a_held_removal_gives_way_to_a_plan_that_wants_the_account_again(
    pool: Pool, tenant_id: UUID, target: UUID, owner: UUID
) -> None:
    """A person who returns before anybody approved must not be disabled by the approval."""
    lanes = await accounts(pool, tenant_id, target, 1)
    removal = an_operation(
        target,
        lanes[0],
        payload={"attributes": {}, "active": False},
        origin=Origin.SOURCE,
        wait_reason=WaitReason.APPROVAL,
        approval_id=uuid4(),
    )
    await enqueue(pool, tenant_id, removal)
    back = an_operation(target, lanes[0], payload={"attributes": {}, "active": True}, origin=Origin.SOURCE)
    await enqueue(pool, tenant_id, back)

    (op,) = await claim(pool, tenant_id, target, owner)

    (held,) = await fetch(pool, tenant_id, "SELECT status FROM operations_archive WHERE id = $1", removal.id)
    assert (op.id, held["status"]) == (back.id, "cancelled")


async def test_values_that_python_calls_equal_are_stored_as_they_are(
    pool: Pool, tenant_id: UUID, target: UUID, owner: UUID
) -> None:
    """What all operations of a submission have in common is sent once; true, 1 and 1.0 are not the same."""
    ids = await accounts(pool, tenant_id, target, 3)
    values = [True, 1, 1.5]
    operations = [
        an_operation(target, account, payload={"attributes": {"flag": value}})
        for account, value in zip(ids, values, strict=True)
    ]
    await enqueue(pool, tenant_id, *operations)

    claimed = await claim(pool, tenant_id, target, owner)

    assert [(op.attributes["flag"], type(op.attributes["flag"])) for op in claimed] == [
        (value, type(value)) for value in values
    ]


async def test_what_some_operations_of_a_submission_do_not_say_stays_unsaid(
    pool: Pool, tenant_id: UUID, target: UUID, owner: UUID
) -> None:
    first, second, third = await accounts(pool, tenant_id, target, 3)
    person = uuid4()
    await enqueue(
        pool,
        tenant_id,
        an_operation(target, first, priority=7, user_id=person, max_retries=0),
        an_operation(target, second),
        an_operation(target, third, target_uid="u3"),
    )

    claimed = await claim(pool, tenant_id, target, owner)

    assert [(op.priority, op.user_id, op.max_retries, op.target_uid) for op in claimed] == [
        (7, person, 0, None),
        (0, None, 10, None),
        (0, None, 10, "u3"),
    ]
