"""Conflicts: operations of one account that disagree, or one that disagrees with its target."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from worker.console.views.shared import Cursors
from worker.domain.conflict import ConflictOutcome, ConflictStatus, ConflictStrategy, ConflictType
from worker.domain.operation import OperationStatus, OperationType, Origin


@dataclass(frozen=True, slots=True, kw_only=True)
class ConflictRow:
    """One conflict; ``newer_id`` None: the target is the other side."""

    id: UUID
    connector_id: UUID
    connector_name: str
    subject: str
    conflict_type: ConflictType
    affected: tuple[str, ...]
    status: ConflictStatus
    strategy: ConflictStrategy
    older_id: UUID
    newer_id: UUID | None
    found_at: datetime
    outcome: ConflictOutcome | None = None
    identity_id: UUID | None = None
    resolved_at: datetime | None = None
    resolved_by: str | None = None
    notes: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ConflictSide:
    """One of the operations as it is now, and what it says about what is in dispute."""

    id: UUID
    status: OperationStatus
    operation_type: OperationType
    origin: Origin
    accepted_at: datetime
    values: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class ConflictPage:
    """``by_status`` counts pending and resolved with the other filters applied."""

    rows: tuple[ConflictRow, ...]
    by_status: dict[ConflictStatus, int]
    as_of: datetime
    cursors: Cursors = field(default_factory=Cursors)


@dataclass(frozen=True, slots=True, kw_only=True)
class ConflictDetail:
    """A conflict with both sides; ``at_target`` is what the account has there as far as we know."""

    row: ConflictRow
    older: ConflictSide | None
    newer: ConflictSide | None
    at_target: dict[str, Any] = field(default_factory=dict)
