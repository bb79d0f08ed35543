"""What the safeguard holds, on the wire."""

from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from worker.planning import Decided as Made
from worker.store.sql import Record


class ApproveBody(BaseModel):
    """An approval; ``version`` is that of what the person was shown, so that nothing unseen is approved."""

    model_config = ConfigDict(extra="forbid")

    version: int = Field(ge=1)
    notes: str | None = Field(default=None, max_length=4000)


class RejectApprovalBody(BaseModel):
    """A rejection, of whatever is held."""

    model_config = ConfigDict(extra="forbid")

    notes: str | None = Field(default=None, max_length=4000)


class Held(BaseModel):
    what: str
    who: str | None = None
    uid: str | None = None


class Approval(BaseModel):
    """One hold; ``used`` removals of the last 24 hours count against ``threshold``.

    ``held`` is what waits now, or what was decided about; ``version`` rises when more is held.
    """

    id: UUID
    connector_id: UUID
    connector_name: str | None
    run_id: UUID | None
    kind: str
    status: str
    held: int
    version: int
    threshold: int | None
    used: int
    accounts: int
    sample: list[Held]
    reason: str
    created_at: datetime
    asked_at: datetime
    decided_at: datetime | None
    decided_by: UUID | None
    notes: str | None


class ApprovalList(BaseModel):
    approvals: list[Approval]
    total: int
    limit: int
    offset: int


class Decided(BaseModel):
    """What a decision set in motion."""

    approval_id: UUID
    connector_id: UUID
    run_id: UUID | None
    released: int
    cancelled: int


def approval_of(row: Record) -> Approval:
    """A listed approval."""
    fields: dict[str, Any] = {name: row[name] for name in Approval.model_fields}
    return Approval.model_validate(fields)


def decided_of(made: Made) -> Decided:
    """The outcome of a decision."""
    return Decided(
        approval_id=made.approval_id,
        connector_id=made.connector_id,
        run_id=made.run_id,
        released=made.released,
        cancelled=made.cancelled,
    )
