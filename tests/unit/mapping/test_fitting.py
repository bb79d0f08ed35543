from typing import Any

import pytest

from worker.connectors import AttributeSchema, ObjectSchema
from worker.domain.mapping import Direction, MappingRule
from worker.mapping import Severity
from worker.mapping.fitting import check_fit, check_sources

SCHEMA = ObjectSchema(
    "user",
    "login",
    (
        AttributeSchema("login", required=True),
        AttributeSchema("mail"),
        AttributeSchema("level", type="integer"),
        AttributeSchema("quota", type="number"),
        AttributeSchema("enabled", type="boolean"),
        AttributeSchema("ends", type="date"),
        AttributeSchema("groups", multi_valued=True),
        AttributeSchema("made", writable=False, required=True),
        AttributeSchema("pin", secret=True, readable=False),
    ),
    is_complete=True,
)
LOGIN = MappingRule("login", source="user_name")


def told(*rules: MappingRule, schema: ObjectSchema = SCHEMA, **fields: Any) -> list[tuple[int | None, str, str]]:
    return [(each.rule, each.field, each.message) for each in check_fit([LOGIN, *rules], schema, **fields)]


@pytest.mark.parametrize(
    "rule",
    [
        pytest.param(MappingRule("mail", source="mail"), id="text"),
        pytest.param(MappingRule("level", source="level", transforms=("number",)), id="number"),
        pytest.param(MappingRule("quota", source="quota", transforms=("count",)), id="whole number for a number"),
        pytest.param(MappingRule("level", constant="7"), id="text of a number"),
        pytest.param(MappingRule("quota", constant=1.5), id="fraction"),
        pytest.param(MappingRule("enabled", constant=True), id="boolean"),
        pytest.param(MappingRule("ends", constant="2030-01-01"), id="date"),
        pytest.param(MappingRule("groups", constant=["a", "b"]), id="several values"),
        pytest.param(MappingRule("groups", source="groups", multi_valued=True), id="multi-valued"),
        pytest.param(MappingRule("pin", source="x", secret=True), id="secret"),
        pytest.param(MappingRule("nothing", source="x", direction=Direction.INBOUND), id="inbound is not sent"),
    ],
)
def test_fitting_rule_is_not_complained_about(rule: MappingRule) -> None:
    assert told(rule) == []


@pytest.mark.parametrize(
    ("rule", "field", "message"),
    [
        pytest.param(
            MappingRule("mial", source="x"),
            "target",
            "the target has no attribute 'mial'; did you mean mail?",
            id="unknown",
        ),
        pytest.param(MappingRule("made", source="x"), "target", "'made' is read-only at the target", id="read-only"),
        pytest.param(
            MappingRule("mail", source="x", multi_valued=True),
            "multi_valued",
            "'mail' takes a single value",
            id="several for one",
        ),
        pytest.param(
            MappingRule("mail", constant=["a", "b"]),
            "constant",
            "'mail' takes a single value, these are 2",
            id="list for one",
        ),
        pytest.param(
            MappingRule("mail", source="x", transforms=("lower", "split:,")),
            "transforms[1]",
            "split gives several values, 'mail' takes one; add first, item or join",
            id="split for one",
        ),
        pytest.param(
            MappingRule("level", constant="high"),
            "constant",
            "does not fit: 'level' is a whole number",
            id="text for a number",
        ),
        pytest.param(
            MappingRule("level", constant=1.5), "constant", "does not fit: 'level' is a whole number", id="fraction"
        ),
        pytest.param(
            MappingRule("level", constant=True), "constant", "does not fit: 'level' is a whole number", id="boolean"
        ),
        pytest.param(
            MappingRule("enabled", constant=1), "constant", "does not fit: 'enabled' is true or false", id="one for yes"
        ),
        pytest.param(MappingRule("ends", constant="soon"), "constant", "does not fit: 'ends' is a date", id="no date"),
        pytest.param(
            MappingRule("level", source="x", transforms=("present",)),
            "transforms[0]",
            "gives true or false, and 'level' is a whole number",
            id="boolean for a number",
        ),
        pytest.param(
            MappingRule("pin", source="x"),
            "secret",
            "'pin' is secret at the target: mark the rule as secret, too",
            id="open secret",
        ),
        pytest.param(
            MappingRule("pin", source="x", direction=Direction.INBOUND),
            "target",
            "'pin' is secret at the target, and never comes back",
            id="secret that comes back",
        ),
    ],
)
def test_rule_that_does_not_fit_is_explained(rule: MappingRule, field: str, message: str) -> None:
    assert told(rule) == [(1, field, message)]


def test_missing_required_attribute_is_told_unless_a_hook_makes_it() -> None:
    message = "nothing makes 'login', which the target requires of a new user"

    assert [each.message for each in check_fit([], SCHEMA)] == [message]
    assert [each.message for each in check_fit([MappingRule("login", source="x", on=("update",))], SCHEMA)] == [message]
    assert check_fit([], SCHEMA, hooked=["login"]) == ()


def test_secret_that_is_filled_in_the_open_already_is_a_warning() -> None:
    rules = [LOGIN, MappingRule("pin", source="x")]

    assert [each.is_error for each in check_fit(rules, SCHEMA)] == [True]
    assert [each.is_error for each in check_fit(rules, SCHEMA, opened={"pin"})] == [False]
    assert check_fit([LOGIN, MappingRule("pin", source="x", secret=True)], SCHEMA) == ()


def test_target_that_does_not_tell_all_of_its_attributes_is_believed() -> None:
    (found,) = check_fit([MappingRule("x", source="x")], ObjectSchema("user", "a", (AttributeSchema("a"),)))

    assert found.severity is Severity.WARNING
    assert check_fit([MappingRule("x", source="x")], ObjectSchema("user", "a")) == ()


def test_misspelt_source_is_an_error_and_an_unheard_of_one_a_warning() -> None:
    rules = [MappingRule("a", source="deprtment[0]"), MappingRule("b", source="xyz"), MappingRule("c", source="active")]
    found = check_sources(rules, frozenset({"department"}))

    assert [(each.rule, each.severity) for each in found] == [(0, Severity.ERROR), (1, Severity.WARNING)]
    assert check_sources(rules, frozenset()) == ()
