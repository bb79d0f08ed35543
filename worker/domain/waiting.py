"""What an operation waits for, decided from what is known of it, its lane, its questions and its target. Pure."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID


class Blocker(StrEnum):
    OPERATION = "operation"  # the head of its lane
    CASE = "case"
    APPROVAL = "approval"
    CONFLICT = "conflict"
    TARGET = "target"  # closed, or away for a moment
    TIME = "time"  # its next try
    WORKER = "worker"  # a free one


@dataclass(frozen=True, slots=True)
class WaitsFor:
    """``id`` of the operation, case, approval, conflict or connector; ``ahead``: how many of the account go first.

    ``reason`` is the reason of a closed target or what the row says; ``until`` when it looks again by itself.
    """

    blocker: Blocker
    id: UUID | None = None
    ahead: int = 0
    reason: str | None = None
    until: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Standstill:
    """What is known of a live operation: its row, the head of its lane, its questions, why its target is closed."""

    status: str
    head: bool
    connector_id: UUID
    wait_reason: str | None = None
    next_retry_at: datetime | None = None
    head_id: UUID | None = None
    ahead: int = 0
    case_id: UUID | None = None
    approval_id: UUID | None = None
    conflict_id: UUID | None = None
    closed: str | None = None
    closed_until: datetime | None = None


def waits_for(known: Standstill) -> WaitsFor | None:
    """The first thing in its way; None when it runs."""
    questions = {
        "case": (Blocker.CASE, known.case_id),
        "approval": (Blocker.APPROVAL, known.approval_id),
        "conflict": (Blocker.CONFLICT, known.conflict_id),
    }
    if known.status == "in_progress":
        return None
    if known.status == "awaiting_system" and known.wait_reason in questions:
        blocker, asked = questions[known.wait_reason]
        return WaitsFor(blocker, asked, ahead=known.ahead, reason=known.wait_reason)
    if not known.head:
        return WaitsFor(Blocker.OPERATION, known.head_id, ahead=known.ahead)
    if known.closed is not None:
        return WaitsFor(Blocker.TARGET, known.connector_id, reason=known.closed, until=known.closed_until)
    if known.status == "awaiting_system":
        return WaitsFor(Blocker.TARGET, known.connector_id, reason=known.wait_reason, until=known.next_retry_at)
    if known.status == "failed":
        return WaitsFor(Blocker.TIME, until=known.next_retry_at)
    return WaitsFor(Blocker.WORKER)
