"""Hooks: operators' scripts that look at an operation before or after it happens, and what they may answer.

A script defines ``before_create``, ``before_update``, ``before_delete`` (``transform`` stands in for the first two) and
``after_create``, ``after_update``, ``after_delete``. Each takes one dict, the context, and returns

    None                                              no change
    {"set": {...}, "unset": [...], "tags": {...}}     a patch (``transform`` may return the attributes to set alone)
    reject(reason, code=...)                          the operation ends here, for good        (before_* only)
    skip(reason)                                      the operation is done, without a change  (before_* only)

after_* may only return ``{"tags": {...}}``.
"""

import hashlib
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from worker.domain.errors import HookError
from worker.domain.operation import OperationType


class HookPhase(StrEnum):
    BEFORE = "before"
    AFTER = "after"


class FailurePolicy(StrEnum):
    """What the failure of a hook means for its operation."""

    FAIL = "fail"
    SKIP_HOOK = "skip_hook"
    QUARANTINE = "quarantine"


class HookClass(StrEnum):
    """How a hook failed: the values of ``HookError.hook_class``."""

    SYNTAX = "hook.syntax"
    COMPILE = "hook.compile"
    SCRIPT = "hook.script"
    FAIL = "hook.fail"
    RESULT = "hook.result"
    CONTEXT = "hook.context"
    LIMIT = "hook.limit"
    DEADLINE = "hook.deadline"
    TIMEOUT = "hook.timeout"
    MEMORY = "hook.memory"
    CRASH = "hook.crash"
    BUSY = "hook.busy"
    SUSPENDED = "hook.suspended"


@dataclass(frozen=True, slots=True)
class HookScript:
    """One immutable version of a script. Two scripts of the same source are the same program to the sandbox."""

    source: str
    name: str = ""
    version: int = 1
    id: UUID | None = None

    @property
    def sha(self) -> str:
        """SHA-256 of the source: what is compiled once, suspended and counted."""
        return hashlib.sha256(self.source.encode("utf-8", "surrogatepass")).hexdigest()


@dataclass(frozen=True, slots=True)
class HookContext:
    """What a script is told. ``now`` is fixed for the operation, so that the same context gives the same answer.

    ``attributes`` is what will be sent, ``current`` what the target has (None: unknown), ``iteration`` counts tries for
    a unique name, ``changes`` is ``{name: {"old", "new"}}`` of an update, ``result`` is ``{"status", "uid", "error"}``
    of what was done, told to after_*.
    """

    event: str
    object_class: str
    now: datetime
    operation_id: UUID | None = None
    correlation_id: UUID | None = None
    dry_run: bool = False
    attempt: int = 1
    iteration: int = 0
    resource: dict[str, Any] = field(default_factory=dict)
    actor: dict[str, Any] = field(default_factory=dict)
    identity: dict[str, Any] = field(default_factory=dict)
    attributes: dict[str, Any] = field(default_factory=dict)
    current: dict[str, Any] | None = None
    changes: dict[str, Any] = field(default_factory=dict)
    result: dict[str, Any] | None = None
    params: dict[str, Any] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        """The ``ctx`` of a script; ``api`` is the version of this contract."""
        return {"api": 1} | {name: getattr(self, name) for name in self.__slots__}


def function_of(phase: HookPhase, operation_type: OperationType) -> str:
    """The function of a script that answers to a phase of an operation."""
    return f"{phase.value}_{operation_type.value}"


@dataclass(frozen=True, slots=True)
class Patch:
    """Changes to what will be sent (``set``, ``unset``) and notes to keep with the operation (``tags``)."""

    set: dict[str, Any] = field(default_factory=dict)
    unset: tuple[str, ...] = ()
    tags: dict[str, Any] = field(default_factory=dict)

    def apply(self, attributes: dict[str, Any]) -> dict[str, Any]:
        """``attributes`` of an operation's payload after this patch; what is unset becomes None, which clears."""
        return attributes | self.set | dict.fromkeys(self.unset)


@dataclass(frozen=True, slots=True)
class Reject:
    """The script stops the operation for good."""

    reason: str
    code: str = "rejected"


@dataclass(frozen=True, slots=True)
class Skip:
    """The script wants the operation to end well without touching the target."""

    reason: str


@dataclass(frozen=True, slots=True)
class HookResult:
    """A script's answer. ``function`` is the one that ran, None when the script has nothing for this event."""

    decision: Patch | Reject | Skip
    function: str | None = None
    logs: tuple[str, ...] = ()
    duration_us: int = 0


@dataclass(frozen=True, slots=True)
class ExpressionResult:
    """The value of one mapping expression at one context, or why there is none (``value`` is then None)."""

    value: Any = None
    error: HookError | None = None


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """One remark about a source; line and column count from one, ``severity`` is error or warning."""

    severity: str
    line: int
    column: int
    code: str
    message: str


@dataclass(frozen=True, slots=True)
class Validation:
    """What is known about a script without running it; ``functions`` are those the daemon would call."""

    ok: bool
    functions: tuple[str, ...] = ()
    diagnostics: tuple[Diagnostic, ...] = ()


@dataclass(frozen=True, slots=True)
class HookLimits:
    """What one call may use. Beyond ``budget_ms`` of processor time it is cancelled, beyond 1.5 times that killed.

    On the clock it ends after ten times as long (plus 1 s). ``memory_mb`` comes on top of what a child needs to
    start. At most ``max_waiting`` requests wait for a child, none longer than ``wait_s``.
    """

    budget_ms: int = 250
    memory_mb: int = 128
    max_context_bytes: int = 256 * 1024
    max_waiting: int = 1000
    wait_s: float = 15.0
