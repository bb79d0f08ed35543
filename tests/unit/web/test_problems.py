"""Errors as a client sees them."""

import json
from typing import Any

import asyncpg
import pytest
from fastapi import FastAPI

from worker.web.problems import install_problems


async def _answer_to(error: Exception) -> tuple[int, dict[str, str], dict[str, Any]]:
    """Status, headers and body of the answer of an app whose only route raises this error."""
    app = FastAPI()
    install_problems(app)

    @app.get("/thing")
    async def thing() -> None:
        raise error

    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {
        "type": "http",
        "method": "GET",
        "path": "/thing",
        "raw_path": b"/thing",
        "query_string": b"",
        "headers": [],
        "scheme": "http",
        "server": ("127.0.0.1", 80),
        "asgi": {"version": "3.0"},
    }
    await app(scope, receive, send)
    headers = {name.decode(): value.decode() for name, value in sent[0]["headers"]}
    return sent[0]["status"], headers, json.loads(sent[1]["body"])


@pytest.mark.parametrize(
    ("error", "code"),
    [
        pytest.param(asyncpg.exceptions.DeadlockDetectedError("x"), "database_busy", id="deadlock"),
        pytest.param(asyncpg.exceptions.SerializationError("x"), "database_busy", id="serialization"),
        pytest.param(asyncpg.exceptions.QueryCanceledError("x"), "database_busy", id="a statement that took too long"),
        pytest.param(asyncpg.exceptions.CannotConnectNowError("x"), "database_away", id="the server starts"),
        pytest.param(ConnectionResetError(), "database_away", id="the connection is cut"),
    ],
)
async def test_what_will_be_over_soon_says_when_to_come_again(error: Exception, code: str) -> None:
    status, headers, body = await _answer_to(error)

    assert (status, body["error"]) == (503, code)
    assert int(headers["retry-after"]) > 0
