"""Every route of the console that takes a form refuses one that did not come from a page of this session."""

import re
from typing import Final
from uuid import UUID

import pytest
from fastapi import FastAPI
from starlette.routing import Route
from starlette.testclient import TestClient

from tests.e2e.fakes.acts import COOKIE, FakeActs, FakeAuth, Person
from tests.e2e.fakes.causes import FakeCauses
from tests.e2e.fakes.hooks import FakeHooks
from tests.e2e.fakes.mappings import FakeMappings
from tests.e2e.fakes.reads import FakeReads
from tests.e2e.fakes.repairs import FakeRepairs
from tests.e2e.fakes.rules import FakeRules
from tests.e2e.fakes.schedules import FakeSchedules
from worker.console import build_console
from worker.console.desk import masked

#: Whoever signs in has no session yet; the secret of the link is what counts.
WITHOUT_SESSION: Final = {"/sign-in"}


class House:
    """A console without a browser, and what was done in it."""

    def __init__(self) -> None:
        reads = FakeReads()
        self.acts, self.hooks, self.mappings = FakeActs(reads), FakeHooks(), FakeMappings()
        app = FastAPI()
        person = Person(roles=frozenset({"admin"}))
        auth, causes = FakeAuth(person), FakeCauses()
        self.schedules, self.repairs, self.rules = FakeSchedules(), FakeRepairs(), FakeRules()
        self.router = build_console(
            reads,
            self.acts,
            auth,
            self.hooks,
            self.mappings,
            causes=causes,
            schedules=self.schedules,
            repairs=self.repairs,
            rules=self.rules,
        )
        app.include_router(self.router)
        self.web = TestClient(app, cookies={COOKIE: "in"}, follow_redirects=False)

    @property
    def forms(self) -> list[str]:
        routes = (each for each in self.router.routes if isinstance(each, Route))
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
    house = House()
    fields = {} if token is None else {"csrf": token}
    found = {path: house.web.post(place(path), data=fields).status_code for path in house.forms}

    assert len(found) > 30
    assert {path: status for path, status in found.items() if status != 403} == {}
    done = [each.done for each in (house.hooks, house.mappings, house.schedules, house.repairs, house.rules)]
    assert done == [[], [], [], [], []]


def test_with_the_token_each_form_is_looked_at():
    """So that the walk above is refused for the token and nothing else."""
    house = House()
    found = {path: house.web.post(place(path), data={"csrf": masked("csrf-of-me")}) for path in house.forms}

    assert [path for path, answer in found.items() if "too old for this" in answer.text] == []
