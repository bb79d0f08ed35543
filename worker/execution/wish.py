"""What a try wants at the target, before and after the hooks had their say."""

from dataclasses import dataclass, field
from typing import Any

from worker.domain.account import Account
from worker.domain.operation import Operation, OperationType


@dataclass(frozen=True, slots=True)
class Wish:
    """What this try wants at the target. ``hooked`` are the attributes that hooks set (None where none ran).

    ``secrets`` are plain values for the call of the target alone; they join when the hooks had their say.
    """

    kind: OperationType
    attributes: dict[str, Any]
    active: bool | None
    hooked: dict[str, Any] | None = None
    warnings: tuple[str, ...] = ()
    tags: dict[str, Any] = field(default_factory=dict)
    secrets: dict[str, Any] = field(default_factory=dict, repr=False)

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
