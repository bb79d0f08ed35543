from typing import Any

import pytest

from worker.domain.mapping import Direction, MappingRule
from worker.mapping import RuleMistake, check_rules, parse_rules, rule_to_json
from worker.mapping.check import MAX_EXPRESSION, MAX_RULES

GOOD: dict[str, Any] = {"target": "mail", "source": "mail"}


def test_rules_without_a_mistake_are_parsed() -> None:
    rules, mistakes = parse_rules(
        [
            {"target": "mail", "source": "mail", "transforms": ["lower"], "required": True},
            {"target": "type", "constant": ["a", 1]},
            {"target": "cn", "expression": "identity['x']", "on": ["create"], "secret": True},
            {"target": "phone", "source": "phone", "direction": "both"},
        ]
    )

    assert mistakes == ()
    assert rules == (
        MappingRule("mail", source="mail", transforms=("lower",), required=True),
        MappingRule("type", constant=["a", 1]),
        MappingRule("cn", expression="identity['x']", on=("create",), secret=True),
        MappingRule("phone", source="phone", direction=Direction.BOTH),
    )


@pytest.mark.parametrize(
    ("rule", "field", "message"),
    [
        pytest.param({"source": "a"}, "target", "is missing: name the attribute of the account", id="no target"),
        pytest.param(
            {"target": " a", "source": "a"},
            "target",
            "must be a printable name of at most 255 characters without blanks around it",
            id="blank target",
        ),
        pytest.param(
            {"target": "a", "source": "b", "transforms": ["trim"] * 51},
            "transforms",
            "are more than 50",
            id="endless transforms",
        ),
        pytest.param({"target": "a"}, "source", "a rule needs one of source, constant and expression", id="no value"),
        pytest.param(
            {"target": "a", "source": "b", "constant": "c"},
            "constant",
            "a rule has one of source, constant and expression; this one has source and constant",
            id="two values",
        ),
        pytest.param(
            {"target": "a", "source": " "}, "source", "is empty: name an attribute of the identity", id="blank source"
        ),
        pytest.param(
            {"target": "a", "source": "b[x]"},
            "source",
            "must be the name of an attribute, or one of its values as in emails[0] and emails[-1]",
            id="malformed path",
        ),
        pytest.param(
            {"target": "a", "constant": "b", "direction": "inbound"},
            "source",
            "is missing: what comes back from the target goes into an attribute of the person",
            id="inbound to nowhere",
        ),
        pytest.param(
            {"target": "a", "source": "b[0]", "direction": "both"},
            "source",
            "must be a whole attribute, for what comes back from the target is written to it",
            id="inbound to a place",
        ),
        pytest.param(
            {"target": "a", "source": "user_name", "direction": "inbound"},
            "source",
            "'user_name' tells who somebody is or whether they are active, and never comes from a target",
            id="inbound to a name",
        ),
        pytest.param(
            {"target": "a", "expression": "account['a']", "direction": "inbound"},
            "source",
            "is missing: what comes back from the target goes into an attribute of the person",
            id="expression to nowhere",
        ),
        pytest.param(
            {"target": "a", "source": "b", "expression": "account['a']", "direction": "both"},
            "expression",
            "computes one way only, and this rule goes both ways: make it two rules, one outbound and one inbound with "
            "the expression",
            id="expression both ways",
        ),
        pytest.param(
            {"target": "a", "source": "b", "expression": " ", "direction": "inbound"},
            "expression",
            "is empty",
            id="empty expression of an account",
        ),
        pytest.param(
            {"target": "a", "source": "b", "constant": "c", "direction": "inbound"},
            "constant",
            "a rule has one of source, constant and expression; this one has source and constant",
            id="constant that comes back",
        ),
        pytest.param({"target": "a", "expression": " "}, "expression", "is empty", id="empty expression"),
        pytest.param(
            {"target": "a", "expression": "x" * (MAX_EXPRESSION + 1)},
            "expression",
            "is longer than 64 KiB",
            id="long expression",
        ),
        pytest.param(
            {"target": "a", "constant": {"b": 1}},
            "constant",
            "must be text, a number, a boolean or a list of them",
            id="constant object",
        ),
        pytest.param(
            {"target": "a", "constant": float("inf")},
            "constant",
            "must be text, a number, a boolean or a list of them",
            id="endless constant",
        ),
        pytest.param(
            {**GOOD, "transforms": ["lower", "trimm"]},
            "transforms[1]",
            "there is no transform 'trimm'; did you mean trim?",
            id="misspelt transform",
        ),
        pytest.param(
            {**GOOD, "on": ["creat"]},
            "on",
            "'creat' is neither create nor update; did you mean create?",
            id="misspelt phase",
        ),
        pytest.param({**GOOD, "on": []}, "on", "is empty: the rule would never be used", id="no phase"),
        pytest.param(
            {**GOOD, "on": ["update"], "required": True},
            "required",
            "a rule that is not for create cannot be required",
            id="required late",
        ),
        pytest.param({**GOOD, "sorce": "x"}, "sorce", "there is no such field; did you mean source?", id="misspelt"),
        pytest.param({**GOOD, "source": 7}, "source", "must be text", id="source is a number"),
        pytest.param({**GOOD, "required": "yes"}, "required", "must be true or false", id="flag is text"),
        pytest.param({**GOOD, "transforms": "lower"}, "transforms", "must be a list of texts", id="no list"),
        pytest.param(
            {**GOOD, "direction": "outbond"},
            "direction",
            "must be outbound, inbound or both; did you mean outbound?",
            id="misspelt direction",
        ),
        pytest.param("mail", "", "a rule must be an object", id="no object"),
    ],
)
def test_mistake_is_told_with_its_rule(rule: Any, field: str, message: str) -> None:
    good = {"target": "other", "source": "x"}

    assert parse_rules([good, rule])[1] == (RuleMistake(1, field, message),)


def test_all_mistakes_are_told_at_once() -> None:
    raw = [{"target": "a", "sourc": "x"}, {"target": "b", "source": "x", "transforms": ["lowr", "up"]}, {"target": "b"}]

    assert [(mistake.rule, mistake.field) for mistake in parse_rules(raw)[1]] == [
        (0, "sourc"),
        (1, "transforms[0]"),
        (1, "transforms[1]"),
        (2, "source"),
        (2, "target"),
    ]


def test_one_target_may_have_a_rule_for_each_phase() -> None:
    assert not check_rules([MappingRule("a", source="x", on=("create",)), MappingRule("a", source="y", on=("update",))])


def test_two_rules_for_one_target_are_a_mistake() -> None:
    (mistake,) = check_rules([MappingRule("a", source="x"), MappingRule("a", source="y", on=("update",))])

    assert mistake == RuleMistake(1, "target", "'a' is already made by rule 1")


def test_transforms_of_all_rules_together_are_bounded() -> None:
    rules = [MappingRule(f"t{at}", source="x", transforms=("trim",) * 50) for at in range(41)]

    (mistake,) = check_rules(rules)

    assert not check_rules(rules[:40])
    assert str(mistake).startswith("the mapping: rules have 2,050 transforms together, and may have 2,000")


def test_people_read_of_rules_counted_from_one() -> None:
    assert str(RuleMistake(0, "target", "is missing")) == "rule 1: target is missing"


def test_inbound_rule_does_not_compete_with_an_outbound_one() -> None:
    assert not check_rules([MappingRule("a", source="x"), MappingRule("a", source="y", direction=Direction.INBOUND)])


def test_inbound_rule_may_compute_what_its_source_becomes() -> None:
    rule = MappingRule("a", source="y", expression="account['a']", direction=Direction.INBOUND)

    assert parse_rules([rule_to_json(rule)]) == ((rule,), ())


def test_number_of_rules_is_bounded() -> None:
    rules = [MappingRule(f"t{number}", source="x") for number in range(MAX_RULES + 1)]

    assert check_rules(rules) == (RuleMistake(None, "rules", "has more than 500 rules"),)


def test_mapping_that_is_no_list_is_a_mistake() -> None:
    assert parse_rules({"target": "a"}) == ((), (RuleMistake(None, "rules", "must be a list of rules"),))


def test_rule_survives_the_way_to_json_and_back() -> None:
    rule = MappingRule("a", source="x", transforms=("lower",), on=("create",), multi_valued=True)

    assert parse_rules([rule_to_json(rule)]) == ((rule,), ())
    assert rule_to_json(MappingRule("a", source="x")) == {"target": "a", "source": "x"}
