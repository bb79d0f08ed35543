"""An operation: one wanted change to one account, and the states it may pass through."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, NamedTuple
from uuid import UUID

from worker.domain.ids import uuid7


class OperationType(StrEnum):
    CREATE = "create"
    UPDATE = "update"
    DELETE = "delete"


class OperationStatus(StrEnum):
    PENDING = "pending"
    IN_PROGRESS = "in_progress"
    COMPLETED = "completed"
    FAILED = "failed"
    DEAD_LETTER = "dead_letter"
    AWAITING_SYSTEM = "awaiting_system"
    RESOLVED = "resolved"
    CANCELLED = "cancelled"

    @property
    def is_terminal(self) -> bool:
        """A terminal operation never runs again; a dead letter is not terminal, a person may retry it."""
        return self in {OperationStatus.COMPLETED, OperationStatus.RESOLVED, OperationStatus.CANCELLED}


class WaitReason(StrEnum):
    TARGET_DOWN = "target_down"
    MAINTENANCE = "maintenance"
    BREAKER = "breaker"
    BASELINE = "baseline"
    CASE = "case"
    CONFLICT = "conflict"
    APPROVAL = "approval"


class Origin(StrEnum):
    EVENT = "event"
    SOURCE = "source"
    RECON = "recon"
    MAPPING = "mapping"
    API = "api"
    CONSOLE = "console"
    EMERGENCY = "emergency"

    @property
    def is_coalesced(self) -> bool:
        """Planned operations may be rewritten by a newer plan; what a person or the API asked for may not."""
        return self in {Origin.EVENT, Origin.SOURCE, Origin.RECON, Origin.MAPPING}


S = OperationStatus

#: Every allowed move. A state-changing SQL statement names its moves in a ``moves:`` line that a test checks.
MOVES: frozenset[tuple[OperationStatus, OperationStatus]] = frozenset(
    {
        (S.PENDING, S.IN_PROGRESS),  # claim
        (S.PENDING, S.AWAITING_SYSTEM),  # a person decides a conflict
        (S.FAILED, S.AWAITING_SYSTEM),  # the same
        (S.FAILED, S.IN_PROGRESS),  # claim of a due retry
        (S.IN_PROGRESS, S.COMPLETED),
        (S.IN_PROGRESS, S.FAILED),  # transient error, tries left
        (S.IN_PROGRESS, S.DEAD_LETTER),  # permanent error, tries used up, or crash loop
        (S.IN_PROGRESS, S.AWAITING_SYSTEM),  # no try is spent
        (S.IN_PROGRESS, S.PENDING),  # released unstarted, or rescued
        (S.IN_PROGRESS, S.CANCELLED),  # cancelled while running
        (S.AWAITING_SYSTEM, S.PENDING),  # the reason is gone
        (S.AWAITING_SYSTEM, S.CANCELLED),
        (S.PENDING, S.CANCELLED),
        (S.FAILED, S.CANCELLED),
        (S.FAILED, S.PENDING),  # retry now
        (S.DEAD_LETTER, S.PENDING),  # retry
        (S.DEAD_LETTER, S.RESOLVED),
    }
)

EMERGENCY_PRIORITY = 100
#: Stands for a time that nobody has asked for.
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MAX_CRASHED_LEASES = 3


def may_move(before: OperationStatus, after: OperationStatus) -> bool:
    """Whether an operation may pass from one state straight to the other."""
    return (before, after) in MOVES


class Operation(NamedTuple):
    """A claimed operation: what a try of it needs to know.

    ``payload`` is ``{"attributes": {target name: value | [values] | null}, "active"?: bool}``; null clears.
    ``epoch`` and ``owner`` are the fence: a finish that does not carry the present pair changes nothing.
    A tuple, for thousands a second are made of rows.
    """

    id: UUID
    tenant_id: UUID
    connector_id: UUID
    account_id: UUID
    operation_type: OperationType
    object_class: str
    payload: dict[str, Any]
    user_id: UUID | None = None
    target_uid: str | None = None
    priority: int = 0
    retry_count: int = 0
    max_retries: int = 10
    attempt_number: int = 0
    crashed_leases: int = 0
    epoch: int = 0
    owner: UUID | None = None
    origin: Origin = Origin.API
    identity_version: int | None = None
    run_id: UUID | None = None
    correlation_id: UUID | None = None
    expected_hash: int | None = None
    parks: int = 0
    created_by: UUID | None = None
    created_at: datetime | None = None
    #: since when it has been at the head of its lane and could be claimed
    ready_at: datetime = EPOCH
    #: its place in the lane of its account
    seq: int = 0
    #: the claim that brought it, as noted for whoever has to put it back when its owner is gone
    claim_id: UUID | None = None

    @property
    def attributes(self) -> dict[str, Any]:
        """The wanted target attributes of the payload."""
        found = self.payload.get("attributes")
        return found if isinstance(found, dict) else {}

    @property
    def active(self) -> bool | None:
        """The wanted active state, or None when the payload leaves it alone."""
        found = self.payload.get("active")
        return found if isinstance(found, bool) else None

    @property
    def is_last_try(self) -> bool:
        """Whether a transient failure of the present try uses up the tries (``max_retries`` counts after the first)."""
        return self.retry_count >= self.max_retries


@dataclass(frozen=True, slots=True)
class NewOperation:
    """An operation to be accepted; its account row exists, unless it ``opens`` one.

    ``opens`` is for the creation of an account that nobody knows yet: what is wanted of it. The row, which is then that
    of ``user_id``, is made when the operation is accepted. ``wait_reason`` (with ``approval_id``) makes an operation
    wait from the start. ``expected_hash`` is the content hash of the account that a repair was decided on; execution
    drops the repair when the account has moved since.
    """

    connector_id: UUID
    account_id: UUID
    operation_type: OperationType
    object_class: str
    payload: dict[str, Any]
    origin: Origin
    id: UUID = field(default_factory=uuid7)
    user_id: UUID | None = None
    target_uid: str | None = None
    priority: int = 0
    max_retries: int = 10
    identity_version: int | None = None
    mapping_version: int | None = None
    run_id: UUID | None = None
    correlation_id: UUID | None = None
    discrepancy_id: UUID | None = None
    expected_hash: int | None = None
    wait_reason: WaitReason | None = None
    approval_id: UUID | None = None
    redrive_of: UUID | None = None
    idempotency_key: str | None = None
    created_by: UUID | None = None
    opens: dict[str, Any] | None = None

    @property
    def is_removal(self) -> bool:
        """What the safeguard counts: a delete, or an update that makes the account inactive."""
        return self.operation_type is OperationType.DELETE or self.payload.get("active") is False
