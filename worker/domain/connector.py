"""A connector: one configured instance of a connector type, as target, source or both."""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any
from uuid import UUID


class ConnectorStatus(StrEnum):
    ACTIVE = "active"
    INACTIVE = "inactive"
    ERROR = "error"
    MAINTENANCE = "maintenance"


_CLOSED = {ConnectorStatus.INACTIVE: "switched off", ConnectorStatus.MAINTENANCE: "in maintenance"}


class DeprovisionPolicy(StrEnum):
    DELETE = "delete"
    DISABLE = "disable"
    NONE = "none"


class BreakerState(StrEnum):
    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half_open"


@dataclass(frozen=True, slots=True)
class Limits:
    """What we ask of one target at most. ``rate`` is calls a second (None: no limit), ``deadline_s`` of one call.

    ``weight``: how much of a turn it gets beside the other targets of its tenant.
    """

    concurrency: int = 8
    rate: float | None = None
    deadline_s: float = 20.0
    page_size: int = 500
    weight: int = 1


@dataclass(frozen=True, slots=True)
class Connector:
    """A connector as stored; ``credentials`` are opened only to build a ConnectorContext."""

    tenant_id: UUID
    id: UUID
    name: str
    type: str
    config: dict[str, Any] = field(default_factory=dict)
    status: ConnectorStatus = ConnectorStatus.ACTIVE
    is_target: bool = True
    is_source: bool = False
    object_class: str = "user"
    limits: Limits = Limits()
    scope: str | None = None
    deprovision: DeprovisionPolicy = DeprovisionPolicy.DISABLE
    protected_filter: str | None = None
    #: which discrepancy kinds are repaired by themselves: {"missing": "create", "mismatch": "update", ...}
    policy: dict[str, str] = field(default_factory=dict)
    #: free settings: require_baseline (bool), tuning_mode (bool), ...
    settings: dict[str, Any] = field(default_factory=dict)
    has_baseline: bool = False
    breaker: BreakerState = BreakerState.CLOSED
    version: int = 1

    @property
    def closed_because(self) -> str | None:
        """Why a person has it left alone, in one sentence; None when it may be called."""
        words = _CLOSED.get(self.status)
        return f"{self.name} is {words}; nothing is asked of it." if words else None
