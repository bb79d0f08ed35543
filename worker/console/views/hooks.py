"""Hooks: scripts in versions, where they run, how they fare, and what trials of them said."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from worker.console.views.shared import AttributeChange
from worker.domain.hook import Diagnostic, FailurePolicy, HookPhase
from worker.domain.operation import OperationType


@dataclass(frozen=True, slots=True, kw_only=True)
class HookFilter:
    """Which hooks a list shows; ``kind`` is hook or library, ``q`` a part of the name."""

    kind: str | None = None
    q: str | None = None
    is_suspended: bool | None = None
    connector_id: UUID | None = None
    limit: int = 50
    offset: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class HookNumbers:
    """Calls of the last 24 hours; ``errors`` by class, durations in microseconds (None: no call that went well)."""

    calls: int = 0
    errors: dict[str, int] = field(default_factory=dict)
    p50_us: int | None = None
    p99_us: int | None = None
    last_error: str | None = None
    last_error_at: datetime | None = None
    version: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class HookRow:
    """One hook or library; ``version`` is that of the hook itself, which acts take as ``seen``.

    In a list ``places`` are the names of the connectors at which it runs.
    """

    id: UUID
    name: str
    kind: str
    description: str
    active_version: int | None
    latest_version: int | None
    bindings: int
    tests: int
    version: int
    updated_at: datetime
    numbers: HookNumbers
    suspended_at: datetime | None = None
    suspended_reason: str | None = None
    places: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class HookPage:
    """One page of hooks, by name; ``missing`` are the layers of the sandbox that this daemon's kernel has not."""

    rows: tuple[HookRow, ...]
    total: int
    as_of: datetime
    missing: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class HookVersionRow:
    """One immutable version; ``libraries`` as (name, version); ``was_active`` tells a rollback from a first time."""

    version: int
    note: str
    functions: tuple[str, ...]
    libraries: tuple[tuple[str, int], ...]
    created_at: datetime
    created_by: str | None
    is_active: bool
    was_active: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class HookActivationRow:
    """What ran from when on."""

    version: int
    at: datetime
    by: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class HookBindingRow:
    """Around which operations a hook runs; ``version`` is what acts take as ``seen``."""

    id: UUID
    connector_id: UUID
    connector_name: str
    object_class: str
    #: why it is unlikely ever to run
    warning: str | None = None
    phase: HookPhase
    operation_types: tuple[OperationType, ...]
    position: int
    on_error: FailurePolicy
    budget_ms: int | None
    enabled: bool
    params: dict[str, Any]
    permissions: tuple[str, ...]
    version: int


@dataclass(frozen=True, slots=True, kw_only=True)
class HookTestRow:
    """A saved test; ``etag`` is what acts take as ``seen``."""

    id: UUID
    name: str
    function: str
    context: dict[str, Any]
    expected: dict[str, Any]
    etag: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class HookDetail:
    """One hook with the source of the version that is shown (the one asked for, the active one, or the newest)."""

    row: HookRow
    shown: int | None
    source: str
    versions: tuple[HookVersionRow, ...]
    activations: tuple[HookActivationRow, ...]
    bindings: tuple[HookBindingRow, ...]
    tests: tuple[HookTestRow, ...]
    by_version: tuple[HookNumbers, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceCheck:
    """What is known about a source without running it; ``refused`` says why it could not be looked at."""

    ok: bool
    functions: tuple[str, ...] = ()
    loads: tuple[str, ...] = ()
    diagnostics: tuple[Diagnostic, ...] = ()
    refused: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class HookFailure:
    """How a script failed; line and column count from one, ``module`` is the library that the place is in."""

    hook_class: str
    message: str
    line: int | None = None
    column: int | None = None
    module: str | None = None
    snippet: str | None = None
    frames: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class TrialView:
    """What a function answered: ``result`` as JSON tells it, and what that does to the attributes of the context.

    Of a sample, ``context`` is what it was told, ``changes`` are those of all hooks together, ``ends`` says why nothing
    would be sent. ``refused``: it was not run at all, in words.
    """

    ok: bool
    function: str | None = None
    result: dict[str, Any] | None = None
    changes: tuple[AttributeChange, ...] = ()
    logs: tuple[str, ...] = ()
    duration_us: int = 0
    failure: HookFailure | None = None
    context: dict[str, Any] | None = None
    ends: str | None = None
    warnings: tuple[str, ...] = ()
    refused: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TestOutcome:
    """A saved test that ran; ``mismatches`` say in sentences what is not as expected."""

    __test__ = False

    id: UUID
    name: str
    function: str
    mismatches: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class TestRunView:
    """Saved tests that ran against a version or a draft."""

    __test__ = False

    tests: tuple[TestOutcome, ...] = ()
    refused: str | None = None

    @property
    def failed(self) -> int:
        """How many do not answer as expected."""
        return sum(1 for each in self.tests if each.mismatches)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplayedRow:
    """A recorded call that ends otherwise with the tried script."""

    function: str
    version: int
    recorded_at: datetime
    operation_id: str | None
    differences: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplayView:
    """Recorded calls given to a script; only those that end otherwise are listed."""

    replayed: int = 0
    changed: tuple[ReplayedRow, ...] = ()
    refused: str | None = None
