"""Hooks, their versions and bindings on the wire."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from worker.actions.bindings import Wanted, doubt
from worker.domain.hook import FailurePolicy, HookPhase, Permission, Validation
from worker.domain.operation import OperationType
from worker.sandbox import API, FUNCTIONS, context_fields, reference
from worker.store.hook_stats import Summary
from worker.store.sql import Record

Kind = Literal["hook", "library"]
#: A script; what is larger than 64 KiB the sandbox refuses with a sentence, what is far larger never gets there.
Source = Annotated[str, Field(max_length=100_000)]


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid")


class HookBody(_Body):
    """A new hook, or a library that hooks ``load("lib/NAME", …)``; its script comes as its first version."""

    name: str = Field(min_length=1, max_length=100)
    kind: Kind = "hook"
    description: str = Field(default="", max_length=4000)


class HookChange(_Body):
    name: str | None = Field(default=None, min_length=1, max_length=100)
    description: str | None = Field(default=None, max_length=4000)


class HookVersionBody(_Body):
    """A draft: a version that is not active yet."""

    source: Source
    note: str = Field(default="", max_length=1000)


class HookActivateBody(_Body):
    """``force`` activates although saved tests fail."""

    force: bool = False


class ValidateBody(_Body):
    source: Source
    kind: Kind = "hook"


class BindingBody(_Body):
    """Around which operations a hook runs; ``on_error`` left out is fail before a change, and skip_hook after it.

    With the phase ``correlate`` it runs around none: it is asked whose accounts are, ``operation_types`` do not count,
    and ``on_error`` left out is fail: then a person has to say. ``object_class`` left out is that of the connector.
    """

    connector_id: UUID
    phase: HookPhase
    object_class: str | None = Field(default=None, min_length=1, max_length=100)
    operation_types: list[OperationType] = Field(default_factory=lambda: list(OperationType))
    position: int = Field(default=0, ge=0, le=10_000)
    on_error: FailurePolicy | None = None
    budget_ms: int | None = Field(default=None, ge=1, le=5000)
    enabled: bool = True
    params: dict[str, Any] = Field(default_factory=dict)
    permissions: list[Permission] = Field(default_factory=list)

    def wanted(self) -> Wanted:
        """The body as the verbs take it."""
        return Wanted(
            connector_id=self.connector_id,
            phase=self.phase,
            object_class=self.object_class,
            operation_types=self.operation_types,
            position=self.position,
            on_error=self.on_error,
            budget_ms=self.budget_ms,
            enabled=self.enabled,
            params=self.params,
            permissions=self.permissions,
        )


class Numbers(BaseModel):
    """Calls of a hook and how they ended; durations in microseconds, of the calls that did not fail.

    ``errors``: how many failed, by class. ``p50_us`` and ``p99_us`` are true within a factor of two; null: no calls.
    """

    calls: int
    errors: dict[str, int]
    p50_us: int | None
    p99_us: int | None
    last_error: dict[str, Any] | None
    last_error_at: datetime | None


class VersionNumbers(Numbers):
    version: int


class Stats(Numbers):
    hook_id: UUID
    since: datetime
    versions: list[VersionNumbers]


class Hook(BaseModel):
    """``version`` is that of the hook itself, its ETag; ``active_version`` that of the script which runs.

    ``health`` is of the last 24 hours.
    """

    id: UUID
    name: str
    kind: Kind
    description: str
    active_version: int | None
    latest_version: int | None
    bindings: int
    tests: int
    suspended_at: datetime | None
    suspended_reason: str | None
    version: int
    created_at: datetime
    updated_at: datetime
    health: Numbers


class HookWithUsers(Hook):
    """``loaded_by``: of a library, at most five hooks of which a version was stored with it."""

    loaded_by: list[str]


class HookList(BaseModel):
    hooks: list[Hook]
    total: int
    limit: int
    offset: int


class Diagnostic(BaseModel):
    severity: Literal["error", "warning"]
    line: int
    column: int
    code: str
    message: str


class Validated(BaseModel):
    """What is known about a source without running it; ``loads`` are the libraries that it names."""

    ok: bool
    functions: list[str]
    loads: list[str]
    api: int
    diagnostics: list[Diagnostic]


class PinnedLibrary(BaseModel):
    name: str
    hook_id: UUID
    version: int
    sha: str


class VersionOfHook(BaseModel):
    """One immutable version; ``libraries`` as they were active when it was stored."""

    version: int
    sha: str
    api: int
    note: str
    functions: list[str]
    libraries: list[PinnedLibrary]
    is_active: bool
    was_active: bool
    created_at: datetime
    created_by: UUID | None
    created_by_name: str | None


class VersionWithSource(VersionOfHook):
    source: str


class VersionsOfHook(BaseModel):
    versions: list[VersionOfHook]
    total: int
    limit: int
    offset: int


class ActivationOfHook(BaseModel):
    """From when on a version ran, and who switched to it."""

    version: int
    activated_at: datetime
    activated_by: UUID | None
    activated_by_name: str | None


class ActivationList(BaseModel):
    """The newest first."""

    activations: list[ActivationOfHook]
    limit: int


class DifferenceOfHooks(BaseModel):
    """A unified diff; empty when nothing differs."""

    before: int
    after: int
    diff: str


class Binding(BaseModel):
    """Where a hook runs; ``warning``: why it is unlikely ever to run there."""

    id: UUID
    hook_id: UUID
    connector_id: UUID
    connector_name: str | None
    object_class: str
    phase: str
    operation_types: list[str]
    position: int
    on_error: str
    budget_ms: int | None
    enabled: bool
    params: dict[str, Any]
    permissions: list[str]
    warning: str | None
    version: int
    updated_at: datetime


class BindingList(BaseModel):
    bindings: list[Binding]
    total: int
    limit: int
    offset: int


class Parameter(BaseModel):
    """``default`` as it would be written in a script, null where the parameter is required."""

    name: str
    type: str
    default: str | None
    is_keyword: bool


class Example(BaseModel):
    """An example that is tested: ``code`` gives ``result``, or fails with ``error``."""

    code: str
    result: str | None
    error: str | None


class Function(BaseModel):
    """One function of scripts; ``kind`` is host, prelude or language, ``group`` is what stands before the dot."""

    name: str
    group: str
    kind: str
    signature: str
    parameters: list[Parameter]
    returns: str
    summary: str
    doc: str
    examples: list[Example]
    since_api: int


class ContextField(BaseModel):
    """One field of ``ctx``; ``events`` are the functions whose ``ctx`` has it."""

    name: str
    type: str
    doc: str
    events: list[str]


class Reference(BaseModel):
    """What a script may use: functions it calls, fields of its ``ctx``, and ``events``, the functions it may define."""

    api: int
    events: list[str]
    functions: list[Function]
    fields: list[ContextField]


def reference_now() -> Reference:
    """The reference of this version."""
    return Reference.model_validate(
        {"api": API, "events": FUNCTIONS, "functions": reference(), "fields": context_fields()}
    )


def hook_of(row: Record, known: Summary) -> Hook:
    """A hook as the API shows it."""
    return Hook.model_validate({**dict(row), "health": _numbers(known)})


def hook_with_users(row: Record, known: Summary, *, loaded_by: list[str]) -> HookWithUsers:
    """A hook, and who loads it."""
    return HookWithUsers.model_validate({**dict(row), "health": _numbers(known), "loaded_by": loaded_by})


def stats_of(hook_id: UUID, known: Summary, *, since: datetime) -> Stats:
    """Calls since a moment, all together and by version."""
    versions = [{**_numbers(each), "version": each.version} for each in known.versions]
    return Stats.model_validate({**_numbers(known), "hook_id": hook_id, "since": since, "versions": versions})


def _numbers(known: Summary) -> dict[str, Any]:
    return {name: getattr(known, name) for name in Numbers.model_fields}


def validated_of(found: Validation) -> Validated:
    """What the sandbox said of a source."""
    diagnostics = [
        Diagnostic.model_validate(
            {name: getattr(each, name) for name in ("severity", "line", "column", "code", "message")}
        )
        for each in found.diagnostics
    ]
    return Validated(
        ok=found.ok,
        functions=list(found.functions),
        loads=list(found.loads),
        api=found.api,
        diagnostics=diagnostics,
    )


def version_of(row: Record, *, active: int | None) -> VersionOfHook:
    """A version without its source."""
    return VersionOfHook.model_validate({**dict(row), "is_active": row["version"] == active})


def version_with_source(row: Record, *, active: int | None) -> VersionWithSource:
    """A version and its source."""
    return VersionWithSource.model_validate({**dict(row), "is_active": row["version"] == active})


def binding_of(row: Record) -> Binding:
    """A binding as the API shows it."""
    return Binding.model_validate({**row, "warning": doubt(row)})
