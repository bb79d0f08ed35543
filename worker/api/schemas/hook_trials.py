"""Trials of hooks on the wire: saved tests, tests on a context or a person, replays."""

from datetime import datetime
from typing import Any, Self
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, model_validator

from worker.actions.hook_trials import Replayed, Tried, told
from worker.api.schemas.hooks import Source
from worker.domain.errors import HookError, WrongState
from worker.domain.hook import HookResult, Patch
from worker.domain.hook_trials import answer_of, differences, failure_of
from worker.execution import HooksPreview
from worker.store.sql import Record


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid")


class TestBody(_Body):
    """A saved test: what ``function`` has to answer to ``context``, which may be a part of ``ctx``.

    ``expected`` is null or {} for no change, a patch ({"set", "unset", "tags", "unique"}), {"reject": {"code"}},
    {"skip": {}}, {"error": {"class"}}, or {"keys"}, {"match"}, {"score"} of correlate.
    """

    __test__ = False

    name: str = Field(min_length=1, max_length=100)
    function: str = Field(min_length=1, max_length=60)
    context: dict[str, Any] = Field(default_factory=dict)
    expected: dict[str, Any] | None = None


class _Script(_Body):
    """Which script: ``source``, or the stored ``version``; neither is the active version."""

    version: int | None = Field(default=None, ge=1)
    source: Source | None = None

    @model_validator(mode="after")
    def _one_script(self) -> Self:
        if self.version is not None and self.source is not None:
            raise ValueError("Say which script: a stored version, or a source, not both.")
        return self


class SampleBody(_Body):
    """A person, and the connector at which their account is looked at as an operation would."""

    connector_id: UUID
    identity_id: UUID


class HookTrialBody(_Script):
    """Run one function on a context, or on a person's account (``sample``), together with the other hooks there."""

    function: str = Field(min_length=1, max_length=60)
    context: dict[str, Any] | None = None
    sample: SampleBody | None = None
    budget_ms: int | None = Field(default=None, ge=1, le=5000)

    @model_validator(mode="after")
    def _one_occasion(self) -> Self:
        if self.sample is not None and (self.context is not None or self.budget_ms is not None):
            raise ValueError("With a sample, context and budget are those that an operation would have.")
        return self


class RunTestsBody(_Script):
    """Run the saved tests."""


class ReplayBody(_Script):
    """Give the contexts of the ``last`` recorded calls to a script; neither version nor source is the active one."""

    last: int = Field(default=50, ge=1, le=100)


class SavedTest(BaseModel):
    id: UUID
    name: str
    function: str
    context: dict[str, Any]
    expected: dict[str, Any]
    created_at: datetime
    created_by: UUID | None
    created_by_name: str | None


class SavedTestList(BaseModel):
    tests: list[SavedTest]
    total: int
    limit: int
    offset: int


class Failure(BaseModel):
    """How a script failed; line and column count from one, ``module`` is the library that the place is in."""

    model_config = ConfigDict(populate_by_name=True)

    hook_class: str = Field(alias="class")
    message: str
    line: int | None = None
    column: int | None = None
    module: str | None = None
    snippet: str | None = None
    frames: list[str] = Field(default_factory=list)
    logs: list[str] = Field(default_factory=list)


class Changed(BaseModel):
    """One attribute; null where there was none, or is none any more."""

    before: Any
    after: Any


class Rehearsal(BaseModel):
    """What all hooks together make of a person's account, with marks for secrets.

    ``before`` is what the mapping wants sent, ``after`` what would be sent. ``ends`` says why nothing would be sent;
    the operation then is ``ending``.
    """

    operation_type: str
    before: dict[str, Any]
    after: dict[str, Any]
    ends: str | None
    ending: str | None
    warnings: list[str]
    tags: dict[str, Any]


class Trial(BaseModel):
    """What a function answered.

    ``result`` is the whole answer, ``patch`` its part that changes attributes, ``changes`` what that does to the
    ``attributes`` of the context. With ``failure`` there is no result. Of a sample, ``context`` is what the function
    was told, ``rehearsal`` what all hooks together do, and ``changes`` are theirs.
    """

    ok: bool
    function: str | None
    result: dict[str, Any] | None
    patch: dict[str, Any] | None
    changes: dict[str, Changed]
    logs: list[str]
    duration_us: int
    failure: Failure | None
    context: dict[str, Any] | None = None
    rehearsal: Rehearsal | None = None


class TestOutcome(BaseModel):
    """A saved test that ran; ``mismatches`` say in sentences what is not as expected."""

    __test__ = False

    id: UUID
    name: str
    function: str
    ok: bool
    mismatches: list[str]
    expected: dict[str, Any]
    answer: dict[str, Any]
    failure: Failure | None


class TestRun(BaseModel):
    __test__ = False

    ok: bool
    passed: int
    failed: int
    tests: list[TestOutcome]


class ReplayedCall(BaseModel):
    """A call that ends otherwise now.

    ``recorded`` is what was answered when it happened; ``before`` what the version of then answers to the same
    context now, with other random values and without secrets; ``after`` what the tried script answers to that.
    """

    id: UUID
    function: str
    version: int
    recorded_at: datetime
    operation_id: str | None
    recorded: dict[str, Any]
    before: dict[str, Any]
    after: dict[str, Any]
    differences: list[str]
    failure: Failure | None


class Replay(BaseModel):
    """``changed`` are the calls that end otherwise; of the other ones there is only their number."""

    replayed: int
    unchanged: int
    changed: list[ReplayedCall]


class CheckedActivation(BaseModel):
    """A version that is active now, the one before it, and the saved tests that ran."""

    version: int
    previous: int | None
    tests: list[TestOutcome]


def saved_test_of(row: Record) -> SavedTest:
    """A saved test as the API shows it."""
    return SavedTest.model_validate(dict(row))


def outcome_of(tried: Tried) -> TestOutcome:
    """A saved test that ran."""
    return TestOutcome.model_validate(tried.as_json())


def run_of(tried: list[Tried]) -> TestRun:
    """Saved tests that ran."""
    failed = sum(1 for each in tried if each.mismatches)
    return TestRun(ok=not failed, passed=len(tried) - failed, failed=failed, tests=[outcome_of(each) for each in tried])


def replay_of(found: list[Replayed]) -> Replay:
    """What changed of the calls of before."""
    changed = [_replayed_of(each) for each in found if each.is_changed]
    return Replay(replayed=len(found), unchanged=len(found) - len(changed), changed=changed)


def _replayed_of(replayed: Replayed) -> ReplayedCall:
    call, before, after = replayed.call, answer_of(replayed.before), answer_of(replayed.after)
    failure = failure_of(replayed.after) if isinstance(replayed.after, HookError) else None
    return ReplayedCall(
        id=call.id,
        function=call.function,
        version=call.version,
        recorded_at=call.recorded_at,
        operation_id=call.context.get("operation_id"),
        recorded=call.answer,
        before=before,
        after=after,
        differences=differences(before, after),
        failure=Failure.model_validate(failure) if failure is not None else None,
    )


def trial_of(said: HookResult | HookError, *, attributes: Any) -> Trial:
    """An answer, and what it does to the ``attributes`` of the context."""
    if isinstance(said, HookError):
        failure = Failure.model_validate(failure_of(said))
        return Trial(
            ok=False,
            function=None,
            result=None,
            patch=None,
            changes={},
            logs=failure.logs,
            duration_us=0,
            failure=failure,
        )
    patch = said.decision if isinstance(said.decision, Patch) else None
    return Trial(
        ok=True,
        function=said.function,
        result=answer_of(said),
        patch=answer_of(said) if patch is not None else None,
        changes=_changes(attributes, patch),
        logs=list(said.logs),
        duration_us=said.duration_us,
        failure=None,
    )


def rehearsed_of(found: HooksPreview, *, hook_id: UUID, function: str) -> Trial:
    """What a hook answered to a person's account, among the other hooks. Raises WrongState when it was not asked."""
    asked = told(found, hook_id=hook_id, function=function)
    if asked is None:
        raise WrongState(f"The hook was not asked: {found.ends or 'it does nothing for this operation'}")
    context, said = asked
    trial = trial_of(said, attributes={})
    rehearsal = Rehearsal(
        operation_type=found.operation_type.value,
        before=found.before,
        after=found.after,
        ends=found.ends,
        ending=found.ending,
        warnings=list(found.warnings),
        tags=found.tags or {},
    )
    changes = _differing(found.before, found.after) if found.ends is None else {}
    return trial.model_copy(update={"context": context, "rehearsal": rehearsal, "changes": changes})


def _changes(attributes: Any, patch: Patch | None) -> dict[str, Changed]:
    before = attributes if isinstance(attributes, dict) else {}
    return _differing(before, patch.apply(before) if patch is not None else before)


def _differing(before: dict[str, Any], after: dict[str, Any]) -> dict[str, Changed]:
    return {
        name: Changed(before=before.get(name), after=after.get(name))
        for name in sorted(before.keys() | after.keys())
        if before.get(name) != after.get(name)
    }
