"""Answers of scripts in JSON, and how they differ from what was expected."""

from typing import Any

import pytest

from worker.domain.errors import HookError, InvalidRequest
from worker.domain.hook import Correlated, HookResult, Patch, Reject, Skip
from worker.domain.hook_trials import answer_of, check_expected, differences, failure_of, trial_context

FAILED = HookError("no", hook_class="hook.fail", line=3, column=5, logs=("x",))


@pytest.mark.parametrize(
    ("said", "answer"),
    [
        pytest.param(HookResult(Patch()), {}, id="no change"),
        pytest.param(
            HookResult(Patch(set={"a": 1}, unset=("b",), unique={"c": ("d", "e")})),
            {"set": {"a": 1}, "unset": ["b"], "unique": {"c": ["d", "e"]}},
            id="patch",
        ),
        pytest.param(HookResult(Reject("no", "late")), {"reject": {"reason": "no", "code": "late"}}, id="reject"),
        pytest.param(HookResult(Skip("no")), {"skip": {"reason": "no"}}, id="skip"),
        pytest.param(HookResult(Correlated(score={"x": 0.5})), {"score": {"x": 0.5}}, id="score"),
        pytest.param(FAILED, {"error": {"class": "hook.fail", "message": "no"}}, id="failure"),
    ],
)
def test_an_answer_is_told_without_what_is_empty(said: HookResult | HookError, answer: dict[str, Any]) -> None:
    assert answer_of(said) == answer
    assert differences(answer, answer_of(said)) == []


@pytest.mark.parametrize(
    ("expected", "answer", "found"),
    [
        pytest.param({}, {"set": {"a": 1}}, ["set.a is 1, expected absent"], id="too much"),
        pytest.param({"set": {"a": 1}}, {}, ["set.a is absent, expected 1"], id="too little"),
        pytest.param({"set": {"a": None}}, {"set": {}}, ["set.a is absent, expected null"], id="null is not absent"),
        pytest.param({"set": {"a": 1}}, {"set": {"a": True}}, ["set.a is true, expected 1"], id="true is not one"),
        pytest.param({"unset": ["a", "b"]}, {"unset": ["b", "a"]}, [], id="unset has no order"),
        pytest.param(
            {"keys": ["a", "b"]}, {"keys": ["b", "a"]}, ['keys is ["b", "a"], expected ["a", "b"]'], id="keys"
        ),
        pytest.param({"reject": {}}, {"reject": {"reason": "x", "code": "y"}}, [], id="some rejection"),
        pytest.param(
            {"reject": {"code": "z"}},
            {"reject": {"reason": "x", "code": "y"}},
            ['reject.code is "y", expected "z"'],
            id="another code",
        ),
        pytest.param({"skip": {}}, {"set": {"a": 1}}, ["expected skip, got a patch"], id="no skip"),
        pytest.param({}, {"skip": {"reason": "x"}}, ["expected no change, got skip"], id="a skip"),
        pytest.param(
            {},
            {"error": {"class": "hook.fail", "message": "x"}},
            ["expected no change, got the error hook.fail: x"],
            id="failed",
        ),
    ],
)
def test_what_is_not_as_expected_is_named(expected: dict[str, Any], answer: dict[str, Any], found: list[str]) -> None:
    assert differences(expected, answer) == found


@pytest.mark.parametrize(
    "expected",
    [
        pytest.param([], id="a list"),
        pytest.param({"sett": {}}, id="no part"),
        pytest.param({"reject": {}, "skip": {}}, id="two ends"),
        pytest.param({"error": {"line": 3}}, id="more than is compared"),
        pytest.param({"set": []}, id="a list to set"),
        pytest.param({"unset": {"a": 1}}, id="an object to unset"),
    ],
)
def test_what_no_script_answers_is_not_expected(expected: Any) -> None:
    with pytest.raises(InvalidRequest):
        check_expected(expected)


@pytest.mark.parametrize(
    ("expected", "kept"),
    [
        pytest.param(None, {}, id="nothing is no change"),
        pytest.param({"set": {"a": 1}, "unset": ["b"]}, {"set": {"a": 1}, "unset": ["b"]}, id="a patch"),
        pytest.param({"reject": {"reason": "no"}}, {"reject": {"reason": "no"}}, id="a part of an end"),
    ],
)
def test_what_a_script_can_answer_is_kept_as_it_is(expected: Any, kept: dict[str, Any]) -> None:
    assert check_expected(expected) == kept


def test_a_trial_has_every_field_and_its_own_moment() -> None:
    first, second = [trial_context("before_create", {"params": {"a": 1}}) for _ in range(2)]

    assert first == second
    assert (first["event"], first["dry_run"], first["params"], first["api"]) == ("before_create", True, {"a": 1}, 1)
    assert isinstance(first["now"], str)


def test_a_failure_tells_its_place_and_what_was_printed() -> None:
    assert failure_of(FAILED) == {"class": "hook.fail", "message": "no", "line": 3, "column": 5, "logs": ("x",)}
