from dataclasses import replace
from datetime import UTC, datetime
from uuid import UUID

import pytest

from worker.domain.hook import (
    FailurePolicy,
    HookContext,
    HookPhase,
    HookScript,
    Library,
    Patch,
    default_policy,
    function_of,
)
from worker.domain.operation import OperationType


@pytest.mark.parametrize(
    ("phase", "kind", "function"),
    [
        (HookPhase.BEFORE, OperationType.CREATE, "before_create"),
        (HookPhase.BEFORE, OperationType.DELETE, "before_delete"),
        (HookPhase.AFTER, OperationType.UPDATE, "after_update"),
        (HookPhase.ON_ERROR, OperationType.UPDATE, "on_error"),
    ],
)
def test_a_phase_and_an_operation_name_the_function(phase: HookPhase, kind: OperationType, function: str) -> None:
    assert function_of(phase, kind) == function


def test_scripts_of_one_source_are_one_program() -> None:
    first, second = HookScript("x = 1\n", name="a"), HookScript("x = 1\n", name="b", version=2, id=UUID(int=1))

    assert first.sha == second.sha
    assert first.sha != HookScript("x = 2\n").sha
    assert len(HookScript("'\ud800'").sha) == 64


def test_what_is_loaded_is_part_of_the_program() -> None:
    alone = HookScript("x = 1\n")
    one, two = Library("a", "y = 1\n"), Library("a", "y = 2\n")
    programs = [alone, *(replace(alone, libraries=each) for each in ((one,), (two,), (one, two), (two, one)))]

    assert len({script.sha for script in (*programs, replace(alone, api=2))}) == 6
    assert replace(alone, libraries=(one,)).sha == HookScript("x = 1\n", name="b", libraries=(one,)).sha


def test_a_patch_sets_and_clears_and_leaves_the_rest() -> None:
    before = {"a": 1, "b": 2, "c": 3}

    assert Patch({"a": 5, "d": 4}, ("b", "z")).apply(before) == {"a": 5, "b": None, "c": 3, "d": 4, "z": None}
    assert before == {"a": 1, "b": 2, "c": 3}


def test_what_correlate_is_told_is_about_an_account_and_no_operation() -> None:
    context = HookContext("correlate", "user", datetime(2024, 1, 1, tzinfo=UTC)).as_dict()

    assert list(context) == [
        "api",
        "event",
        "object_class",
        "now",
        "dry_run",
        "resource",
        "params",
        "account",
        "candidates",
    ]
    assert function_of(HookPhase.CORRELATE, None) == "correlate"


def test_the_context_is_the_published_contract() -> None:
    """Scripts in databases rely on these names: add, never rename."""
    context = HookContext("before_create", "user", datetime(2024, 1, 1, tzinfo=UTC)).as_dict()

    assert list(context) == [
        *("api", "event", "object_class", "now", "operation_id", "correlation_id", "dry_run", "attempt", "iteration"),
        *("resource", "actor", "identity", "attributes", "current", "changes", "result", "params"),
    ]
    assert context["api"] == 1


def test_only_before_a_change_a_failing_hook_stops_it_unless_told_otherwise() -> None:
    assert [default_policy(phase) for phase in HookPhase] == [
        FailurePolicy.FAIL,
        FailurePolicy.SKIP_HOOK,
        FailurePolicy.SKIP_HOOK,
        FailurePolicy.FAIL,
    ]


def test_misdeeds_are_those_of_one_hook_of_one_tenant() -> None:
    """A draft of the same script, or another tenant's, is not the hook."""
    tenant, other, hook = UUID(int=1), UUID(int=2), UUID(int=3)
    live = HookScript("x = 1\n", id=hook, tenant_id=tenant)
    conducts = [each.conduct for each in (live, replace(live, id=None), replace(live, tenant_id=other))]

    assert len({*conducts, HookScript("x = 1\n").conduct}) == 4
    assert replace(live, version=2).conduct == live.conduct
