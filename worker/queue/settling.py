"""A person settles a conflict: the operations go on, change or are cancelled in the transaction of the decision."""

from uuid import UUID

from worker.domain import sealing
from worker.domain.coalesce import Change
from worker.domain.conflict import ConflictOutcome, decided
from worker.domain.errors import NotFound, WrongState
from worker.domain.operation import OperationStatus, OperationType, Origin
from worker.queue.disputes import cancel
from worker.store import conflicts, due_work, operations, safeguard
from worker.store.pool import Connection
from worker.store.sql import Record


async def settle_conflict(
    conn: Connection,
    *,
    tenant_id: UUID,
    conflict_id: UUID,
    outcome: ConflictOutcome,
    notes: str | None,
    by: UUID,
) -> None:
    """Carry a decision out; raises NotFound, and WrongState when it was settled before, or one of them runs."""
    row = await conflicts.get(conn, tenant_id, conflict_id)
    if row is None:
        raise NotFound(f"There is no conflict {conflict_id}.")
    await operations.lock_lanes(conn, tenant_id, [row["account_id"]])
    if not await conflicts.settle(conn, tenant_id, conflict_id, outcome=outcome, notes=notes, by=by):
        raise WrongState("This conflict was settled before.", current=await conflicts.get(conn, tenant_id, conflict_id))
    sides = [id_ for id_ in (row["operation_id_a"], row["operation_id_b"]) if id_ is not None]
    live = await conflicts.live(conn, tenant_id, sides)
    if any(each["status"] == OperationStatus.IN_PROGRESS for each in live.values()):
        raise WrongState("An operation of this conflict runs at this moment; look again shortly.", current=row)
    bases = await conflicts.bases(conn, tenant_id, [row["account_id"]])
    older, newer = live.get(row["operation_id_a"]), live.get(row["operation_id_b"])
    changes = becomes(outcome, older, newer, base=bases.get(row["account_id"]))
    await _carry_out(conn, tenant_id, row, live, changes, outcome=outcome)
    message = f"A person settled the conflict: {outcome}.{f' {notes}' if notes else ''}"
    await operations.log(conn, tenant_id, [(id_, "info", message) for id_ in live])


def becomes(
    outcome: ConflictOutcome, older: Record | None, newer: Record | None, *, base: dict[str, object] | None
) -> dict[UUID, Change | None]:
    """What an outcome makes of those that still wait, by id; None: it is cancelled.

    Of one whose other side has ended, or is the target, no more can be said than that it goes on or not: what gives
    way is the older with superseded and merged, the newer with rejected. An older one alone is in conflict with the
    target: merged means that it is sent, rejected that it is not.
    """
    if older is not None and newer is not None:
        ends = decided(outcome, _change(older), _change(newer), base=base)
        return {older["id"]: ends[0], newer["id"]: ends[1]}
    if older is not None:
        gives_way = outcome in {ConflictOutcome.SUPERSEDED, ConflictOutcome.REJECTED}
        return {older["id"]: None if gives_way else _change(older)}
    if newer is not None:
        return {newer["id"]: None if outcome is ConflictOutcome.REJECTED else _change(newer)}
    return {}


async def _carry_out(
    conn: Connection,
    tenant_id: UUID,
    row: Record,
    live: dict[UUID, Record],
    changes: dict[UUID, Change | None],
    *,
    outcome: ConflictOutcome,
) -> None:
    kept = {id_: change for id_, change in changes.items() if change is not None}
    gone = {id_: live[id_]["account_id"] for id_, change in changes.items() if change is None}
    await conflicts.amend(conn, tenant_id, {i: c for i, c in kept.items() if c != _change(live[i])})
    if gone:
        await cancel(conn, tenant_id, gone, outcome)
        await _forget_removals(conn, tenant_id, [live[id_] for id_ in gone], kept=list(kept.values()))
    await conflicts.wake(conn, tenant_id, list(kept))
    await due_work.ask(conn, tenant_id, due_work.Kind.CLAIM, row["connector_id"])


async def _forget_removals(conn: Connection, tenant_id: UUID, gone: list[Record], *, kept: list[Change]) -> None:
    """A planned removal that gave way: planning must not go on to believe it done."""
    if any(_is_removal(change) for change in kept):
        return
    ids = [row["account_id"] for row in gone if Origin(row["origin"]).is_coalesced and _is_removal(_change(row))]
    await safeguard.forget_removals(conn, tenant_id=tenant_id, account_ids=ids)


def _is_removal(change: Change) -> bool:
    return change[0] is OperationType.DELETE or change[1].get("active") is False


def _change(row: Record) -> Change:
    return OperationType(row["operation_type"]), sealing.joined(row["payload"], row["secrets"])
