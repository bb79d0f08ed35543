"""How rules, mistakes and dry runs read."""

import json
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.e2e.fakes import mappings, sample
from worker.console import mapping_words
from worker.console.views import MappingMistake, MappingRuleChange

RULE = {"target": "mail", "source": "mail"}


@pytest.mark.parametrize(
    ("rule", "text"),
    [
        pytest.param(RULE, "from mail", id="a source"),
        pytest.param({"constant": "staff", "on": ["create"]}, 'from "staff", on create only', id="a constant, once"),
        pytest.param({"constant": False}, "from false", id="a constant that is no text"),
        pytest.param(
            {"expression": "1 + 1", "transforms": ["text", "pad_left:3:0"]},
            "from 1 + 1, text, pad_left:3:0",
            id="script",
        ),
        pytest.param(
            {**RULE, "required": True, "multi_valued": True, "secret": True, "case_sensitive": False},
            "from mail, required, several values, secret, whatever its case",
            id="flags",
        ),
        pytest.param({**RULE, "direction": "both"}, "from mail, both ways", id="both ways"),
        pytest.param({**RULE, "transforms": 7, "on": 3}, "from mail, 7", id="nonsense is told as it stands"),
    ],
)
def test_a_rule_reads_as_a_line(rule, text):
    assert mapping_words.rule_text(rule) == text


def test_rules_know_their_lines_wherever_the_list_is():
    listed = '[\n {"target": "a"},\n\n {"target": "b"}]'
    within = f'{{\n"rules": {listed}}}'

    assert [(each.line, each.target) for each in mapping_words.rules_of(listed) or ()] == [(2, "a"), (4, "b")]
    assert [(each.line, each.target) for each in mapping_words.rules_of(within) or ()] == [(3, "a"), (5, "b")]


@given(
    st.recursive(
        st.none() | st.booleans() | st.text(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)
    )
)
def test_a_draft_never_breaks_the_table(value):
    mapping_words.rules_of(json.dumps(value))
    mapping_words.rules_of(json.dumps([value, {"target": value, "transforms": value, "on": value}]))


@pytest.mark.parametrize("text", ["", "[", "{]", "7", '{"rules": 7}', '[{"target": "a"}'])
def test_what_is_no_list_of_rules_makes_no_table(text):
    assert mapping_words.rules_of(text) is None


@pytest.mark.parametrize(
    ("mistake", "text"),
    [
        pytest.param(
            MappingMistake(rule=0, field="target", message="is missing", is_error=True), "target is missing", id="part"
        ),
        pytest.param(
            MappingMistake(rule=0, field="target", message="the target has no attribute 'x'", is_error=True),
            "target: the target has no attribute 'x'",
            id="a sentence of its own",
        ),
        pytest.param(
            MappingMistake(rule=None, field="", message="is not JSON", is_error=True),
            "the mapping is not JSON",
            id="the whole",
        ),
        pytest.param(
            MappingMistake(
                rule=0,
                field="expression",
                message="cannot be read",
                is_error=True,
                expression_line=2,
                expression_column=5,
            ),
            "expression cannot be read (line 2, column 5 of the expression)",
            id="within an expression",
        ),
    ],
)
def test_a_mistake_is_a_sentence(mistake, text):
    assert mapping_words.mistake_text(mistake) == text


def test_a_rule_that_came_is_told_whole_and_one_that_changed_by_its_parts():
    found = mapping_words.difference_of(
        (
            MappingRuleChange(target="mail", before=None, after=RULE),
            MappingRuleChange(
                target="sn",
                before={"source": "a"},
                after={"source": "b", "required": True},
                fields=("required", "source"),
            ),
        )
    )

    assert [(each.name, each.before, each.after) for each in found] == [
        ("mail", None, "from mail"),
        ("sn, required", None, True),
        ("sn, source", "a", "b"),
    ]


@pytest.mark.parametrize(
    ("removals", "held", "sentence"),
    [
        pytest.param(None, None, None, id="not known yet"),
        pytest.param(0, 0, "Nobody would lose an account.", id="none"),
        pytest.param(1, 0, "The safeguard would let 1 removal through.", id="few"),
        pytest.param(30, 12, "Of 30 removals the safeguard would hold 12 until somebody approves.", id="many"),
    ],
)
def test_removals_are_told_with_what_the_safeguard_says(removals, held, sentence):
    assert mapping_words.safeguard_sentence(replace(mappings.DRY_RUNS[0], removals=removals, held=held)) == sentence


async def test_a_count_against_another_version_than_the_active_one_says_nothing():
    fake = mappings.FakeMappings()
    view = await fake.mapping(None, connector_id=sample.LDAP.id)
    later = replace(view, active=3)

    assert mapping_words.latest_count(view, 2) == mappings.DRY_RUNS[0]
    assert mapping_words.latest_count(later, 2) is None


async def test_going_back_leads_to_the_one_that_was_active_last():
    view = await mappings.FakeMappings().mapping(None, connector_id=sample.LDAP.id)
    three, two, one = view.versions
    moment = one.activated_at
    versions = (
        replace(three, is_active=True, activated_at=moment + timedelta(days=2)),
        replace(two, activated_at=moment),
        replace(one, is_active=False, activated_at=moment + timedelta(days=1)),
    )

    assert mapping_words.before_this(view) is None
    assert mapping_words.before_this(replace(view, active=3, versions=versions)).version == 1


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        pytest.param(True, False, [("enabled", True, False)], id="it is disabled"),
        pytest.param(True, None, [], id="nothing is said of it"),
        pytest.param(True, True, [], id="it stays enabled"),
        pytest.param(None, True, [], id="a new account"),
    ],
)
def test_whether_an_account_can_be_used_is_told_where_it_changes(before, after, told):
    row = replace(mappings.TRIALS[2], active_before=before, active_after=after)

    assert [(each.name, each.before, each.after) for each in mapping_words.changes_of(row)] == told
