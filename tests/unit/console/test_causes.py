"""The page of causes as plain forms."""

import pytest

from tests.e2e.fakes import causes as sample_causes
from tests.e2e.fakes import sample
from tests.unit.console.house import House
from worker.console.desk import masked

BASE = f"/connectors/{sample.LDAP.id}/reconciliation/causes"


class CauseHouse(House):
    """A console without a browser, with one operator signed in."""

    def approve(self, **fields: str):
        return self.web.post(f"{BASE}/approve", data={"csrf": masked("csrf-of-me"), "how": "correct", **fields})


@pytest.fixture
def house() -> CauseHouse:
    return CauseHouse("operator")


def test_the_question_names_the_number_and_what_stays(house: CauseHouse) -> None:
    page = house.web.get(f"{BASE}/approve?group=a1&group=b2").text

    assert "Repair 1\u202f190 accounts of" in page
    assert "17 accounts stay as they are" in page
    assert "Type 1190 to go on" in page


def test_many_are_repaired_when_their_number_was_typed(house: CauseHouse) -> None:
    refused = house.approve(group="a1", expect="1190", typed="119")
    done = house.approve(group="a1", expect="1190", typed="1 190", how="take_over")

    assert refused.status_code == 422
    assert "type 1190 to go on" in refused.text
    assert done.status_code == 303
    [(_, wanted)] = house.console.causes.done
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
def test_what_cannot_be_approved_says_why(house: CauseHouse, query: str, words: str) -> None:
    answer = house.web.get(f"{BASE}/approve?{query}")

    assert answer.status_code == 422
    assert words in answer.text


def test_an_approval_under_way_can_be_stopped(house: CauseHouse) -> None:
    path = f"{BASE}/repairs/{sample_causes.REPAIR.id}/cancel"

    assert "Stop after 204 of 512 accounts?" in house.web.get(path).text
    assert house.web.post(path, data={"csrf": masked("csrf-of-me")}).status_code == 303
    assert house.console.causes.done[0][0] == "cancel_causes"


def test_who_only_looks_is_offered_nothing_to_choose() -> None:
    page = CauseHouse("viewer").web.get(BASE).text

    assert "another part behind the @" in page
    assert 'name="group"' not in page
