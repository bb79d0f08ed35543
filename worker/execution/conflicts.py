"""Conflicts that show when an operation is about to be carried out, and how the strategy of its target ends them.

- stale data: a newer plan of the same person waits right behind, and says otherwise;
- missing target: the account of an update or a delete is gone;
- external change: the target has changed what the operation changes since we last looked.

Each is written down once, in a transaction of its own before the target is changed. Where a person decides, the
operation waits; asked again, it goes on as they decided.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from uuid import UUID

from worker.domain import coalesce, sealing
from worker.domain.account import TargetAccount
from worker.domain.coalesce import Change
from worker.domain.comparison import Comparator
from worker.domain.conflict import ConflictOutcome, ConflictStrategy, ConflictType, disputed, merged, strategy_of
from worker.domain.operation import Operation, OperationType, Origin, WaitReason
from worker.domain.outcome import Cancelled, Parked
from worker.execution.classify import Ended
from worker.execution.wish import Wish
from worker.execution.work import Work
from worker.queue import lines_of
from worker.store import conflicts, operations
from worker.store.conflicts import Conflict
from worker.store.pool import Connection, Pool
from worker.store.sql import Record
from worker.store.tenant import tenant

#: The key of a connector's settings that switches the read before an update off.
READS = "read_before_update"
_GOES_ON = frozenset({ConflictOutcome.APPLIED, ConflictOutcome.MERGED})


def reads_first(work: Work, wish: Wish) -> bool:
    """Whether an update reads its account before: where it can, and where an answer could matter."""
    return (
        bool(work.target.connector.settings.get(READS, True))
        and "get" in work.target.guard.capabilities
        and work.account.observed is not None
        and work.op.origin is not Origin.EMERGENCY
        and any(rule.name in wish.attributes for rule in work.comparator.rules)
    )


def moved(
    wished: Mapping[str, Any], *, observed: Mapping[str, Any], found: Mapping[str, Any], comparator: Comparator
) -> tuple[str, ...]:
    """The wished names whose value at the target is neither what we saw there last nor what is wished for."""
    names = wished.keys() & {rule.name for rule in comparator.rules}
    changed = comparator.differences(observed, actual=found).keys() & names
    wanting = comparator.differences({**found, **wished}, actual=found).keys()
    return tuple(sorted(changed & wanting))


class Conflicts:
    """Finds and settles the conflicts of tries; ends a try (``Ended``) that is to wait or to give way."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def stale(self, op: Operation, work: Work) -> None:
        """Give way to a newer plan that waits right behind and says otherwise, and have it say what only we said."""
        if not _may_be_stale(op, work):
            return
        strategy = strategy_of(work.target.connector)
        async with tenant(self._pool, op.tenant_id) as conn:
            await operations.lock_lanes(conn, op.tenant_id, [op.account_id])
            newer = await conflicts.next_of(conn, op.tenant_id, account_id=op.account_id, seq=op.seq)
            names = disputed(_change(op), _change_of(newer)) if newer is not None and _is_newer(newer, op) else ()
            if newer is None or not names:
                return
            outcome = await _settle(conn, op, _STALE[strategy], newer_id=newer["id"], names=names, strategy=strategy)
            if outcome in {ConflictOutcome.SUPERSEDED, ConflictOutcome.MERGED}:
                both = coalesce.merge(_change(op), _change_of(newer))
                await conflicts.amend(conn, op.tenant_id, {newer["id"]: both} if both is not None else {})
            elif outcome is None:
                await conflicts.park(conn, op.tenant_id, [newer["id"]])
        if outcome is None:
            raise _waits("A newer plan of the same account says otherwise.")
        if outcome is not ConflictOutcome.APPLIED:
            raise Ended(Cancelled(f"Superseded by {newer['id']}, a newer plan of the same account."))

    async def missing(self, work: Work, names: tuple[str, ...] = ()) -> None:
        """The account is gone. By default that is mended: see the executor; the first write wins: it stays gone."""
        if work.op.attempt_number > 1 and work.op.operation_type is OperationType.DELETE:
            return  # an earlier try may have removed it
        outcome = await self._of_target(work, ConflictType.MISSING_TARGET, names, _MISSING)
        if outcome is None and work.op.operation_type is not OperationType.DELETE:
            raise _waits("The account is gone at the target.")
        if outcome in {ConflictOutcome.REJECTED, ConflictOutcome.SUPERSEDED}:
            raise Ended(Cancelled("The account is gone at the target, and what came first counts there."))

    async def external(self, work: Work, wish: Wish, found: TargetAccount) -> Wish:
        """What is left to wish for after a look at the account as it is now."""
        observed = work.account.observed or {}
        names = moved(wish.attributes, observed=observed, found=found.attributes, comparator=work.comparator)
        if not names:
            return wish
        strategy = strategy_of(work.target.connector)
        rest = {name: value for name, value in wish.attributes.items() if name not in names}
        is_all = not (rest or wish.secrets) and wish.active is None
        wanted = {**_EXTERNAL, **({ConflictStrategy.FIRST_WRITE_WINS: ConflictOutcome.REJECTED} if is_all else {})}
        outcome = await self._of_target(work, ConflictType.EXTERNAL_CHANGE, names, wanted)
        if outcome is None:
            raise _waits("The target has changed the same since we last looked.")
        if outcome not in _GOES_ON:
            raise Ended(Cancelled("The target has changed the same before, and what came first counts there."))
        if strategy is ConflictStrategy.FIRST_WRITE_WINS:
            return replace(wish, attributes=rest)
        if strategy is ConflictStrategy.MERGE:
            theirs = {name: found.attributes.get(name) for name in names}
            ours = merged((_UPDATE, {"attributes": theirs}), (_UPDATE, {"attributes": wish.attributes}), base=observed)
            return replace(wish, attributes=ours[1]["attributes"])
        return wish

    async def _of_target(
        self,
        work: Work,
        conflict_type: ConflictType,
        names: tuple[str, ...],
        outcomes: Mapping[ConflictStrategy, ConflictOutcome],
    ) -> ConflictOutcome | None:
        """Write a conflict with the target down; how it is settled, None: a person decides."""
        strategy = strategy_of(work.target.connector)
        async with tenant(self._pool, work.op.tenant_id) as conn:
            return await _settle(
                conn, work.op, outcomes.get(strategy), conflict_type=conflict_type, names=names, strategy=strategy
            )


_UPDATE = OperationType.UPDATE
_STALE: dict[ConflictStrategy, ConflictOutcome | None] = {
    ConflictStrategy.LAST_WRITE_WINS: ConflictOutcome.SUPERSEDED,
    ConflictStrategy.FIRST_WRITE_WINS: ConflictOutcome.APPLIED,  # who is planned anew is not to keep the older plan
    ConflictStrategy.MERGE: ConflictOutcome.MERGED,
    ConflictStrategy.MANUAL: None,
}
_MISSING = {
    ConflictStrategy.LAST_WRITE_WINS: ConflictOutcome.APPLIED,
    ConflictStrategy.FIRST_WRITE_WINS: ConflictOutcome.REJECTED,
    ConflictStrategy.MERGE: ConflictOutcome.APPLIED,
}
_EXTERNAL = {
    ConflictStrategy.LAST_WRITE_WINS: ConflictOutcome.MERGED,
    ConflictStrategy.FIRST_WRITE_WINS: ConflictOutcome.MERGED,
    ConflictStrategy.MERGE: ConflictOutcome.MERGED,
}


def _may_be_stale(op: Operation, work: Work) -> bool:
    """Whether a look at the lane is worth it: somebody waits behind a plan of a person who has changed since."""
    return (
        op.origin.is_coalesced
        and op.identity_version is not None
        and work.identity is not None
        and work.identity.version > op.identity_version
        and work.account.live > 1
        and (op.operation_type is OperationType.UPDATE or op.attempt_number == 1)
    )


def _is_newer(row: Record, op: Operation) -> bool:
    version = row["identity_version"]
    return Origin(row["origin"]).is_coalesced and version is not None and version > (op.identity_version or 0)


async def _settle(
    conn: Connection,
    op: Operation,
    outcome: ConflictOutcome | None,
    *,
    names: tuple[str, ...],
    strategy: ConflictStrategy,
    conflict_type: ConflictType = ConflictType.STALE_DATA,
    newer_id: UUID | None = None,
) -> ConflictOutcome | None:
    """Write a conflict down; how it is settled, which is as before where it was found before."""
    known = await conflicts.known(conn, op.tenant_id, older=op.id, newer=newer_id, conflict_type=conflict_type)
    if known is not None:
        return ConflictOutcome(known["outcome"]) if known["outcome"] else None
    found = Conflict(
        conflict_type,
        op.connector_id,
        op.account_id,
        op.id,
        newer_id,
        affected=names,
        strategy=strategy,
        outcome=outcome,
    )
    await conflicts.record(conn, op.tenant_id, [found])
    await operations.log(conn, op.tenant_id, lines_of(found))
    return outcome


def _change(op: Operation) -> Change:
    return op.operation_type, op.payload


def _change_of(row: Record) -> Change:
    return OperationType(row["operation_type"]), sealing.joined(row["payload"], row["secrets"])


def _waits(message: str) -> Ended:
    return Ended(Parked(WaitReason.CONFLICT, f"{message} A person decides.", error_code="conflict"))
