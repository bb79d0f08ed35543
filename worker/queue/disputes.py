"""Conflicts found where operations are accepted: a new one disagrees with what stands in its lane.

A plan does not disagree with a plan: both are of the same person, and the newer one knows better. Nor does anything
disagree with an emergency, or with what waits for an approval and may never run. What is submitted in one call is
wanted in the order given.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any
from uuid import UUID

from worker.domain import conflict, sealing
from worker.domain.coalesce import Change
from worker.domain.conflict import Clash, ConflictOutcome, ConflictStrategy, ConflictType, Settled, Standing
from worker.domain.operation import NewOperation, OperationStatus, OperationType, Origin, WaitReason
from worker.queue import cancelling
from worker.store import conflicts, connectors, operations
from worker.store.conflicts import Conflict
from worker.store.operations import Fence
from worker.store.pool import Connection
from worker.store.sql import Record

_WORDS = frozenset(map(str, (*OperationType, *OperationStatus, *Origin)))
_NOTES = {
    ConflictOutcome.SUPERSEDED: "Superseded: a newer operation of the same account says otherwise.",
    ConflictOutcome.MERGED: "Merged into a newer operation of the same account.",
    ConflictOutcome.REJECTED: "Rejected: an earlier operation of the same account says otherwise.",
}


@dataclass(frozen=True, slots=True)
class InLane:
    """An operation that stands in a lane."""

    id: UUID
    account_id: UUID
    seq: int
    change: Change
    origin: Origin
    status: OperationStatus = OperationStatus.PENDING
    approval_id: UUID | None = None
    is_held: bool = False
    was_tried: bool = False

    @property
    def is_rewritable(self) -> bool:
        """Whether a newer plan of its account may rewrite it: planned, and never tried."""
        waits = self.status in {OperationStatus.PENDING, OperationStatus.AWAITING_SYSTEM}
        return self.origin.is_coalesced and waits and not self.was_tried

    def beside(self, op: NewOperation) -> Standing:
        """As a new operation sees it."""
        is_party = not (self.is_held or self.origin is Origin.EMERGENCY) and not (
            self.origin.is_coalesced and op.origin.is_coalesced
        )
        runs = self.status is OperationStatus.IN_PROGRESS
        is_fixed = runs or (self.was_tried and self.change[0] is OperationType.CREATE)
        return Standing(self.id, self.change, is_fixed, is_party)


@dataclass(slots=True)
class Standings:
    """What stands in a lane that is not empty, the oldest first; what is said there is looked up by name.

    Lanes are long where many ask for one account, and what they ask for is mostly the same: so a new operation is held
    against the values that are said of its names, and only where it may disagree against each that stands there.
    """

    ops: list[InLane]
    _said: dict[bool, dict[str, list[Any]]] = field(default_factory=dict)

    def may_disagree(self, op: NewOperation) -> bool:
        """Whether anything that stands here could be in dispute with this; True is to be looked into."""
        if op.origin is Origin.EMERGENCY or op.wait_reason is not None:
            return False
        is_plan = op.origin.is_coalesced
        if is_plan not in self._said:
            self._said[is_plan] = _said_by([each for each in self.ops if not (is_plan and each.origin.is_coalesced)])
        said = self._said[is_plan]
        return any(
            not conflict.same(value, other) for name, value in _values(op.payload) for other in said.get(name, ())
        )

    def replace(self, ops: Iterable[InLane]) -> None:
        """Other operations stand here now."""
        self.ops = list(ops)
        self._said.clear()


def _said_by(ops: Iterable[InLane]) -> dict[str, list[Any]]:
    found: dict[str, list[Any]] = {}
    for each in ops:
        for name, value in _values(each.change[1]):
            values = found.setdefault(name, [])
            if not any(conflict.same(value, other) for other in values):
                values.append(value)
    return found


def _values(payload: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    yield from (payload.get("attributes") or {}).items()
    if payload.get(conflict.ACTIVE) is not None:
        yield conflict.ACTIVE, payload[conflict.ACTIVE]


@dataclass(frozen=True, slots=True)
class Rules:
    """How disputes are settled: the strategy by connector, and by account what it has as far as we know."""

    strategies: Mapping[UUID, ConflictStrategy] = field(default_factory=dict)
    bases: Mapping[UUID, dict[str, Any]] = field(default_factory=dict)

    def strategy(self, connector_id: UUID) -> ConflictStrategy:
        return self.strategies.get(connector_id, ConflictStrategy.LAST_WRITE_WINS)


@dataclass(slots=True)
class Disputes:
    """What conflicts make of operations: what is recorded, changed, cancelled (id to account) and parked."""

    found: list[Conflict] = field(default_factory=list)
    amended: dict[UUID, Change] = field(default_factory=dict)
    cancelled: dict[ConflictOutcome, dict[UUID, UUID]] = field(default_factory=dict)
    parked: list[UUID] = field(default_factory=list)

    def note(self, op: NewOperation, lane: Standings, settled: Settled, *, newer_id: UUID, rules: Rules) -> None:
        """Take down what was settled about a new operation, and change the lane accordingly."""
        if not settled.clashes:
            return
        for clash in settled.clashes:
            self.found.append(_conflict(op, clash, newer_id, rules))
            if clash.outcome is None:
                self.parked.append(clash.older)
            elif clash.older in settled.changed and settled.changed[clash.older] is None:
                self.cancelled.setdefault(clash.outcome, {})[clash.older] = op.account_id
        self.amended |= {id_: change for id_, change in settled.changed.items() if change is not None}
        lane.replace(
            replace(each, change=change)
            for each in lane.ops
            if (change := settled.changed.get(each.id, each.change)) is not None
        )

    def reject(self, op: NewOperation) -> None:
        """The new operation itself gives way."""
        self.cancelled.setdefault(ConflictOutcome.REJECTED, {})[op.id] = op.account_id


def in_lane(row: Record) -> InLane | None:
    """A row of ``standing_of``; None for one that a later version wrote in words we do not know: it is left alone."""
    if not _WORDS.issuperset((row["operation_type"], row["status"], row["origin"])):
        return None
    return InLane(
        id=row["id"],
        account_id=row["account_id"],
        seq=row["seq"],
        change=(OperationType(row["operation_type"]), sealing.joined(row["payload"], row["secrets"])),
        origin=Origin(row["origin"]),
        status=OperationStatus(row["status"]),
        approval_id=row["approval_id"],
        is_held=row["wait_reason"] == WaitReason.APPROVAL,
        was_tried=row["attempt_number"] > 0,
    )


def weigh(op: NewOperation, lane: Standings, rules: Rules, *, without: InLane | None = None) -> Settled:
    """Settle a new operation with what stands in its lane, but for one that it is going to be merged with."""
    change = (op.operation_type, op.payload)
    if not lane.may_disagree(op):
        return Settled(change, {})
    return conflict.settle(
        [each.beside(op) for each in lane.ops if each is not without],
        change,
        strategy=rules.strategy(op.connector_id),
        base=rules.bases.get(op.account_id),
    )


async def rules_for(
    conn: Connection, tenant_id: UUID, wanted: Sequence[NewOperation], standing: Mapping[UUID, Standings]
) -> Rules:
    """What settles the disputes of these operations with their lanes; nothing is read where there is none."""
    in_dispute = [
        op for op in wanted if op.account_id in standing and weigh(op, standing[op.account_id], Rules()).clashes
    ]
    if not in_dispute:
        return Rules()
    ids = sorted({op.connector_id for op in in_dispute})
    found = await connectors.by_ids(conn, tenant_id=tenant_id, connector_ids=ids)
    bases = await conflicts.bases(conn, tenant_id, [op.account_id for op in in_dispute])
    return Rules({each.id: conflict.strategy_of(each) for each in found}, bases)


async def carry_out(conn: Connection, tenant_id: UUID, disputes: Disputes) -> None:
    """Write conflicts down and do to operations what was settled; the new ones must be there."""
    if not disputes.found:
        return
    await conflicts.record(conn, tenant_id, disputes.found)
    gone = {id_ for ended in disputes.cancelled.values() for id_ in ended}
    await conflicts.amend(conn, tenant_id, {i: c for i, c in disputes.amended.items() if i not in gone})
    await conflicts.park(conn, tenant_id, [id_ for id_ in disputes.parked if id_ not in gone])
    for outcome, ended in disputes.cancelled.items():
        await cancel(conn, tenant_id, ended, outcome)
    await operations.log(conn, tenant_id, [line for each in disputes.found for line in lines_of(each)])


async def cancel(conn: Connection, tenant_id: UUID, ended: Mapping[UUID, UUID], outcome: ConflictOutcome) -> None:
    """Cancel those that give way (id to account); what else they were in conflict with goes on."""
    fences = [Fence(id=op, epoch=0, account_id=account) for op, account in ended.items()]
    await cancelling.cancel(conn, tenant_id, fences, notes=_NOTES[outcome])


def lines_of(found: Conflict) -> list[tuple[UUID, str, str]]:
    """What the logs of both sides say; names of attributes, never their values."""
    names = ", ".join(found.affected)
    ends = "a person decides" if found.outcome is None else f"{found.outcome} ({found.strategy})"
    both = [(found.older, found.newer), (found.newer, found.older)]
    return [
        (one, "info", f"In conflict ({found.conflict_type}) with {other or 'the target'} about {names}: {ends}.")
        for one, other in both
        if one is not None
    ]


def _conflict(op: NewOperation, clash: Clash, newer_id: UUID, rules: Rules) -> Conflict:
    return Conflict(
        ConflictType.CONCURRENT_UPDATE,
        op.connector_id,
        op.account_id,
        older=clash.older,
        newer=newer_id,
        affected=clash.affected,
        strategy=rules.strategy(op.connector_id),
        outcome=clash.outcome,
    )
