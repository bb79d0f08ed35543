"""The pages of a target's mapping as plain forms."""

import pytest

from tests.e2e.fakes import mappings as sample_mappings
from tests.e2e.fakes import sample
from tests.unit.console.house import House
from worker.console.desk import masked

BASE = f"/connectors/{sample.LDAP.id}/mappings"
RULES = '[\r\n  {"target": "mail", "source": "mail"}\r\n]\r\n'
WRONG = '[\n  {"target": "mail", "source": "mail", "transforms": ["lwoer"]}\n]\n'


class MappingHouse(House):
    """A console without a browser, with one person signed in."""

    def get(self, path: str = "") -> str:
        return self.web.get(f"{BASE}{path}").text

    def post(self, path: str = "", *, headers: dict[str, str] | None = None, **fields: object):
        return self.web.post(f"{BASE}{path}", data={"csrf": masked("csrf-of-me"), **fields}, headers=headers)

    @property
    def last(self) -> tuple[str, dict[str, object]]:
        return self.console.mappings.done[-1]


@pytest.fixture
def house():
    return MappingHouse()


def test_the_rules_are_shown_as_text_and_as_a_table(house):
    page = house.get()

    assert "&#34;target&#34;: &#34;givenName&#34;" in page
    assert '<td class="mono">given_name</td>' in page
    assert "required, no rule" in page  # of cn, which the target requires
    assert page.count(" by a hook") == 1


def test_what_is_saved_is_what_was_written_with_its_lines(house):
    answer = house.post(do="save", source=RULES, note="Only the mail", follow="true")

    assert answer.headers["location"] == f"{BASE}?version=2"
    assert house.last == ("save", {"document": RULES.replace("\r\n", "\n"), "note": "Only the mail", "new": False})


@pytest.mark.parametrize("do", ["save", "check"])
def test_a_mistake_is_shown_with_its_line_and_what_was_written_stays(house, do):
    answer = house.post(do=do, source=WRONG, note="mine")

    assert "Line 2, column 56" in answer.text
    assert "did you mean lower?" in answer.text
    assert "lwoer" in answer.text
    assert 'value="mine"' in answer.text
    assert answer.status_code == (409 if do == "save" else 200)


def test_the_editor_asks_for_mistakes_as_json(house):
    answer = house.post("/check", source=WRONG).json()

    assert (answer["ok"], [(each["line"], each["severity"]) for each in answer["diagnostics"]]) == (
        False,
        [(2, "error")],
    )


def test_a_draft_is_tried_on_one_person_or_a_sample(house):
    one = house.post(do="try", source=RULES, person=sample.IDENTITIES[1].user_name)
    several = house.post(do="try", source=RULES, person="", sample="5", seed="3")
    nobody = house.post(do="try", source=RULES, person="nobody")

    assert [what for verb, what in house.console.mappings.done if verb == "try"] == [
        {"ids": (sample.IDENTITIES[1].id,), "sample": 5, "seed": 0},
        {"ids": (), "sample": 5, "seed": 3},
    ]
    assert "Jürgen" in one.text
    assert "&lt;script&gt;" in several.text
    assert "begins with “nobody”" in nobody.text


def test_only_the_answer_comes_where_a_script_asks_for_it(house):
    answer = house.post(do="try", source=RULES, headers={"X-Part": "answer"})

    assert "<html" not in answer.text
    assert "What would become of" in answer.text


def test_the_question_before_activation_says_what_was_counted(house):
    page = house.get("/versions/2/activate")

    assert "1\u202f203 accounts would be changed" in page
    assert "givenName (1\u202f203)" in page
    assert "Keep version 1" in page


def test_without_a_dry_run_the_question_says_so(house):
    house.console.mappings.active = 2

    assert "It was not counted" in house.get("/versions/3/activate")


def test_many_removals_want_their_number_typed(house):
    page = house.get("/versions/3/activate")
    refused = house.post("/versions/3/activate", seen="1", removals="2500", typed="25")
    done = house.post("/versions/3/activate", seen="1", removals="2500", typed="2 500")

    assert "Type 2500 to go on" in page
    assert "would hold 2\u202f400 until somebody approves" in page
    assert (refused.status_code, done.status_code) == (303, 303)
    assert house.console.mappings.done == [("activate", {"version": 3, "seen": 1})]


def test_somebody_who_was_faster_is_told(house):
    house.console.mappings.beaten = True
    answer = house.post("/versions/2/activate", seen="1", back=f"{BASE}?version=2")

    assert answer.headers["location"] == f"{BASE}?version=2"
    assert "Somebody else changed this meanwhile" in house.get("?version=2")


def test_going_back_leads_to_the_version_that_was_active_before(house):
    house.console.mappings.active = 2
    page = house.get("/back")
    answer = house.post("/back", seen="2")

    assert "Go back to version 1 of the mapping of ldap-main?" in page
    assert answer.status_code == 303
    assert house.last == ("roll back", {"seen": 2})


def test_there_is_nothing_to_go_back_to_before_a_second_version_was_active(house):
    assert house.web.get(f"{BASE}/back").status_code == 404
    assert "Go back to version" not in house.get()


def test_a_dry_run_is_started_followed_and_stopped(house):
    started = house.post("/versions/2/dry-run", follow="true")
    page = house.web.get(started.headers["location"]).text
    house.post(f"/dry-runs/{sample_mappings.RUNNING}/stop")

    assert "4\u202f000 of 12\u202f480 people looked at" in page
    assert house.last == ("stop", {"id": sample_mappings.RUNNING})


def test_what_differs_between_versions_is_shown_by_rule(house):
    page = house.get("/versions?before=1&after=2")

    assert "givenName, expression" in page
    assert "from &#34;staff&#34;" in page


def test_the_first_rules_are_about_what_the_target_requires(house):
    house.console.mappings.empty = True
    page = house.get()

    assert "&#34;target&#34;: &#34;cn&#34;" in page
    assert "Save as version 1" in page


def test_a_target_that_tells_no_attributes_says_why(house):
    house.console.mappings.silent = "The target does not tell its attributes: it cannot be reached."

    assert "it cannot be reached" in house.get()


@pytest.mark.parametrize(
    ("role", "sees", "lacks"),
    [
        pytest.param("viewer", "readonly", ">Try<", id="a viewer reads"),
        pytest.param("operator", ">Try<", "Save as version", id="an operator tries"),
    ],
)
def test_who_may_not_change_it_may_look(role, sees, lacks):
    page = MappingHouse(role).get()

    assert sees in page
    assert lacks not in page


@pytest.mark.parametrize(
    "path",
    [
        pytest.param(f"{BASE}?version=9", id="no such version"),
        pytest.param(f"{BASE}/versions?before=1&after=9", id="nothing to compare with"),
        pytest.param(f"{BASE}/versions/9/activate", id="nothing to activate"),
        pytest.param(f"{BASE}/dry-runs/{sample.uid(12, 77)}", id="no such dry run"),
        pytest.param(f"/connectors/{sample.CSV.id}/mappings", id="a source has none"),
    ],
)
def test_what_is_not_there_is_not_found(house, path):
    assert house.web.get(path).status_code == 404


def test_names_of_both_sides_and_transforms_are_offered(house):
    offered = {each["key"] for each in house.web.get(f"{BASE}/completions").json()}

    assert {"target", "given_name", "userPassword", "lower", "truncate:"} <= offered


def test_a_scope_is_counted_while_one_writes_and_by_a_button(house):
    wanted = {"scope": 'department eq "Law"'}
    told = house.post("/scope/check", **wanted).json()
    page = house.post("/scope", do="count", **wanted).text
    doubt = house.post("/scope/check", scope='departmnet eq "Law"').json()
    refused = house.post("/scope/check", scope="law").json()

    assert told == {"ok": True, "told": "It takes in 120 people, as many as now.", "diagnostics": []}
    assert "It takes in 120 people, as many as now." in page
    assert "department eq &#34;Law&#34;</textarea>" in page
    assert (doubt["ok"], "Nobody has an attribute" in doubt["told"]) == (False, True)
    assert refused["told"] == "Expected an operator after the first word."


def test_a_scope_is_changed_after_a_question_that_says_whom_it_takes_in(house):
    question = house.post("/scope", do="save", scope="").text
    house.post("/scope", do="change", scope="", seen="7")

    assert "It takes in 300 people, 180 more than now." in question
    assert "Then: everybody" in question
    assert house.last == (
        "change_scope",
        {"connector_id": sample.LDAP.id, "scope": "", "seen": 7, "sources_may_be_new": False},
    )
    assert "Take it all the same" in house.post("/scope", do="save", scope='departmnet eq "Law"').text


def test_older_versions_are_a_page_of_their_own(house):
    first, second = house.get("/versions"), house.get("/versions?older=1")

    assert 'rel="prev"' not in first
    assert "newer=" in second
    assert "Version 1</a>" in second
    assert "Version 2</a>" not in second
