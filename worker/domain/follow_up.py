"""What follows from an operation because an after-hook asked for it."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from worker.domain.hook import FollowUp, FollowUpType
from worker.domain.redaction import MARK, is_secret

#: So long a chain of operations may be of which each follows from the one before, the first not counted.
MOST_DEPTH = 3


@dataclass(frozen=True, slots=True)
class WantedFollowUp:
    """A follow-up that could be accepted when its operation ended; ``number`` counts those of one hook from zero."""

    hook_id: UUID
    hook_name: str
    number: int
    identity_id: UUID
    connector_id: UUID
    wanted: FollowUp


@dataclass(frozen=True, slots=True)
class Place:
    """The account that a follow-up is for, as it is known now, and whether its person may have it active.

    ``known`` are names of attributes that it has, or that its mapping gives; ``secrets`` those that the mapping marks.
    """

    connector_name: str
    identity_id: UUID
    account_id: UUID
    object_class: str
    is_enabled: bool
    known: frozenset[str]
    secrets: frozenset[str]


def key_of(operation_id: UUID, hook_id: UUID, number: int) -> str:
    """The idempotency key of the operation that a follow-up becomes."""
    return f"follow-up:{operation_id}:{hook_id}:{number}"


def unknown_names(wanted: FollowUp, place: Place) -> list[str]:
    """Attributes of which only the target itself could say that it has them."""
    known = {name.casefold() for name in place.known}
    return sorted(name for name in wanted.attributes if name.casefold() not in known)


def refusal(wanted: FollowUp, place: Place) -> str | None:
    """Why this cannot follow, as far as our records tell; None when it can."""
    where = place.connector_name
    if wanted.type is FollowUpType.ENABLE and not place.is_enabled:
        return f"the person is to have no active account at {where}, and a hook enables nobody against that"
    marked = {name.casefold() for name in place.secrets}
    for name, value in sorted(wanted.attributes.items()):
        if name.casefold() in marked or is_secret(name) or _is_marked(value):
            return f"{name} is a secret at {where}, and secrets come from mappings and before-hooks alone"
    return None


def _is_marked(value: Any) -> bool:
    return value == MARK or (isinstance(value, list) and MARK in value)
