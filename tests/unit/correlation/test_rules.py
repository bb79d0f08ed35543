"""The JSON form of rule sets, and every mistake in it told at once."""

import json

import pytest

from tests.unit.correlation.people import RULES
from worker.correlation import RuleSet
from worker.correlation.rules import MatchKind, alternatives
from worker.correlation.similarity import Algorithm
from worker.domain.correlation import Side
from worker.domain.errors import InvalidRequest


def test_a_rule_set_survives_json() -> None:
    document = json.loads(json.dumps(RULES.to_json()))

    assert RuleSet.from_json(document) == RULES


def test_fields_left_out_have_defaults() -> None:
    found = RuleSet.from_json({"rules": [{"name": "n", "source": "a", "target": "b"}]})

    assert found.rules[0].match is MatchKind.EXACT
    assert found.auto_threshold == 0.995
    assert (found.rules[0].path(Side.IDENTITY), found.rules[0].path(Side.ACCOUNT)) == ("a", "b")


def test_numbers_may_be_whole_and_words_become_enums() -> None:
    rule = {
        "name": "n",
        "source": "a",
        "target": "b",
        "match": "fuzzy",
        "algorithm": "trigram",
        "weight": 3,
        "normalize": ["name"],
    }

    found = RuleSet.from_json({"rules": [rule], "min_gap": 2}).rules[0]

    assert (found.weight, found.algorithm, found.normalize) == (3, Algorithm.TRIGRAM, ("name",))


RULE = {"name": "n", "source": "a", "target": "b"}


@pytest.mark.parametrize(
    ("document", "mistake"),
    [
        pytest.param({"rules": ["x"]}, "rule 1 is not an object", id="no object"),
        pytest.param({"rules": [{"name": "n"}]}, "rule 1 lacks source; rule 1 lacks target", id="missing fields"),
        pytest.param({"rules": [RULE | {"wieght": 1}]}, "rule 1 has no field 'wieght'", id="misspelt field"),
        pytest.param({"rules": [RULE | {"weight": "1"}]}, "rule 1: weight is not a int/float", id="text for a number"),
        pytest.param(
            {"rules": [RULE | {"weight": True}]}, "rule 1: weight is not a int/float", id="truth for a number"
        ),
        pytest.param({"rules": [RULE | {"veto": 1}]}, "rule 1: veto is not a bool", id="number for a truth"),
        pytest.param({"rules": [RULE | {"match": "equal"}]}, "'equal' is not a valid MatchKind", id="match"),
        pytest.param({"rules": [RULE | {"algorithm": "soundx"}]}, "'soundx' is not a valid Algorithm", id="algorithm"),
        pytest.param({"rules": [RULE | {"match": "fuzzy"}]}, "(n): a fuzzy rule needs an algorithm", id="no algorithm"),
        pytest.param({"rules": [RULE | {"match": "expression"}]}, "needs an expression", id="no expression"),
        pytest.param({"rules": [RULE | {"normalize": ["mail"]}]}, "there is no normaliser 'mail'", id="normaliser"),
        pytest.param({"rules": [RULE | {"threshold": 1.1}]}, "threshold is above 0 and at most 1", id="threshold"),
        pytest.param({"rules": [RULE | {"disagreement": -1}]}, "are not negative", id="negative"),
        pytest.param({"rules": [RULE | {"source": " | "}]}, "source and target name attributes", id="empty path"),
        pytest.param({"rules": [RULE, RULE]}, "two rules are named 'n'", id="twice the same name"),
        pytest.param({"auto_threshold": 1}, "auto_threshold is between 0 and 1", id="threshold of the set"),
        pytest.param({"auto_threshold": "1"}, "auto_threshold is not a int/float", id="threshold is a text"),
        pytest.param({"service_pattern": "("}, "service_pattern:", id="pattern"),
        pytest.param({"threshold": 1}, "the rule set has no field 'threshold'", id="unknown setting"),
        pytest.param({"rules": {"name": "n"}}, "rules is not a list", id="rules are no list"),
    ],
)
def test_a_mistake_is_told(document: dict[str, object], mistake: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        RuleSet.from_json(document)

    assert mistake in str(caught.value)


def test_all_mistakes_are_told_at_once() -> None:
    with pytest.raises(InvalidRequest) as caught:
        RuleSet.from_json({"rules": [{}, RULE | {"weight": -1}], "review_threshold": 2})

    assert len(caught.value.fields["mistakes"]) == 5


def test_paths_have_alternatives_and_joints() -> None:
    assert alternatives(" a + b |c| ") == (("a", "b"), ("c",))
