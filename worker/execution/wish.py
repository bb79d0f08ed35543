"""What a try wants at the target, before and after the hooks had their say."""

from dataclasses import dataclass, field
from typing import Any

from worker.domain.account import Account
from worker.domain.follow_up import WantedFollowUp
from worker.domain.hook import FollowUp
from worker.domain.operation import Operation, OperationType
from worker.store.hooks import BoundHook


@dataclass(frozen=True, slots=True)
class Naming:
    """How far the hooks are with names that may be had by one account only.

    ``asked`` is the wish that the hooks were given (None: none were asked), ``offered`` says by attribute which of them
    offered the name that is wished for, ``refused`` are the names that the target has already, as they are compared,
    ``iteration`` is how often the hooks were asked anew. ``is_settled``: asking them again changes nothing.
    """

    asked: "Wish | None" = None
    offered: dict[str, str] = field(default_factory=dict)
    refused: frozenset[tuple[str, str]] = frozenset()
    iteration: int = 0
    is_settled: bool = False

    @property
    def may_change(self) -> bool:
        """Whether another name may be had where the target has this one already."""
        return self.asked is not None and not self.is_settled


NO_NAMING = Naming()


@dataclass(frozen=True, slots=True)
class Wish:
    """What this try wants at the target. ``hooked`` are the attributes that hooks set (None where none ran).

    ``secrets`` are plain values for the call of the target alone; they join when the hooks had their say. ``asked`` is
    what after-hooks said is to follow, ``follow_ups`` what of it can.
    """

    kind: OperationType
    attributes: dict[str, Any]
    active: bool | None
    hooked: dict[str, Any] | None = None
    warnings: tuple[str, ...] = ()
    tags: dict[str, Any] = field(default_factory=dict)
    secrets: dict[str, Any] = field(default_factory=dict, repr=False)
    naming: Naming = NO_NAMING
    asked: tuple[tuple[BoundHook, FollowUp], ...] = ()
    follow_ups: tuple[WantedFollowUp, ...] = ()

    def to_send(self) -> dict[str, Any]:
        """All attributes, for the target only."""
        return {**self.attributes, **self.secrets} if self.secrets else self.attributes


def wish_of(op: Operation, account: Account, *, uid: str | None) -> Wish:
    """What the operation asks for; an update of an account that was never made, and should be active, asks for all."""
    active = op.active if op.active is not None else account.wanted_active
    if op.operation_type is OperationType.UPDATE and uid is None and active is not False:
        full = {**account.expected, **op.attributes}
        wanted = {name: value for name, value in full.items() if value is not None}
        return Wish(OperationType.CREATE, wanted, active)
    return Wish(op.operation_type, dict(op.attributes), op.active)
