"""Connector cards and the home page."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from worker.console.views.operations import OperationRow
from worker.console.views.reconciliation import HoldView, RunRow
from worker.console.views.shared import Badges, ConnectorBrief, HourCount
from worker.domain.connector import DeprovisionPolicy, Limits
from worker.domain.mapping import MappingRule


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectorCard:
    """One connector's health. Counts are live operations by shown status; ``completed_24h`` is history."""

    brief: ConnectorBrief
    is_target: bool = True
    is_source: bool = False
    has_baseline: bool = True
    counts: dict[str, int] = field(default_factory=dict)
    completed_24h: int = 0
    oldest_waiting_at: datetime | None = None
    accounts: int = 0
    open_discrepancies: int = 0
    last_run: RunRow | None = None
    next_run_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class HomeView:
    """One look: what needs a person, what is sick, how much flows, what runs."""

    badges: Badges
    connectors: tuple[ConnectorCard, ...]
    counts: dict[str, int]  # live operations by shown status
    hours: tuple[HourCount, ...]  # the last 24, oldest first, zero-filled
    completed_24h: int
    failed_24h: int
    runs: tuple[RunRow, ...]  # live ones first, then the latest, at most 6
    holds: tuple[HoldView, ...]  # pending ones, at most 3
    dead_letter_causes: tuple[tuple[str, str, int], ...]  # (error_code, connector name, count), commonest first, <= 5
    open_discrepancies: int
    identities: int
    accounts: int
    as_of: datetime
    oldest_pending_at: datetime | None = None
    last_dead_letter_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectorDetail:
    """Settings and health of one connector; ``config`` without any secret, ``credential_names`` names only."""

    card: ConnectorCard
    config: dict[str, Any]
    credential_names: tuple[str, ...] = ()
    object_class: str = "user"
    scope: str | None = None
    deprovision: DeprovisionPolicy = DeprovisionPolicy.DISABLE
    protected_filter: str | None = None
    limits: Limits = field(default_factory=Limits)
    policy: dict[str, str] = field(default_factory=dict)
    mapping_version: int | None = None
    mapping: tuple[MappingRule, ...] = ()
    open_by_type: dict[str, int] = field(default_factory=dict)
    recent: tuple[OperationRow, ...] = ()
    version: int = 1
