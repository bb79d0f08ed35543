"""Operations on the wire: the names of the contract."""

from datetime import UTC, datetime
from typing import Annotated, Any, Self
from uuid import UUID

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from worker.actions.bulk import BulkAction
from worker.domain.operation import OperationStatus, OperationType
from worker.domain.redaction import shown_payload
from worker.store.sql import Record


class OperationBody(BaseModel):
    """A new operation."""

    model_config = ConfigDict(extra="forbid")

    connector_id: UUID
    user_id: UUID
    operation_type: OperationType
    object_class: str = Field(default="user", min_length=1, max_length=100)
    payload: dict[str, Any] = Field(default_factory=dict)
    priority: int = 0
    max_retries: int = 10
    idempotency_key: str | None = Field(default=None, min_length=1, max_length=200)


class ResolveBody(BaseModel):
    model_config = ConfigDict(extra="forbid")

    resolution_notes: str = Field(min_length=1, max_length=4000)


class RedriveBody(BaseModel):
    model_config = ConfigDict(extra="forbid")

    payload: dict[str, Any] | None = None


def _in_utc(moment: datetime) -> datetime:
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)


#: A time; without a zone, or as a day alone, it is one of UTC.
Moment = Annotated[datetime, AfterValidator(_in_utc)]


class BulkFilter(BaseModel):
    """Which operations, as in the list."""

    model_config = ConfigDict(extra="forbid")

    connector_id: UUID | None = None
    user_id: UUID | None = None
    status: OperationStatus | None = None
    operation_type: OperationType | None = None
    from_date: Moment | None = None
    to_date: Moment | None = None
    error_code: str | None = Field(default=None, min_length=1, max_length=200)
    run_id: UUID | None = None
    q: str | None = Field(default=None, min_length=1, max_length=200)


class BulkOperationsBody(BaseModel):
    """One verb on the operations of these ids, or on all that match. A filter wants ``expected``, how many may match at
    most, or ``dry_run``, which tells how many do."""

    model_config = ConfigDict(extra="forbid")

    action: BulkAction
    ids: list[UUID] | None = Field(default=None, min_length=1, max_length=100)
    filter: BulkFilter | None = None
    expected: int | None = Field(default=None, ge=0)
    resolution_notes: str = Field(default="", max_length=4000)
    dry_run: bool = False

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if (self.ids is None) is (self.filter is None):
            raise ValueError("give ids or a filter")
        if self.filter is not None and not self.dry_run and self.expected is None:
            raise ValueError("say in expected how many may match, or ask with dry_run how many do")
        if self.ids is not None and self.dry_run:
            raise ValueError("a dry run is of a filter")
        return self


class BulkOutcome(BaseModel):
    """``under_way``: it ran, and its daemon was asked to end it."""

    operation_id: UUID
    success: bool
    skipped: bool
    error: str | None
    redriven_as: UUID | None
    under_way: bool


class BulkAnswer(BaseModel):
    """``results`` of ids: each; of a filter: a hundred of those that were not done. ``remaining`` matched and were not
    reached in the time of a request: send the same again."""

    results: list[BulkOutcome]
    total: int
    succeeded: int
    failed: int
    skipped: int
    remaining: int
    dry_run: bool


class Operation(BaseModel):
    """One operation; see DESIGN's words: ``failed`` waits for its next try, ``dead_letter`` for a person."""

    id: UUID
    tenant_id: UUID
    connector_id: UUID
    connector_name: str | None = None
    user_id: UUID | None
    account_id: UUID
    operation_type: str
    object_class: str
    target_uid: str | None
    status: str
    wait_reason: str | None = None
    priority: int
    retry_count: int
    max_retries: int
    error_code: str | None
    error_message: str | None
    payload: dict[str, Any]
    idempotency_key: str | None
    next_retry_at: datetime | None = None
    created_at: datetime
    updated_at: datetime
    started_at: datetime | None
    completed_at: datetime | None = None
    resolution_notes: str | None = None
    resolved_by: UUID | None = None
    resolved_at: datetime | None = None
    run_id: UUID | None
    correlation_id: UUID | None
    origin: str
    identity_version: int | None
    mapping_version: int | None
    redrive_of: UUID | None
    version: int


class Waiting(BaseModel):
    """What is in the way of a live operation: ``blocker`` operation (the head of its account's lane), case, approval,
    conflict, target, time (its next try) or worker; ``ahead``: operations of the same account that go first."""

    blocker: str
    id: UUID | None
    ahead: int
    reason: str | None
    until: datetime | None


class FollowUp(BaseModel):
    """A change that a hook wanted to follow from ``operation_id``: waiting until ``due_at``, accepted as the operation
    ``made_id``, or refused; ``note`` says why. ``type``: update, enable or disable."""

    operation_id: UUID
    hook_id: UUID
    hook_name: str
    connector_id: UUID
    type: str
    status: str
    note: str | None
    made_id: UUID | None
    depth: int
    due_at: datetime
    ended_at: datetime | None


class OperationWithWait(Operation):
    """``waits_for`` is null when it runs or has ended. ``follows_from`` is set where a hook had asked for it,
    ``follow_ups`` are what its own hooks asked for."""

    waits_for: Waiting | None = None
    follows_from: FollowUp | None = None
    follow_ups: list[FollowUp] = []


class OperationList(BaseModel):
    operations: list[Operation]
    total: int
    limit: int
    offset: int
    next_cursor: str | None = None


class Attempt(BaseModel):
    attempt_number: int
    started_at: datetime
    completed_at: datetime
    success: bool
    outcome: str
    error_code: str | None
    error_message: str | None
    duration_ms: int
    worker: UUID | None
    sent: dict[str, Any] | None


class AttemptList(BaseModel):
    operation_id: UUID
    attempts: list[Attempt]


class LogLine(BaseModel):
    id: UUID
    operation_id: UUID
    timestamp: datetime
    level: str
    message: str


class LogList(BaseModel):
    operation_id: UUID
    logs: list[LogLine]


class OperationStats(BaseModel):
    """``success_rate`` in percent of what completed or was given up; null when nothing ended yet."""

    pending: int
    in_progress: int
    completed: int
    failed: int
    dead_letter: int
    awaiting_system: int
    avg_processing_time_secs: float | None
    success_rate: float | None
    oldest_pending_seconds: float | None


def operation_of(row: Record) -> Operation:
    """A row of any of the three tables; what a table does not have is null. Secrets stay where they are."""
    found = {name: row[name] for name in row.keys() if name in Operation.model_fields}  # noqa: SIM118 - a record iterates over its values
    return Operation.model_validate({**found, "payload": shown_payload(row["payload"])})
