"""If-Match: what was seen, or a sentence."""

import pytest
from fastapi import FastAPI

from tests.unit.web.asking import ask
from worker.web import SeenVersion, etag_of, install_problems


@pytest.fixture
def app() -> FastAPI:
    made = FastAPI()
    install_problems(made)

    @made.get("/thing")
    async def thing(seen: SeenVersion) -> int | None:
        return seen

    return made


@pytest.mark.parametrize(
    ("header", "seen"),
    [
        pytest.param(None, None, id="says nothing"),
        pytest.param("*", None, id="any"),
        pytest.param(etag_of(17), 17, id="as it was given"),
        pytest.param('W/"17"', 17, id="weakened on its way"),
    ],
)
async def test_the_version_that_was_seen_is_read(app: FastAPI, header: str | None, seen: int | None) -> None:
    status, _, found = await ask(app, headers={"If-Match": header} if header is not None else {})

    assert (status, found) == (200, seen)


@pytest.mark.parametrize("header", ["17", '"x"', '"1", "2"', '"' + "9" * 40 + '"', ""])
async def test_what_is_no_etag_of_ours_is_refused(app: FastAPI, header: str) -> None:
    status, _, problem = await ask(app, headers={"If-Match": header})

    assert (status, problem["error"]) == (422, "invalid_request")
