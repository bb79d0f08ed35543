"""The pages of hooks as plain forms."""

import pytest

from tests.e2e.fakes import hooks as sample_hooks
from tests.e2e.fakes import sample
from tests.unit.console.house import House
from worker.console.desk import masked

HOOK = f"/hooks/{sample_hooks.LOGIN}"
SOURCE = "\r\ndef before_create(ctx):\r\n    return None\r\n"


class HookHouse(House):
    """A console without a browser, with one person signed in."""

    def post(self, path: str, **fields: object):
        return self.web.post(path, data={"csrf": masked("csrf-of-me"), **fields})

    @property
    def last(self) -> tuple[str, dict[str, object]]:
        return self.console.hooks.done[-1]


@pytest.fixture
def house():
    return HookHouse()


def test_a_hook_is_made_and_its_script_is_written_next(house):
    answer = house.post("/hooks/new", name="units", kind="hook", description="", follow="true")

    assert answer.status_code == 303
    assert "def before_create(ctx):" in house.web.get(answer.headers["location"]).text


def test_a_name_that_is_taken_stays_in_the_form(house):
    house.console.hooks.beaten = True
    answer = house.post("/hooks/new", name="login names", kind="hook", description="again")

    assert answer.status_code == 409
    assert 'value="login names"' in answer.text
    assert "Somebody else changed it" in answer.text


def test_a_script_is_saved_with_the_lines_it_was_written_with(house):
    answer = house.post(HOOK, do="save", source=SOURCE, note="first", seen="4", follow="true")

    assert answer.headers["location"] == f"{HOOK}?version=2"
    assert house.last == (
        "save",
        {"source": "\ndef before_create(ctx):\n    return None\n", "note": "first", "seen": 4},
    )


def test_what_was_written_is_not_lost_when_somebody_else_saved_first(house):
    house.console.hooks.beaten = True
    answer = house.post(HOOK, do="save", source="def before_create(ctx): return 17", note="mine", seen="3")

    assert answer.status_code == 409
    assert "return 17" in answer.text
    assert "Not saved." in answer.text


def test_a_mistake_is_shown_with_its_line_in_the_page(house):
    answer = house.post(HOOK, do="save", source="def before_create(ctx):\n    retrun None", note="", seen="4")

    assert 'data-line="2" data-column="5"' in answer.text
    assert "Line 2, column 5" in answer.text


def test_a_check_tells_a_program_where_the_mistakes_are(house):
    answer = house.post("/hooks/check", source="def before_create(ctx):\r\n    retrun None", kind="hook").json()

    assert answer["ok"] is False
    assert [(d["line"], d["column"], d["severity"]) for d in answer["diagnostics"]] == [(2, 5, "error")]


def test_a_trial_takes_what_stands_in_the_editor(house):
    fields = {"function": "before_create", "connector_id": str(sample.LDAP.id), "person": ""}
    answer = house.post(HOOK, do="try", source="draft", seen="4", **fields)

    assert "It changes 2 attributes" in answer.text
    assert "draft</textarea>" in answer.text
    assert house.last[1]["source"] == "draft"
    assert house.last[1]["connector_id"] == sample.LDAP.id


def test_a_trial_with_a_context_of_its_own_shows_how_it_failed(house):
    answer = house.post(HOOK, do="try", source="x", function="before_create", context='{"identity": {}}')

    assert house.last[1]["context"] == {"identity": {}}
    assert "A hook failed" in answer.text
    assert 'data-line="6" data-column="29"' in answer.text


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        pytest.param({"function": "nothing"}, "Choose which function", id="no function"),
        pytest.param({"function": "before_create"}, "Choose a connector", id="no connector"),
        pytest.param(
            {"function": "before_create", "connector_id": str(sample.LDAP.id), "person": "nobody-"},
            "Nobody&#39;s user name or id begins with “nobody-”",
            id="nobody",
        ),
        pytest.param({"function": "before_create", "context": "{"}, "The context is not JSON", id="no context"),
    ],
)
def test_what_cannot_be_tried_says_why(house, fields, said):
    page = house.post(HOOK, do="try", source="my draft", **fields).text

    assert said in page
    assert "my draft</textarea>" in page


def test_only_the_answer_comes_where_only_the_answer_is_wanted(house):
    data = {"csrf": masked("csrf-of-me"), "do": "tests", "source": "x"}
    answer = house.web.post(HOOK, data=data, headers={"X-Part": "answer"})

    assert "2 of 2 saved tests pass" in answer.text
    assert "<html" not in answer.text


def test_failing_tests_are_shown_before_a_version_runs_and_want_a_word(house):
    house.console.hooks.failing = True
    question = house.web.get(f"{HOOK}/versions/2/activate").text

    assert "umlauts: set.uid is &#34;müller&#34;, expected &#34;mueller&#34;" in question
    assert "Activate it although 1 saved test fails" in question
    house.post(f"{HOOK}/versions/2/activate", seen="4")
    assert house.last == ("activate", {"version": 2, "force": False, "seen": 4})
    house.post(f"{HOOK}/versions/2/activate", seen="4", force="true")
    assert house.last[1]["force"] is True


def test_a_version_that_ran_before_is_gone_back_to(house):
    house.post(f"{HOOK}/versions/2/activate", seen="4")

    assert "Go back to version 1 of login names?" in house.web.get(f"{HOOK}/versions/1/activate").text


def test_a_binding_takes_the_object_class_of_its_connector(house):
    fields = {"phase": "before", "operation_types": ["create", "update"], "position": "5", "enabled": "true"}
    house.post(f"{HOOK}/bindings/new", connector_id=str(sample.LDAP.id), params='{"domain": "x"}', **fields)

    verb, what = house.last
    assert verb == "bind"
    assert what["binding_id"] is None
    assert what["fields"]["operation_types"] == ("create", "update")
    assert what["fields"]["params"] == {"domain": "x"}
    assert what["fields"]["object_class"]


def test_a_hook_that_says_whose_accounts_are_is_bound_for_no_operation(house):
    page = house.web.get(f"{HOOK}/bindings/new").text
    house.post(f"{HOOK}/bindings/new", connector_id=str(sample.LDAP.id), phase="correlate", enabled="true")

    assert "To say whose an account is" in page
    assert (house.last[1]["fields"]["phase"], house.last[1]["fields"]["operation_types"]) == ("correlate", ())


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        pytest.param({"params": "[1]", "operation_types": "create"}, "must be a JSON object", id="parameters"),
        pytest.param({"connector_id": "", "operation_types": "create"}, "Choose the connector", id="no connector"),
        pytest.param({}, "at least one kind of operation", id="no operations"),
    ],
)
def test_a_binding_that_cannot_be_stays_in_the_form(house, fields, said):
    answer = house.post(f"{HOOK}/bindings/new", **{"connector_id": str(sample.LDAP.id), "phase": "after", **fields})

    assert said in answer.text
    assert house.console.hooks.done == []


def test_an_answer_is_kept_as_a_test(house):
    fields = {"function": "before_create", "context": '{"identity": {}}', "expected": '{"set": {"uid": "x"}}'}
    house.post(f"{HOOK}/tests", name="one", **fields)

    assert house.last[1]["expected"] == {"set": {"uid": "x"}}
    assert house.last[1]["test_id"] is None


def test_a_suspended_hook_is_on_the_home_page_until_it_runs_again(house):
    assert "is suspended" in house.web.get("/").text
    house.post(f"/hooks/{sample_hooks.GREEDY}/resume")

    assert "is suspended" not in house.web.get("/").text


def test_who_may_not_configure_sees_no_button_that_would():
    page = HookHouse("viewer").web.get(HOOK).text

    assert "readonly" in page
    assert 'value="save"' not in page
    assert 'value="try"' not in page


def test_a_library_is_neither_tried_nor_bound_nor_tested_by_itself(house):
    page = house.web.get(f"/hooks/{sample_hooks.NAMES}").text

    assert "def login(given, family)" in page
    assert "/bindings" not in page
    assert "/tests" not in page
    assert 'value="try"' not in page


def test_every_function_and_field_is_offered(house):
    offers = {each["key"]: each for each in house.web.get("/hooks/completions").json()}

    assert offers["text.ascii"]["detail"].startswith("text.ascii(value")
    assert offers["ctx.resource.name"]["insert"] == 'ctx["resource"]["name"]'
    assert "before_create" in offers


@pytest.mark.parametrize(
    "path",
    [
        pytest.param("/hooks/nothing", id="no id"),
        pytest.param(f"/hooks/{sample.uid(9, 77)}", id="no hook"),
        pytest.param(f"{HOOK}?version=9", id="no version"),
        pytest.param(f"{HOOK}/versions?before=1&after=9", id="nothing to compare with"),
        pytest.param(f"{HOOK}/versions/9/activate", id="nothing to activate"),
        pytest.param(f"{HOOK}/bindings/{sample.uid(10, 9)}", id="no binding"),
        pytest.param(f"{HOOK}/tests/{sample.uid(11, 9)}", id="no test"),
    ],
)
def test_what_is_not_there_is_not_found(house, path):
    assert house.web.get(path).status_code == 404


def test_a_kernel_without_the_filter_of_system_calls_is_told(house):
    assert "in a process that the kernel has locked in" in house.web.get("/hooks").text
    assert "seccomp" not in house.web.get("/").text

    house.console.hooks.missing = ("seccomp",)

    assert "without seccomp, which this kernel has not" in house.web.get("/hooks").text
    assert "Scripts run without seccomp" in house.web.get("/").text


def test_a_change_of_a_test_and_its_end_say_which_one_was_seen(house):
    test = house.console.hooks.rows[0] and sample_hooks._tests()[0]
    page = house.web.get(f"{HOOK}/tests/{test.id}").text
    fields = {"function": "before_create", "context": "{}", "expected": "{}"}
    house.post(f"{HOOK}/tests", id=str(test.id), seen="77", name="one", **fields)

    assert '<input type="hidden" name="seen"' in page
    assert house.last[1]["seen"] == 77
    house.post(f"{HOOK}/tests/{test.id}/delete", seen="78")
    assert house.last[1]["seen"] == 78
