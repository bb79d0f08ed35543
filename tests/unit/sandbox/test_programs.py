"""Scripts and expressions in this process: only calm ones, since nothing here contains the others."""

import json
from collections.abc import Sequence
from typing import Any

import pytest

from worker.sandbox.engine import Engine, ScriptFailed
from worker.sandbox.programs import Expressions, Script
from worker.sandbox.watch import Watch

BUDGET = 5.0


@pytest.fixture(scope="module")
def engine() -> Engine:
    return Engine(Watch(arm=lambda cpu_s, wall_s: None))


def run(
    engine: Engine, body: str, context: dict[str, Any] | None = None, function: str = "transform"
) -> dict[str, Any]:
    script = Script(engine, f"def transform(ctx):\n    {body}\n")
    said = json.loads(script.run(function, json.dumps(context or {}).encode(), budget_s=BUDGET))
    assert isinstance(said, dict)
    return said


def test_a_function_gets_the_context_and_answers_with_its_value(engine: Engine) -> None:
    said = run(engine, 'return {"n": ctx["a"]["b"] + 1}', {"a": {"b": 41}})

    assert said["result"] == {"value": {"n": 42}}
    assert said["function"] == "transform"
    assert said["us"] >= 0


@pytest.mark.parametrize(
    ("body", "result"),
    [
        pytest.param('return reject("no", code="a.b")', {"reject": {"reason": "no", "code": "a.b"}}, id="reject"),
        pytest.param('return reject("no")', {"reject": {"reason": "no", "code": "rejected"}}, id="reject without code"),
        pytest.param('return skip("later")', {"skip": {"reason": "later"}}, id="skip"),
        pytest.param("return None", {"value": None}, id="none"),
        pytest.param("pass", {"value": None}, id="no return"),
        pytest.param(
            'return {"a": (1, 2.5, True, None, "ü")}', {"value": {"a": [1, 2.5, True, None, "ü"]}}, id="types"
        ),
        pytest.param('return coalesce(None, "", 1)', {"value": ""}, id="coalesce"),
        pytest.param('return first_valid(None, "", " ", [], "x")', {"value": "x"}, id="first valid"),
        pytest.param("return first_valid(None)", {"value": None}, id="none valid"),
        pytest.param('return merge({"a": 1, "b": 1}, None, {"b": 2})', {"value": {"a": 1, "b": 2}}, id="merge"),
        pytest.param('return pick({"a": 1, "b": 2}, ["b", "c"])', {"value": {"b": 2}}, id="pick"),
        pytest.param('return omit({"a": 1, "b": 2}, ["b"])', {"value": {"a": 1}}, id="omit"),
        pytest.param('return text.slug("Ä b")', {"value": "ae-b"}, id="host library"),
    ],
)
def test_answers(engine: Engine, body: str, result: dict[str, Any]) -> None:
    assert run(engine, body)["result"] == result


@pytest.mark.parametrize(
    ("body", "hook_class", "message"),
    [
        pytest.param('return float("nan")', "hook.result", "not finite", id="nan"),
        pytest.param('return {"a": [float("inf")]}', "hook.result", "not finite", id="infinity"),
        pytest.param("return {1: 2}", "hook.result", "keys are text", id="key"),
        pytest.param("return len", "hook.result", "holds a function", id="function"),
        pytest.param("return 1 << 63", "hook.result", "64 bits", id="large number"),
        pytest.param("return {'a': struct(b=1)}", "hook.result", "holds a struct", id="struct"),
        pytest.param("return reject(5)", "hook.result", "are texts", id="reason"),
        pytest.param('return "x" * 1100000', "hook.limit", "1 MiB", id="text"),
        pytest.param("return [0] * 1100000", "hook.limit", "1 MiB", id="list"),
        pytest.param('return ctx["nope"]', "hook.script", "was not found", id="missing key"),
        pytest.param("return text.slug(4)", "hook.script", "takes a text, not a number", id="host function"),
        pytest.param('fail("not", "today")', "hook.fail", "not today", id="fail"),
        pytest.param("return transform(ctx)", "hook.script", "stack overflow", id="recursion"),
    ],
)
def test_failures(engine: Engine, body: str, hook_class: str, message: str) -> None:
    found = run(engine, body)["failure"]

    assert found["class"] == hook_class
    assert message in found["message"]


def test_sixteen_levels_are_allowed_and_not_one_more(engine: Engine) -> None:
    deep = "x = 1\n    for _ in range({n}):\n        x = [x]\n    return x"

    assert "result" in run(engine, deep.format(n=16))
    assert run(engine, deep.format(n=17))["failure"]["class"] == "hook.result"


def test_what_is_printed_is_kept_within_bounds(engine: Engine) -> None:
    few = run(engine, 'print("a", 1, [2])\n    print("x" * 1000)')
    many = run(engine, "for i in range(100):\n        print(i)")

    assert few["logs"] == ["a 1 [2]", "x" * 500]
    assert many["logs"] == [str(number) for number in range(50)]
    assert run(engine, "pass")["logs"] == []


def test_logs_survive_a_failure(engine: Engine) -> None:
    said = run(engine, 'print("before")\n    fail("x")')

    assert said["logs"] == ["before"]


def test_no_state_passes_from_one_call_to_the_next(engine: Engine) -> None:
    script = Script(engine, "seen = []\ndef transform(ctx):\n    seen.append(1)\n    return len(seen)\n")
    said = json.loads(script.run("transform", b"{}", budget_s=BUDGET))

    assert "Immutable" in said["failure"]["message"]


def test_transform_stands_in_for_create_and_update_only(engine: Engine) -> None:
    assert run(engine, "return 1", function="before_create")["function"] == "transform"
    assert run(engine, "return 1", function="before_update")["function"] == "transform"
    assert run(engine, "return 1", function="before_delete")["function"] is None
    assert run(engine, "return 1", function="after_create")["function"] is None


def test_a_functions_own_name_goes_before_the_stand_in(engine: Engine) -> None:
    script = Script(engine, "def transform(ctx):\n    return 1\ndef before_create(ctx):\n    return 2\n")

    assert script.functions == ("before_create", "transform")
    assert json.loads(script.run("before_create", b"{}", budget_s=BUDGET))["result"] == {"value": 2}


@pytest.mark.parametrize(
    ("source", "hook_class", "line"),
    [
        pytest.param("def transform(ctx:\n", "hook.syntax", None, id="syntax"),
        pytest.param("def transform(ctx):\n    return nope\n", "hook.compile", 2, id="unknown name"),
        pytest.param("x = 1 // 0\n", "hook.compile", 1, id="top level fails"),
        pytest.param("for x in [1]:\n    pass\n", "hook.syntax", None, id="statement at top level"),
        pytest.param('load("os", "system")\n', "hook.compile", 1, id="load"),
        pytest.param("#" + "x" * 65536, "hook.limit", None, id="too large"),
    ],
)
def test_a_source_that_cannot_be_built_says_why(engine: Engine, source: str, hook_class: str, line: int | None) -> None:
    with pytest.raises(ScriptFailed) as caught:
        Script(engine, source)

    assert caught.value.found["class"] == hook_class
    assert line is None or caught.value.found["line"] == line


def test_a_late_script_is_cancelled_with_its_line(engine: Engine) -> None:
    script = Script(engine, "def transform(ctx):\n    for i in range(1000000000):\n        pass\n")
    said = json.loads(script.run("transform", b"{}", budget_s=0.01))

    assert said["failure"]["class"] == "hook.deadline"
    assert said["failure"]["line"] == 2


def test_expressions_are_computed_together_and_fail_apart(engine: Engine) -> None:
    texts = {
        "good": 'identity["a"] + 1',
        "missing": 'identity["b"]',
        "broken": "1 +",
        "unknown": "nope",
        "empty": "  ",
        "lines": "identity[\n'a'\n]",
        "absent": "account",
        "two names": 'text.slug(attributes["n"])',
    }
    line = Expressions(engine, texts).run(b'{"identity":{"a":1},"attributes":{"n":"\\u00d6"}}', budget_s=BUDGET)
    said = json.loads(line)
    failures = {list(texts)[int(place)]: found["class"] for place, found in said["failures"].items()}
    values = {list(texts)[int(place)]: value for place, value in said["values"].items()}

    assert values == {"good": 2, "lines": 1, "absent": None, "two names": "oe"}
    assert failures == {
        "missing": "hook.script",
        "broken": "hook.syntax",
        "unknown": "hook.compile",
        "empty": "hook.syntax",
    }


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("1)+(2", id="brackets closed and opened"),
        pytest.param("1]+[2", id="square ones"),
        pytest.param("1\n)\nseen = (2", id="a statement behind it"),
        pytest.param("1)\n return (2", id="a second return"),
        pytest.param("x = 1", id="an assignment"),
        pytest.param("1\n2", id="two of them"),
        pytest.param("# nothing", id="a comment"),
        pytest.param("\\\n# nothing\n", id="a continued line of nothing"),
    ],
)
def test_a_text_that_is_not_one_expression_is_refused(engine: Engine, text: str) -> None:
    said = json.loads(Expressions(engine, {"a": text, "b": "1"}).run(b"{}", budget_s=BUDGET))

    assert said["failures"]["0"]["class"] == "hook.syntax"
    assert said["values"] == {"1": 1}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        pytest.param("(1) + (2)", 3, id="brackets of its own"),
        pytest.param("1, 2", [1, 2], id="several values"),
        pytest.param('")+("', ")+(", id="brackets in a text"),
        pytest.param("1  # ) (", 1, id="brackets in a comment"),
        pytest.param("# first\n1\n+ 2\n", 3, id="over several lines"),
        pytest.param("[x\n for x in (1, 2)]", [1, 2], id="a comprehension"),
    ],
)
def test_one_expression_may_look_like_several(engine: Engine, text: str, value: Any) -> None:
    said = json.loads(Expressions(engine, {"a": text}).run(b"{}", budget_s=BUDGET))

    assert said["values"] == {"0": value}


def test_an_expression_that_is_not_finite_fails_instead_of_clearing(engine: Engine) -> None:
    said = json.loads(Expressions(engine, {"a": 'float("nan")', "b": "1"}).run(b"{}", budget_s=BUDGET))

    assert said["failures"]["0"]["class"] == "hook.result"
    assert said["values"] == {"1": 1}


def test_no_expressions_give_no_values(engine: Engine) -> None:
    assert json.loads(Expressions(engine, {}).run(b"{}", budget_s=BUDGET))["values"] == {}


LIBRARIES = (
    ("text", "def short(value):\n    return value[:3]\n"),
    (
        "names",
        'load("lib/text", "short")\ndef login(x):\n    if not x:\n        fail("none")\n    return short(x["name"])\n',
    ),
)
LOADS = 'load("lib/names", "login")\ndef transform(ctx):\n    return {"uid": login(ctx)}\n'


def test_a_script_calls_its_libraries(engine: Engine) -> None:
    said = json.loads(Script(engine, LOADS, LIBRARIES).run("transform", b'{"name": "abcdef"}', budget_s=BUDGET))

    assert said["result"] == {"value": {"uid": "abc"}}


def test_a_failure_inside_a_library_says_where(engine: Engine) -> None:
    said = json.loads(Script(engine, LOADS, LIBRARIES).run("transform", b"{}", budget_s=BUDGET))

    failure = said["failure"]
    assert (failure["class"], failure["message"], failure["module"], failure["line"]) == (
        "hook.fail",
        "none",
        "lib/names",
        4,
    )
    assert failure["frames"] == ["script:3 in transform", "lib/names:4 in login"]


@pytest.mark.parametrize(
    ("source", "libraries", "message"),
    [
        pytest.param(LOADS, (), 'the library "lib/names" is missing; there is none before it', id="none"),
        pytest.param(
            LOADS, LIBRARIES[:1], 'the library "lib/names" is missing; there are lib/text', id="another",
        ),
        pytest.param(
            LOADS, LIBRARIES[::-1], 'the library "lib/text" is missing; there is none before it', id="order",
        ),
        pytest.param(
            'load("/etc/passwd", "x")\n', LIBRARIES,
            'load() takes names from libraries, such as load("lib/names", "login")', id="a file",
        ),
        pytest.param('load("lib/text", "long")\n', LIBRARIES, "Module has no symbol `long`", id="name"),
        pytest.param(
            LOADS, [("names", 'load("lib/names", "login")\n')],
            'the library "lib/names" is missing; there is none before it', id="itself",
        ),
    ],
)  # fmt: skip
def test_what_cannot_be_loaded_is_named(
    engine: Engine, source: str, libraries: Sequence[tuple[str, str]], message: str
) -> None:
    with pytest.raises(ScriptFailed) as caught:
        Script(engine, source, libraries)

    assert (caught.value.found["class"], caught.value.found["message"]) == ("hook.compile", message)


def test_libraries_keep_no_state(engine: Engine) -> None:
    counting = [("names", "seen = []\ndef login(ctx):\n    seen.append(1)\n    return seen\n")]
    said = json.loads(Script(engine, LOADS, counting).run("transform", b"{}", budget_s=BUDGET))

    assert said["failure"]["message"].startswith("Immutable")


RANDOM = "def transform(ctx):\n    return {'a': rand.uuid4(), 'b': rand.uuid4()}\n"


def test_the_same_seed_draws_the_same_values(engine: Engine) -> None:
    script = Script(engine, RANDOM)
    first, again, other = (
        json.loads(script.run("transform", b"{}", seed=seed, budget_s=BUDGET))["result"]["value"]
        for seed in (b"a" * 32, b"a" * 32, b"b" * 32)
    )

    assert first == again
    assert len({first["a"], first["b"], other["a"], other["b"]}) == 4


def test_without_a_seed_there_are_no_random_values(engine: Engine) -> None:
    """Neither in a call nor while a script is built, even after a call that had one."""
    script = Script(engine, RANDOM)
    script.run("transform", b"{}", seed=b"a" * 32, budget_s=BUDGET)
    said = json.loads(script.run("transform", b"{}", budget_s=BUDGET))
    script.run("transform", b"{}", seed=b"a" * 32, budget_s=BUDGET)

    assert said["failure"]["message"] == "random values belong in the functions of a hook"
    with pytest.raises(ScriptFailed, match="random values"):
        Script(engine, "X = rand.uuid4()\ndef transform(ctx):\n    return X\n")


def test_a_function_cannot_be_handed_to_the_host_library(engine: Engine) -> None:
    assert run(engine, "return text.slug(text.slug)")["failure"]["message"] == (
        "a function cannot be handed to this function"
    )


def test_a_value_that_holds_itself_cannot_be_handed_to_the_host_library(engine: Engine) -> None:
    found = run(engine, "x = {}\n    x['a'] = x\n    return text.slug(x)")["failure"]

    assert (found["class"], found["line"]) == ("hook.script", 4)
    assert found["message"].startswith("Cycle detected")


ONE_LINERS = """def name_of(person):
    return person["name"]

def login(person):
    return name_of(person).lower()

def transform(ctx):
    print("seen")
    return {"uid": login(ctx["identity"])}
"""


def failure_of(engine: Engine, source: str, context: Any, libraries: Sequence[Sequence[str]] = ()) -> dict[str, Any]:
    line = Script(engine, source, libraries).run("transform", json.dumps(context).encode(), budget_s=BUDGET)
    said = json.loads(line)
    return {"logs": said["logs"]} | said["failure"]


def test_an_error_in_a_function_of_one_expression_has_its_own_line(engine: Engine) -> None:
    found = failure_of(engine, ONE_LINERS, {"identity": {}})

    assert (found["line"], found["column"], found["snippet"]) == (2, 12, '    return person["name"]')
    assert found["frames"] == ["script:9 in transform", "script:5 in login"]
    assert found["logs"] == ["seen"]


def test_an_error_in_a_library_s_function_of_one_expression_is_in_the_library(engine: Engine) -> None:
    source = 'load("lib/names", "name_of")\ndef transform(ctx):\n    return {"uid": name_of(ctx["identity"])}\n'
    found = failure_of(engine, source, {"identity": {}}, [("names", 'def name_of(p):\n    return p["name"]\n')])

    assert (found["module"], found["line"], found["message"]) == ("lib/names", 2, 'Key `"name"` was not found')
    assert found["frames"] == ["script:3 in transform"]


def test_an_error_within_the_library_of_ours_has_the_line_and_column_of_its_call(engine: Engine) -> None:
    found = failure_of(engine, 'def transform(ctx):\n    return {"a": merge(ctx["x"])}\n', {"x": "text"})

    assert (found["line"], found["column"]) == (2, 18)


@pytest.mark.parametrize(
    "body",
    [
        "return pick(ctx['v'], ['a'])",
        "return int(ctx['v'])",
        "return float(ctx['v'])",
        "return ord(ctx['v'])",
        "return {}[ctx['v']]",
        "return {}.pop(ctx['v'])",
        "return [].remove(ctx['v'])",
        "return 'a'.index(ctx['v'])",
        "return getattr(struct(), ctx['v'])",
        "return [1][ctx['v']]",
        "return ctx['v'].format(1)",
        "return text.slug(**{ctx['v']: 1})",
        "return text.template('{' + ctx['v'] + '}', {})",
        "return date.parse(ctx['v'], '%Y')",
        "return phone.e164(ctx['v'], 'DE')",
        "return iso3166.alpha2(ctx['v'])",
        "return password.check('a', {ctx['v']: 1})",
        "return text.ascii('ä', language = ctx['v'])",
        "return dn.parse(ctx['v'])",
        "return json.decode('{\"' + ctx['v'] + '\": x}')",
    ],
)
@pytest.mark.parametrize("value", ["Zq", "Zq`Zq'Zq\" Zq", "Zq\n --> Zq"])
def test_errors_do_not_quote_what_a_person_s_attributes_hold(engine: Engine, body: str, value: str) -> None:
    line = Script(engine, f"def transform(ctx):\n    {body}\n").run(
        "transform", json.dumps({"v": value}).encode(), budget_s=BUDGET
    )
    found = json.loads(line).get("failure")

    if found is not None:  # a few give None for what they cannot read
        assert "Zq" not in found["message"]
        assert (found["line"], found["column"] > 0) == (2, True)


def test_errors_of_expressions_do_not_quote_either(engine: Engine) -> None:
    program = Expressions(engine, {"age": "int(identity['age'])"})
    said = json.loads(program.run(b'{"identity": {"age": "Geheim"}}', budget_s=BUDGET))

    assert said["failures"]["0"]["message"] == "Cannot parse `…` as an integer in base 10"
