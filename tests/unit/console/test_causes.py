"""The page of causes as plain forms."""

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from tests.e2e.fakes import causes as sample_causes
from tests.e2e.fakes import sample
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

BASE = f"/connectors/{sample.LDAP.id}/reconciliation/causes"


class House:
    """A console without a browser, with one operator signed in."""

    def __init__(self, *roles: str) -> None:
        reads = FakeReads()
        self.causes = FakeCauses()
        app = FastAPI()
        auth = FakeAuth(Person(roles=frozenset(roles or {"operator"})))
        app.include_router(
            build_console(
                reads,
                FakeActs(reads),
                auth,
                FakeHooks(),
                FakeMappings(),
                causes=self.causes,
                schedules=FakeSchedules(),
                repairs=FakeRepairs(),
                rules=FakeRules(),
            )
        )
        self.web = TestClient(app, cookies={COOKIE: "in"}, follow_redirects=False)

    def approve(self, **fields: str):
        return self.web.post(f"{BASE}/approve", data={"csrf": masked("csrf-of-me"), "how": "correct", **fields})


@pytest.fixture
def house() -> House:
    return House()


def test_the_question_names_the_number_and_what_stays(house: House) -> None:
    page = house.web.get(f"{BASE}/approve?group=a1&group=b2").text

    assert "Repair 1\u202f190 accounts of" in page
    assert "17 accounts stay as they are" in page
    assert "Type 1190 to go on" in page


def test_many_are_repaired_when_their_number_was_typed(house: House) -> None:
    refused = house.approve(group="a1", expect="1190", typed="119")
    done = house.approve(group="a1", expect="1190", typed="1 190", how="take_over")

    assert refused.status_code == 422
    assert "type 1190 to go on" in refused.text
    assert done.status_code == 303
    [(_, wanted)] = house.causes.done
    assert wanted == {
        "connector_id": sample.LDAP.id,
        "groups": ("a1",),
        "takes_over": True,
        "run_id": None,
        "expect": 1190,
    }


@pytest.mark.parametrize(
    ("query", "words"),
    [
        pytest.param("", "Choose between 1 and 20.", id="nothing chosen"),
        pytest.param("group=b2", "something else differs, too", id="only together with others"),
        pytest.param("group=zz", "somebody was faster", id="settled meanwhile"),
    ],
)
def test_what_cannot_be_approved_says_why(house: House, query: str, words: str) -> None:
    answer = house.web.get(f"{BASE}/approve?{query}")

    assert answer.status_code == 422
    assert words in answer.text


def test_an_approval_under_way_can_be_stopped(house: House) -> None:
    path = f"{BASE}/repairs/{sample_causes.REPAIR.id}/cancel"

    assert "Stop after 204 of 512 accounts?" in house.web.get(path).text
    assert house.web.post(path, data={"csrf": masked("csrf-of-me")}).status_code == 303
    assert house.causes.done[0][0] == "cancel_causes"


def test_who_only_looks_is_offered_nothing_to_choose() -> None:
    page = House("viewer").web.get(BASE).text

    assert "another part behind the @" in page
    assert 'name="group"' not in page
