"""Conflicts that a person settles: what becomes of the operations, and who comes second."""

import asyncio
from typing import Any
from uuid import UUID, uuid4

import pytest

from tests.factories import accounts, an_operation, enqueue
from tests.integration.actions.conftest import Works
from tests.integration.api.conftest import Client
from worker.domain.operation import Origin

#: Settings of a target that takes what is ready without having been listed.
OPEN = {"require_baseline": False}
CONFLICTS = "/api/operations/conflicts"


@pytest.fixture
async def pair(works: Works) -> tuple[UUID, UUID]:
    """Two operations of one account that disagree about the mail; a person is to decide."""
    await works.rows("UPDATE connectors SET settings = $1 RETURNING id", {**OPEN, "conflict_strategy": "manual"})
    (account,) = await accounts(works.house.pool, works.tenant_id, works.connector.id, 1)
    older = await ask(works, account, mail="a@example.org", given="Ada")
    newer = await ask(works, account, mail="b@example.org", family="Moss")
    return older, newer


async def ask(works: Works, account: UUID, origin: Origin = Origin.API, **attributes: Any) -> UUID:
    operation = an_operation(works.connector.id, account, payload={"attributes": attributes}, origin=origin)
    return (await enqueue(works.house.pool, works.tenant_id, operation))[0]


async def the_conflict(client: Client) -> dict[str, Any]:
    _, found = await client.get(CONFLICTS)
    conflict: dict[str, Any] = found["conflicts"][0]
    return conflict


async def states(client: Client, *ids: UUID) -> list[tuple[str, dict[str, Any]]]:
    found = [(await client.get(f"/api/operations/{each}"))[1] for each in ids]
    return [(each["status"], each["payload"]["attributes"]) for each in found]


async def test_a_conflict_is_listed_with_both_operations(client: Client, pair: tuple[UUID, UUID]) -> None:
    status, found = await client.get(CONFLICTS)

    assert (status, found["total"], found["pending_count"], found["limit"], found["offset"]) == (200, 1, 1, 20, 0)
    [conflict] = found["conflicts"]
    assert (conflict["operation_id_a"], conflict["operation_id_b"]) == tuple(map(str, pair))
    assert (conflict["conflict_type"], conflict["affected_attributes"]) == ("concurrent_update", ["mail"])
    assert (conflict["status"], conflict["outcome"], conflict["strategy"]) == ("pending", None, "manual")
    assert (await client.get(f"{CONFLICTS}/{conflict['id']}"))[1] == conflict


A = {"mail": "a@example.org", "given": "Ada"}
B = {"mail": "b@example.org", "family": "Moss"}


@pytest.mark.parametrize(
    ("outcome", "older", "newer"),
    [
        pytest.param("applied", ("pending", A), ("pending", B), id="applied: both, in order"),
        pytest.param("superseded", ("cancelled", A), ("pending", {**A, **B}), id="superseded: the newer"),
        pytest.param("merged", ("cancelled", A), ("pending", {**A, **B}), id="merged: one that says both"),
        pytest.param("rejected", ("pending", {**B, **A}), ("cancelled", B), id="rejected: the older"),
    ],
)
async def test_a_decision_changes_the_operations(
    client: Client, pair: tuple[UUID, UUID], works: Works, outcome: str, older: Any, newer: Any
) -> None:
    conflict = await the_conflict(client)

    status, answer = await client.post(f"{CONFLICTS}/{conflict['id']}/resolve", {"outcome": outcome, "notes": "so"})

    assert (status, answer["status"], answer["outcome"], answer["notes"]) == (200, "resolved", outcome, "so")
    assert answer["resolved_by"] is not None
    assert await states(client, *pair) == [older, newer]
    lane = (await works.rows("SELECT live, head_id FROM accounts"))[0]
    waiting = [each for each, (state, _) in zip(pair, (older, newer), strict=True) if state == "pending"]
    assert (lane["live"], lane["head_id"]) == (len(waiting), waiting[0])
    assert await works.value("SELECT details ->> 'outcome' FROM audit WHERE action = 'conflict.resolve'") == outcome
    due = await works.value("SELECT due_at <= db_now() FROM due_work WHERE kind = 'claim'")
    assert due


async def test_who_comes_second_is_told(client: Client, pair: tuple[UUID, UUID]) -> None:
    del pair
    path = f"{CONFLICTS}/{(await the_conflict(client))['id']}/resolve"

    answers = await asyncio.gather(
        *(client.post(path, {"outcome": outcome}) for outcome in ("applied", "merged", "rejected", "superseded"))
    )

    assert sorted(status for status, _ in answers) == [200, 409, 409, 409]
    [refused, *_] = [body for status, body in answers if status == 409]
    assert refused["current"]["status"] == "resolved"


@pytest.mark.parametrize(
    ("path", "body", "role", "status"),
    [
        pytest.param("{id}", {"outcome": "pending"}, "operator", 422, id="an outcome that is none"),
        pytest.param("{id}", {}, "operator", 422, id="no outcome"),
        pytest.param("{id}", {"outcome": "applied"}, "viewer", 403, id="somebody who may only look"),
        pytest.param(str(uuid4()), {"outcome": "applied"}, "operator", 404, id="a conflict that is not there"),
    ],
)
async def test_a_decision_that_cannot_be(
    client: Client, pair: tuple[UUID, UUID], path: str, body: Any, role: str, status: int
) -> None:
    conflict = await the_conflict(client)

    answer, _ = await client.post(f"{CONFLICTS}/{path.format(id=conflict['id'])}/resolve", body, role=role)

    assert answer == status
    assert [state for state, _ in await states(client, *pair)] == ["awaiting_system", "awaiting_system"]


@pytest.mark.parametrize(
    ("query", "count"),
    [
        pytest.param("status=pending", 1, id="pending"),
        pytest.param("pending_only=true", 1, id="pending only"),
        pytest.param("status=resolved", 0, id="resolved"),
        pytest.param("conflict_type=stale_data", 0, id="of another type"),
        pytest.param(f"operation_id={uuid4()}", 0, id="of another operation"),
        pytest.param(f"connector_id={uuid4()}", 0, id="of another target"),
    ],
)
async def test_conflicts_are_filtered(client: Client, pair: tuple[UUID, UUID], query: str, count: int) -> None:
    del pair

    status, found = await client.get(f"{CONFLICTS}?{query}")

    assert (status, found["total"], len(found["conflicts"])) == (200, count, count)


async def test_a_word_that_is_no_status_is_refused(client: Client) -> None:
    assert (await client.get(f"{CONFLICTS}?status=open"))[0] == 422


async def test_one_that_is_cancelled_frees_the_other(client: Client, pair: tuple[UUID, UUID]) -> None:
    older, newer = pair

    await client.post(f"/api/operations/{older}/cancel")

    assert [state for state, _ in await states(client, older, newer)] == ["cancelled", "pending"]
    assert (await the_conflict(client))["outcome"] == "superseded"


async def test_one_that_is_in_two_conflicts_waits_for_both(
    client: Client, pair: tuple[UUID, UUID], works: Works
) -> None:
    account = await works.value("SELECT id FROM accounts")
    third = await ask(works, account, mail="c@example.org")
    _, found = await client.get(f"{CONFLICTS}?operation_id={pair[0]}")
    assert found["total"] == 2
    between = next(each for each in found["conflicts"] if each["operation_id_b"] == str(pair[1]))

    await client.post(f"{CONFLICTS}/{between['id']}/resolve", {"outcome": "applied"})

    assert [state for state, _ in await states(client, *pair, third)] == ["awaiting_system"] * 3


async def test_an_operation_that_runs_is_not_decided_about(
    client: Client, pair: tuple[UUID, UUID], works: Works
) -> None:
    await works.rows(
        "UPDATE operations SET status = 'in_progress', wait_reason = NULL WHERE id = $1 RETURNING id", pair[0]
    )
    conflict = await the_conflict(client)

    status, _ = await client.post(f"{CONFLICTS}/{conflict['id']}/resolve", {"outcome": "superseded"})

    assert status == 409
    assert (await the_conflict(client))["status"] == "pending"


async def test_settled_operations_are_carried_out(client: Client, works: Works) -> None:
    """From a person who is hired to what the table says, with a decision between."""
    await works.reconcile()
    await works.hire(("Ada", "Moss", "ada@example.org"))
    await works.work()
    await works.rows("UPDATE connectors SET settings = $1 RETURNING id", {"conflict_strategy": "manual"})
    account = await works.value("SELECT id FROM accounts")
    await ask(works, account, mail="a@example.org", given="Adah")
    await ask(works, account, mail="b@example.org")
    conflict = await the_conflict(client)

    await client.post(f"{CONFLICTS}/{conflict['id']}/resolve", {"outcome": "merged"})
    await works.work()

    row = (await works.table.fetch("SELECT mail, given FROM people"))[0]
    assert (row["mail"], row["given"]) == ("b@example.org", "Adah")
