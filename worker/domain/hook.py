"""Hooks: operators' scripts that look at an operation before or after it happens, and what they may answer.

A script defines ``before_create``, ``before_update``, ``before_delete`` (``transform`` stands in for the first two),
``after_create``, ``after_update``, ``after_delete``, ``on_error`` and ``correlate``. Each takes one dict, the context
(``HookContext``), and returns

    None                                                        no change
    {"set": {...}, "unset": [...], "tags": {...}}               a patch (``transform`` may return what to set alone)
    {"unique": {name: [candidates]}}                            the first that nobody else has    (before_create only)
    reject(reason, code=...)                                    the operation ends here, for good (before_* only)
    skip(reason)                                                it is done, without a change      (before_* only)

after_* and on_error may only return ``{"tags": {...}}``; after_* ``{"follow_up": [...]}``, too, changes of the same
person's accounts that are to follow (``FollowUp``). ``correlate`` is asked whose an account is, wherever accounts are
correlated; it returns None, a list of keys, ``{"match": {...}}`` or ``{"score": {candidate id: 0..1}}``. It is a voice
beside the rules: ``worker.correlation.told`` says what it is worth.

What a script sets is never None: a value that is no number (nan, infinity) is an error wherever it stands, and only a
name in ``unset`` clears an attribute. The mark of a secret, ``{"secret": True}``, changes nothing when it comes back.

``unique`` offers at most 250 candidates for an attribute. The first that no other account of the connector has, or is
about to get, is set, and stays the account's for its later tries. Where the target says that it is taken all the same,
the hooks run again with ``iteration`` one higher, at most 50 times in a try; then the operation is a dead letter,
``hook.unique_exhausted``. A hook may as well make its name of ``iteration`` itself.

Hooks of a phase run in the order of their bindings; what one sets is what the next sees. They share two seconds of
processor time; each has its own budget within them. How a hook fails is its ``HookClass``, what that means for the
operation its binding's ``FailurePolicy``; after a change was made it is a warning under each of them.

Every try of an operation runs the version that was active when its first try began, and draws the same random values.
A dead letter that a person puts back begins anew, with the version that is active then.
"""

import hashlib
import json
from collections.abc import Sequence
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
    ON_ERROR = "on_error"
    CORRELATE = "correlate"


class FailurePolicy(StrEnum):
    """What the failure of a hook means for its operation."""

    FAIL = "fail"
    SKIP_HOOK = "skip_hook"
    QUARANTINE = "quarantine"


def default_policy(phase: HookPhase) -> FailurePolicy:
    """What a binding means that does not say: once a change was made a failure cannot stop anything any more."""
    is_before = phase in {HookPhase.BEFORE, HookPhase.CORRELATE}
    return FailurePolicy.FAIL if is_before else FailurePolicy.SKIP_HOOK


class Permission(StrEnum):
    """What a binding lets its hook have beyond the usual: ``secrets`` as they are, not their mark."""

    SECRETS = "secrets"


class HookClass(StrEnum):
    """How a hook failed: the values of ``HookError.hook_class``."""

    SYNTAX = "hook.syntax"
    COMPILE = "hook.compile"
    SCRIPT = "hook.script"
    FAIL = "hook.fail"
    REJECT = "hook.reject"
    RESULT = "hook.result"
    CONTEXT = "hook.context"
    LIMIT = "hook.limit"
    DEADLINE = "hook.deadline"
    TIMEOUT = "hook.timeout"
    MEMORY = "hook.memory"
    CRASH = "hook.crash"
    BUSY = "hook.busy"
    SUSPENDED = "hook.suspended"
    UNIQUE_EXHAUSTED = "hook.unique_exhausted"
    FOLLOW_UP = "hook.follow_up"


@dataclass(frozen=True, slots=True)
class Library:
    """Source whose names a script, or a later library, takes by ``load("lib/NAME", "function")``; ``name`` is NAME."""

    name: str
    source: str


@dataclass(frozen=True, slots=True)
class HookScript:
    """One immutable version of a script with all that it loads. Equal ``sha``: the same program to the sandbox.

    ``api`` is the version of the contract it was written for. ``libraries`` are in the order in which they are built,
    each before those that load it: at most 10, of 256 KiB in all. ``sha`` is what is compiled once: SHA-256
    of the source or, with libraries or another ``api``, of ``[api, source, [[name, source], ...]]`` as JSON.
    ``tenant_id``: who shares sandboxes with others, and whose hook ``id`` is.
    """

    source: str
    name: str = ""
    version: int = 1
    id: UUID | None = None
    tenant_id: UUID | None = None
    api: int = 1
    libraries: tuple[Library, ...] = ()
    sha: str = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "sha", _sha(self.source, api=self.api, libraries=self.libraries))

    @property
    def conduct(self) -> str:
        """What its misdeeds are counted under, and suspended as.

        Who tries a draft, or has the same script in another tenant, does not stop a hook by that.
        """
        return self.sha if self.tenant_id is None else f"{self.sha}:{self.tenant_id}:{self.id or 'draft'}"


def _sha(source: str, *, api: int, libraries: Sequence[Library]) -> str:
    text = source
    if libraries or api != 1:
        parts = [api, source, [[library.name, library.source] for library in libraries]]
        text = json.dumps(parts, separators=(",", ":"))
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


@dataclass(frozen=True, slots=True)
class HookContext:
    """What a script is told. ``now`` is fixed for the operation, so that the same context gives the same answer.

    ``attributes`` is what will be sent, ``current`` what the target has (None: unknown), ``attempt`` counts tries from
    one, ``iteration`` tries for a unique name from zero, ``changes`` is ``{name: {"old", "new"}}`` of an update.
    ``resource`` is ``{"id", "name", "type"}`` of the connector, ``actor`` ``{"id", "kind"}`` of who wanted the change,
    ``identity`` the person's attributes, ``params`` what the binding sets. ``result`` is ``{"status", "uid", "error"}``
    of what was done, told to after_* and on_error; its ``error`` is None or ``{"code", "message"}``. ``correlate`` is
    told the attributes of an ``account`` and the people who come into question, ``candidates``, in place of all that is
    about an operation. Times are ISO text, bytes base64 text, secrets ``{"secret": True}`` unless the binding has the
    permission.
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
    account: dict[str, Any] = field(default_factory=dict)
    candidates: list[dict[str, Any]] = field(default_factory=list)

    def as_dict(self) -> dict[str, Any]:
        """The ``ctx`` of a script; ``api`` is the version of this contract."""
        hidden = _OF_OPERATIONS if self.event == "correlate" else _OF_ACCOUNTS
        return {"api": 1} | {name: getattr(self, name) for name in self.__slots__ if name not in hidden}


#: What only functions around an operation are told, and what only ``correlate`` is.
_OF_OPERATIONS = frozenset(
    {"operation_id", "correlation_id", "attempt", "iteration", "actor", "identity", "attributes", "current"}
    | {"changes", "result"}
)
_OF_ACCOUNTS = frozenset({"account", "candidates"})


def function_of(phase: HookPhase, operation_type: OperationType | None) -> str:
    """The function of a script that answers to a phase of an operation; ``correlate`` is about none."""
    if operation_type is None or phase in {HookPhase.ON_ERROR, HookPhase.CORRELATE}:
        return phase.value
    return f"{phase.value}_{operation_type.value}"


class FollowUpType(StrEnum):
    """What a follow-up does to an account: ``update`` sets attributes, the others its active flag."""

    UPDATE = "update"
    ENABLE = "enable"
    DISABLE = "disable"


@dataclass(frozen=True, slots=True)
class FollowUp:
    """A change that an after-hook wants to follow, at the account that the same person has at ``resource``.

    ``resource`` is the name or the id of a connector, empty: the one that the hook was asked for. ``attributes`` are
    those of an update; it begins ``after_seconds`` later at the earliest.
    """

    type: FollowUpType
    resource: str = ""
    attributes: dict[str, Any] = field(default_factory=dict)
    after_seconds: int = 0

    @property
    def payload(self) -> dict[str, Any]:
        """The payload of the operation that it becomes."""
        if self.type is FollowUpType.UPDATE:
            return {"attributes": self.attributes}
        return {"attributes": {}, "active": self.type is FollowUpType.ENABLE}


@dataclass(frozen=True, slots=True)
class Patch:
    """Changes to what will be sent (``set``, ``unset``) and notes to keep with the operation (``tags``).

    ``unique``: for an attribute the texts of which the first that is free is to be set, the best first.
    ``follow_up`` is what after_* want to follow.
    """

    set: dict[str, Any] = field(default_factory=dict)
    unset: tuple[str, ...] = ()
    tags: dict[str, Any] = field(default_factory=dict)
    unique: dict[str, tuple[str, ...]] = field(default_factory=dict)
    follow_up: tuple[FollowUp, ...] = ()

    def apply(self, attributes: dict[str, Any]) -> dict[str, Any]:
        """``attributes`` of an operation's payload after this patch; what is unset becomes None, which clears.

        What ``unique`` offers is not among it: which of them is free has to be looked up.
        """
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
class Correlated:
    """What ``correlate`` says of an account: keys of its owner, what the owner must have, or scores of candidates.

    ``score`` is from 0 to 1, by the candidate's id. Nothing of all three: it cannot tell.
    """

    keys: tuple[str, ...] = ()
    match: dict[str, Any] = field(default_factory=dict)
    score: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class HookResult:
    """A script's answer. ``function`` is the one that ran, None when the script has nothing for this event."""

    decision: Patch | Reject | Skip | Correlated
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
    """What is known about a script without running it.

    ``functions`` are those the daemon would call, ``loads`` the names of the libraries that it takes names from,
    whether they came along or not, ``api`` the contract that it asks for.
    """

    ok: bool
    functions: tuple[str, ...] = ()
    diagnostics: tuple[Diagnostic, ...] = ()
    loads: tuple[str, ...] = ()
    api: int = 1


@dataclass(frozen=True, slots=True)
class Suspension:
    """A program that this process does not run for now, for it killed its sandbox again and again.

    ``key`` is a script's ``conduct``, or that of a mapping's expressions in its tenant. ``script`` is the hook's, None
    for the expressions of a mapping; ``last`` the failure that was one too many.
    """

    key: str
    last: HookError
    tenant_id: UUID | None = None
    script: HookScript | None = None


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
