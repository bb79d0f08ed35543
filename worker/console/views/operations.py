"""Operations as the console shows them."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from worker.console.views.shared import AttributeChange, AuditRow, ConnectorBrief, Cursors
from worker.domain.operation import OperationStatus, OperationType, Origin, WaitReason


@dataclass(frozen=True, slots=True, kw_only=True)
class OperationRow:
    """One line of the operations table. ``subject`` is what people know the account by: user name, else target uid.

    ``active`` is the payload's active flag (an update that only sets it is shown as enable or disable).
    ``status`` is the shown status: pending operations of a closed target arrive as awaiting_system. A word that only a
    later version knows arrives as it is.
    """

    id: UUID
    operation_type: OperationType | str
    status: OperationStatus | str
    connector_id: UUID
    connector_name: str
    subject: str
    created_at: datetime
    updated_at: datetime
    object_class: str = "user"
    active: bool | None = None
    user_id: UUID | None = None
    target_uid: str | None = None
    wait_reason: WaitReason | str | None = None
    error_code: str | None = None
    error_message: str | None = None
    retry_count: int = 0
    max_retries: int = 10
    next_retry_at: datetime | None = None
    priority: int = 0
    origin: Origin | str = Origin.API


@dataclass(frozen=True, slots=True, kw_only=True)
class OperationPage:
    """``counts`` is per status with every filter but the status applied; ``total`` with all of them. Both exact."""

    rows: tuple[OperationRow, ...]
    counts: dict[str, int]
    total: int
    as_of: datetime
    cursors: Cursors = field(default_factory=Cursors)
    error_codes: tuple[tuple[str, int], ...] = ()  # the commonest error codes among the matches, for grouping
    oldest_pending_at: datetime | None = None
    success_rate: float | None = None  # 0..1 over the last 24 h; None when nothing ended
    avg_processing_time_secs: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptView:
    """One try; ``sent`` is what went to the target, redacted."""

    attempt_number: int
    started_at: datetime
    completed_at: datetime | None = None
    success: bool = False
    has_parked: bool = False  # it neither worked nor failed: something outside was missing
    error_code: str | None = None
    error_message: str | None = None
    duration_ms: float | None = None
    worker: str | None = None
    sent: dict[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class LogLine:
    """One line of an operation's log; ``level`` is info, warn or error."""

    timestamp: datetime
    level: str
    message: str


@dataclass(frozen=True, slots=True)
class FollowUpView:
    """What a hook wanted to follow: the operation that it became, or when it is due, or why it does not follow."""

    hook_name: str
    type: str
    made_id: UUID | None
    due_at: datetime
    note: str | None = None
    is_waiting: bool = False


@dataclass(frozen=True, slots=True)
class ChainView:
    """The operation that this one follows from because a hook asked for it, and what its own hooks wanted to follow."""

    cause: UUID | None = None
    effects: tuple[FollowUpView, ...] = ()


NO_CHAIN = ChainView()


@dataclass(frozen=True, slots=True, kw_only=True)
class OperationDetail:
    """Everything about one operation.

    ``changes`` compares the account as last observed with the payload; once completed, it is what was sent (no before).
    """

    row: OperationRow
    connector: ConnectorBrief
    payload: dict[str, Any]
    changes: tuple[AttributeChange, ...] = ()
    attempts: tuple[AttemptView, ...] = ()
    logs: tuple[LogLine, ...] = ()
    started_at: datetime | None = None
    completed_at: datetime | None = None
    idempotency_key: str | None = None
    correlation_id: UUID | None = None
    run_id: UUID | None = None
    case_id: UUID | None = None
    hold_id: UUID | None = None  # the approval it waits for
    account_id: UUID | None = None
    identity_version: int | None = None
    mapping_version: int | None = None
    redrive_of: UUID | None = None
    redriven_as: UUID | None = None
    chain: ChainView = NO_CHAIN
    resolution_notes: str | None = None
    resolved_by: str | None = None
    resolved_at: datetime | None = None
    version: int = 1
    details: dict[str, Any] = field(default_factory=dict)  # match, warnings, skipped, ...
    lane_ahead: int = 0  # operations of the same account that go first
    lane_head: UUID | None = None
    audit: tuple[AuditRow, ...] = ()
