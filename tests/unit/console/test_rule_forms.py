"""Rules of correlation as a form, and in words."""

import json

import pytest

from worker.console import rule_forms
from worker.console.views import AttributeChange, RuleDifference, RuleMistake
from worker.correlation import RuleSet, default_rule_set
from worker.correlation.rules import MatchKind
from worker.correlation.similarity import Algorithm
from worker.domain.errors import InvalidRequest


def form_of(document: dict) -> dict[str, list[str]]:
    """What a browser sends of this rule set."""
    found = {name: document[name] for name in (*rule_forms.SET_NUMBERS, *rule_forms.SET_TEXTS)}
    found["tuning_mode"] = "true" if document["tuning_mode"] else ""
    for at, rule in enumerate(document["rules"]):
        known = {name: rule[name] for name in (*rule_forms.TEXTS, *rule_forms.NUMBERS, "match")}
        known |= {"algorithm": rule["algorithm"] or "", "normalize": ", ".join(rule["normalize"])}
        known |= {name: "true" for name in rule_forms.FLAGS if rule[name]}
        known |= {"levels": json.dumps(rule["levels"])} if rule["levels"] else {}
        found |= {f"r{at}.{name}": value for name, value in known.items()}
    return {name: [str(value)] for name, value in found.items()}


@pytest.fixture
def rule_set() -> RuleSet:
    return default_rule_set(["mail", "givenName", "sn", "employeeNumber", "postalCode"])


def test_a_rule_set_goes_through_the_form_unchanged(rule_set):
    document = rule_set.to_json() | {"tuning_mode": True}
    document["rules"][0]["levels"] = [[0.9, 4.0], [0.5, -1.0]]
    found = rule_forms.document_of(form_of(document))

    assert RuleSet.from_json(found) == RuleSet.from_json(document)


def test_words_are_there_for_all_that_can_be_chosen():
    assert set(rule_forms.MATCHES) == {each.value for each in MatchKind}
    assert set(rule_forms.ALGORITHMS) == {each.value for each in Algorithm}


@pytest.mark.parametrize(
    ("text", "found"),
    [
        pytest.param("0,9", 0.9, id="comma"),
        pytest.param("13", 13, id="whole"),
        pytest.param("much", "much", id="no number"),
        pytest.param("nan", "nan", id="not a number"),
    ],
)
def test_what_is_no_number_stays_for_the_review(text, found):
    document = rule_forms.document_of({"r0.name": ["mail"], "r0.threshold": [text], "r0.levels": ["{"]})

    assert document["rules"][0]["threshold"] == found
    assert document["rules"][0]["levels"] == ["{"]


def test_a_blank_form_can_be_shown_again():
    document = rule_forms.filled(rule_forms.document_of({"r7.name": [""]}))

    assert (document["auto_threshold"], document["rules"][0]["weight"]) == ("", "")


@pytest.mark.parametrize(
    ("text", "found"),
    [
        pytest.param('{"mail": ["a", "b"]}', {"mail": ["a", "b"]}, id="json"),
        pytest.param("mail: a@x.de\r\n\ntel = 1:2\nmail: b", {"mail": ["a@x.de", "b"], "tel": "1:2"}, id="lines"),
        pytest.param("  ", {}, id="nothing"),
    ],
)
def test_attributes_are_json_or_lines(text, found):
    assert rule_forms.attributes_of(text) == found


@pytest.mark.parametrize("text", ["{", "mail a", "mail: a\nnothing"])
def test_attributes_that_cannot_be_read_are_refused(text):
    with pytest.raises(InvalidRequest):
        rule_forms.attributes_of(text)


def test_flips_mistakes_and_differences_are_words():
    rule = {"name": "email", "source": "mail", "target": "mail", "match": "exact", "weight": 10, "disagreement": 2.5}
    found = rule_forms.differences(
        [
            RuleDifference(name="", before={"min_gap": 2.0}, after={"min_gap": 3.0}, fields=("min_gap",)),
            RuleDifference(name="email", before=rule, after=rule | {"weight": 9}, fields=("weight",)),
            RuleDifference(name="phone", before=None, after=rule),
        ]
    )
    mistake = RuleMistake(rule=1, field="weight", message="is not negative", is_error=True)

    assert rule_forms.flip_text("auto_to_review") == "linked, then asked about"
    assert (rule_forms.mistake_text(mistake), rule_forms.anchor(mistake)) == ("weight is not negative", "r1")
    assert found == (
        AttributeChange("min_gap", 2.0, 3.0),
        AttributeChange("email, weight", 10, 9),
        AttributeChange("phone", None, "mail with mail the same, +10 or −2.5"),
    )
