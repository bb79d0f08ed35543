"""Findings of one cause, and approvals to repair them, on the wire."""

from datetime import datetime
from typing import Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from worker.api.schemas.runs import CauseGroup
from worker.domain.discrepancy import RepairDirection
from worker.store.cause_repairs import CauseRepair


class CauseGroupList(BaseModel):
    """Groups of open mismatches, the largest first."""

    groups: list[CauseGroup]
    total: int


class ApproveCausesBody(BaseModel):
    """Groups by id; ``expect`` is how many findings one was shown."""

    model_config = ConfigDict(extra="forbid")

    groups: list[str] = Field(min_length=1, max_length=20)
    action: Literal["update", "unlink", "inactivate_identity"] = "update"
    direction: RepairDirection = RepairDirection.TO_TARGET
    run_id: UUID | None = None
    expect: int | None = Field(default=None, ge=0)


class Repair(BaseModel):
    """An approval and how far it was carried out; ``mixed`` were left alone, for something else differs there, too."""

    id: UUID
    connector_id: UUID
    run_id: UUID | None
    causes: list[str]
    action: str
    direction: str
    status: str
    total: int
    succeeded: int
    failed: int
    skipped: int
    mixed: int | None = None
    approval_id: UUID | None
    created_at: datetime
    created_by: UUID
    finished_at: datetime | None


class RepairList(BaseModel):
    repairs: list[Repair]
    limit: int
    next_cursor: str | None = None


def repair_of(found: CauseRepair, *, mixed: int | None = None) -> Repair:
    """An approval as the API shows it."""
    fields = {name: getattr(found, name) for name in Repair.model_fields if name != "mixed"}
    return Repair.model_validate({**fields, "causes": list(found.causes), "mixed": mixed})
