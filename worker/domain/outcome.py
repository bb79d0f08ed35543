"""What one try of an operation ends in: a value, matched exhaustively by whoever writes it down."""

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from uuid import UUID

from worker.domain.follow_up import WantedFollowUp
from worker.domain.operation import WaitReason


@dataclass(frozen=True, slots=True)
class Succeeded:
    """The target is as wanted. ``already_so`` when it was so before we came; ``skipped`` when a hook said not to.

    ``observed`` are the attributes the account now has as far as we know (None: leave our record as it is);
    ``identity_linked`` and ``match`` record the link that correlation made, with its explanation;
    ``account_gone`` says that the account no longer exists at the target; ``follow_ups`` are what hooks want to follow.
    """

    uid: str | None
    warnings: tuple[str, ...] = ()
    already_so: bool = False
    skipped: str | None = None
    observed: dict[str, Any] | None = None
    observed_active: bool | None = None
    match: dict[str, Any] | None = None
    account_gone: bool = False
    sent: dict[str, Any] | None = None
    tags: dict[str, Any] = field(default_factory=dict)
    follow_ups: tuple[WantedFollowUp, ...] = ()


@dataclass(frozen=True, slots=True)
class Retry:
    """Transient: try again after a back-off, or after what the target asked for; what was sent may have arrived."""

    error_code: str
    message: str
    retry_after: timedelta | None = None
    sent: dict[str, Any] | None = None
    tags: dict[str, Any] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class DeadLettered:
    """Permanent: a person must look."""

    error_code: str
    message: str
    sent: dict[str, Any] | None = None
    tags: dict[str, Any] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Parked:
    """Waits for something outside; no try is spent. ``look_after`` is what the target itself asked for."""

    reason: WaitReason
    message: str
    error_code: str | None = None
    case_id: UUID | None = None
    look_after: timedelta | None = None


@dataclass(frozen=True, slots=True)
class Released:
    """Put back (drain, lease or database gone); no try is spent and no attempt is written.

    ``was_started``: something may have reached the target, so the next try looks there first. ``is_unheard``: whether
    the claim was committed was never heard, and may not be decided yet.
    """

    was_started: bool = False
    is_unheard: bool = False


@dataclass(frozen=True, slots=True)
class Cancelled:
    """Cancelled while it ran: by a person, or because it gave way to another; ``message`` says why."""

    message: str


Outcome = Succeeded | Retry | DeadLettered | Parked | Released | Cancelled
