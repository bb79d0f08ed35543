"""Mapping rules: how one attribute of an account follows from its identity."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any
from uuid import UUID


class Direction(StrEnum):
    OUTBOUND = "outbound"
    INBOUND = "inbound"
    BOTH = "both"


#: What targets call the password itself: secret, whoever forgets to say so.
PASSWORDS = frozenset({"password", "userpassword", "unicodepwd"})


@dataclass(frozen=True, slots=True)
class MappingRule:
    """One rule: exactly one of ``source`` (name of an identity attribute), ``constant``, ``expression`` (Starlark).

    With the direction inbound, ``source`` is where the value goes, and an expression of the account may be beside it.
    A rule for the password itself (``PASSWORDS``, whatever their case) is always ``secret``.
    """

    target: str
    source: str | None = None
    constant: Any = None
    expression: str | None = None
    transforms: tuple[str, ...] = ()
    on: tuple[str, ...] = ("create", "update")
    direction: Direction = Direction.OUTBOUND
    required: bool = False
    multi_valued: bool = False
    case_sensitive: bool = True
    secret: bool = False

    def __post_init__(self) -> None:
        if self.target.casefold() in PASSWORDS:
            object.__setattr__(self, "secret", True)


@dataclass(frozen=True, slots=True)
class MappingVersion:
    """All rules of one connector and object class at one version."""

    connector_id: UUID
    object_class: str
    version: int
    rules: tuple[MappingRule, ...] = ()
