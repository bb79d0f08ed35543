"""A run: one pass over a connector (reconciliation, import, sync), owned by one process at a time.

pending ──► running ──► completed | failed | cancelled
               │  ▲
               ▼  │ resume, or by itself after a shutdown and when its target may be back
             paused ──► cancelled
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Protocol
from uuid import UUID

#: Where the statistics of a run say that it looks at single objects only.
ONLY = "only"


class RunKind(StrEnum):
    RECONCILIATION = "reconciliation"
    IMPORT = "import"
    SYNC = "sync"


class RunMode(StrEnum):
    FULL = "full"
    DELTA = "delta"


class RunStatus(StrEnum):
    PENDING = "pending"
    RUNNING = "running"
    PAUSED = "paused"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def is_live(self) -> bool:
        """A live run keeps others of its connector from starting."""
        return self in {RunStatus.PENDING, RunStatus.RUNNING, RunStatus.PAUSED}


class RunTrigger(StrEnum):
    SCHEDULED = "scheduled"
    MANUAL = "manual"
    WEBHOOK = "webhook"
    RESUME = "resume"
    WATCH = "watch"


class PauseReason(StrEnum):
    PERSON = "person"
    SAFEGUARD = "safeguard"
    SHUTDOWN = "shutdown"
    TARGET = "target"


@dataclass(frozen=True, slots=True)
class Only:
    """What a run over single objects looks at: accounts by uid, and the accounts of people; at nothing else."""

    uids: tuple[str, ...] = ()
    identity_ids: tuple[UUID, ...] = ()

    @classmethod
    def of(cls, statistics: Mapping[str, Any]) -> "Only | None":
        """As kept with a run; None for a run over everything."""
        if ONLY not in statistics:
            return None
        kept = statistics[ONLY]
        return cls(tuple(kept.get("uids", ())), tuple(UUID(each) for each in kept.get("identities", ())))

    def kept(self) -> dict[str, Any]:
        """As a run's statistics keep it."""
        return {ONLY: {"uids": list(self.uids), "identities": [str(each) for each in self.identity_ids]}}


@dataclass(frozen=True, slots=True)
class RangeClaim:
    """The right to list one range of a run, the ``number``-th: a fence of its own."""

    number: int
    owner: UUID
    epoch: int


@dataclass(frozen=True, slots=True)
class Run:
    """One run as stored. ``owner`` and ``epoch`` are the fence of whoever works on it.

    ``phase`` is where it goes on (a reconciliation: listing, correlate, conclude, remediate, finish); ``statistics``
    holds what else must survive a restart. ``part``: for whoever works on one range of it, with that fence alone.
    """

    tenant_id: UUID
    id: UUID
    connector_id: UUID
    kind: RunKind
    mode: RunMode
    status: RunStatus
    trigger: RunTrigger
    correlation_id: UUID
    dry_run: bool = False
    listing_complete: bool | None = None
    pause_reason: str | None = None
    pause_requested: bool = False
    cancel_requested: bool = False
    approval_id: UUID | None = None
    error_message: str | None = None
    phase: str = "listing"
    accounts_total: int | None = None
    accounts_processed: int = 0
    discrepancies_found: int = 0
    discrepancies_by_type: dict[str, int] = field(default_factory=dict)
    items_total: int = 0
    items_success: int = 0
    items_error: int = 0
    statistics: dict[str, Any] = field(default_factory=dict)
    owner: UUID | None = None
    epoch: int = 0
    created_by: UUID | None = None
    schedule_id: UUID | None = None
    fire_at: datetime | None = None
    created_at: datetime | None = None
    started_at: datetime | None = None
    completed_at: datetime | None = None
    part: RangeClaim | None = None

    @property
    def goes_on(self) -> bool:
        """Whether some process has it, or is to take it up without a word from people."""
        waits = self.status is RunStatus.PAUSED and self.pause_reason in {
            PauseReason.SHUTDOWN,
            PauseReason.TARGET,
        }
        return waits or self.status in {RunStatus.PENDING, RunStatus.RUNNING}

    @property
    def only(self) -> Only | None:
        """The single objects that it looks at; None for a run over everything."""
        return Only.of(self.statistics)


class RunProcessor(Protocol):
    """Takes a claimed run to its end, or to where somebody must decide; a second call with the same claim is calm."""

    async def process(self, run: Run) -> None: ...
