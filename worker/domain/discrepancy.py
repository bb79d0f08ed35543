"""Discrepancies: what a reconciliation finds, and what can be done about it."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID


class DiscrepancyType(StrEnum):
    #: An identity should have an account and has none.
    MISSING = "missing"
    #: An account of nobody we know.
    ORPHAN = "orphan"
    #: A linked account whose attributes differ.
    MISMATCH = "mismatch"
    #: Several claim it.
    COLLISION = "collision"
    #: The owner is known, no link is recorded.
    UNLINKED = "unlinked"
    #: A link is recorded, the account is gone.
    DELETED = "deleted"


class Resolution(StrEnum):
    PENDING = "pending"
    RESOLVED = "resolved"
    IGNORED = "ignored"


class RepairAction(StrEnum):
    CREATE = "create"
    UPDATE = "update"
    DELETE = "delete"
    LINK = "link"
    UNLINK = "unlink"
    INACTIVATE_IDENTITY = "inactivate_identity"


class RepairDirection(StrEnum):
    """Which side is brought in line with the other: the account with its identity, or the identity with its account."""

    TO_TARGET = "xavyo_to_target"
    TO_IDENTITY = "target_to_xavyo"


@dataclass(frozen=True, slots=True)
class Suggestion:
    """One thing that would settle a finding, and why it is offered; ``match`` explains a link as correlation does."""

    action: RepairAction
    direction: RepairDirection
    reason: str
    identity_id: UUID | None = None
    match: dict[str, Any] | None = None

    def as_json(self) -> dict[str, Any]:
        """As stored: ``{"action", "direction", "reason", "identity_id"?, "match"?}``."""
        found: dict[str, Any] = {"action": str(self.action), "direction": str(self.direction), "reason": self.reason}
        if self.identity_id:
            found["identity_id"] = str(self.identity_id)
        return found | ({"match": self.match} if self.match else {})

    @classmethod
    def from_json(cls, raw: dict[str, Any]) -> "Suggestion":
        return cls(
            RepairAction(raw["action"]),
            RepairDirection(raw["direction"]),
            raw.get("reason", ""),
            UUID(raw["identity_id"]) if raw.get("identity_id") else None,
            raw.get("match"),
        )


@dataclass(frozen=True, slots=True)
class Finding:
    """What one look at an account or an identity found.

    ``key`` is the same for the same thing in every run. ``attributes`` is ``{name: {"expected", "actual"}}``,
    ``causes`` the keys of what makes one out of the other; ``state_hash`` the hash of the account it was made from.
    """

    type: DiscrepancyType
    key: str
    explanation: str
    suggestions: tuple[Suggestion, ...] = ()
    account_id: UUID | None = None
    identity_id: UUID | None = None
    external_uid: str | None = None
    attributes: dict[str, Any] = field(default_factory=dict)
    causes: tuple[str, ...] = ()
    state_hash: int | None = None


@dataclass(frozen=True, slots=True)
class Discrepancy:
    """A finding as stored, with what became of it. ``undone_at``: a person took its repair back, which no policy
    does again.
    """

    id: UUID
    connector_id: UUID
    run_id: UUID
    finding: Finding
    resolution: Resolution
    first_seen_at: datetime
    last_seen_at: datetime
    last_seen_run: UUID
    resolved_action: str | None = None
    resolved_at: datetime | None = None
    resolved_by: UUID | None = None
    resolved_operation: UUID | None = None
    ignored_reason: str | None = None
    ignored_until: datetime | None = None
    undone_at: datetime | None = None
    occurrences: int = 1
    version: int = 1

    @property
    def type(self) -> DiscrepancyType:
        return self.finding.type


def finding_key(kind: DiscrepancyType, subject: str | UUID) -> str:
    """The identity of a finding: its kind and the uid of its account, or for a missing one the identity's id."""
    return f"{kind}:{subject}"
