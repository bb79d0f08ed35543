"""Each invariant finds what breaks it: a rule that nothing can offend proves nothing."""

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from tests import invariants
from tests.factories import accounts, an_operation, enqueue
from worker.store import operations
from worker.store.operations import Completion, Failure, Fence
from worker.store.pool import Pool
from worker.store.tenant import tenant


@pytest.fixture
async def admin(database: Any) -> AsyncIterator["asyncpg.Connection[Any]"]:
    conn = await asyncpg.connect(database.admin_dsn)
    yield conn
    await conn.close()


async def some_of_everything(pool: Pool, tenant_id: UUID, target: UUID, owner: UUID) -> list[UUID]:
    """One lane each that completed, failed, runs and waits behind another, and is a dead letter; their heads."""
    lanes = await accounts(pool, tenant_id, target, 4)
    ids = await enqueue(pool, tenant_id, *(an_operation(target, lane) for lane in lanes))
    await enqueue(pool, tenant_id, an_operation(target, lanes[2]))
    async with tenant(pool, tenant_id) as conn:
        claimed = await operations.claim(conn, tenant_id, connector_id=target, owner=owner, limit=10)
        fences = {op.id: Fence(op.id, op.epoch, op.account_id) for op in claimed}
        done = Completion(fences[ids[0]], 1, connector_id=target, uid="u")
        await operations.complete(conn, tenant_id, owner, [done])
        await operations.fail(conn, tenant_id, owner, [Failure(fences[ids[1]], 1, "e", "m", delay_s=60.0)])
        await operations.bury(conn, tenant_id, owner, [Failure(fences[ids[3]], 1, "e", "m")])
    return ids


BREAKAGES = [
    pytest.param("UPDATE accounts SET live = live + 1", "a lane counts what is in it", id="count"),
    pytest.param("UPDATE operations SET head = false", "a lane with anything in it has one head", id="no head"),
    pytest.param("UPDATE operations SET head = true", "a lane with anything in it has one head", id="two heads"),
    pytest.param("UPDATE operations SET head = NOT head", "the head is the oldest of its lane", id="wrong head"),
    pytest.param("UPDATE accounts SET head_id = NULL", "the account knows its head", id="forgotten head"),
    pytest.param("UPDATE operations SET seq = seq + 9", "no place of a lane is given out twice", id="place"),
    pytest.param("UPDATE operations SET owner = NULL", "who runs has an owner and a fence", id="no owner"),
    pytest.param("UPDATE operations SET next_retry_at = NULL", "who failed knows when", id="never tried again"),
    pytest.param("UPDATE operations SET wait_reason = 'case'", "who waits says for what", id="waits for what"),
    pytest.param("UPDATE operations SET crashed_leases = 3", "tries are bounded", id="crashes"),
    pytest.param("UPDATE operations SET attempt_number = 9", "a try is counted when it is claimed", id="tries"),
    pytest.param("UPDATE operations SET user_id = gen_random_uuid()", "an account that holds", id="of another"),
    pytest.param("UPDATE live_counts SET n = n + 1", "what lives is what is counted", id="living counted twice"),
    pytest.param("DELETE FROM live_counts", "what lives is what is counted", id="living not counted"),
    pytest.param("UPDATE operation_counts SET status = 'x'", "what ended is what is counted", id="another end counted"),
    pytest.param("DELETE FROM operations", "a lane counts what is in it", id="lost"),
    pytest.param("DELETE FROM operations_archive", "an attempt is of an operation that is there", id="lost when over"),
    pytest.param("DELETE FROM attempts WHERE success", "what completed, and only that", id="untold success"),
    pytest.param("DELETE FROM attempts WHERE outcome = 'failed'", "what failed or was given up", id="untold failure"),
    pytest.param("UPDATE attempts SET success = true", "what completed, and only that", id="success of another"),
    pytest.param("UPDATE attempts SET epoch = epoch + 1", "no attempt is of a claim to come", id="stale epoch"),
    pytest.param(
        "INSERT INTO attempts SELECT (jsonb_populate_record(t, "
        "jsonb_build_object('epoch', 2, 'attempt_number', 2))).* FROM attempts t",
        "nothing is tried once it succeeded",
        id="tried again",
    ),
    pytest.param(
        "INSERT INTO attempts SELECT (jsonb_populate_record(t, '{\"epoch\": 2}')).* FROM attempts t",
        "one claim is one attempt at most",
        id="not counted on",
    ),
    pytest.param(
        "INSERT INTO dead_letters SELECT (jsonb_populate_record(NULL::dead_letters, to_jsonb(o) || "
        '\'{"status": "dead_letter", "dead_at": "2026-01-01"}\')).* FROM operations o',
        "an operation is in one place",
        id="two places",
    ),
    pytest.param(
        "UPDATE operations SET idempotency_key = 'k'", "one key is one operation", id="a key for two operations"
    ),
    pytest.param(
        "INSERT INTO idempotency_keys (tenant_id, key, body_hash, operation_id) "
        "SELECT id, 'k', '', gen_random_uuid() FROM tenants",
        "a key that was answered",
        id="a key for nothing",
    ),
    pytest.param("ALTER TABLE accounts NO FORCE ROW LEVEL SECURITY", "every table of tenants' rows", id="not forced"),
    pytest.param("GRANT UPDATE ON attempts TO provisiond_worker", "the daemon's role cannot rewrite", id="history"),
]


async def _finds(
    broken: Callable[["asyncpg.Connection[Any]"], Awaitable[list[str]]],
    admin: "asyncpg.Connection[Any]",
    breakage: str,
    rule: str,
) -> None:
    before = await broken(admin)
    await admin.execute(breakage)
    after = await broken(admin)

    assert before == []
    assert [line for line in after if line.startswith(rule)], after


@pytest.mark.parametrize(("breakage", "rule"), BREAKAGES)
async def test_a_rule_finds_what_breaks_it(
    pool: Pool,
    tenant_id: UUID,
    target: UUID,
    owner: UUID,
    admin: "asyncpg.Connection[Any]",
    breakage: str,
    rule: str,
) -> None:
    await some_of_everything(pool, tenant_id, target, owner)
    await _finds(invariants.broken, admin, breakage, rule)


async def test_what_is_held_at_the_end_is_found_only_when_all_should_rest(
    pool: Pool, tenant_id: UUID, target: UUID, owner: UUID, admin: "asyncpg.Connection[Any]"
) -> None:
    await some_of_everything(pool, tenant_id, target, owner)

    assert await invariants.broken(admin) == []
    assert [line.partition(":")[0] for line in await invariants.broken(admin, is_at_rest=True)] == ["nothing is held"]


WRITTEN = [
    pytest.param("DELETE FROM operations", "no operation vanishes", id="vanished"),
    pytest.param("UPDATE operations SET epoch = epoch + 1", "a claim raises the epoch by one", id="epoch"),
    pytest.param(
        "UPDATE operations SET owner = NULL, status = 'awaiting_system'; UPDATE operations SET status = 'failed'",
        "every move is an allowed one",
        id="move",
    ),
    pytest.param("UPDATE attempts SET worker = gen_random_uuid()", "what is written of a try", id="not its owner"),
    pytest.param(
        "UPDATE operations SET status = 'in_progress', epoch = epoch + 1, owner = gen_random_uuid() "
        "WHERE status = 'pending'",
        "one of an account is claimed at a time",
        id="two of an account",
    ),
]


@pytest.mark.parametrize(("breakage", "rule"), WRITTEN)
async def test_the_history_finds_what_breaks_a_rule(
    pool: Pool,
    tenant_id: UUID,
    target: UUID,
    owner: UUID,
    admin: "asyncpg.Connection[Any]",
    breakage: str,
    rule: str,
) -> None:
    await invariants.watch(admin)
    await some_of_everything(pool, tenant_id, target, owner)
    await _finds(invariants.broken_history, admin, breakage, rule)


async def test_an_acknowledged_operation_that_is_nowhere_is_named(
    pool: Pool, tenant_id: UUID, target: UUID, owner: UUID, admin: "asyncpg.Connection[Any]"
) -> None:
    ids = await some_of_everything(pool, tenant_id, target, owner)
    await admin.execute("DELETE FROM dead_letters")

    assert await invariants.unaccounted(admin, ids) == [ids[3]]
