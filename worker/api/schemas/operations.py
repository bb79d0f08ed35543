"""Operations on the wire: the names of the contract."""

from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from worker.domain.operation import OperationType
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
