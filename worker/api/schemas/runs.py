"""Runs and their reports on the wire."""

from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from worker.domain.run import Only, RunMode, RunStatus
from worker.domain.run import Run as StoredRun
from worker.store.listings_runs import duration
from worker.store.run_history import Ranges


class OnlyBody(BaseModel):
    """Single accounts by the target's id of each, and people whose accounts are meant; 100 together."""

    model_config = ConfigDict(extra="forbid")

    uids: list[str] = Field(default_factory=list, examples=[["u1042"]])
    identity_ids: list[UUID] = Field(default_factory=list)


class RunBody(BaseModel):
    """A run to start: full unless ``mode`` says else; with ``only`` over these accounts, and over nothing else."""

    model_config = ConfigDict(extra="forbid")

    mode: RunMode | None = None
    dry_run: bool = False
    only: OnlyBody | None = None


class DecisionBody(BaseModel):
    """What a person decides about what a run holds. Who approves names the ``version`` that they were shown."""

    model_config = ConfigDict(extra="forbid")

    decision: Literal["approve", "reject"] = "approve"
    version: int | None = Field(default=None, ge=1)
    notes: str | None = None


class ListingRanges(BaseModel):
    """How many ranges a listing is divided into, how many are listed, and on how many somebody works."""

    total: int
    done: int
    at_work: int


class Run(BaseModel):
    """One run; ``progress`` in percent, null while the number of accounts is unknown. ``only``: what it looks at, when
    that is not everything. ``ranges``: how far they are, of a run that is asked for alone, while its listing has some.
    """

    id: UUID
    connector_id: UUID
    kind: str
    mode: str
    only: OnlyBody | None = None
    dry_run: bool
    status: str
    listing_complete: bool | None
    trigger: str
    correlation_id: UUID
    created_at: datetime | None
    started_at: datetime | None
    completed_at: datetime | None
    accounts_total: int | None
    accounts_processed: int
    discrepancies_found: int
    discrepancies_by_type: dict[str, int]
    items_total: int
    items_success: int
    items_error: int
    duration_seconds: float | None
    created_by: UUID | None
    pause_reason: str | None
    approval_id: UUID | None
    error_message: str | None
    phase: str
    progress: float | None
    ranges: ListingRanges | None = None


class RunList(BaseModel):
    runs: list[Run]
    total: int
    limit: int
    offset: int
    next_cursor: str | None = None


class DiscrepancySummary(BaseModel):
    total: int
    by_type: dict[str, int]
    by_resolution: dict[str, int]


class ActionSummary(BaseModel):
    total: int
    by_action: dict[str, int]
    by_result: dict[str, int]


class AttributeCount(BaseModel):
    attribute_name: str
    count: int


class PerformanceMetrics(BaseModel):
    total_duration_ms: int
    accounts_per_second: float | None
    api_calls_made: int


class CauseSample(BaseModel):
    """One account of a group, with both values."""

    discrepancy_id: UUID
    external_uid: str | None
    expected: Any
    actual: Any


class CauseGroup(BaseModel):
    """Findings that one cause explains: ``count`` of them, ``alone`` where nothing else differs, ``open`` ones.

    ``is_estimated``: there are very many, and these are the numbers of a sample, scaled.
    """

    id: str
    attribute_name: str
    cause: str
    kind: str
    detail: str | None
    count: int
    alone: int
    open: int
    is_estimated: bool = False
    sample: CauseSample | None


class MissedFinding(BaseModel):
    uid: str
    type: str


class Missed(BaseModel):
    """Findings of a full run in accounts of whose change the target did not tell; ``error``: nobody could compare."""

    count: int | None = None
    by_type: dict[str, int] = Field(default_factory=dict)
    sample: list[MissedFinding] = Field(default_factory=list)
    error: str | None = None


class Report(BaseModel):
    """What a run found and did."""

    run_id: UUID
    discrepancy_summary: DiscrepancySummary
    action_summary: ActionSummary
    top_mismatched_attributes: list[AttributeCount]
    performance_metrics: PerformanceMetrics
    one_cause_groups: list[CauseGroup]
    missed_by_deltas: Missed | None = None
    notes: list[str]


def run_of(run: StoredRun, *, ranges: Ranges | None = None) -> Run:
    """A stored run as the API shows it."""
    return Run(
        id=run.id,
        connector_id=run.connector_id,
        kind=run.kind.value,
        mode=run.mode.value,
        only=_only(run.only),
        dry_run=run.dry_run,
        status=run.status.value,
        listing_complete=run.listing_complete,
        trigger=run.trigger.value,
        correlation_id=run.correlation_id,
        created_at=run.created_at,
        started_at=run.started_at,
        completed_at=run.completed_at,
        accounts_total=run.accounts_total,
        accounts_processed=run.accounts_processed,
        discrepancies_found=run.discrepancies_found,
        discrepancies_by_type=run.discrepancies_by_type,
        items_total=run.items_total,
        items_success=run.items_success,
        items_error=run.items_error,
        duration_seconds=duration(run),
        created_by=run.created_by,
        pause_reason=run.pause_reason,
        approval_id=run.approval_id,
        error_message=run.error_message,
        phase=run.phase,
        progress=_progress(run),
        ranges=ListingRanges(total=ranges.total, done=ranges.done, at_work=ranges.at_work) if ranges else None,
    )


def only_of(body: OnlyBody | None) -> Only | None:
    """What a run is to look at, as it was asked for."""
    return Only(tuple(body.uids), tuple(body.identity_ids)) if body else None


def _only(only: Only | None) -> OnlyBody | None:
    return OnlyBody(uids=list(only.uids), identity_ids=list(only.identity_ids)) if only else None


def _progress(run: StoredRun) -> float | None:
    if run.status is RunStatus.COMPLETED:
        return 100.0
    if not run.accounts_total:
        return None
    return min(100.0, round(100.0 * run.accounts_processed / run.accounts_total, 1))
