"""Runs, discrepancies and what the safeguard holds."""

from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from worker.console.views.causes import CauseRow
from worker.console.views.shared import AttributeChange, ConnectorBrief, Cursors
from worker.domain.operation import OperationStatus


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRow:
    """One run; ``only`` is how many single accounts and people it looks at, None for a run over everything.

    ``status``: pending, running, paused, completed, failed, cancelled. ``pause_reason``: person, safeguard, shutdown,
    target (away).
    """

    id: UUID
    connector_id: UUID
    connector_name: str
    kind: str
    mode: str
    status: str
    created_at: datetime
    dry_run: bool = False
    only: int | None = None
    trigger: str = "manual"
    started_at: datetime | None = None
    completed_at: datetime | None = None
    updated_at: datetime | None = None
    listing_complete: bool | None = None
    accounts_total: int | None = None
    accounts_processed: int = 0
    discrepancies_found: int = 0
    items_total: int = 0
    items_success: int = 0
    items_error: int = 0
    created_by: str | None = None
    pause_reason: str | None = None
    error_message: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReconciliationView:
    """The runs of one connector; ``live`` is the one that is pending, running or paused."""

    connector: ConnectorBrief
    runs: tuple[RunRow, ...]
    live: RunRow | None = None
    open_by_type: dict[str, int] = field(default_factory=dict)
    schedule: str | None = None  # in words, e.g. "daily at 02:00 Europe/Berlin"
    next_run_at: datetime | None = None
    can_delta: bool = False
    has_baseline: bool = True
    cursors: Cursors = field(default_factory=Cursors)
    as_of: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RunDetail:
    """One run with its report.

    ``pages`` were listed so far, ``expected`` accounts are to come in all, as the target says or as we know them;
    ``accounts_per_second`` of a run under way are those of the last minute, ``seconds_left`` until all are listed at
    this pace; None: not known. ``ranges``, where its listing has some: how many, listed, and at work. ``notes`` are
    what a person should know beside findings.
    """

    row: RunRow
    connector: ConnectorBrief
    correlation_id: UUID | None = None
    by_type: dict[str, int] = field(default_factory=dict)
    by_resolution: dict[str, int] = field(default_factory=dict)
    by_action: dict[str, int] = field(default_factory=dict)
    by_result: dict[str, int] = field(default_factory=dict)
    top_attributes: tuple[tuple[str, int], ...] = ()
    causes: tuple[CauseRow, ...] = ()  # the largest groups of differences with one cause
    errors: tuple[tuple[str, int], ...] = ()  # message, how often
    duration_seconds: float | None = None
    accounts_per_second: float | None = None
    api_calls_made: int | None = None
    pages: int = 0
    expected: int | None = None
    seconds_left: float | None = None
    ranges: tuple[int, int, int] | None = None
    notes: tuple[str, ...] = ()
    hold: "HoldView | None" = None
    sample: tuple["DiscrepancyRow", ...] = ()  # the first findings, at most 10
    as_of: datetime | None = None


@dataclass(frozen=True, slots=True)
class Suggestion:
    """One way to settle a discrepancy; ``direction`` is xavyo_to_target or target_to_xavyo."""

    action: str
    direction: str
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class DiscrepancyRow:
    """One finding. In ``attributes`` before is what the target has (actual), after what it should have (expected)."""

    id: UUID
    discrepancy_type: str
    first_seen_at: datetime
    last_seen_at: datetime
    identity_id: UUID | None = None
    identity_name: str | None = None
    external_uid: str | None = None
    account_name: str | None = None
    attributes: tuple[AttributeChange, ...] = ()
    suggestions: tuple[Suggestion, ...] = ()  # best first
    candidates: tuple[tuple[UUID, str], ...] = ()  # identities that claim it, for collision and unlinked
    resolution_status: str = "pending"
    resolved_action: str | None = None
    resolved_at: datetime | None = None
    resolved_by: str | None = None
    ignored_reason: str | None = None
    ignored_until: datetime | None = None
    occurrences: int = 1
    operation_id: UUID | None = None  # the repair under way or done
    operation_status: OperationStatus | str | None = None
    case_id: UUID | None = None  # what asks a person about it


@dataclass(frozen=True, slots=True, kw_only=True)
class DiscrepancyPage:
    """``by_type`` counts with every filter but the type, ``by_status`` with every filter but the status."""

    connector: ConnectorBrief
    rows: tuple[DiscrepancyRow, ...]
    by_type: dict[str, int]
    by_status: dict[str, int]
    total: int
    as_of: datetime
    cursors: Cursors = field(default_factory=Cursors)
    last_run: RunRow | None = None


@dataclass(frozen=True, slots=True)
class HeldChange:
    """One change that the safeguard holds: ``what`` is delete, disable, unlink or remove."""

    subject: str
    what: str
    identity_id: UUID | None = None
    operation_id: UUID | None = None
    detail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class HoldView:
    """What the safeguard holds. ``status``: pending, approved, rejected, expired.

    ``kind``: removals (of accounts), source (an import that misses people) or target (a listing that misses accounts).
    ``removals`` wait now, or were decided about, ``used`` were already accepted in the window, ``allowed`` is the limit
    over ``accounts`` accounts of the connector. ``reason`` says what was seen, in words. ``version`` goes back with an
    approval. ``is_import``: the run is one.
    """

    id: UUID
    connector_id: UUID
    connector_name: str
    kind: str
    status: str
    reason: str
    requested_at: datetime
    removals: int
    allowed: int
    accounts: int
    used: int = 0
    version: int = 1
    run_id: UUID | None = None
    is_import: bool = False
    requested_by: str | None = None
    requested_by_id: UUID | None = None
    needs_second_person: bool = False
    expires_at: datetime | None = None
    sample: tuple[HeldChange, ...] = ()
    decided_by: str | None = None
    decided_at: datetime | None = None
    notes: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ApprovalPage:
    """Holds that wait, and the latest decided ones."""

    pending: tuple[HoldView, ...]
    decided: tuple[HoldView, ...]
    as_of: datetime
