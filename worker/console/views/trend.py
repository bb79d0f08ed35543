"""How findings came and went, and the runs that found them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from uuid import UUID

from worker.console.views.reconciliation import RunRow
from worker.console.views.shared import ConnectorBrief


@dataclass(frozen=True, slots=True, kw_only=True)
class TrendDay:
    """One day in UTC: findings that were new or came back, and those open at its end, by kind.

    ``missed`` are those of full runs that no delta could have made.
    """

    date: date
    detected: Mapping[str, int] = field(default_factory=dict)
    open: Mapping[str, int] = field(default_factory=dict)
    missed: int = 0

    @property
    def detected_total(self) -> int:
        return sum(self.detected.values())

    @property
    def open_total(self) -> int:
        return sum(self.open.values())


@dataclass(frozen=True, slots=True, kw_only=True)
class TrendView:
    """Every day of a time, of one connector or of all; live runs and the latest ones."""

    days: tuple[TrendDay, ...]
    live: tuple[RunRow, ...]
    latest: tuple[RunRow, ...]
    connectors: tuple[ConnectorBrief, ...]
    as_of: datetime
    connector_id: UUID | None = None
