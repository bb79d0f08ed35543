"""What the queue asks of whoever runs its operations: protocols, so that the queue does not know them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol
from uuid import UUID

from worker.domain.operation import Operation, WaitReason
from worker.domain.outcome import Outcome


@dataclass(frozen=True, slots=True)
class Gate:
    """How many operations of a target may run at once in this process; 0 with the reason when it is closed, without
    one when other processes use all that it grants.

    ``connector`` is the target's name, ``look_again`` when a closed target is worth another look (None: when asked).
    """

    slots: int
    connector: str = ""
    reason: WaitReason | None = None
    look_again: datetime | None = None


@dataclass(frozen=True, slots=True)
class Finished:
    """One try that ended: the operation, its outcome, how long it took, the target's name, facts about its account.

    ``agrees``: the account is now all that is expected of it.
    """

    operation: Operation
    outcome: Outcome
    duration_ms: int
    observed_hash: int | None = None
    hooked: dict[str, Any] | None = None
    agrees: bool = False
    connector: str = ""


class OperationProcessor(Protocol):
    """Runs operations. ``prepare`` reads what a batch needs in one go; ``process`` never raises but on cancellation."""

    async def prepare(self, tenant_id: UUID, operations: Sequence[Operation]) -> None: ...
    async def process(self, operation: Operation) -> Finished: ...


class TargetGate(Protocol):
    """Knows whether a target may be called now."""

    async def gate(self, tenant_id: UUID, connector_id: UUID) -> Gate: ...


class Lease(Protocol):
    """This process' right to what it claimed."""

    @property
    def owner(self) -> UUID: ...
