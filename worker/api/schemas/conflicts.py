"""Bodies of conflicts: of operations that disagree, and of one that disagrees with its target."""

from datetime import datetime
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from worker.domain.conflict import ConflictOutcome
from worker.store.sql import Record


class Conflict(BaseModel):
    """``operation_id_a`` is the older one; ``operation_id_b`` is null where the target is the other side."""

    id: UUID
    tenant_id: UUID
    connector_id: UUID
    connector_name: str | None
    account_id: UUID
    operation_id_a: UUID
    operation_id_b: UUID | None
    conflict_type: str
    affected_attributes: list[str]
    status: str
    outcome: str | None
    strategy: str
    notes: str | None
    created_at: datetime
    resolved_at: datetime | None
    resolved_by: UUID | None


class ConflictList(BaseModel):
    conflicts: list[Conflict]
    total: int
    #: how many of those asked for wait for a person, whatever status is listed
    pending_count: int
    limit: int
    offset: int


class ResolveConflictBody(BaseModel):
    model_config = ConfigDict(extra="forbid")

    outcome: ConflictOutcome
    notes: str | None = Field(default=None, max_length=4000)


def conflict_of(row: Record) -> Conflict:
    """A row of the listing."""
    return Conflict.model_validate({name: row[name] for name in Conflict.model_fields})
