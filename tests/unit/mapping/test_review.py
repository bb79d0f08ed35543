from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from worker.connectors import AttributeSchema, ObjectSchema
from worker.domain.errors import HookError
from worker.domain.hook import ExpressionResult, HookClass
from worker.mapping import Review, Surroundings, review_document, review_rules

SCHEMA = ObjectSchema("user", "cn", (AttributeSchema("cn"),), is_complete=True)


class Sandbox:
    """Says of every expression what the test wants."""

    def __init__(self, error: HookError | None = None) -> None:
        self.error = error
        self.contexts: list[dict[str, Any]] = []

    async def evaluate(
        self, expressions: Mapping[str, str], contexts: Sequence[dict[str, Any]]
    ) -> list[dict[str, ExpressionResult]]:
        self.contexts += contexts
        return [{name: ExpressionResult(error=self.error) for name in expressions} for _ in contexts]


async def review(text: str, *, error: HookError | None = None, around: Surroundings | None = None) -> Review:
    return await review_document(text, evaluator=Sandbox(error), around=around or Surroundings())


def places(found: Review) -> list[tuple[int | None, int | None, str]]:
    return [(each.line, each.column, each.message) for each in found.mistakes]


async def test_sound_document_gives_its_rules() -> None:
    found = await review('{"rules": [{"target": "cn", "expression": "1"}]}', around=Surroundings(SCHEMA))

    assert found.is_sound
    assert [rule.target for rule in found.rules] == ["cn"]
    assert found == await review('[{"target": "cn", "expression": "1"}]')


@pytest.mark.parametrize(
    ("text", "line", "column", "message"),
    [
        pytest.param("[\n{]", 2, 2, "is not JSON: the name of a member belongs here, in double quotes", id="no json"),
        pytest.param('{"rule": []}', 1, 1, "must be a list of rules", id="no rules"),
        pytest.param('[\n {"target": "a",\n  "sorce": "b"}]', 3, 12, "there is no such field", id="unknown field"),
        pytest.param(
            '[{"target": "a", "source": "b",\n "transforms": ["lower",\n  "uper"]}]',
            3,
            3,
            "there is no transform 'uper'; did you mean upper?",
            id="transform",
        ),
        pytest.param(
            '{"rules": [\n  {"target": "cn"}]}',
            2,
            3,
            "a rule needs one of source, constant and expression",
            id="a member that is not there",
        ),
        pytest.param(
            '[{"target":\n "mail", "source": "x"}]', 2, 2, "the target has no attribute 'mail'", id="unknown attribute"
        ),
    ],
)
async def test_mistake_is_told_with_its_line_and_column(text: str, line: int, column: int, message: str) -> None:
    (found, *_) = (await review(text, around=Surroundings(SCHEMA))).mistakes

    assert (found.line, found.column) == (line, column)
    assert found.message.startswith(message)


async def test_expression_that_stops_in_the_middle_is_told_so_rather_than_by_what_we_put_behind_it() -> None:
    error = HookError("unexpected symbol ')' here", hook_class=HookClass.SYNTAX, line=2, column=1)
    (found,) = (await review('[{"target": "cn", "expression": "identity[1"}]', error=error)).mistakes

    assert found.message == "ends too early: something is missing, or a bracket is still open"
    assert (found.expression_line, found.expression_column) == (1, 11)


async def test_mistake_in_an_expression_has_its_place_within_it() -> None:
    error = HookError("parse error", hook_class=HookClass.SYNTAX, line=2, column=7)
    (found,) = (await review('[{"target": "cn",\n "expression": "a\\n+ b +"}]', error=error)).mistakes

    assert (found.line, found.column, found.expression_line, found.expression_column) == (2, 16, 2, 7)
    assert found.message == "parse error"


@pytest.mark.parametrize(
    ("text", "said", "told"),
    [
        pytest.param("a +", (1, 2), (1, 2), id="as it is"),
        pytest.param("  a +", (1, 2), (1, 4), id="behind blanks"),
        pytest.param("\n\n a\n+ b", (1, 1), (3, 2), id="behind empty lines"),
        pytest.param("\na\n+ b", (2, 1), (3, 1), id="a later line"),
        pytest.param("a +\n b +", (3, 1), (2, 5), id="behind the end"),
    ],
)
async def test_place_in_an_expression_is_that_of_the_text_as_written(
    text: str, said: tuple[int, int], told: tuple[int, int]
) -> None:
    error = HookError("no", hook_class=HookClass.SYNTAX, line=said[0], column=said[1])
    rules = [{"target": "cn", "expression": text}]
    (found,) = (await review_rules(rules, evaluator=Sandbox(error), around=Surroundings())).mistakes

    assert (found.expression_line, found.expression_column) == told


async def test_failure_that_depends_on_the_person_is_no_mistake_of_the_text() -> None:
    error = HookError("key not found", hook_class=HookClass.SCRIPT)

    assert (await review('[{"target": "cn", "expression": "identity[\'x\']"}]', error=error)).is_sound


async def test_expression_of_an_account_is_tried_with_an_account() -> None:
    rules = [
        {"target": "cn", "expression": "identity['a']"},
        {"target": "cn", "source": "b", "expression": "account['cn']", "direction": "inbound"},
        {"target": "cn", "source": "c", "expression": "account['cn']", "direction": "inbound"},
    ]
    error = HookError("no", hook_class=HookClass.SYNTAX)
    sandbox = Sandbox(error)

    found = await review_rules(rules, evaluator=sandbox, around=Surroundings())

    assert [each.rule for each in found.mistakes] == [0, 1, 2]
    assert sandbox.contexts == [{"identity": {}}, {"account": {}}]


async def test_busy_sandbox_is_no_verdict() -> None:
    error = HookError("busy", hook_class=HookClass.BUSY, retryable=True)

    with pytest.raises(HookError, match="busy"):
        await review('[{"target": "cn", "expression": "1"}]', error=error)


async def test_rules_without_a_text_have_no_lines() -> None:
    found = await review_rules([{"target": "cn"}], evaluator=Sandbox(), around=Surroundings())

    assert [(each.rule, each.line) for each in found.mistakes] == [(0, None)]
    assert not found.is_sound
