"""Bodies are read as far as they may go, whatever is announced."""

from collections.abc import Sequence

import pytest
from fastapi import FastAPI
from starlette.requests import Request

from tests.unit.web.asking import ask
from worker.web import Bounded, install_problems


@pytest.fixture
def app() -> FastAPI:
    made = FastAPI()
    install_problems(made)
    made.add_middleware(Bounded, most=100, own=["/own"])

    @made.post("/{path}")
    async def echo(request: Request) -> int:
        return len(await request.body())

    return made


async def test_a_body_up_to_the_limit_is_read(app: FastAPI) -> None:
    status, _, length = await ask(app, "/any", method="POST", body=[b"x" * 60, b"x" * 40])

    assert (status, length) == (200, 100)


@pytest.mark.parametrize(
    ("announced", "body"),
    [
        pytest.param("101", [b""], id="announced"),
        pytest.param(None, [b"x" * 60, b"x" * 41], id="in pieces"),
        pytest.param("5", [b"x" * 101], id="announced wrongly"),
    ],
)
async def test_a_longer_one_is_refused(app: FastAPI, announced: str | None, body: Sequence[bytes]) -> None:
    headers = {"Content-Length": announced} if announced is not None else {}
    status, _, problem = await ask(app, "/any", method="POST", headers=headers, body=body)

    assert (status, problem["error"]) == (413, "too_large")


async def test_who_looks_after_that_itself_gets_all(app: FastAPI) -> None:
    status, _, length = await ask(app, "/own", method="POST", body=[b"x" * 101])

    assert (status, length) == (200, 101)


@pytest.mark.parametrize("path", ["/a?q=a%00b", "/a%00b", "/own?q=%00"])
async def test_a_nul_in_the_address_is_refused_before_anybody_asks_the_database(app: FastAPI, path: str) -> None:
    status, _, problem = await ask(app, path, method="POST", body=[b""])

    assert (status, problem["error"]) == (422, "invalid_request")
