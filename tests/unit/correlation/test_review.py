"""What is said about rule sets that somebody wrote, by rule and field."""

from typing import Any

import pytest

from worker.correlation import Attributes, RuleSet, default_rule_set, expressions_of, keys_differ, review_rule_set
from worker.correlation.review import MOST_RULES

KNOWN = Attributes(frozenset({"mail", "employee_number"}), frozenset({"login", "mail"}))
RULE: dict[str, Any] = {"name": "mail", "source": "mail", "target": "mail"}


def told(document: Any, attributes: Attributes = KNOWN) -> list[tuple[int | None, str, str]]:
    return [(each.rule, each.field, each.severity) for each in review_rule_set(document, attributes=attributes)]


@pytest.mark.parametrize(
    ("change", "field"),
    [
        pytest.param({"threshold": 1.2}, "threshold", id="threshold above one"),
        pytest.param({"threshold": float("nan")}, "threshold", id="no number at all"),
        pytest.param({"weight": -1}, "weight", id="negative weight"),
        pytest.param({"disagreement": 51}, "disagreement", id="more than certain"),
        pytest.param({"weight": "high"}, "weight", id="text for a number"),
        pytest.param({"tier": 0}, "tier", id="no such tier"),
        pytest.param({"match": "guess"}, "match", id="unknown kind of match"),
        pytest.param({"match": "fuzzy", "algorithm": "magic"}, "algorithm", id="unknown algorithm"),
        pytest.param({"match": "fuzzy"}, "algorithm", id="fuzzy without an algorithm"),
        pytest.param({"match": "phonetic", "algorithm": "osa"}, "algorithm", id="osa has no sound"),
        pytest.param({"normalize": ["upside_down"]}, "normalize", id="unknown normaliser"),
        pytest.param({"wieght": 3}, "wieght", id="misspelt field"),
        pytest.param({"target": "fax"}, "target", id="target without such an attribute"),
        pytest.param({"source": "employee_nummer"}, "source", id="misspelt attribute of people"),
        pytest.param({"match": "expression"}, "expression", id="expression rule without one"),
        pytest.param({"name": "x" * 101}, "name", id="endless name"),
        pytest.param({"match": ["fuzzy"]}, "match", id="list for a text"),
    ],
)
def test_a_mistake_is_told_with_its_rule_and_field(change: dict[str, Any], field: str) -> None:
    found = told({"rules": [RULE | {"name": "first"}, RULE | change]})

    assert (1, field, "error") in found
    assert {rule for rule, _, _ in found} == {1}


@pytest.mark.parametrize(
    ("settings", "field"),
    [
        pytest.param({"auto_threshold": 0.2}, "auto_threshold", id="links below even odds"),
        pytest.param({"review_threshold": 0.999, "auto_threshold": 0.99}, "review_threshold", id="wrong order"),
        pytest.param({"slope": 0}, "slope", id="a better score worth nothing"),
        pytest.param({"service_pattern": "("}, "service_pattern", id="no pattern"),
        pytest.param({"service_pattern": "(a+)+$"}, "service_pattern", id="pattern that never ends"),
        pytest.param({"tuning_mode": "yes"}, "tuning_mode", id="text for yes or no"),
        pytest.param({"colour": "red"}, "colour", id="no such setting"),
        pytest.param({"rules": [RULE] * (MOST_RULES + 1)}, "rules", id="too many rules"),
        pytest.param({"rules": "all"}, "rules", id="no list"),
    ],
)
def test_a_mistake_of_the_set_belongs_to_no_rule(settings: dict[str, Any], field: str) -> None:
    assert (None, field, "error") in told({"rules": [RULE]} | settings)


def test_what_nobody_has_yet_is_a_warning_and_what_is_misspelt_may_be_meant() -> None:
    new = {"rules": [RULE | {"source": "badge"}]}
    alike = {"rules": [RULE | {"source": "employee_nummer"}]}

    assert told(new) == [(0, "source", "warning")]
    assert told(alike, Attributes(KNOWN.of_identities, KNOWN.of_accounts, may_be_new=True)) == [
        (0, "source", "warning")
    ]
    assert told(new, Attributes()) == []


def test_shipped_rules_can_be_saved_as_they_are() -> None:
    shipped = default_rule_set(["login", "mail"]).to_json()

    assert [each for each in told(shipped) if each[2] == "error"] == []
    assert told("rules") == [(None, "rules", "error")]


def test_only_what_accounts_are_found_by_changes_their_keys() -> None:
    one = RuleSet.from_json({"rules": [RULE]})

    assert not keys_differ(one, RuleSet.from_json({"rules": [RULE | {"weight": 9}], "auto_threshold": 0.999}))
    assert keys_differ(one, RuleSet.from_json({"rules": [RULE | {"target": "login"}]}))
    assert keys_differ(one, RuleSet.from_json({"rules": [RULE | {"blocking": False}]}))


def test_expressions_are_told_by_the_place_of_their_rule() -> None:
    rule = RULE | {"match": "expression", "expression": "True"}

    assert expressions_of({"rules": [RULE, rule]}) == {1: "True"}
    assert expressions_of({"rules": None}) == {}
