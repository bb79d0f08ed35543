"""What an answer of a hook does to its operation: every class of failure under every policy."""

from dataclasses import replace
from typing import Any, cast
from uuid import UUID

import pytest

from worker.domain.account import Account
from worker.domain.errors import HookError
from worker.domain.hook import (
    FailurePolicy,
    HookClass,
    HookPhase,
    HookResult,
    HookScript,
    Patch,
    Permission,
    Reject,
    Skip,
)
from worker.domain.operation import Operation, OperationType
from worker.domain.outcome import DeadLettered, Retry
from worker.execution.answers import UNKEPT, after, hushed, noted
from worker.execution.classify import outcome_of
from worker.execution.wish import Wish
from worker.execution.work import Work
from worker.store.hooks import Binding, BoundHook

ONE = UUID(int=1)
OP = Operation(ONE, ONE, ONE, ONE, OperationType.CREATE, "user", {"attributes": {}}, attempt_number=1)
NOTHING: Any = None
WORK = Work(
    op=OP,
    account=Account(ONE, ONE, "user"),
    identity=None,
    is_adopted=False,
    decisions=(),
    target=NOTHING,
    hooks=(),
    comparator=NOTHING,
    naming="login",
)
WISH = Wish(OperationType.CREATE, {"login": "a", "mail": "m"}, None)
HOOK = BoundHook(Binding(ONE, ONE, HookPhase.BEFORE), HookScript("", name="names", version=3, id=ONE))


def with_policy(policy: FailurePolicy) -> BoundHook:
    return replace(HOOK, binding=replace(HOOK.binding, on_error=policy))


@pytest.mark.parametrize("hook_class", [each for each in HookClass if each is not HookClass.BUSY])
@pytest.mark.parametrize("policy", list(FailurePolicy))
def test_every_failure_meets_the_policy_of_its_binding(hook_class: HookClass, policy: FailurePolicy) -> None:
    made = after(WORK, WISH, with_policy(policy), HookError("it broke", hook_class=hook_class))

    if policy is FailurePolicy.SKIP_HOOK:
        assert made == replace(WISH, warnings=("The hook names (version 3) failed and was left out: it broke",))
    else:
        outcome = outcome_of(cast("Exception", made), OP)
        assert isinstance(outcome, DeadLettered)
        assert (outcome.error_code, "it broke" in outcome.message) == (hook_class, True)
        assert outcome.message.startswith("Quarantined") is (policy is FailurePolicy.QUARANTINE)


@pytest.mark.parametrize("policy", list(FailurePolicy))
def test_a_lack_of_sandboxes_is_tried_again_under_every_policy(policy: FailurePolicy) -> None:
    busy = HookError("no sandbox", hook_class=HookClass.BUSY, retryable=True)

    assert isinstance(outcome_of(cast("Exception", after(WORK, WISH, with_policy(policy), busy)), OP), Retry)


def test_a_patch_sets_clears_and_notes() -> None:
    patch = Patch({"login": "b"}, ("mail",), {"why": "policy"})

    made = after(WORK, WISH, HOOK, HookResult(patch))

    assert isinstance(made, Wish)
    assert (made.attributes, made.hooked, made.tags) == (
        {"login": "b", "mail": None},
        {"login": "b", "mail": None},
        {"why": "policy"},
    )


def test_what_was_chosen_of_unique_names_is_set_and_says_by_which_hook() -> None:
    made = after(WORK, WISH, HOOK, HookResult(Patch(unique={"login": ("b", "c")})), names={"login": "c"})

    assert isinstance(made, Wish)
    assert (made.attributes["login"], made.naming.offered) == ("c", {"login": "names (version 3)"})


def test_only_notes_of_a_later_hook_are_taken() -> None:
    told = noted(WISH, HOOK, HookResult(Patch({"login": "b"}, tags={"a": 1})), when="later")

    assert told == replace(WISH, tags={"a": 1})


def test_of_a_hook_that_sees_secrets_neither_logs_nor_words_of_failures_stay() -> None:
    hook = replace(HOOK, binding=replace(HOOK.binding, permissions=(Permission.SECRETS,)))
    error = HookError("hunter2", hook_class=HookClass.FAIL, line=3, snippet="fail('hunter2')", logs=("hunter2",))

    said = hushed(hook, error)

    assert isinstance(said, HookError)
    assert (said.hook_class, said.fields["line"]) == (HookClass.FAIL, 3)
    assert "hunter2" not in f"{said} {said.fields}"
    assert hushed(hook, HookResult(Patch(), logs=("hunter2",))) == HookResult(Patch())
    assert hushed(HOOK, error) is error


SEEING = BoundHook(
    Binding(ONE, ONE, HookPhase.BEFORE, permissions=(Permission.SECRETS,)),
    HookScript("reject('too short', code = 'weak')\nskip(\"later\")\n{'why': 'policy', 'n': 1}", name="names", id=ONE),
)


@pytest.mark.parametrize(
    ("decision", "kept"),
    [
        pytest.param(Reject("too short", code="weak"), Reject("too short", code="weak"), id="texts of the script"),
        pytest.param(Reject("hunter2", code="hunter2"), Reject(UNKEPT, code="rejected"), id="a reason of a secret"),
        pytest.param(Reject("short", code="eak"), Reject(UNKEPT, code="rejected"), id="parts of texts of the script"),
        pytest.param(Skip("later"), Skip("later"), id="skip"),
        pytest.param(Skip("hunter2"), Skip(UNKEPT), id="skip for a secret"),
        pytest.param(
            Patch({"a": "b"}, tags={"why": "policy", "n": 7, "hunter2": "policy"}),
            Patch({"a": "b"}, tags={"why": "policy", "n": {"secret": True}}),
            id="tags",
        ),
        pytest.param(Patch({"a": "b"}), Patch({"a": "b"}), id="nothing to tell"),
    ],
)
def test_what_a_hook_that_sees_secrets_tells_is_kept_as_far_as_its_script_has_the_words(
    decision: Patch | Reject | Skip, kept: Patch | Reject | Skip
) -> None:
    assert hushed(SEEING, HookResult(decision)) == HookResult(kept)
    assert hushed(HOOK, HookResult(decision)) == HookResult(decision)
