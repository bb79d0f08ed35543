"""One key, one operation: however many ask at once, and whether or not an answer is heard. Sending again, corrected."""

import asyncio
from typing import Any
from uuid import UUID

import pytest

from tests.integration.actions.conftest import Works
from tests.integration.api.conftest import Client


@pytest.fixture
async def body(works: Works) -> dict[str, Any]:
    """An operation to ask for, about somebody who has an account."""
    await works.reconcile()
    (kim,) = await works.hire(("Kim", "Berg", "kim@example.org"))
    await works.work()
    return {
        "connector_id": str(works.connector.id),
        "user_id": str(kim),
        "operation_type": "update",
        "payload": {"attributes": {"given": "Kimberly"}},
    }


async def ask(client: Client, body: dict[str, Any], *, key: str = "once") -> tuple[int, Any]:
    return await client.call("POST", "/api/operations", json=body, headers={"Idempotency-Key": key})


async def test_of_fifty_who_ask_at_once_with_one_key_one_makes_the_operation(
    client: Client, works: Works, body: dict[str, Any]
) -> None:
    answers = await asyncio.gather(*(ask(client, body) for _ in range(50)))

    assert sorted(status for status, _ in answers) == [200] * 49 + [201]
    assert len({made["id"] for _, made in answers}) == 1
    assert await works.value("SELECT count(*) FROM operations") == 1


async def test_another_body_with_the_same_key_is_refused_at_the_same_moment_too(
    client: Client, works: Works, body: dict[str, Any]
) -> None:
    other = {**body, "payload": {"attributes": {"given": "Somebody"}}}

    answers = await asyncio.gather(*(ask(client, each) for each in [body, other] * 10))

    assert sorted(status for status, _ in answers) == [200] * 9 + [201] + [409] * 10
    assert await works.value("SELECT count(*) FROM operations") == 1


async def test_who_did_not_hear_the_answer_asks_again_and_gets_the_same_operation(
    client: Client, works: Works, body: dict[str, Any]
) -> None:
    _, made = await ask(client, body)
    await works.work()

    status, again = await ask(client, {**body, "priority": 0, "idempotency_key": "once"})

    assert (status, again["id"], again["status"]) == (200, made["id"], "completed")


async def test_a_key_in_the_body_is_the_same_as_one_in_the_header(client: Client, body: dict[str, Any]) -> None:
    _, made = await ask(client, body)

    status, again = await client.post("/api/operations", {**body, "idempotency_key": "once"})

    assert (status, again["id"]) == (200, made["id"])


async def test_what_was_refused_leaves_its_key_free(client: Client, body: dict[str, Any]) -> None:
    refused, _ = await ask(client, {**body, "connector_id": body["user_id"]})
    status, _ = await ask(client, body)

    assert (refused, status) == (404, 201)


async def test_a_key_is_over_after_seven_days(client: Client, works: Works, body: dict[str, Any]) -> None:
    _, made = await ask(client, body)
    await works.rows("UPDATE idempotency_keys SET created_at = db_now() - interval '6 days 23 hours' RETURNING key")
    assert (await ask(client, body))[1]["id"] == made["id"]
    await works.rows("UPDATE idempotency_keys SET created_at = db_now() - interval '7 days 1 minute' RETURNING key")
    assert (await ask(client, body))[1]["id"] == made["id"]  # it is not done yet
    await works.work()

    status, anew = await ask(client, body)

    assert status == 201
    assert anew["id"] != made["id"]
    assert (await ask(client, body))[1]["id"] == anew["id"]


@pytest.fixture
async def letter(client: Client, works: Works, body: dict[str, Any]) -> UUID:
    """A dead letter: the table refuses the value."""
    await works.table.execute("ALTER TABLE people ADD CONSTRAINT short CHECK (length(given) < 20)")
    _, made = await ask(client, {**body, "payload": {"attributes": {"given": "K" * 30}}}, key="too long")
    await works.work(until="SELECT EXISTS (SELECT 1 FROM dead_letters)")
    return UUID(made["id"])


async def test_a_dead_letter_is_corrected_and_sent_again(client: Client, works: Works, letter: UUID) -> None:
    status, made = await client.post(f"/api/operations/{letter}/redrive", {"payload": {"attributes": {"given": "Kay"}}})
    await works.work()

    _, old = await client.get(f"/api/operations/{letter}")
    assert (status, made["redrive_of"], old["status"]) == (201, str(letter), "resolved")
    assert [row["given"] for row in await works.table.fetch("SELECT given FROM people")] == ["Kay"]


@pytest.mark.parametrize(
    "payload",
    [
        pytest.param({"attribute": {}}, id="a field that is none"),
        pytest.param({"attributes": ["given"]}, id="attributes that are no object"),
        pytest.param({"attributes": {"given": {"first": "Kay"}}}, id="a value that is an object"),
        pytest.param({"attributes": {"given": "K\0y"}}, id="characters that no target stores"),
        pytest.param({"active": "yes"}, id="a flag that is a word"),
    ],
)
async def test_a_correction_that_could_not_be_submitted_cannot_be_sent_again(
    client: Client, letter: UUID, payload: dict[str, Any]
) -> None:
    status, _ = await client.post(f"/api/operations/{letter}/redrive", {"payload": payload})

    assert status == 422
    assert (await client.get(f"/api/operations/{letter}"))[1]["status"] == "dead_letter"


async def test_of_two_who_send_the_same_again_one_does(client: Client, works: Works, letter: UUID) -> None:
    answers = await asyncio.gather(
        *(client.post(f"/api/operations/{letter}/redrive", {"payload": {"attributes": {"given": x}}}) for x in "ABCD")
    )

    assert sorted(status for status, _ in answers) == [201, 409, 409, 409]
    assert await works.value("SELECT count(*) FROM operations") == 1
