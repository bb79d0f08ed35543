"""Errors as a client sees them."""

from typing import Any

import asyncpg
import pytest
from fastapi import FastAPI

from tests.unit.web.asking import ask
from worker.domain.errors import HookError, Outdated
from worker.web.problems import install_problems


async def _answer_to(error: Exception) -> tuple[int, dict[str, str], dict[str, Any]]:
    """Status, headers and body of the answer of an app whose only route raises this error."""
    app = FastAPI()
    install_problems(app)

    @app.get("/thing")
    async def thing() -> None:
        raise error

    return await ask(app)


@pytest.mark.parametrize(
    ("error", "code"),
    [
        pytest.param(asyncpg.exceptions.DeadlockDetectedError("x"), "database_busy", id="deadlock"),
        pytest.param(asyncpg.exceptions.SerializationError("x"), "database_busy", id="serialization"),
        pytest.param(asyncpg.exceptions.QueryCanceledError("x"), "database_busy", id="a statement that took too long"),
        pytest.param(asyncpg.exceptions.CannotConnectNowError("x"), "database_away", id="the server starts"),
        pytest.param(ConnectionResetError(), "database_away", id="the connection is cut"),
        pytest.param(HookError("later", hook_class="hook.busy", retryable=True), "hook.busy", id="no sandbox is free"),
    ],
)
async def test_what_will_be_over_soon_says_when_to_come_again(error: Exception, code: str) -> None:
    status, headers, body = await _answer_to(error)

    assert (status, body["error"]) == (503, code)
    assert int(headers["retry-after"]) > 0


async def test_what_an_error_knows_beside_its_words_is_told() -> None:
    status, _, body = await _answer_to(Outdated("Too late.", members={"version": 3}))

    assert (status, body["error"], body["message"], body["version"]) == (412, "outdated", "Too late.", 3)


async def test_a_body_that_is_no_json_is_told_so_with_its_place() -> None:
    app = FastAPI()
    install_problems(app)

    @app.post("/thing")
    async def thing(body: dict[str, Any]) -> None:
        del body

    headers = {"content-type": "application/json"}
    status, _, body = await ask(app, method="POST", headers=headers, body=[b'{"a": 1,}'])

    assert (status, body["error"]) == (422, "invalid_request")
    assert body["message"].startswith("body: is not JSON at character 8: ")
