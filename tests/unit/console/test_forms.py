"""Every route of the console that takes a form refuses one that did not come from a page of the person signed in."""

import re
from typing import Final
from uuid import UUID

import pytest
from starlette.routing import Route

from tests.e2e.fakes.server import pages
from tests.unit.console.house import House
from worker.console.desk import masked

#: Whoever signs in has no session yet; the secret of the link is what counts.
WITHOUT_SESSION: Final = {"/sign-in"}


class Forms(House):
    """The routes that take forms, of those who are signed in."""

    @property
    def forms(self) -> list[str]:
        routes = (each for each in pages(self.console).routes if isinstance(each, Route))
        return [each.path for each in routes if "POST" in (each.methods or ()) and each.path not in WITHOUT_SESSION]


def place(path: str) -> str:
    return re.sub(r"\{\w+(:int)?\}", lambda part: "1" if part[1] else str(UUID(int=1)), path)


@pytest.mark.parametrize(
    "token",
    [
        pytest.param(None, id="none"),
        pytest.param("", id="empty"),
        pytest.param("csrf-of-me", id="not masked"),
        pytest.param(masked("csrf-of-you"), id="of another session"),
    ],
)
def test_no_form_is_taken_without_the_sessions_token(token):
    house = Forms()
    fields = {} if token is None else {"csrf": token}
    with house.web:
        found = {path: house.web.post(place(path), data=fields).status_code for path in house.forms}

    assert len(found) > 30
    assert {path: status for path, status in found.items() if status != 403} == {}
    parts = house.console
    doers = (parts.acts, parts.hooks, parts.mappings, parts.causes, parts.schedules, parts.repairs, parts.rules)
    assert [each.done for each in doers] == [[]] * len(doers)


def test_with_the_token_each_form_is_looked_at():
    """So that the walk above is refused for the token and nothing else."""
    house = Forms()
    with house.web:
        found = {path: house.web.post(place(path), data={"csrf": masked("csrf-of-me")}) for path in house.forms}

    assert [path for path, answer in found.items() if "too old for this" in answer.text] == []
