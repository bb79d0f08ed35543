"""Identities with both sides of their accounts."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from worker.console.views.operations import OperationRow
from worker.console.views.shared import AttributeChange, AuditRow, ConnectorBrief, Cursors
from worker.domain.account import AccountState


@dataclass(frozen=True, slots=True, kw_only=True)
class IdentityRow:
    """One person or service; ``display_name`` falls back to the user name, ``trouble`` counts accounts off course."""

    id: UUID
    external_id: str
    user_name: str
    display_name: str
    active: bool
    updated_at: datetime
    department: str | None = None
    accounts: int = 0
    trouble: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class IdentityPage:
    """``by_active`` counts identities by whether they are active, with the other filters applied."""

    rows: tuple[IdentityRow, ...]
    by_active: dict[bool, int]
    as_of: datetime
    cursors: Cursors = field(default_factory=Cursors)


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountView:
    """Both sides of one account. ``changes``: before is observed at the target, after is wanted; equal ones included.

    An account at a source has one side: what the source says.

    ``situation``: linked, unlinked, unmatched, disputed, collision, deleted.
    """

    id: UUID
    connector: ConnectorBrief
    object_class: str
    state: AccountState
    situation: str
    uid: str | None = None
    wanted_active: bool | None = None
    observed_active: bool | None = None
    changes: tuple[AttributeChange, ...] = ()
    observed_at: datetime | None = None
    gone_since: datetime | None = None
    last_change_at: datetime | None = None
    last_change_by: str | None = None
    last_change_run_id: UUID | None = None
    last_change_operation_id: UUID | None = None
    live_operation: OperationRow | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceWord:
    """What a source says of an attribute that several may say, by the name people know it by."""

    source: str
    value: Any
    is_believed: bool
    seen_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class IdentityDetail:
    """One identity with its accounts; ``sources`` names the authoritative source of each attribute.

    ``words`` are what all say of those attributes that come back from targets.
    """

    row: IdentityRow
    attributes: dict[str, Any]
    sources: dict[str, str]
    accounts: tuple[AccountView, ...]
    operations: tuple[OperationRow, ...]
    created_at: datetime
    version: int
    is_emergency_disabled: bool = False
    audit: tuple[AuditRow, ...] = ()
    words: dict[str, tuple[SourceWord, ...]] = field(default_factory=dict)
