"""Pieces that several pages show."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from worker.domain.connector import BreakerState, ConnectorStatus


@dataclass(frozen=True, slots=True)
class Cursors:
    """Cursors to the neighbouring slices; None where there is no more."""

    older: str | None = None
    newer: str | None = None


@dataclass(frozen=True, slots=True)
class Badges:
    """The numbers in the navigation: things that wait for a person."""

    dead_letters: int = 0
    cases: int = 0
    approvals: int = 0
    conflicts: int = 0


@dataclass(frozen=True, slots=True)
class AttributeChange:
    """One attribute on both sides; a side without it is None, ``is_secret`` hides both values."""

    name: str
    before: Any = None
    after: Any = None
    is_secret: bool = False


@dataclass(frozen=True, slots=True)
class HourCount:
    """What ended in one hour (UTC, start of the hour): completed, and dead letters plus failed tries."""

    hour: datetime
    completed: int = 0
    failed: int = 0


@dataclass(frozen=True, slots=True)
class ConnectorBrief:
    """A connector as far as other pages mention it; one that is no target is a source of identities."""

    id: UUID
    name: str
    type: str
    status: ConnectorStatus = ConnectorStatus.ACTIVE
    breaker: BreakerState = BreakerState.CLOSED
    breaker_since: datetime | None = None
    last_error: str | None = None
    last_success_at: datetime | None = None
    is_target: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditRow:
    """One entry of the chain; ``actor_kind``: user, token, schedule, policy, system. ``details`` hold no secrets."""

    n: int
    at: datetime
    actor: str
    actor_kind: str
    action: str
    object_type: str
    object_id: str
    details: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditPage:
    """``verified_up_to``: the chain was checked and holds up to this entry (None: never checked)."""

    rows: tuple[AuditRow, ...]
    as_of: datetime
    cursors: Cursors = field(default_factory=Cursors)
    verified_up_to: int | None = None
    verified_at: datetime | None = None
