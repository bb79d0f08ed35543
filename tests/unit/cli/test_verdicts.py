import json
from typing import Any

import pytest

from worker.cli import verdicts
from worker.cli.verdicts import Verdict
from worker.domain.errors import HookError
from worker.domain.hook import Diagnostic, HookClass, HookResult, Patch, Reject, Skip, Validation

SOURCE = "def transform(ctx):\n    return ctx.mail\n"


def result(decision: Any, function: str = "transform") -> HookResult:
    return HookResult(decision, function=function, logs=("one",), duration_us=7)


def error(hook_class: str, **fields: Any) -> HookError:
    return HookError("it went wrong", hook_class=hook_class, **fields)


def test_the_record_of_a_file_has_these_members() -> None:
    """Public: people's pipelines read it."""
    record = verdicts.of_answer("a.star", result(Patch({"uid": "ada"}, ("fax",), {"by": 1})), took_us=9).as_record()

    assert record == {
        "file": "a.star",
        "ok": True,
        "class": None,
        "message": None,
        "line": None,
        "column": None,
        "patch": {"set": {"uid": "ada"}, "unset": ["fax"], "tags": {"by": 1}},
        "logs": ["one"],
        "duration_us": 7,
    }
    assert json.loads(json.dumps(record)) == record


def test_a_failure_has_its_place_and_what_was_printed_before_it() -> None:
    made = verdicts.of_answer("a.star", error("hook.script", line=2, column=12, logs=("one",)), took_us=9)

    assert made == Verdict("a.star", False, "hook.script", "it went wrong", 2, 12, None, ("one",), 9)


@pytest.mark.parametrize(
    ("decision", "hook_class", "message"),
    [
        pytest.param(Reject("not you"), "hook.reject", "not you", id="reject"),
        pytest.param(Skip("nothing to do"), "hook.skip", "nothing to do", id="skip"),
    ],
)
def test_a_script_that_says_no_is_fine(decision: Any, hook_class: str, message: str) -> None:
    made = verdicts.of_answer("a.star", result(decision), took_us=9)

    assert (made.ok, made.hook_class, made.message, made.exit_code) == (True, hook_class, message, 0)


@pytest.mark.parametrize(
    ("hook_class", "code"),
    [
        *(pytest.param(name, 1, id=name) for name in ("hook.syntax", "hook.script", "hook.fail", "hook.limit")),
        *(pytest.param(name, 5, id=name) for name in ("hook.deadline", "hook.timeout", "hook.memory", "hook.crash")),
        pytest.param(verdicts.UNEXPECTED, 1, id="decided otherwise"),
    ],
)
def test_exit_code_of_a_failure(hook_class: str, code: int) -> None:
    assert verdicts.of_failure("a.star", error(hook_class)).exit_code == code


def test_a_case_that_is_decided_otherwise_is_a_failure_that_shows_both() -> None:
    answer = result(Patch({"uid": "ada"}))

    made = verdicts.of_case(
        verdicts.of_answer("a.star", answer, took_us=9), name="her name", expected={"set": {"uid": "al"}}, answer=answer
    )

    assert (made.ok, made.hook_class) == (False, "hook.unexpected")
    assert made.message == 'her name: set.uid is "ada", expected "al"'


def test_a_case_that_fails_says_why() -> None:
    answer = error("hook.script", line=2)

    made = verdicts.of_case(
        verdicts.of_failure("a.star", answer), name="her name", expected={"set": {"uid": "al"}}, answer=answer
    )

    assert (made.ok, made.hook_class, made.line, made.message) == (False, "hook.script", 2, "her name: it went wrong")


def test_a_case_may_expect_a_failure() -> None:
    answer = error(HookClass.FAIL)

    made = verdicts.of_case(
        verdicts.of_failure("a.star", answer), name="nobody", expected={"error": {"class": "hook.fail"}}, answer=answer
    )

    assert (made.ok, made.hook_class, made.exit_code) == (True, None, 0)


def test_a_failure_points_into_its_line() -> None:
    made = Verdict("a.star", False, "hook.script", "no mail", 2, 12, snippet=verdicts.row_of(SOURCE, 2))

    assert verdicts.lines_of(made) == [
        "a.star:2:12: hook.script: no mail",
        "   2 |     return ctx.mail",
        "     |            ^",
    ]


def test_an_answer_tells_what_it_changes() -> None:
    patch = Patch({"uid": "ada"}, ("fax",), {"by": "us"}, {"mail": ("a@b", "c@d")})

    assert verdicts.lines_of(verdicts.of_answer("a.star", result(patch), took_us=9)) == [
        "a.star: ok, transform in 7 µs",
        '    set    uid = "ada"',
        "    unset  fax",
        '    first  mail of ["a@b", "c@d"]',
        '    tag    by = "us"',
        "    log    one",
    ]


@pytest.mark.parametrize("line", [None, 0, 4, -1])
def test_a_line_that_is_not_there_is_not_shown(line: int | None) -> None:
    assert verdicts.row_of(SOURCE, line) == ""


def test_a_line_cannot_steer_the_terminal() -> None:
    assert verdicts.row_of('x = "\x1b[2J\u202e"', 1) == 'x = "\\u001b[2J\\u202e"'


def test_a_review_points_at_each_remark() -> None:
    found = Validation(
        False, ("transform",), (Diagnostic("warning", 2, 5, "lint", "why"), Diagnostic("error", 9, 1, "e", "no"))
    )

    assert verdicts.review_lines("a.star", SOURCE, found) == [
        "a.star:2:5: warning: lint: why",
        "   2 |     return ctx.mail",
        "     |     ^",
        "a.star:9:1: error: e: no",
    ]
