"""One verb on many operations: on those named, each for itself, or on whatever matches a filter, a batch at a time."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from uuid import UUID

from worker.actions import operations as acts
from worker.actions.house import Act, House, acting
from worker.domain.errors import InvalidRequest, NotFound, WrongState
from worker.domain.operation import OperationStatus, OperationType, Origin
from worker.security import Principal, Role, require
from worker.store import conflicts, due_work, listings, operations, safeguard
from worker.store.listings import OperationQuery
from worker.store.operations import Fence
from worker.store.sql import Record
from worker.store.tenant import tenant

MOST_TOGETHER = 100
#: Rows that one transaction takes; its locks are held for some tenths of a second.
_BATCH = 500
_SHOWN = 100

S = OperationStatus


class BulkAction(StrEnum):
    RETRY = "retry"
    CANCEL = "cancel"
    RESOLVE = "resolve"
    REDRIVE = "redrive"


#: What each takes; a running operation is only cancelled by itself, for its daemon must be asked.
TAKES: Mapping[BulkAction, tuple[OperationStatus, ...]] = {
    BulkAction.RETRY: (S.FAILED, S.DEAD_LETTER),
    BulkAction.CANCEL: (S.PENDING, S.AWAITING_SYSTEM, S.FAILED),
    BulkAction.RESOLVE: (S.DEAD_LETTER,),
    BulkAction.REDRIVE: (S.DEAD_LETTER,),
}


@dataclass(frozen=True, slots=True)
class BulkResult:
    """What became of one: done, skipped because it was not in a state for it, or failed; ``error`` says why not.

    ``under_way``: it ran, and its daemon was asked to end it.
    """

    operation_id: UUID
    success: bool
    skipped: bool = False
    error: str | None = None
    redriven_as: UUID | None = None
    under_way: bool = False


@dataclass(slots=True)
class BulkDone:
    """``total`` were meant, ``remaining`` were not reached.

    ``results`` has a hundred at most; of a filter, those that were not done.
    """

    total: int
    results: list[BulkResult] = field(default_factory=list)
    succeeded: int = 0
    failed: int = 0
    skipped: int = 0

    @property
    def remaining(self) -> int:
        return max(0, self.total - self.succeeded - self.failed - self.skipped)

    def add(self, result: BulkResult) -> None:
        self.succeeded += result.success
        self.skipped += result.skipped
        self.failed += not (result.success or result.skipped)
        if len(self.results) < _SHOWN:
            self.results.append(result)

    def add_batch(self, ids: Sequence[UUID], done: set[UUID], reason: str) -> None:
        """A batch of which these were done and the others were not in a state for it."""
        left = [id_ for id_ in ids if id_ not in done]
        self.succeeded += len(ids) - len(left)
        self.skipped += len(left)
        room = _SHOWN - len(self.results)
        self.results += [BulkResult(id_, success=False, skipped=True, error=reason) for id_ in left[:room]]


async def act_on(
    house: House, principal: Principal, *, action: BulkAction, ids: Sequence[UUID], notes: str = "", origin: Origin
) -> BulkDone:
    """Do it to each of up to a hundred, every one in a transaction of its own with its audit."""
    wanted = list(dict.fromkeys(ids))
    order = _Order(house, principal, action, notes.strip(), origin)
    order.check()
    if not 1 <= len(wanted) <= MOST_TOGETHER:
        raise InvalidRequest(f"Choose between 1 and {MOST_TOGETHER} operations.")
    done = BulkDone(total=len(wanted))
    for id_ in wanted:
        done.add(await _one(order, id_))
    return done


async def matching(house: House, principal: Principal, *, action: BulkAction, where: OperationQuery) -> int:
    """How many of those that match are in a state for it; raises InvalidRequest for a status that is not."""
    if where.status not in {None, *TAKES[action]}:
        raise InvalidRequest(f"Operations that are {where.status} cannot be taken for {action.value}.")
    async with tenant(house.pool, principal.tenant_id) as conn:
        tally = await listings.tally(conn, principal.tenant_id, where=where, only_open=True)
    return sum(tally.by_status.get(status, 0) for status in _statuses(action, where))


async def act_on_matching(
    house: House,
    principal: Principal,
    *,
    action: BulkAction,
    where: OperationQuery,
    expected: int,
    notes: str = "",
    origin: Origin,
    most_s: float | None = None,
) -> BulkDone:
    """Do it to all that match, a batch in a transaction, the newest first, until ``most_s`` seconds are over.

    Raises WrongState when more match than the person was told. What was never accepted is not retried.
    """
    order = _Order(house, principal, action, notes.strip(), origin)
    order.check()
    found = await matching(house, principal, action=action, where=where)
    if found > expected:
        raise WrongState(f"Meanwhile {found} match, not {expected}; nothing was done.")
    done = BulkDone(total=found)
    begun = time.monotonic()
    for status in _statuses(action, where):
        before: UUID | None = None
        while done.remaining and (most_s is None or time.monotonic() - begun < most_s):
            rows = await _next(house, principal, replace(where, status=status), before, min(_BATCH, done.remaining))
            if not rows:
                break
            await _batch(order, status, rows, done)
            before = rows[-1]["id"]
    return done


def _statuses(action: BulkAction, where: OperationQuery) -> list[OperationStatus]:
    return [status for status in TAKES[action] if where.status in {None, status}]


@dataclass(frozen=True, slots=True)
class _Order:
    """What is to be done with each, and by whom."""

    house: House
    principal: Principal
    action: BulkAction
    notes: str
    origin: Origin

    def check(self) -> None:
        require(self.principal.roles, Role.OPERATOR)
        if self.action is BulkAction.RESOLVE and not self.notes:
            raise InvalidRequest("Say in resolution_notes why these need no more work.")


async def _one(order: _Order, id_: UUID) -> BulkResult:
    new = None
    try:
        match order.action:
            case BulkAction.RETRY:
                await acts.retry(order.house, order.principal, operation_id=id_)
            case BulkAction.CANCEL:
                is_over = await acts.cancel(order.house, order.principal, operation_id=id_)
                return BulkResult(id_, success=True, under_way=not is_over)
            case BulkAction.RESOLVE:
                await acts.resolve(order.house, order.principal, operation_id=id_, notes=order.notes)
            case BulkAction.REDRIVE:
                new = await acts.redrive(
                    order.house, order.principal, operation_id=id_, payload=None, origin=order.origin
                )
    except WrongState as error:
        return BulkResult(id_, success=False, skipped=True, error=str(error))
    except (NotFound, InvalidRequest) as error:
        return BulkResult(id_, success=False, error=str(error))
    return BulkResult(id_, success=True, redriven_as=new)


async def _next(
    house: House, principal: Principal, where: OperationQuery, before: UUID | None, limit: int
) -> list[Record]:
    async with tenant(house.pool, principal.tenant_id) as conn:
        return await listings.operations(conn, principal.tenant_id, where=where, before=before, limit=limit)


async def _batch(order: _Order, status: OperationStatus, rows: Sequence[Record], done: BulkDone) -> None:
    ids = [row["id"] for row in rows]
    if order.action is BulkAction.REDRIVE:
        for id_ in ids:
            done.add(await _one(order, id_))
        return
    async with acting(order.house, order.principal, Role.OPERATOR) as act:
        match order.action:
            case BulkAction.RETRY:
                moved = await _retry(order.house, act, ids, status)
                reason = "Meanwhile something else became of it, or it was refused before it was ever tried."
            case BulkAction.CANCEL:
                moved = await _cancel(act, rows)
                reason = "It runs by now, or has ended."
            case _:
                moved = await _resolve(act, ids, order.notes)
                reason = "Somebody else was first."
        _note(act, f"operation.{order.action.value}_many", moved, status)
    done.add_batch(ids, moved, reason)


def _note(act: Act, action: str, moved: set[UUID], status: OperationStatus) -> None:
    """A line of the audit for a hundred; and one when there were none, for it was tried."""
    ids = sorted(str(id_) for id_ in moved)
    for some in [ids[at : at + 100] for at in range(0, len(ids), 100)] or [[]]:
        act.note(action, "operations", f"{len(some)} {status.value}", ids=some)


async def _retry(house: House, act: Act, ids: list[UUID], status: OperationStatus) -> set[UUID]:
    if status is S.FAILED:
        moved = await operations.queries.retry_now.rows(act.conn, tenant_id=act.tenant_id, ids=ids)
    else:
        moved = await house.letters.retry_many(act.conn, tenant_id=act.tenant_id, ids=ids)
    await _tell(act, moved, "A person asked for another try.")
    return {row["id"] for row in moved}


async def _cancel(act: Act, rows: Sequence[Record]) -> set[UUID]:
    """What waits, under a fence that no running one fits."""
    fences = [Fence(id=row["id"], epoch=-1, account_id=row["account_id"]) for row in rows]
    notes = f"Cancelled by {act.principal.name}, with others."
    cancelled = set(await operations.cancel(act.conn, act.tenant_id, fences, notes=notes, by=act.by))
    await conflicts.close(act.conn, act.tenant_id, list(cancelled), notes=notes)
    ended = [row for row in rows if row["id"] in cancelled]
    await _tell(act, ended, f"Cancelled by a person: {notes}")
    forgotten = [row["account_id"] for row in ended if _is_planned_removal(row)]
    if forgotten:
        # Planning must not go on to believe them removed.
        await safeguard.forget_removals(act.conn, tenant_id=act.tenant_id, account_ids=forgotten)
    return cancelled


async def _resolve(act: Act, ids: list[UUID], notes: str) -> set[UUID]:
    rows = await operations.queries.resolve.rows(
        act.conn, tenant_id=act.tenant_id, ids=ids, notes=notes, resolved_by=act.by
    )
    lines = [(row["id"], "info", f"Resolved by a person: {notes}") for row in rows]
    await operations.log(act.conn, act.tenant_id, lines)
    return {row["id"] for row in rows}


async def _tell(act: Act, rows: Sequence[Record], message: str) -> None:
    """Write it in the log of each, and let their targets be looked at."""
    await operations.log(act.conn, act.tenant_id, [(row["id"], "info", message) for row in rows])
    for connector_id in sorted({row["connector_id"] for row in rows}):
        await due_work.ask(act.conn, act.tenant_id, due_work.Kind.CLAIM, connector_id)


def _is_planned_removal(row: Record) -> bool:
    if row["origin"] not in {origin.value for origin in Origin if origin.is_coalesced}:
        return False
    return bool(row["operation_type"] == OperationType.DELETE or row["payload"].get("active") is False)
