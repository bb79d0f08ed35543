"""What a try wants at the target, before and after the hooks had their say."""

from dataclasses import dataclass, field
from typing import Any

from worker.domain.account import Account
from worker.domain.operation import Operation, OperationType


@dataclass(frozen=True, slots=True)
class Wish:
    """What this try wants at the target. ``hooked`` are the attributes that hooks set (None where none ran)."""

    kind: OperationType
    attributes: dict[str, Any]
    active: bool | None
    hooked: dict[str, Any] | None = None
    warnings: tuple[str, ...] = ()
    tags: dict[str, Any] = field(default_factory=dict)


def wish_of(op: Operation, account: Account, *, uid: str | None) -> Wish:
    """What the operation asks for; an update of an account that was never made, and should be active, asks for all."""
    active = op.active if op.active is not None else account.wanted_active
    if op.operation_type is OperationType.UPDATE and uid is None and active is not False:
        full = {**account.expected, **op.attributes}
        wanted = {name: value for name, value in full.items() if value is not None}
        return Wish(OperationType.CREATE, wanted, active)
    return Wish(op.operation_type, dict(op.attributes), op.active)
