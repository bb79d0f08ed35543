"""An account (shadow): our record of one object at a target."""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any
from uuid import UUID


class AccountState(StrEnum):
    PENDING = "pending"
    ACTIVE = "active"
    DEAD = "dead"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Account:
    """One account row. ``wanted`` and ``observed`` are target attributes; ``*_active`` the account's active flag."""

    id: UUID
    connector_id: UUID
    object_class: str
    uid: str | None = None
    identity_id: UUID | None = None
    state: AccountState = AccountState.PENDING
    wanted: dict[str, Any] | None = None
    wanted_active: bool | None = None
    observed: dict[str, Any] | None = None
    observed_active: bool | None = None
    hooked: dict[str, Any] | None = None
    #: fingerprints of the secrets it was given last, by name; see ``worker.security.attributes``
    secret_marks: dict[str, str] | None = None
    #: how many operations wait or run in the account's lane
    live: int = 0

    @property
    def expected(self) -> dict[str, Any]:
        """What the account should have: the mapped attributes and, over them, what before-hooks set last."""
        return {**(self.wanted or {}), **(self.hooked or {})}


@dataclass(frozen=True, slots=True)
class TargetAccount:
    """One object as a target returned it: its uid, its attributes, whether it is active (None: unknown)."""

    uid: str
    attributes: dict[str, Any] = field(default_factory=dict)
    active: bool | None = None
