"""Discrepancies and what is done about them on the wire."""

from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from worker.domain.discrepancy import Discrepancy as Stored
from worker.domain.discrepancy import RepairAction, RepairDirection
from worker.domain.redaction import shown, shown_differences
from worker.recon import Repaired, Repairs
from worker.store.sql import Record


class RepairBody(BaseModel):
    """A repair; what is left open is taken from the finding's best suggestion."""

    model_config = ConfigDict(extra="forbid")

    action: RepairAction | None = None
    direction: RepairDirection | None = None
    identity_id: UUID | None = None
    dry_run: bool = False


class BulkItem(BaseModel):
    model_config = ConfigDict(extra="forbid")

    discrepancy_id: UUID
    action: RepairAction | None = None
    direction: RepairDirection | None = None
    identity_id: UUID | None = None


class BulkRemediateBody(BaseModel):
    model_config = ConfigDict(extra="forbid")

    items: list[BulkItem] = Field(min_length=1, max_length=100)
    dry_run: bool = False


class PreviewBody(BaseModel):
    model_config = ConfigDict(extra="forbid")

    discrepancy_ids: list[UUID] = Field(min_length=1, max_length=100)


class IgnoreBody(BaseModel):
    model_config = ConfigDict(extra="forbid")

    reason: str = Field(min_length=1, max_length=2000)
    ignored_until: AwareDatetime | None = None


class Suggested(BaseModel):
    action: str
    direction: str
    reason: str
    identity_id: UUID | None = None


class Discrepancy(BaseModel):
    """One finding; ``attribute_name`` and its two values are those of the first differing attribute."""

    id: UUID
    connector_id: UUID
    run_id: UUID
    discrepancy_type: str
    account_id: UUID | None
    identity_id: UUID | None
    external_uid: str | None
    attribute_name: str | None
    expected_value: Any
    actual_value: Any
    attributes: dict[str, Any]
    explanation: str
    suggested_actions: list[Suggested]
    resolution_status: str
    resolved_action: str | None
    resolved_at: datetime | None
    resolved_by: UUID | None
    resolved_operation: UUID | None
    ignored_reason: str | None
    ignored_until: datetime | None
    created_at: datetime
    first_seen_at: datetime
    last_seen_at: datetime
    occurrences: int
    version: int


class DiscrepancyList(BaseModel):
    discrepancies: list[Discrepancy]
    total: int
    limit: int
    offset: int
    next_cursor: str | None = None


class Result(BaseModel):
    """What became of one repair; ``operation_id`` when it goes through the queue."""

    discrepancy_id: UUID
    action: str | None
    direction: str
    result: str
    success: bool
    error: str | None
    changes: dict[str, Any]
    operation_id: UUID | None
    dry_run: bool
    before_state: dict[str, Any] | None
    after_state: dict[str, Any] | None


class BulkResult(BaseModel):
    results: list[Result]
    total: int
    succeeded: int
    failed: int
    skipped: int
    approval_id: UUID | None


class Previews(BaseModel):
    previews: list[Result]


class Action(BaseModel):
    """One line of the record of remediation."""

    id: UUID
    connector_id: UUID
    run_id: UUID | None
    discrepancy_id: UUID | None
    action_type: str
    direction: str
    result: str
    dry_run: bool
    operation_id: UUID | None
    performed_by: UUID
    performed_at: datetime
    details: dict[str, Any]


class ActionList(BaseModel):
    actions: list[Action]
    total: int
    limit: int
    offset: int


def discrepancy_of(found: Stored) -> Discrepancy:
    """A finding as the API shows it, without secrets."""
    finding = found.finding
    attributes = shown_differences(finding.attributes)
    name = next(iter(attributes), None)
    first = attributes[name] if name is not None else {}
    return Discrepancy(
        id=found.id,
        connector_id=found.connector_id,
        run_id=found.run_id,
        discrepancy_type=finding.type.value,
        account_id=finding.account_id,
        identity_id=finding.identity_id,
        external_uid=finding.external_uid,
        attribute_name=name,
        expected_value=first.get("expected"),
        actual_value=first.get("actual"),
        attributes=attributes,
        explanation=finding.explanation,
        suggested_actions=[
            Suggested(
                action=one.action.value, direction=one.direction.value, reason=one.reason, identity_id=one.identity_id
            )
            for one in finding.suggestions
        ],
        resolution_status=found.resolution.value,
        resolved_action=found.resolved_action,
        resolved_at=found.resolved_at,
        resolved_by=found.resolved_by,
        resolved_operation=found.resolved_operation,
        ignored_reason=found.ignored_reason,
        ignored_until=found.ignored_until,
        created_at=found.first_seen_at,
        first_seen_at=found.first_seen_at,
        last_seen_at=found.last_seen_at,
        occurrences=found.occurrences,
        version=found.version,
    )


def result_of(done: Repaired) -> Result:
    """The result of a repair, without secrets."""
    return Result(
        discrepancy_id=done.discrepancy_id,
        action=str(done.action) if done.action else None,
        direction=str(done.direction),
        result=done.result,
        success=done.success,
        error=done.error,
        changes=shown(done.changes),
        operation_id=done.operation_id,
        dry_run=done.dry_run,
        before_state=shown(done.before_state) if done.before_state is not None else None,
        after_state=shown(done.after_state) if done.after_state is not None else None,
    )


def bulk_of(done: Repairs) -> BulkResult:
    """The results of many repairs."""
    return BulkResult(
        results=[result_of(one) for one in done.results],
        total=len(done.results),
        succeeded=done.succeeded,
        failed=done.failed,
        skipped=done.skipped,
        approval_id=done.approval_id,
    )


def action_of(row: Record) -> Action:
    """A row of the record, its states without secrets."""
    details = {name: shown(value) if isinstance(value, dict) else value for name, value in row["details"].items()}
    fields = {name: row[name] for name in Action.model_fields if name != "details"}
    return Action.model_validate({**fields, "details": details})
