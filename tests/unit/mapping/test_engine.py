import asyncio
import json
import time
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

import pytest

from worker.domain.errors import HookError
from worker.domain.hook import ExpressionResult
from worker.domain.identity import Identity
from worker.domain.ids import uuid7
from worker.domain.mapping import Direction, MappingRule, MappingVersion
from worker.mapping import Mapped, MappingEngine, MappingError

CONNECTOR = UUID("01900000-0000-7000-8000-00000000000a")


class Scripted:
    """An evaluator that answers with what the test says, and remembers what it was asked."""

    def __init__(self, answers: dict[str, Any]) -> None:
        self.answers = answers
        self.calls: list[tuple[dict[str, str], list[dict[str, Any]]]] = []

    async def evaluate(
        self, expressions: Mapping[str, str], contexts: Sequence[dict[str, Any]]
    ) -> list[dict[str, ExpressionResult]]:
        self.calls.append((dict(expressions), list(contexts)))
        return [{name: self._result(name) for name in expressions} for _ in contexts]

    def _result(self, name: str) -> ExpressionResult:
        answer = self.answers[name]
        return ExpressionResult(error=answer) if isinstance(answer, HookError) else ExpressionResult(answer)


def mapping(*rules: MappingRule, version: int = 1) -> MappingVersion:
    return MappingVersion(CONNECTOR, "user", version, rules)


def identity(*, active: bool = True, **attributes: Any) -> Identity:
    return Identity(uuid7(), "E1", "e1", attributes, active=active)


async def map_one(*rules: MappingRule, who: Identity, evaluator: Scripted | None = None) -> Mapped | MappingError:
    (result,) = await MappingEngine(evaluator).map_identities([who], mapping=mapping(*rules))
    return result


class Slow:
    """A clock by which a turn is over whenever somebody looks."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        self.now += 1.0
        return self.now


async def turns_while_mapping(people: Sequence[Identity], *rules: MappingRule) -> int:
    """How often the event loop had its turn meanwhile."""
    turns = 0

    async def count() -> None:
        nonlocal turns
        while True:
            await asyncio.sleep(0)
            turns += 1

    counting = asyncio.create_task(count())
    await MappingEngine(clock=Slow()).map_identities(people, mapping=mapping(*rules))
    counting.cancel()
    return turns


async def test_others_have_their_turn_between_people() -> None:
    people = [identity(a="x") for _ in range(100)]

    assert await turns_while_mapping(people, MappingRule("t", source="a")) >= 100


async def test_others_have_their_turn_between_the_transforms_of_a_large_value() -> None:
    rules = [MappingRule(f"t{at}", source="a", transforms=("upper", "lower") * 25) for at in range(40)]

    assert await turns_while_mapping([identity(a="x" * 64 * 1024)], *rules) >= 40 * 50


async def test_others_have_their_turn_between_the_rules_of_a_small_one() -> None:
    rules = [MappingRule(f"t{at}", source="a", transforms=("upper", "lower") * 25) for at in range(40)]

    assert await turns_while_mapping([identity(a="x")], *rules) >= 40


@pytest.mark.parametrize(
    ("transform", "value", "message"),
    [
        pytest.param("upper", ["x"] * 10_001, "more than 10000 values", id="values, each for itself"),
        pytest.param("sort", ["x"] * 10_001, "more than 10000 values", id="values, all together"),
        pytest.param("upper", ["x" * 60_000] * 5, "longer than 262144 characters", id="text of all of them"),
    ],
)
async def test_a_list_that_is_too_large_is_a_mistake(transform: str, value: list[str], message: str) -> None:
    rule = MappingRule("t", source="a", transforms=(transform,), multi_valued=True)

    result = await map_one(rule, who=identity(a=value))

    assert isinstance(result, MappingError)
    assert message in result.message


@pytest.mark.parametrize(
    ("rule", "attributes", "value"),
    [
        pytest.param(MappingRule("t", source="a"), {"a": "x"}, "x", id="source"),
        pytest.param(MappingRule("t", source="a"), {}, None, id="absent source has no value"),
        pytest.param(MappingRule("t", source="a"), {"a": None}, None, id="null"),
        pytest.param(MappingRule("t", source="a"), {"a": ""}, None, id="empty text is no value"),
        pytest.param(MappingRule("t", source="a"), {"a": False}, False, id="false is a value"),
        pytest.param(MappingRule("t", source="a"), {"a": 0}, 0, id="zero is a value"),
        pytest.param(MappingRule("t", source="a"), {"a": ["x"]}, "x", id="list of one"),
        pytest.param(MappingRule("t", source="a"), {"a": []}, None, id="empty list"),
        pytest.param(MappingRule("t", source="a[0]"), {"a": ["x", "y"]}, "x", id="first of a list"),
        pytest.param(MappingRule("t", source="a[-1]"), {"a": ["x", "y"]}, "y", id="last of a list"),
        pytest.param(MappingRule("t", source="a[2]"), {"a": ["x", "y"]}, None, id="place that is not there"),
        pytest.param(MappingRule("t", source="a[0]"), {"a": "x"}, "x", id="single value is a list of one"),
        pytest.param(MappingRule("t", source="a[1]"), {"a": "x"}, None, id="second of a single value"),
        pytest.param(MappingRule("t", source="a[0]", transforms=("upper",)), {"a": ["x"]}, "X", id="place transformed"),
        pytest.param(MappingRule("t", source="external_id"), {}, "E1", id="fixed name"),
        pytest.param(MappingRule("t", source="active"), {}, True, id="active as an attribute"),
        pytest.param(MappingRule("t", constant="c"), {}, "c", id="constant"),
        pytest.param(MappingRule("t", constant=False), {}, False, id="constant false"),
        pytest.param(MappingRule("t", source="a", transforms=("trim", "lower")), {"a": " X "}, "x", id="transforms"),
        pytest.param(MappingRule("t", constant="X", transforms=("lower",)), {}, "x", id="transformed constant"),
        pytest.param(MappingRule("t", source="a", multi_valued=True), {"a": "x"}, ["x"], id="one of many"),
        pytest.param(
            MappingRule("t", source="a", multi_valued=True), {"a": ["x", None, "", "y"]}, ["x", "y"], id="many"
        ),
        pytest.param(MappingRule("t", source="a", multi_valued=True), {}, None, id="none of many"),
        pytest.param(MappingRule("t", source="a", transforms=("join:;",)), {"a": ["x", "y"]}, "x;y", id="joined"),
        pytest.param(MappingRule("t", source="a", required=True), {"a": "x"}, "x", id="required and there"),
        pytest.param(MappingRule("t", source="a", direction=Direction.BOTH), {"a": "x"}, "x", id="both ways"),
    ],
)
async def test_rule_makes_value(rule: MappingRule, attributes: dict[str, Any], value: Any) -> None:
    mapped = await map_one(rule, who=identity(**attributes))

    assert isinstance(mapped, Mapped)
    assert mapped.attributes == {"t": value}


@pytest.mark.parametrize(
    ("rule", "attributes", "message"),
    [
        pytest.param(
            MappingRule("mail", source="a", required=True), {}, "mail: is required and has no value", id="required"
        ),
        pytest.param(
            MappingRule("mail", source="a", required=True, transforms=("trim",)),
            {"a": "  "},
            "mail: is required and has no value",
            id="required and blank",
        ),
        pytest.param(
            MappingRule("mail", source="a"),
            {"a": ["secret", "x"]},
            "mail: takes one value and was given 2; use first or join, or make it multi-valued",
            id="too many",
        ),
        pytest.param(
            MappingRule("born", source="a", transforms=("date:iso",)),
            {"a": "secret"},
            "born: is not a date",
            id="unreadable",
        ),
    ],
)
async def test_unmappable_identity_is_a_value_that_shows_none(
    rule: MappingRule, attributes: dict[str, Any], message: str
) -> None:
    who = identity(**attributes)

    assert await map_one(rule, who=who) == MappingError(who.id, rule.target, message)


async def test_one_bad_identity_does_not_stop_the_others() -> None:
    rule = MappingRule("t", source="a", required=True)
    results = await MappingEngine().map_identities(
        [identity(a="x"), identity(), identity(a="y")], mapping=mapping(rule)
    )

    assert [type(result) for result in results] == [Mapped, MappingError, Mapped]


async def test_attributes_of_create_and_update_are_kept_apart() -> None:
    mapped = await map_one(
        MappingRule("both", source="a"),
        MappingRule("empty", source="none"),
        MappingRule("first_password", constant="s", on=("create",), secret=True),
        MappingRule("changed", constant="u", on=("update",)),
        MappingRule("inbound", source="a", direction=Direction.INBOUND),
        who=identity(a="x", active=False),
    )

    assert isinstance(mapped, Mapped)
    assert mapped.for_create() == {"both": "x", "first_password": "s"}
    assert mapped.for_update() == {"both": "x", "empty": None, "changed": "u"}
    assert mapped.secrets == {"first_password"}
    assert mapped.active is False


async def test_expressions_of_a_batch_are_evaluated_in_one_call() -> None:
    evaluator = Scripted({"display": "Ada L", "code on create": 7, "code on update": [1, 2]})
    rules = (
        MappingRule("display", expression="x", transforms=("upper",)),
        MappingRule("code", expression="y", on=("create",)),
        MappingRule("code", expression="z", on=("update",), multi_valued=True),
    )
    who = [identity(given="Ada"), identity(given="Bob")]
    first, second = await MappingEngine(evaluator).map_identities(who, mapping=mapping(*rules))

    assert isinstance(first, Mapped)
    assert isinstance(second, Mapped)
    assert first.for_create() == {"display": "ADA L", "code": 7}
    assert first.for_update() == {"display": "ADA L", "code": [1, 2]}
    ((expressions, contexts),) = evaluator.calls
    assert expressions == {"display": "x", "code on create": "y", "code on update": "z"}
    assert [context["identity"]["given"] for context in contexts] == ["Ada", "Bob"]


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        pytest.param(HookError("key not found"), "t: the expression failed: key not found", id="failed"),
        pytest.param(
            {"a": 1},
            "t: the expression must give text, a number, a boolean, None, or a list of them",
            id="an object",
        ),
        pytest.param(
            float("nan"),
            "t: the expression must give text, a number, a boolean, None, or a list of them",
            id="not a number",
        ),
        pytest.param(
            [["a"]],
            "t: the expression must give text, a number, a boolean, None, or a list of them",
            id="a list of lists",
        ),
    ],
)
async def test_expression_without_a_usable_value_is_an_error_of_its_identity(answer: Any, message: str) -> None:
    who = identity()
    result = await map_one(MappingRule("t", expression="x"), who=who, evaluator=Scripted({"t": answer}))

    assert result == MappingError(who.id, "t", message)


async def test_an_expression_that_found_no_sandbox_is_no_error_of_its_identity() -> None:
    busy = HookError("all sandboxes are busy", hook_class="hook.busy", retryable=True)

    with pytest.raises(HookError) as caught:
        await map_one(MappingRule("t", expression="x"), who=identity(), evaluator=Scripted({"t": busy}))

    assert caught.value is busy


async def test_what_an_expression_says_that_makes_a_secret_is_not_told() -> None:
    who = identity()
    evaluator = Scripted({"t": HookError("cannot parse `hunter2` as an integer")})
    result = await map_one(MappingRule("t", expression="x", secret=True), who=who, evaluator=evaluator)

    said = "t: the expression failed: hook.script; what it said is not kept, for it makes a secret"
    assert result == MappingError(who.id, "t", said)


async def test_expression_without_a_sandbox_says_so() -> None:
    result = await map_one(MappingRule("t", expression="x"), who=identity())

    assert isinstance(result, MappingError)
    assert "no sandbox" in result.message


async def test_new_version_replaces_the_remembered_mapping() -> None:
    engine = MappingEngine(remembered=1)
    who = [identity()]
    results = [
        await engine.map_identities(who, mapping=mapping(MappingRule("t", constant=value), version=version))
        for value, version in (("a", 1), ("b", 2), ("c", 2))
    ]

    assert [one.attributes for (one,) in results if isinstance(one, Mapped)] == [{"t": "a"}, {"t": "b"}, {"t": "c"}]
    assert len(engine._compiled) == 1


async def test_many_mappings_are_remembered_up_to_the_limit() -> None:
    engine = MappingEngine(remembered=2)
    for _ in range(5):
        await engine.map_identities([], mapping=MappingVersion(uuid7(), "user", 1, ()))

    assert len(engine._compiled) == 2


async def test_result_can_be_stored_as_json() -> None:
    mapped = await map_one(MappingRule("t", source="a", multi_valued=True), who=identity(a=[1, "x", True]))

    assert isinstance(mapped, Mapped)
    assert json.loads(json.dumps(mapped.for_update())) == {"t": [1, "x", True]}


async def test_large_batch_is_mapped_without_expressions() -> None:
    """Also a place to look at when planning gets slow; no time is asserted."""
    rules = [MappingRule(f"t{number}", source=f"a{number}") for number in range(10)]
    people = [identity(**{f"a{number}": "x" for number in range(10)})] * 20_000
    started = time.perf_counter()
    results = await MappingEngine().map_identities(people, mapping=mapping(*rules))
    print(f"{len(people) / (time.perf_counter() - started):,.0f} identities/s")

    assert len(results) == 20_000
