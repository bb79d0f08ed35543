"""What tokens open, and what they no longer open."""

import pytest

from tests.integration.actions.conftest import Works
from tests.integration.api.conftest import Client
from worker.domain.errors import Unauthenticated
from worker.security import by_session, sign_in


async def test_a_token_takes_nothing_over_from_another_of_its_name(client: Client) -> None:
    """Both would have the roles of the other: a viewer's token would become an administrator's."""
    await client.post("/api/tokens", {"name": "ci", "roles": ["viewer"]}, role="admin")

    other, problem = await client.post("/api/tokens", {"name": "ci", "roles": ["admin"]}, role="admin")
    renewed, _ = await client.post("/api/tokens", {"name": "ci", "roles": ["viewer"]}, role="admin")
    _, listed = await client.get("/api/tokens", role="admin")

    assert (other, renewed) == (409, 201)
    assert "another name" in problem["message"]
    assert [each["roles"] for each in listed["tokens"] if each["name"] == "ci"] == [["viewer"], ["viewer"]]


async def test_a_token_cannot_be_called_what_cannot_be_stored(client: Client) -> None:
    status, problem = await client.post("/api/tokens", {"name": "a\0b", "roles": ["viewer"]}, role="admin")

    assert (status, problem["error"]) == (422, "invalid_request")


async def test_a_session_had_for_a_token_ends_with_it(client: Client, works: Works) -> None:
    _, made = await client.post("/api/tokens", {"name": "borrowed", "roles": ["viewer"]}, role="admin")
    session = await sign_in(works.house.pool, made["token"])
    assert (await by_session(works.house.pool, session)).principal.name == "borrowed"

    _, listed = await client.get("/api/tokens", role="admin")
    (token_id,) = [each["id"] for each in listed["tokens"] if each["name"] == "borrowed"]
    await client.call("DELETE", f"/api/tokens/{token_id}", role="admin")

    with pytest.raises(Unauthenticated):
        await by_session(works.house.pool, session)


async def test_the_description_of_the_api_is_for_those_with_a_token(client: Client) -> None:
    async with client.session.get(client.base + "/api/openapi.json") as answer:
        stranger = answer.status
    status, described = await client.get("/api/openapi.json", role="viewer")

    assert (stranger, status) == (401, 200)
    assert "/api/operations" in described["paths"]


async def test_each_kind_of_body_has_a_name_of_its_own(client: Client) -> None:
    """Of two with one name the description calls both by the module they are in, which is nobody's business."""
    _, described = await client.get("/api/openapi.json", role="viewer")

    assert [name for name in described["components"]["schemas"] if "__" in name] == []
