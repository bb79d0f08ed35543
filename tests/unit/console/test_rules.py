"""The pages of a target's rules of correlation as plain forms."""

import pytest

from tests.e2e.fakes import rules as sample_rules
from tests.e2e.fakes import sample
from tests.unit.console.house import House
from worker.console.desk import masked

BASE = f"/correlation/rules/{sample.LDAP.id}"
TEST = f"/backtests/{sample_rules.BACKTEST.id}"
RULE = {"r0.name": "email", "r0.source": "mail", "r0.target": "mail", "r0.threshold": "0.9", "r0.veto": "true"}
OTHER = {"r1.name": "phone", "r1.source": "phone", "r1.target": "tel"}


class RuleHouse(House):
    """A console without a browser, with one person signed in."""

    def get(self, path: str = "") -> str:
        return self.web.get(f"{BASE}{path}").text

    def post(self, path: str = "", **fields: str):
        return self.web.post(f"{BASE}{path}", data={"csrf": masked("csrf-of-me"), "seen": "2", **fields})

    @property
    def last(self) -> tuple[str, dict[str, object]]:
        return self.console.rules.done[-1]


@pytest.fixture
def house():
    return RuleHouse()


def test_every_target_is_listed_with_how_right_its_rules_are(house):
    page = house.web.get("/correlation/rules").text

    assert "99.2" in page
    assert "Shipped rules" in page
    assert "Tuning: nothing is linked by itself" in page
    assert "none checked" in page


def test_the_editor_shows_every_rule_and_settings(house):
    page = house.get()

    assert page.count('<fieldset class="panel rule"') == len(sample_rules.DOCUMENT["rules"]) + 1
    assert 'name="r1.weight" value="10"' in page
    assert "Save as version 3" in page
    assert 'aria-current="page"' in page


def test_a_version_that_is_not_in_force_says_so_and_one_that_is_not_there_is_not_found(house):
    assert "This shows version 1." in house.get("?version=1")
    assert "This shows the shipped rules." in house.get("?version=0")
    assert house.web.get(f"{BASE}?version=9").status_code == 404


def test_what_is_saved_is_what_was_written_as_it_was_seen(house):
    answer = house.post(do="save", note="Mail only", **RULE)
    verb, what = house.last

    assert answer.headers["location"] == BASE
    assert (verb, what["seen"], what["note"], what["acknowledged"]) == ("save", 2, "Mail only", False)
    [rule] = what["document"]["rules"]
    assert (rule["name"], rule["threshold"], rule["veto"], rule["definitive"]) == ("email", 0.9, True, False)


@pytest.mark.parametrize(("do", "code"), [("check", 200), ("save", 409), ("backtest", 409)])
def test_a_mistake_is_shown_with_its_rule_and_what_was_written_stays(house, do, code):
    house.console.rules.beaten = True
    answer = house.post(do=do, **{**RULE, "r0.threshold": "much"})

    assert answer.status_code == code
    assert 'value="much"' in answer.text
    assert '<a href="#r0">' in answer.text
    assert "threshold is not a number" in answer.text
    assert house.console.rules.done == []


def test_while_one_writes_only_the_verdict_is_answered(house):
    answer = house.post("/check", **RULE)

    assert "No mistake found." in answer.text
    assert "<html" not in answer.text


def test_rules_are_added_and_removed_without_script(house):
    more, fewer = house.post(do="add", **RULE).text, house.post(do="drop-0", **RULE, **OTHER).text

    assert 'name="r1.name" value=""' in more
    assert 'name="r0.name" value="phone"' in fewer
    assert "r1.name" not in fewer
    assert house.post(do="drop-x").status_code == 422


def test_rules_that_contradict_people_are_saved_once_that_was_seen(house):
    house.console.rules.contradicts = 4
    refused = house.post(do="save", **RULE)
    assert refused.status_code == 409
    assert "what people decided about 4 accounts" in refused.text
    assert 'name="acknowledged"' in refused.text

    house.post(do="save", acknowledged="true", **RULE)
    assert house.last[1]["acknowledged"] is True


def test_a_draft_is_tried_before_it_is_saved(house):
    answer = house.post(do="backtest", follow="true", **RULE)
    assert answer.headers["location"] == f"{BASE}{TEST}"
    assert house.last[1]["document"]["rules"][0]["name"] == "email"

    page = house.get(TEST)
    assert "They go against what people decided about 1 account" in page
    assert "linked, then linked to somebody else" in page
    assert "against it" in page
    assert 'name="acknowledged"' in page
    house.post(f"{TEST}/save", note="Better", acknowledged="true")
    assert house.last == (
        "save", {"document": sample_rules.DOCUMENT, "note": "Better", "seen": 2, "acknowledged": True}
    )  # fmt: skip


def test_what_was_tried_is_refused_where_somebody_was_faster_and_can_be_edited(house):
    house.console.rules.beaten = True
    answer = house.post(f"{TEST}/save", note="mine")

    assert (answer.status_code, 'value="mine"' in answer.text) == (409, True)
    assert "Somebody else changed this meanwhile" in answer.text
    assert "Save as version 3" in house.get(f"?backtest={sample_rules.BACKTEST.id}")


def test_a_back_test_under_way_is_looked_at_again_and_can_be_stopped(house):
    path = f"/backtests/{sample_rules.UNDER_WAY.id}"
    page = house.get(path)

    assert 'hx-trigger="load delay' in page
    assert "Proposed rules" in page
    assert "Save as version" not in page
    assert house.post(f"{path}/stop").headers["location"] == f"{BASE}{path}"
    assert house.get("/backtests/00000000-0000-0000-0000-000000000001").count("There is no such back-test") == 1


def test_versions_are_compared_tried_and_put_in_force(house):
    page = house.get("/versions?before=1&after=2")
    assert "email, weight" in page
    assert "Version 1" in page

    question = house.get("/versions/1/activate")
    assert "3 things differ from version 2." in question
    house.post("/versions/1/activate")
    assert house.last == ("activate", {"version": 1, "seen": 2})
    assert "Put version 1 in force" in house.get("/back")
    house.post("/back")
    assert house.last == ("back", {"seen": 2})
    house.post("/versions/0/backtest")
    assert house.last == ("backtest", {"document": None, "version": 0})
    assert house.web.get(f"{BASE}/versions?before=1&after=9").status_code == 404


def test_links_are_checked_and_rules_proposed(house):
    house.post("/spot-check")
    assert house.last == ("spot-check", {"count": 20})
    assert house.post("/refine", follow="true").headers["location"] == f"{BASE}{TEST}"
    assert house.last == ("refine", {"by_data": False})
    house.post("/refine", learn_from="data")
    assert house.last == ("refine", {"by_data": True})


def test_a_draft_says_whose_an_account_would_be_and_stays_in_the_form(house):
    page = house.post(do="try", try_attributes="mail: anna@x.de", **RULE).text
    nothing = house.post(do="try", **RULE).text
    wrong = house.post(do="try", try_attributes="mail", **RULE).text

    assert house.console.rules.done == [
        ("whose", {"uid": None, "document": house.console.rules.done[0][1]["document"]})
    ]
    assert house.last[1]["document"]["rules"][0]["name"] == "email"
    assert "A person would be asked" in page
    assert "mail: anna@x.de" in page
    assert 'name="r0.name" value="email"' in page
    assert "Give attributes, or the uid of an account." in nothing
    assert "Line 1 is no attribute" in wrong


def test_an_account_is_tried_with_why(house):
    page = house.post("/try", attributes="mail: anna@x.de\r\n").text
    assert "A person would be asked" in page
    assert "for +10.0" in page
    assert "against -4.0" in page
    assert "missing, says nothing" in page
    assert "mail: anna@x.de" in page
    assert house.console.rules.done == []


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        pytest.param({}, "Give attributes, or the uid", id="nothing"),
        pytest.param({"attributes": "anna"}, "Line 1 is no attribute", id="unreadable"),
        pytest.param({"uid": "nobody"}, "We know no account", id="unknown"),
    ],
)
def test_what_cannot_be_tried_is_said_in_words(house, fields, words):
    answer = house.post("/try", **fields)

    assert words in answer.text
    assert answer.status_code == 200


def test_viewers_read_and_operators_try():
    viewer, operator = RuleHouse("viewer").get(), RuleHouse("operator").get()

    assert "Save as version" not in viewer
    assert "Back-test</button>" not in viewer
    assert "readonly" in viewer
    assert "Save as version" not in operator
    assert "Back-test</button>" in operator
