"""What the URL of a list says: filters and which slice of the list."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from worker.domain.conflict import ConflictStatus
from worker.domain.operation import OperationStatus, OperationType


@dataclass(frozen=True, slots=True, kw_only=True)
class Slice:
    """Which part of a newest-first list: what comes after the cursor ``older``, or what came before ``newer``."""

    older: str | None = None
    newer: str | None = None
    limit: int = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class OperationFilter(Slice):
    """Operations; ``q`` is a whole id, or a prefix of target uid or user name. None: any."""

    status: OperationStatus | None = None
    connector_id: UUID | None = None
    operation_type: OperationType | None = None
    error_code: str | None = None
    user_id: UUID | None = None
    run_id: UUID | None = None
    q: str | None = None
    from_date: datetime | None = None
    to_date: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DiscrepancyFilter(Slice):
    """Discrepancies of one connector; ``resolution_status``: pending, resolved, ignored; ``q``: prefix of uid, name."""

    discrepancy_type: str | None = None
    resolution_status: str | None = "pending"
    attribute_name: str | None = None
    run_id: UUID | None = None
    q: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseFilter(Slice):
    """Correlation cases; ``status`` is open or decided."""

    status: str | None = "open"
    connector_id: UUID | None = None
    q: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ConflictFilter(Slice):
    """Conflicts; None: any."""

    status: ConflictStatus | None = ConflictStatus.PENDING
    connector_id: UUID | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class IdentityFilter(Slice):
    """Identities by user name; ``q`` is a prefix of user name, external id, or a whole id."""

    q: str | None = None
    active: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditFilter(Slice):
    """Audit entries, newest first; ``action`` is a prefix such as ``operation.``; ``actor`` a principal's name."""

    actor: str | None = None
    action: str | None = None
    object_type: str | None = None
    object_id: str | None = None
