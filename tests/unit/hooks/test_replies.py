import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from worker.domain.errors import HookError
from worker.domain.hook import Correlated, HookResult, Patch, Reject, Skip
from worker.hooks.replies import decision_of, expression_results, failed, hook_result, printable, refused, validation


def line(**said: Any) -> bytes:
    return json.dumps({"function": "before_create", "us": 5, "logs": [], "result": {"value": None}} | said).encode()


@pytest.mark.parametrize(
    ("function", "result", "decision"),
    [
        pytest.param("before_create", {"value": None}, Patch(), id="no change"),
        pytest.param(
            "before_update",
            {"value": {"set": {"a": 1}, "unset": ["b", "b"], "tags": {"t": "x"}}},
            Patch({"a": 1}, ("b",), {"t": "x"}),
            id="patch",
        ),
        pytest.param("before_create", {"value": {}}, Patch(), id="empty patch"),
        pytest.param("before_create", {"value": {"set": None, "unset": None}}, Patch(), id="parts may be none"),
        pytest.param("transform", {"value": {"a": 1}}, Patch({"a": 1}), id="short form"),
        pytest.param("transform", {"value": {"set": {"a": 1}}}, Patch({"a": 1}), id="long form of transform"),
        pytest.param("before_delete", {"reject": {"reason": "r", "code": "c"}}, Reject("r", "c"), id="reject"),
        pytest.param("before_delete", {"skip": {"reason": "r"}}, Skip("r"), id="skip"),
        pytest.param("after_create", {"value": {"tags": {"t": 1}}}, Patch(tags={"t": 1}), id="tags after"),
        pytest.param("after_create", {"value": None}, Patch(), id="nothing after"),
        pytest.param("on_error", {"value": {"tags": {"t": 1}}}, Patch(tags={"t": 1}), id="tags of an error"),
        pytest.param(
            "before_create",
            {"value": {"unique": {"uid": ["amoss", "amoss2", "amoss"]}}},
            Patch(unique={"uid": ("amoss", "amoss2")}),
            id="candidates",
        ),
        pytest.param(
            "transform", {"value": {"unique": {"uid": ["a"]}}}, Patch(unique={"uid": ("a",)}), id="both kinds"
        ),
        pytest.param("correlate", {"value": None}, Correlated(), id="cannot tell"),
        pytest.param("correlate", {"value": ["a", "b", "a"]}, Correlated(keys=("a", "b")), id="keys"),
        pytest.param("correlate", {"value": {"match": {"mail": "a"}}}, Correlated(match={"mail": "a"}), id="match"),
        pytest.param(
            "correlate", {"value": {"score": {"1": 1, "2": 0.5}}}, Correlated(score={"1": 1, "2": 0.5}), id="score"
        ),
    ],
)
def test_decisions(function: str, result: dict[str, Any], decision: object) -> None:
    assert decision_of(function, result) == decision


@pytest.mark.parametrize(
    ("function", "result", "message"),
    [
        pytest.param("before_create", {"value": 5}, "returned a number", id="number"),
        pytest.param("before_create", {"value": [1]}, "returned a list", id="list"),
        pytest.param("before_create", {"value": {"mail": "x"}}, "returned the key 'mail'", id="short form elsewhere"),
        pytest.param("transform", {"value": {"mail": None}}, "name it in unset", id="none does not clear"),
        pytest.param("before_create", {"value": {"set": [1]}}, "are dicts", id="set is a list"),
        pytest.param("before_create", {"value": {"unset": "a"}}, "list of attribute names", id="unset is a text"),
        pytest.param("before_create", {"value": {"unset": [1]}}, "list of attribute names", id="unset of numbers"),
        pytest.param("before_create", {"value": {"set": {"a": 1}, "unset": ["a"]}}, "both sets and unsets", id="both"),
        pytest.param("transform", {"value": {" ": 1}}, "no name", id="blank name"),
        pytest.param("transform", {"value": {"x" * 300: 1}}, "no name", id="long name"),
        pytest.param("transform", {"value": {"a": "x\x00"}}, "NUL", id="nul"),
        pytest.param("transform", {"value": {"a": "\ud800"}}, "half a character", id="surrogate"),
        pytest.param("transform", {"value": {"a": 1 << 63}}, "64 bits", id="large number"),
        pytest.param("transform", {"value": {"a": float("inf")}}, "not finite", id="infinity"),
        pytest.param("after_create", {"value": {"set": {"a": 1}}}, "only return tags", id="patch after"),
        pytest.param("after_create", {"value": {"follow_up": {}}}, "follow_up is a list", id="follow-up"),
        pytest.param(
            "before_create",
            {"value": {"follow_up": {}}},
            "nothing has happened yet",
            id="follow-up before",
        ),
        pytest.param("on_error", {"value": {"unset": ["a"]}}, "only return tags", id="patch of an error"),
        pytest.param("on_error", {"skip": {"reason": "r"}}, "cannot reject or skip", id="skip of an error"),
        pytest.param("on_error", {"value": {"tags": [1]}}, "tags are a dict", id="tags are a list"),
        pytest.param("before_create", {"value": {"unique": ["a"]}}, "dict of lists", id="unique is a list"),
        pytest.param("before_create", {"value": {"unique": {"uid": []}}}, "1 to 250 texts", id="no candidates"),
        pytest.param("before_create", {"value": {"unique": {"uid": ["a"] * 251}}}, "1 to 250 texts", id="too many"),
        pytest.param("before_create", {"value": {"unique": {"uid": [1]}}}, "text of 1 to", id="a number as candidate"),
        pytest.param("before_create", {"value": {"unique": {"uid": [" "]}}}, "text of 1 to", id="blank candidate"),
        pytest.param("before_create", {"value": {"unique": {"uid": ["a\x00"]}}}, "NUL", id="NUL in a candidate"),
        pytest.param("before_create", {"value": {"unique": {"": ["a"]}}}, "no name", id="candidates of no attribute"),
        pytest.param("before_update", {"value": {"unique": {"uid": ["a"]}}}, "when it is created", id="too late"),
        pytest.param(
            "before_create",
            {"value": {"set": {"uid": "b"}, "unique": {"uid": ["a"]}}},
            "also sets",
            id="set and unique",
        ),
        pytest.param("correlate", {"value": "a"}, "correlate returns", id="one key"),
        pytest.param("correlate", {"value": [1]}, "keys of correlate", id="key is a number"),
        pytest.param("correlate", {"value": {"match": {}}}, "correlate returns", id="matches everybody"),
        pytest.param("correlate", {"value": {"match": {"a": 1}, "score": {}}}, "correlate returns", id="both ways"),
        pytest.param("correlate", {"value": {"score": {"1": 1.5}}}, "from 0 to 1", id="more than sure"),
        pytest.param("correlate", {"value": {"score": {"1": True}}}, "from 0 to 1", id="a truth is no score"),
        pytest.param("correlate", {"value": {"score": {"1": float("nan")}}}, "from 0 to 1", id="no score"),
        pytest.param("correlate", {"reject": {"reason": "r", "code": "c"}}, "correlate returns", id="rejects"),
        pytest.param("after_create", {"reject": {"reason": "r", "code": "c"}}, "cannot reject", id="reject after"),
        pytest.param("before_create", {"reject": {"reason": 5}}, "cannot reject", id="malformed reject"),
        pytest.param("before_create", {}, "cannot reject", id="nothing"),
    ],
)
def test_what_an_author_may_not_return_is_told_in_a_sentence(
    function: str, result: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        decision_of(function, result)


def test_a_result_has_its_logs_made_printable() -> None:
    found = hook_result(line(logs=["a\x1b[31m", "b" * 600, 5]))

    assert isinstance(found, HookResult)
    assert found.logs == ("a\\u001b[31m", "b" * 499 + "…", "5")
    assert found.duration_us == 5


def test_a_failure_keeps_class_place_and_logs() -> None:
    told = {"class": "hook.fail", "message": "no\x07", "line": 3, "column": 4, "snippet": "x\u202e", "frames": ["f"]}
    found = hook_result(line(failure=told, logs=["seen"]))

    assert isinstance(found, HookError)
    assert found.hook_class == "hook.fail"
    assert str(found) == "no\\u0007"
    assert found.fields == {"line": 3, "column": 4, "snippet": "x\\u202e", "frames": ("f",), "logs": ("seen",)}


@pytest.mark.parametrize(
    "said",
    [
        b"",
        b"nonsense",
        b"[]",
        b"9" * 5000,
        b"[" * 100_000,
        b'{"us": ' + b"9" * 5000 + b"}",
        line(function=5),
        line(us="x"),
        line(result=None),
    ],
    ids=["empty", "no json", "list", "digits", "deep", "digits inside", "function", "us", "result"],
)
def test_nonsense_of_a_child_is_a_crash_and_never_an_exception(said: bytes) -> None:
    found = hook_result(said)

    assert isinstance(found, HookError)
    assert found.hook_class == "hook.crash"


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
        lambda deep: st.lists(deep) | st.dictionaries(st.text(), deep),
        max_leaves=15,
    )
)
def test_whatever_a_child_says_becomes_a_value(said: Any) -> None:
    text = json.dumps(said).encode()

    assert isinstance(hook_result(text), HookError)
    assert isinstance(hook_result(line(result={"value": said})), HookResult | HookError)
    assert expression_results(text, ["a"]).keys() == {"a"}
    assert validation(said).ok is False


def test_expressions_get_a_value_or_an_error_each() -> None:
    told = {
        "us": 1,
        "values": {"0": "x", "1": None, "4": "\x00"},
        "failures": {"2": {"class": "hook.script", "message": "m"}},
    }
    found = expression_results(json.dumps(told).encode(), ["a", "b", "c", "d", "e"])

    assert (found["a"].value, found["a"].error) == ("x", None)
    assert (found["b"].value, found["b"].error) == (None, None)
    assert {name: result.error.hook_class for name, result in found.items() if result.error} == {
        "c": "hook.script",
        "d": "hook.crash",
        "e": "hook.result",
    }


def test_an_unknown_class_is_a_script_error_and_busy_may_be_tried_again() -> None:
    assert failed({"class": "hook.invented", "message": "m"}).hook_class == "hook.script"
    assert failed({}).hook_class == "hook.script"
    assert failed({"class": "hook.busy"}).retryable
    assert not failed({"class": "hook.memory"}).retryable


def test_a_refused_source_is_a_diagnostic() -> None:
    found = refused(HookError("too large", hook_class="hook.limit", line=3))

    assert not found.ok
    assert [(entry.code, entry.line, entry.message) for entry in found.diagnostics] == [("hook.limit", 3, "too large")]


def test_a_report_becomes_a_validation() -> None:
    entry = {"severity": "warning", "line": 2, "column": 3, "code": "types", "message": "m"}
    report = {"ok": True, "functions": ["transform"], "loads": ["names"], "api": 1, "diagnostics": [entry, 5, {}]}
    found = validation(report)

    assert found.ok
    assert (found.functions, found.loads, found.api) == (("transform",), ("names",), 1)
    assert [entry.severity for entry in found.diagnostics] == ["warning", "warning"]


@given(st.text(), st.integers(1, 50))
def test_printable_text_can_be_stored_and_shown(text: str, limit: int) -> None:
    shown = printable(text, limit)

    assert not any(ord(char) < 32 and char not in "\t\n" for char in shown)
    assert shown.encode().decode() == shown
    assert len(shown) <= limit
