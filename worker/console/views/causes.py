"""Differences that have one cause, and approvals to repair them."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from worker.console.views.shared import ConnectorBrief


@dataclass(frozen=True, slots=True, kw_only=True)
class CauseRow:
    """``count`` open findings with this cause; at ``alone`` of them nothing else differs.

    ``expected`` and ``actual`` are the values of one of them, the account ``uid``. ``is_estimated``: about so many.
    """

    id: str
    attribute: str
    words: str
    count: int
    alone: int
    uid: str | None = None
    expected: Any = None
    actual: Any = None
    is_estimated: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class CauseRepairRow:
    """An approval and how far it was carried out; ``status`` is running, completed or cancelled."""

    id: UUID
    words: tuple[str, ...]
    takes_over: bool
    status: str
    total: int
    succeeded: int
    failed: int
    skipped: int
    is_held: bool
    created_at: datetime

    @property
    def done(self) -> int:
        return self.succeeded + self.failed + self.skipped


@dataclass(frozen=True, slots=True, kw_only=True)
class CausesView:
    """The page of causes of one connector."""

    connector: ConnectorBrief
    rows: tuple[CauseRow, ...]
    repairs: tuple[CauseRepairRow, ...]
    as_of: datetime
    run_id: UUID | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ChosenCauses:
    """What would be repaired: ``total`` accounts; ``mixed`` stay, for something else differs there, too."""

    connector: ConnectorBrief
    rows: tuple[CauseRow, ...]
    total: int
    mixed: int
