"""What rules make of accounts for their people, with a sandbox that is told what to answer."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

import pytest

from worker.domain.errors import HookError
from worker.domain.hook import ExpressionResult, HookClass
from worker.domain.mapping import Direction, MappingRule, MappingVersion
from worker.mapping import NoWord, compute, inbound_rules
from worker.mapping.inbound import names_read
from worker.mapping.pacing import Steps


class Recorder:
    """Answers with what the test says, and keeps what it was asked."""

    def __init__(self, result: ExpressionResult) -> None:
        self.result = result
        self.contexts: list[dict[str, Any]] = []

    async def evaluate(
        self, expressions: Mapping[str, str], contexts: Sequence[dict[str, Any]]
    ) -> list[dict[str, ExpressionResult]]:
        self.contexts += contexts
        return [dict.fromkeys(expressions, self.result) for _ in contexts]


def rule(expression: str, **fields: Any) -> MappingRule:
    return MappingRule("cn", source="title", direction=Direction.INBOUND, expression=expression, **fields)


def version(*rules: MappingRule) -> MappingVersion:
    return MappingVersion(UUID(int=1), "user", 1, rules)


@pytest.mark.parametrize(
    ("expression", "names"),
    [
        pytest.param("account['a'] + account.get(\"b c\")", {"a", "b c"}, id="both quotes"),
        pytest.param("account['it\\'s']", {"it\\'s"}, id="escaped quote"),
        pytest.param("account[\"o'clock\"] + account['x']", {"o'clock", "x"}, id="a quote within the other"),
        pytest.param("1 # don't\n + account['x']", {"x"}, id="apostrophe of a comment"),
        pytest.param("account.get('''x''')", {"x"}, id="three quotes"),
        pytest.param("account", set(), id="none"),
    ],
)
def test_names_in_quotes_are_what_an_expression_reads(expression: str, names: set[str]) -> None:
    assert names_read(rule(expression)) == names


def at_once(steps: Steps[Any]) -> Any:
    """All steps of a mapping; what it comes to."""
    while True:
        try:
            next(steps)
        except StopIteration as done:
            return done.value


async def test_expression_sees_the_attributes_it_names_without_secrets() -> None:
    asked = Recorder(ExpressionResult(value=" x "))
    text = "account['a'] + account['pin'] + account['password']"
    rules = inbound_rules(version(rule(text, transforms=("trim",))))

    account = {"a": "1", "b": "2", "pin": "canary", "password": "canary", "cn": "c"}
    (found,) = await compute(rules, [account], evaluator=asked, secrets={"pin"})

    mark = {"secret": True}
    assert asked.contexts == [{"account": {"a": "1", "pin": mark, "password": mark}}]
    assert at_once(rules[0].value(account, computed=found)) == "x"


@pytest.mark.parametrize(
    ("result", "message"),
    [
        pytest.param(ExpressionResult(error=HookError("no such key")), "no such key", id="failed"),
        pytest.param(ExpressionResult(value={"a": 1}), "must give text", id="no value of an attribute"),
        pytest.param(ExpressionResult(value=["a", "b"]), "has 2 values", id="several"),
    ],
)
async def test_what_an_expression_cannot_give_is_no_word(result: ExpressionResult, message: str) -> None:
    (read,) = inbound_rules(version(rule("account['a']")))
    (found,) = await compute([read], [{"a": "1"}], evaluator=Recorder(result))

    with pytest.raises(NoWord, match=message):
        at_once(read.value({"a": "1"}, computed=found))


async def test_sandbox_without_room_says_nothing_about_a_value() -> None:
    (read,) = inbound_rules(version(rule("account['a']")))
    busy = ExpressionResult(error=HookError("no room", hook_class=HookClass.BUSY, retryable=True))

    with pytest.raises(HookError, match="no room"):
        await compute([read], [{"a": "1"}], evaluator=Recorder(busy))


async def test_without_a_sandbox_there_is_no_word() -> None:
    (read,) = inbound_rules(version(rule("account['a']")))
    (found,) = await compute([read], [{"a": "1"}], evaluator=None)

    with pytest.raises(NoWord, match="no sandbox here"):
        at_once(read.value({"a": "1"}, computed=found))
